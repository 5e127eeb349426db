/* unescape.c: the value of a string literal. */
#include "base/utf8.h"
#include "sql/lexer.h"

struct escape {
    uint32_t code; /* a UTF-16 unit or a code point */
    uint32_t n;    /* bytes read, 0: not this form */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Backslash u and 4 digits, or backslash U and 8. */
static struct escape unicode_escape(struct str s)
{
    uint32_t digits = s.n > 1 && s.p[1] == 'u' ? 4 : s.n > 1 && s.p[1] == 'U' ? 8 : 0;
    if (!digits || s.n < 2 + digits)
        return (struct escape){0};
    uint32_t code = 0;
    for (uint32_t i = 0; i < digits; i++) {
        int digit = hex_digit(s.p[2 + i]);
        if (digit < 0)
            return (struct escape){0};
        code = code << 4 | (uint32_t)digit;
    }
    return (struct escape){code, 2 + digits};
}

static struct escape octal_escape(struct str s)
{
    if (s.n < 4 || (s.p[1] != '0' && s.p[1] != '1') || s.p[2] < '0' || s.p[2] > '7' ||
        s.p[3] < '0' || s.p[3] > '7')
        return (struct escape){0};
    return (struct escape){(uint32_t)((s.p[1] - '0') << 6 | (s.p[2] - '0') << 3 | (s.p[3] - '0')),
                           4};
}

static void append_code(struct buf *out, uint32_t code)
{
    char bytes[4];
    buf_append(out, bytes, utf8_encode(code, bytes));
}

/* Java keeps UTF-16: two escapes may make one character, and half a pair is written as '?'. */
static uint32_t append_unicode(struct buf *out, struct str s, struct escape first)
{
    if (first.code < 0xD800 || first.code > 0xDFFF) {
        append_code(out, first.code);
        return first.n;
    }
    struct escape second = unicode_escape((struct str){s.p + first.n, s.n - first.n});
    if (first.code > 0xDBFF || second.n == 0 || second.code < 0xDC00 || second.code > 0xDFFF) {
        buf_append_char(out, '?');
        return first.n;
    }
    append_code(out, 0x10000 + ((first.code - 0xD800) << 10) + (second.code - 0xDC00));
    return first.n + second.n;
}

static void append_escaped(struct buf *out, char c)
{
    static const char from[] = "0bnrtZ", to[] = "\0\b\n\r\t\x1A";
    const char *found = c ? strchr(from, c) : NULL;
    if (c == '%' || c == '_')
        buf_append_char(out, '\\');
    buf_append_char(out, found ? to[found - from] : c);
}

int lexer_unescape(const struct diag *diag, struct token token, struct buf *out)
{
    struct str s = token_text(diag, token);
    bool raw = s.p[0] == 'r' || s.p[0] == 'R';
    s = (struct str){s.p + 1 + raw, s.n - 2 - raw};
    if (raw) {
        buf_append_str(out, s);
        return out->failed ? diag_nomem(diag) : 0;
    }
    while (s.n) {
        const char *backslash = memchr(s.p, '\\', s.n);
        size_t plain = backslash ? (size_t)(backslash - s.p) : s.n;
        buf_append(out, s.p, plain);
        s = (struct str){s.p + plain, s.n - plain};
        if (s.n == 0)
            break;
        struct escape unicode = unicode_escape(s), octal = octal_escape(s);
        uint32_t used = 2;
        if (unicode.n && unicode.code > 0x10FFFF)
            return diag_fail(diag, ERR_INVALID, (uint32_t)(s.p - diag->text.p),
                             "%.*s is no Unicode character", (int)unicode.n, s.p);
        if (unicode.n)
            used = append_unicode(out, s, unicode);
        else if (octal.n)
            append_code(out, octal.code), used = octal.n;
        else
            append_escaped(out, s.p[1]);
        s = (struct str){s.p + used, s.n - used};
    }
    return out->failed ? diag_nomem(diag) : 0;
}
