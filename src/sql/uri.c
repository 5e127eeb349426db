#include "sql/uri.h"

#include "base/utf8.h"

#define LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS    "0123456789"
#define HEX       DIGITS "abcdefABCDEF"
#define ALPHANUM  LETTERS DIGITS
#define PLAIN     ALPHANUM "-_.!~*'()" /* "unreserved" */
#define ANY       PLAIN ";/?:@&=+$,[]" /* uric */
#define PATH      PLAIN ":@&=+$,;/"
#define REGISTRY  PLAIN "$,;:@&=+"
#define USER_INFO PLAIN ";:&=+$,"
#define SERVER    USER_INFO "-.:@[]%"

/* Where parsing stands. Once broken nothing after it counts. */
struct parser {
    struct str text;
    bool broken;
};

static bool at(const struct parser *parser, size_t p, size_t end, char c)
{
    return p < end && parser->text.p[p] == c;
}

/* The first of `stops` from p on, or the end. */
static size_t find(const struct parser *parser, size_t p, size_t end, const char *stops)
{
    while (p < end && (!parser->text.p[p] || !strchr(stops, parser->text.p[p])))
        p++;
    return p;
}

static bool is_among(char c, const char *set)
{
    return c && strchr(set, c);
}

/* Past the characters of `set`. */
static size_t skip(const struct parser *parser, size_t p, size_t end, const char *set)
{
    while (p < end && is_among(parser->text.p[p], set))
        p++;
    return p;
}

/* A character beyond ASCII that may stand as it is: no control character, no space. */
static bool is_visible(uint32_t code)
{
    bool space = code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
                 code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
                 code == 0x3000;
    return code >= 0xa0 && !space;
}

/* Past the characters of `set`, escapes and visible characters beyond ASCII. */
static size_t skip_escaped(struct parser *parser, size_t p, size_t end, const char *set)
{
    while (p < end) {
        char c = parser->text.p[p];
        uint32_t code;
        if (is_among(c, set)) {
            p++;
        } else if (c == '%') {
            if (skip(parser, p + 1, p + 3 <= end ? p + 3 : end, HEX) != p + 3) {
                parser->broken = true;
                return p;
            }
            p += 3;
        } else if ((unsigned char)c >= 0x80) {
            size_t n = utf8_decode((struct str){parser->text.p + p, end - p}, &code);
            if (!is_visible(code))
                return p;
            p += n;
        } else {
            return p;
        }
    }
    return p;
}

static struct str part(const struct parser *parser, size_t from, size_t to)
{
    return (struct str){parser->text.p + from, to - from};
}

/* Everything from p to end must be of the set. */
static struct str checked(struct parser *parser, size_t p, size_t end, const char *set)
{
    if (skip_escaped(parser, p, end, set) != end)
        parser->broken = true;
    return part(parser, p, end);
}

/* A number up to 255, or nothing: p. */
static size_t skip_byte(const struct parser *parser, size_t p, size_t end)
{
    size_t q = skip(parser, p, end, DIGITS);
    unsigned value = 0;
    for (size_t i = p; i < q && value <= 255; i++)
        value = value * 10 + (unsigned)(parser->text.p[i] - '0');
    return value > 255 ? p : q;
}

/* Past four numbers with dots that are all the digits and dots there are; or p. */
static size_t skip_ipv4(const struct parser *parser, size_t p, size_t end)
{
    size_t limit = skip(parser, p, end, DIGITS "."), q = p;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !at(parser, q++, limit, '.'))
            return p;
        size_t next = skip_byte(parser, q, limit);
        if (next == q)
            return p;
        q = next;
    }
    return q == limit ? q : p;
}

/* Labels of letters, digits and inner dashes with dots; the last of several begins with a letter.
 * Returns p where there is no host name. */
static size_t skip_host_name(const struct parser *parser, size_t p, size_t end)
{
    size_t start = p, label = end;
    bool any = false;
    while (p < end) {
        size_t q = skip(parser, p, end, ALPHANUM);
        if (q == p)
            break;
        any = true;
        label = p;
        p = skip(parser, q, end, ALPHANUM "-");
        if (parser->text.p[p - 1] == '-')
            return start;
        if (!at(parser, p, end, '.'))
            break;
        p++;
    }
    if (!any || (p < end && parser->text.p[p] != ':'))
        return start;
    return label > start && !is_among(parser->text.p[label], LETTERS) ? start : p;
}

/* One to four hexadecimal digits with colons between, up to a double colon, an IPv4 address or the
 * end. *bytes: how many they stand for; false: malformed. */
static bool skip_hex_groups(const struct parser *parser, size_t *p, size_t end, unsigned *bytes)
{
    for (;;) {
        size_t q = skip(parser, *p, end, HEX);
        if (q == *p || at(parser, q, end, '.'))
            return false;
        if (q > *p + 4)
            return false;
        *bytes += 2;
        *p = q;
        if (!at(parser, q, end, ':') || at(parser, q + 1, end, ':'))
            return true;
        size_t next = skip(parser, q + 1, end, HEX);
        if (next == q + 1)
            return false;
        if (at(parser, next, end, '.'))
            return true; /* at the colon before the IPv4 address */
        *p = q + 1;
    }
}

/* A closing IPv4 address. */
static bool take_ipv4(const struct parser *parser, size_t *p, size_t end, unsigned *bytes)
{
    size_t q = skip_ipv4(parser, *p, end);
    *bytes += 4;
    bool good = q > *p && q == end;
    *p = q;
    return good;
}

