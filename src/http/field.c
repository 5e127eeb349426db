#include "http/field.h"

#include <arpa/inet.h>

/* The part before `separator`, trimmed; *rest is moved behind it. */
static struct str take(struct str *rest, char separator)
{
    const char *end = rest->n ? memchr(rest->p, separator, rest->n) : NULL;
    struct str part = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = part.n + (end != NULL);
    *rest = (struct str){rest->p + used, rest->n - used};
    return str_trim(part);
}

/* ---- Accept-Encoding ---- */

/* "0", "0.", "0.000" */
static bool is_zero(struct str weight)
{
    if (!str_starts_with(weight, STR("0")))
        return false;
    for (size_t i = 1; i < weight.n; i++) {
        if (weight.p[i] != '0' && weight.p[i] != '.')
            return false;
    }
    return true;
}

/* Whether the parameters of a coding leave it acceptable: only q counts. */
static bool is_acceptable(struct str parameters)
{
    while (parameters.n) {
        struct str value = take(&parameters, ';');
        struct str name = take(&value, '=');
        if (str_eq_nocase(name, STR("q")))
            return !is_zero(str_trim(value));
    }
    return true;
}

bool field_accepts_gzip(struct str value)
{
    bool any = false;
    while (value.n) {
        struct str parameters = take(&value, ',');
        struct str coding = take(&parameters, ';');
        if (str_eq_nocase(coding, STR("gzip")))
            return is_acceptable(parameters);
        if (str_is(coding, "*"))
            any = is_acceptable(parameters);
    }
    return any;
}

/* ---- If-None-Match ---- */

static struct str opaque_tag(struct str etag)
{
    return str_starts_with(etag, STR("W/")) ? (struct str){etag.p + 2, etag.n - 2} : etag;
}

/* Tags of ours have no commas, so one inside a tag of somebody else's does no harm. */
bool field_has_etag(struct str value, struct str etag)
{
    while (value.n) {
        struct str item = take(&value, ',');
        if (str_is(item, "*") || str_eq(opaque_tag(item), opaque_tag(etag)))
            return true;
    }
    return false;
}

/* ---- Host ---- */

static bool is_address(int family, struct str text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN];
    if (text.n >= sizeof copy || memchr(text.p, '\0', text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(family, copy, address) == 1;
}

/* "", ":8080" */
static bool is_port(struct str text)
{
    if (text.n && text.p[0] != ':')
        return false;
    for (size_t i = 1; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    }
    return true;
}

static bool is_localhost(struct str name)
{
    struct str suffix = STR(".localhost");
    if (name.n <= suffix.n)
        return str_eq_nocase(name, STR("localhost"));
    return str_eq_nocase((struct str){name.p + name.n - suffix.n, suffix.n}, suffix);
}

bool field_is_own_host(struct str value)
{
    if (!value.n)
        return false;
    bool bracketed = value.p[0] == '[';
    const char *end = memchr(value.p, bracketed ? ']' : ':', value.n);
    size_t n = end ? (size_t)(end - value.p) : value.n;
    if (!bracketed)
        return is_port((struct str){value.p + n, value.n - n}) &&
               (is_localhost((struct str){value.p, n}) ||
                is_address(AF_INET, (struct str){value.p, n}));
    return end && is_port((struct str){end + 1, value.n - n - 1}) &&
           is_address(AF_INET6, (struct str){value.p + 1, n - 1});
}
