#include "store/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <time.h>

enum { HASH_BYTES = 32, DAY_BYTES = 8 };

static void append_hex(struct buf *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        buf_append_char(out, digits[bytes[i] >> 4]);
        buf_append_char(out, digits[bytes[i] & 15]);
    }
}

void sigv4_date(int64_t unix_ms, char out[SIGV4_DATE_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    if (strftime(out, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0)
        memcpy(out, "19700101T000000Z", SIGV4_DATE_SIZE);
}

void sigv4_sha256(struct str bytes, char out[SIGV4_HEX_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(bytes.p ? bytes.p : "", bytes.n, hash, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void sigv4_escape(struct buf *out, struct str s, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_unreserved(s.p[i]) || (c == '/' && keep_slash)) {
            buf_append_char(out, s.p[i]);
        } else {
            buf_append_char(out, '%');
            buf_append_char(out, digits[c >> 4]);
            buf_append_char(out, digits[c & 15]);
        }
    }
}

/* A stable order of at most SIGV4_FIELDS_MAX fields. */
static void sort_fields(const struct sigv4_field *fields, size_t count, size_t *order, bool values)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            const struct sigv4_field *before = &fields[order[at - 1]];
            int difference = str_cmp(before->name, fields[i].name);
            if (difference == 0 && values)
                difference = str_cmp(before->value, fields[i].value);
            if (difference <= 0)
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

void sigv4_query(struct buf *out, const struct sigv4_field *query, size_t count)
{
    struct buf escaped = {0};
    struct sigv4_field fields[SIGV4_FIELDS_MAX] = {0};
    size_t order[SIGV4_FIELDS_MAX] = {0};
    REQUIRE(count <= SIGV4_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t start = escaped.n;
        sigv4_escape(&escaped, query[i].name, false);
        fields[i].name.n = escaped.n - start;
        sigv4_escape(&escaped, query[i].value, false);
        fields[i].value.n = escaped.n - start - fields[i].name.n;
    }
    size_t at = 0; /* the buffer no longer moves */
    for (size_t i = 0; i < count && !escaped.failed; i++) {
        fields[i].name.p = escaped.p + at;
        at += fields[i].name.n;
        fields[i].value.p = escaped.p + at;
        at += fields[i].value.n;
    }
    if (!escaped.failed)
        sort_fields(fields, count, order, true); /* the order is that of the escaped bytes */
    for (size_t i = 0; i < count && !escaped.failed; i++) {
        if (i)
            buf_append_char(out, '&');
        buf_append_str(out, fields[order[i]].name);
        buf_append_char(out, '=');
        buf_append_str(out, fields[order[i]].value);
    }
    out->failed |= escaped.failed;
    buf_fini(&escaped);
}

/* Without spaces at the ends, runs of them as one. */
static void append_header_value(struct buf *out, struct str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        bool space = value.p[i] == ' ';
        if (!space || value.p[i - 1] != ' ')
            buf_append_char(out, value.p[i]);
    }
}

static void append_signed_names(struct buf *out, const struct sigv4_request *request,
                                const size_t *order)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[order[i]].name;
        if (i && str_eq(name, request->headers[order[i - 1]].name))
            continue;
        if (i)
            buf_append_char(out, ';');
        buf_append_str(out, name);
    }
}

void sigv4_canonical_request(struct buf *out, const struct sigv4_request *request)
{
    size_t order[SIGV4_FIELDS_MAX] = {0};
    REQUIRE(request->header_count <= SIGV4_FIELDS_MAX);
    sort_fields(request->headers, request->header_count, order, false);
    buf_append_str(out, request->method);
    buf_append_char(out, '\n');
    sigv4_escape(out, request->path, true);
    buf_append_char(out, '\n');
    sigv4_query(out, request->query, request->query_count);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sigv4_field *header = &request->headers[order[i]];
        if (i && str_eq(header->name, request->headers[order[i - 1]].name)) {
            buf_append_char(out, ',');
        } else {
            buf_append_char(out, '\n');
            buf_append_str(out, header->name);
            buf_append_char(out, ':');
        }
        append_header_value(out, header->value);
    }
    buf_append(out, "\n\n", 2);
    append_signed_names(out, request, order);
    buf_append_char(out, '\n');
    buf_append_str(out, request->payload);
}

static void append_scope(struct buf *out, const struct sigv4_key *key, const char *date)
{
    buf_printf(out, "%.*s/%.*s/%.*s/aws4_request", DAY_BYTES, date, STR_ARG(key->region),
               STR_ARG(key->service));
}

void sigv4_string_to_sign(struct buf *out, const struct sigv4_key *key,
                          const struct sigv4_request *request, const char *date)
{
    struct buf canonical = {0};
    char hash[SIGV4_HEX_SIZE];
    sigv4_canonical_request(&canonical, request);
    sigv4_sha256(buf_str(&canonical), hash);
    out->failed |= canonical.failed;
    buf_fini(&canonical);
    buf_printf(out, "AWS4-HMAC-SHA256\n%s\n", date);
    append_scope(out, key, date);
    buf_printf(out, "\n%s", hash);
}

static void sign(unsigned char signature[HASH_BYTES], const void *key, size_t key_n,
                 struct str text)
{
    unsigned char result[EVP_MAX_MD_SIZE] = {0};
    unsigned int n = 0;
    HMAC(EVP_sha256(), key, (int)key_n, (const unsigned char *)(text.p ? text.p : ""), text.n,
         result, &n);
    memcpy(signature, result, HASH_BYTES);
}

void sigv4_authorization(struct buf *out, const struct sigv4_key *key,
                         const struct sigv4_request *request, const char *date)
{
    unsigned char signature[HASH_BYTES];
    size_t order[SIGV4_FIELDS_MAX] = {0};
    struct buf text = {0};
    sort_fields(request->headers, request->header_count, order, false);
    buf_append(&text, "AWS4", 4);
    buf_append_str(&text, key->secret_access_key);
    sign(signature, buf_cstr(&text), text.n, (struct str){date, DAY_BYTES});
    sign(signature, signature, HASH_BYTES, key->region);
    sign(signature, signature, HASH_BYTES, key->service);
    sign(signature, signature, HASH_BYTES, STR("aws4_request"));
    if (text.p)
        OPENSSL_cleanse(text.p, text.n);
    out->failed |= text.failed;
    buf_clear(&text);
    sigv4_string_to_sign(&text, key, request, date);
    sign(signature, signature, HASH_BYTES, buf_str(&text));
    out->failed |= text.failed;
    buf_fini(&text);
    buf_printf(out, "AWS4-HMAC-SHA256 Credential=%.*s/", STR_ARG(key->access_key_id));
    append_scope(out, key, date);
    buf_append_str(out, STR(", SignedHeaders="));
    append_signed_names(out, request, order);
    buf_append_str(out, STR(", Signature="));
    append_hex(out, signature, HASH_BYTES);
}