/* What follows a double colon. */
static bool skip_hex_rest(const struct parser *parser, size_t *p, size_t end, unsigned *bytes)
{
    if (*p == end)
        return true;
    size_t q = skip(parser, *p, end, HEX);
    if (q == *p || at(parser, q, end, '.'))
        return take_ipv4(parser, p, end, bytes);
    if (!skip_hex_groups(parser, p, end, bytes))
        return false;
    if (!at(parser, *p, end, ':'))
        return true;
    ++*p;
    return take_ipv4(parser, p, end, bytes);
}

static bool is_ipv6(const struct parser *parser, size_t p, size_t end)
{
    unsigned bytes = 0;
    bool gap = false, good = true;
    size_t q = skip(parser, p, end, HEX);
    if (q > p && !at(parser, q, end, '.')) {
        good = skip_hex_groups(parser, &p, end, &bytes);
        gap = good && at(parser, p, end, ':') && at(parser, p + 1, end, ':');
        if (gap) {
            p += 2;
            good = skip_hex_rest(parser, &p, end, &bytes);
        } else if (good && at(parser, p, end, ':')) {
            p++;
            good = take_ipv4(parser, &p, end, &bytes);
        }
    } else if (at(parser, p, end, ':') && at(parser, p + 1, end, ':')) {
        gap = true;
        p += 2;
        good = skip_hex_rest(parser, &p, end, &bytes);
    }
    return good && p == end && (gap ? bytes < 16 : bytes == 16);
}

/* [address] or [address%scope]; returns p where it is none. */
static size_t skip_literal(const struct parser *parser, size_t p, size_t end)
{
    size_t close = find(parser, p + 1, end, "/?#]");
    if (close == p + 1 || !at(parser, close, end, ']'))
        return p;
    size_t scope = find(parser, p + 1, close, "%");
    if (scope < close &&
        (scope + 1 == close || skip(parser, scope + 1, close, ALPHANUM "_.") != close))
        return p;
    return is_ipv6(parser, p + 1, scope) ? close + 1 : p;
}

static bool is_port(struct str digits)
{
    size_t i = 0;
    while (i < digits.n && digits.p[i] == '0')
        i++;
    struct str rest = {digits.p + i, digits.n - i};
    for (size_t k = 0; k < rest.n; k++) {
        if (!is_among(rest.p[k], DIGITS))
            return false;
    }
    return rest.n < 10 || (rest.n == 10 && memcmp(rest.p, "2147483647", 10) <= 0);
}

/* [user@]host[:port]; false: it is none. */
static bool parse_server(struct parser *parser, size_t p, size_t end, struct uri *out)
{
    size_t q = find(parser, p, end, "/?#@");
    if (at(parser, q, end, '@')) {
        if (skip_escaped(parser, p, q, USER_INFO) != q)
            return false;
        out->user_info = part(parser, p, q);
        p = q + 1;
    }
    if (at(parser, p, end, '[')) {
        q = skip_literal(parser, p, end);
    } else {
        q = skip_ipv4(parser, p, end);
        if (q == p || (q < end && parser->text.p[q] != ':'))
            q = skip_host_name(parser, p, end);
    }
    if (q == p)
        return false;
    out->host = part(parser, p, q);
    if (at(parser, q, end, ':'))
        return is_port(part(parser, q + 1, end));
    return q == end;
}

/* A server, or else a name of some registry. */
static void parse_authority(struct parser *parser, size_t p, size_t end, struct uri *out)
{
    bool server = skip_escaped(parser, p, end, SERVER) == end;
    bool registry = skip_escaped(parser, p, end, REGISTRY) == end;
    out->authority = part(parser, p, end);
    if (parser->broken || (!server && !registry)) {
        parser->broken = true;
    } else if (!server || !parse_server(parser, p, end, out)) {
        parser->broken |= !registry;
        out->user_info = out->host = (struct str){0};
    }
}

static size_t parse_hierarchy(struct parser *parser, size_t p, struct uri *out)
{
    size_t end = parser->text.n;
    if (at(parser, p, end, '/') && at(parser, p + 1, end, '/')) {
        p += 2;
        size_t q = find(parser, p, end, "/?#");
        if (q > p)
            parse_authority(parser, p, q, out);
        else if (q == end)
            parser->broken = true;
        p = q;
    }
    size_t q = find(parser, p, end, "?#");
    out->path = checked(parser, p, q, PATH);
    if (!at(parser, q, end, '?'))
        return q;
    p = q + 1;
    q = find(parser, p, end, "#");
    out->query = checked(parser, p, q, ANY);
    return q;
}

/* SCHEME: and what is not a hierarchy; returns where the parts go on. */
static size_t parse_scheme(struct parser *parser, size_t colon, struct uri *out)
{
    size_t end = parser->text.n;
    out->scheme = part(parser, 0, colon);
    if (colon == 0 || !is_among(parser->text.p[0], LETTERS) ||
        skip(parser, 1, colon, ALPHANUM "+-.") != colon)
        parser->broken = true;
    if (at(parser, colon + 1, end, '/'))
        return parse_hierarchy(parser, colon + 1, out);
    size_t q = find(parser, colon + 1, end, "#");
    if (q == colon + 1)
        parser->broken = true;
    checked(parser, colon + 1, q, ANY);
    return q;
}

bool uri_parse(struct str text, struct uri *out)
{
    struct parser parser = {.text = text};
    *out = (struct uri){0};
    size_t colon = find(&parser, 0, text.n, "/?#:"), p;
    p = at(&parser, colon, text.n, ':') ? parse_scheme(&parser, colon, out)
                                        : parse_hierarchy(&parser, 0, out);
    if (at(&parser, p, text.n, '#')) {
        out->fragment = checked(&parser, p + 1, text.n, ANY);
        p = text.n;
    }
    return !parser.broken && p == text.n;
}
