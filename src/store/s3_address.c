#include "store/s3_address.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { PREFIX_BYTES_MAX = 900 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool bucket_valid(struct str bucket)
{
    if (bucket.n < 3 || bucket.n > S3_BUCKET_BYTES_MAX || !is_alnum(bucket.p[0]) ||
        !is_alnum(bucket.p[bucket.n - 1]))
        return false;
    for (size_t i = 0; i < bucket.n; i++) {
        char c = bucket.p[i];
        if (!is_alnum(c) && c != '-' && c != '_' && (c != '.' || bucket.p[i + 1] == '.'))
            return false;
    }
    return true;
}

static bool prefix_valid(struct str prefix)
{
    if (prefix.n > PREFIX_BYTES_MAX || (prefix.n && memchr(prefix.p, '\0', prefix.n)))
        return false;
    for (size_t start = 0, i = 0; prefix.n && i <= prefix.n; i++) {
        if (i < prefix.n && prefix.p[i] != '/')
            continue;
        struct str segment = {prefix.p + start, i - start};
        if (segment.n == 0 || str_is(segment, ".") || str_is(segment, ".."))
            return false;
        start = i + 1;
    }
    return true;
}

bool s3_location_parse(struct str location, struct str *bucket, struct str *prefix)
{
    size_t scheme = str_starts_with(location, STR("s3://"))    ? 5
                    : str_starts_with(location, STR("s3a://")) ? 6
                                                               : 0;
    if (!scheme)
        return false;
    struct str rest = {location.p + scheme, location.n - scheme};
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    struct str name = {rest.p, slash ? (size_t)(slash - rest.p) : rest.n};
    struct str path = {rest.p + name.n, rest.n - name.n};
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    if (path.n) {
        path.p++;
        path.n--;
    }
    if (!bucket_valid(name) || !prefix_valid(path))
        return false;
    *bucket = name;
    *prefix = path;
    return true;
}

bool s3_region_valid(struct str region)
{
    for (size_t i = 0; i < region.n; i++) {
        if (!is_alnum(region.p[i]) && region.p[i] != '-')
            return false;
    }
    return region.n > 0 && region.n < S3_REGION_SIZE;
}

void s3_endpoint_aws(struct s3_endpoint *out, const char *service, struct str region)
{
    const char *china = str_starts_with(region, STR("cn-")) ? ".cn" : "";
    *out = (struct s3_endpoint){.tls = true, .aws = true, .port = 443};
    snprintf(out->host, sizeof out->host, "%s.%.*s.amazonaws.com%s", service, STR_ARG(region),
             china);
}

/* "host", "host:port", "[::1]:port" into the endpoint; NULL or what is wrong. */
static const char *parse_authority(struct s3_endpoint *out, struct str s)
{
    struct str host = s, port = {0};
    bool bracket = s.n && s.p[0] == '[';
    const char *end = bracket ? memchr(s.p, ']', s.n) : s.n ? memchr(s.p, ':', s.n) : NULL;
    if (bracket) {
        if (!end)
            return "the host's ']' is missing";
        host = (struct str){s.p + 1, (size_t)(end - s.p) - 1};
        port = (struct str){end + 1, s.n - host.n - 2};
        if (port.n && port.p[0] != ':')
            return "something stands behind the host";
    } else if (end) {
        host.n = (size_t)(end - s.p);
        port = (struct str){end, s.n - host.n};
    }
    int64_t number = out->tls ? 443 : 80;
    if (port.n && (!str_to_i64((struct str){port.p + 1, port.n - 1}, &number) || number < 1 ||
                   number > 65535))
        return "the port is no number from 1 to 65535";
    if (host.n == 0 || host.n >= sizeof out->host - S3_BUCKET_BYTES_MAX - 1)
        return "it has no host, or a very long one";
    for (size_t i = 0; i < host.n; i++) {
        if (!is_alnum(host.p[i]) && !strchr(bracket ? ":.%" : ".-_", host.p[i]))
            return "the host has a character that hosts do not have";
    }
    memcpy(out->host, host.p, host.n);
    out->port = (uint32_t)number;
    return NULL;
}

static bool has_one_of(struct str s, const char *bytes)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!s.p[i] || strchr(bytes, s.p[i]))
            return true;
    }
    return false;
}

int s3_endpoint_parse(struct s3_endpoint *out, struct str url, struct str region, struct err *err)
{
    *out = (struct s3_endpoint){0};
    if (!s3_region_valid(region))
        return err_set(err, ERR_INVALID, "the S3 region \"%.*s\" is not a region's name",
                       region.n < 100 ? (int)region.n : 100, region.p ? region.p : "");
    if (url.n == 0) {
        s3_endpoint_aws(out, "s3", region);
        return 0;
    }
    const char *problem = NULL;
    out->tls = str_starts_with(url, STR("https://"));
    if (!out->tls && !str_starts_with(url, STR("http://")))
        problem = "it does not begin with http:// or https://";
    if (!problem) {
        size_t scheme = out->tls ? 8 : 7;
        struct str rest = {url.p + scheme, url.n - scheme};
        const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
        struct str authority = {rest.p, slash ? (size_t)(slash - rest.p) : rest.n};
        struct str path = {rest.p + authority.n, rest.n - authority.n};
        while (path.n && path.p[path.n - 1] == '/')
            path.n--;
        if (authority.n && memchr(authority.p, '@', authority.n))
            return err_set(err, ERR_INVALID, "the S3 endpoint has a user name: it is not used");
        if (path.n >= sizeof out->path || has_one_of(path, "?#%"))
            problem = "it has a query, an escape, or a very long path";
        else if (path.n)
            memcpy(out->path, path.p, path.n);
        if (!problem)
            problem = parse_authority(out, authority);
    }
    if (!problem)
        return 0;
    return err_set(err, ERR_INVALID, "the S3 endpoint \"%.*s\" is no URL of a server: %s",
                   url.n < 200 ? (int)url.n : 200, url.p, problem);
}

bool s3_host_is_address(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1;
}

bool s3_bucket_in_host(const struct s3_endpoint *endpoint, struct str bucket, bool path_style)
{
    if (path_style || s3_host_is_address(endpoint->host) ||
        strcmp(endpoint->host, "localhost") == 0)
        return false;
    for (size_t i = 0; i < bucket.n; i++) {
        char c = bucket.p[i];
        if (c == '_' || (c >= 'A' && c <= 'Z') || (c == '.' && endpoint->tls))
            return false;
    }
    return true;
}

void s3_host_header(struct buf *out, const struct s3_endpoint *endpoint, const char *host)
{
    bool six = strchr(host, ':') != NULL;
    buf_printf(out, six ? "[%s]" : "%s", host);
    if (endpoint->port != (endpoint->tls ? 443U : 80U))
        buf_printf(out, ":%u", endpoint->port);
}
