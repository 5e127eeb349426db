/* kernel_url.c: parts of URLs, and their escapes as java.net.URLEncoder and URLDecoder have them.
 */
#include "base/utf8.h"
#include "sql/kernel.h"
#include "sql/kernels_hash.h"
#include "sql/uri.h"

static bool is_kept(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '*' || c == '_';
}

static size_t encode(struct str s, char *out)
{
    char *p = out;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_kept(c)) {
            *p++ = (char)c;
        } else if (c == ' ') {
            *p++ = '+';
        } else {
            *p++ = '%';
            *p++ = "0123456789ABCDEF"[c >> 4];
            *p++ = "0123456789ABCDEF"[c & 15];
        }
    }
    return (size_t)(p - out);
}

int kernel_url_encode(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = vec_is_null(&out->vec, i) ? (struct str){"", 0} : args[0].vec.str[i];
        char *text = kernel_text(eval, 3 * s.n);
        if (!text)
            return ERR_NOMEM;
        size_t n = encode(s, text);
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte behind a %, or -1. Java reads it as a number, which may have a sign. */
static int escaped_byte(struct str s, size_t i)
{
    if (i + 2 >= s.n)
        return -1;
    int high = hex_digit(s.p[i + 1]), low = hex_digit(s.p[i + 2]);
    if (s.p[i + 1] == '+' || (s.p[i + 1] == '-' && low == 0))
        return low;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Bytes that escapes gave and that are no UTF-8 become U+FFFD, up to three bytes for one; so `out`
 * has room for s.n bytes: an escape is three. False: a broken escape. */
static bool decode(struct str s, char *out, size_t *length)
{
    char *p = out;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] != '%') {
            *p++ = s.p[i] == '+' ? ' ' : s.p[i];
            i++;
            continue;
        }
        char *from = p;
        for (; i < s.n && s.p[i] == '%'; i += 3) {
            int byte = escaped_byte(s, i);
            if (byte < 0)
                return false;
            *p++ = (char)byte;
        }
        struct str bytes = {from, (size_t)(p - from)};
        if (utf8_valid(bytes))
            continue;
        /* The clean text is written behind the bytes, then moved: both fit, as three bytes of
         * input stand for each. */
        char *clean = p;
        size_t n = 0;
        for (size_t k = 0; k < bytes.n;) {
            uint32_t code;
            k += utf8_decode((struct str){bytes.p + k, bytes.n - k}, &code);
            n += utf8_encode(code, clean + n);
        }
        memmove(from, clean, n);
        p = from + n;
    }
    *length = (size_t)(p - out);
    return true;
}

int kernel_url_decode(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = vec_is_null(&out->vec, i) ? (struct str){"", 0} : args[0].vec.str[i];
        size_t n;
        char *text = kernel_text(eval, 2 * s.n);
        if (!text)
            return ERR_NOMEM;
        if (!decode(s, text, &n))
            return err_set(eval->err, ERR_INVALID,
                           "url_decode: \"%.*s\" has a %% without two hexadecimal digits",
                           (int)(s.n < 200 ? s.n : 200), s.p);
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return 0;
}

bool url_key_is_plain(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (!key.p[i] || strchr("\\^$|?*+()[]{}", key.p[i]))
            return false;
    }
    return true;
}

/* Bytes of s that the key takes at its start, or -1: a dot stands for any character. */
static ptrdiff_t match_key(struct str s, struct str key)
{
    size_t at = 0;
    for (size_t i = 0; i < key.n; i++) {
        uint32_t code;
        if (at >= s.n || (key.p[i] != '.' && key.p[i] != s.p[at]))
            return -1;
        at += key.p[i] == '.' ? utf8_decode((struct str){s.p + at, s.n - at}, &code) : 1;
    }
    return (ptrdiff_t)at;
}

/* Whether KEY=VALUE stands at the start of s, up to the next &. */
static bool value_of(struct str s, struct str key, struct str *value)
{
    ptrdiff_t n = match_key(s, key);
    if (n < 0 || (size_t)n >= s.n || s.p[n] != '=')
        return false;
    *value = (struct str){s.p + n + 1, s.n - (size_t)n - 1};
    const char *end = memchr(value->p, '&', value->n);
    if (end)
        value->n = (size_t)(end - value->p);
    return true;
}

/* The value of the first (&|^)KEY=([^&]*); p NULL: none. */
static struct str find_key(struct str query, struct str key)
{
    struct str value;
    for (size_t i = 0; i < query.n; i++) {
        struct str rest = {query.p + i + 1, query.n - i - 1};
        if (query.p[i] == '&' && value_of(rest, key, &value))
            return value;
        if (i == 0 && value_of(query, key, &value))
            return value;
    }
    return (struct str){0};
}

/* The path with the query: one view, as they stand side by side. */
static struct str file_of(const struct uri *uri)
{
    if (!uri->path.p || !uri->query.p)
        return uri->path;
    return (struct str){uri->path.p, (size_t)(uri->query.p + uri->query.n - uri->path.p)};
}

/* p NULL: there is no such part. */
static struct str part_of(const struct uri *uri, struct str part)
{
    const struct {
        const char *name;
        struct str value;
    } parts[] = {
        {"HOST", uri->host},           {"PATH", uri->path},          {"QUERY", uri->query},
        {"REF", uri->fragment},        {"PROTOCOL", uri->scheme},    {"FILE", file_of(uri)},
        {"AUTHORITY", uri->authority}, {"USERINFO", uri->user_info},
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (str_is(part, parts[i].name))
            return parts[i].value;
    }
    return (struct str){0};
}

static int parse_url(struct eval *eval, const struct expr *expr, const struct value *args,
                     uint32_t row, struct str *out)
{
    struct uri uri;
    struct str part = args[1].vec.str[kernel_row(&args[1], row)];
    *out = (struct str){0};
    if (!uri_parse(args[0].vec.str[kernel_row(&args[0], row)], &uri))
        return 0;
    if (expr->arg_count == 2) {
        *out = part_of(&uri, part);
        return 0;
    }
    struct str key = args[2].vec.str[kernel_row(&args[2], row)];
    if (!str_is(part, "QUERY") || !uri.query.p)
        return 0;
    if (!url_key_is_plain(key))
        return err_set(eval->err, ERR_INVALID,
                       "parse_url: the key \"%.*s\" is a regular expression to Spark: only plain "
                       "characters are supported",
                       (int)(key.n < 200 ? key.n : 200), key.p);
    *out = find_key(uri.query, key);
    return 0;
}

/* The parts are views into the URL. */
int kernel_parse_url(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    int code = 0;
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        struct str s = {0};
        if (!vec_is_null(&out->vec, i))
            code = parse_url(eval, expr, args, i, &s);
        nulls[i] = !s.p;
        out->vec.str[i] = s.p ? s : (struct str){"", 0};
    }
    return code == 0 ? kernel_null_where(eval, out, nulls) : code;
}
