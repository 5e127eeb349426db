/* regexp_escape.c: characters written as escapes in Java's regular expressions. */
#include "sql/regexp_impl.h"

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(uint32_t c)
{
    return is_digit(c)            ? (int)c - '0'
           : c >= 'a' && c <= 'f' ? (int)c - 'a' + 10
           : c >= 'A' && c <= 'F' ? (int)c - 'A' + 10
                                  : -1;
}

/* Up to max hexadecimal digits; false unless there are min. */
static bool hex_digits(struct regexp_parser *r, int min, int max, uint32_t *value)
{
    int count = 0;
    *value = 0;
    for (; count < max && r->at < r->n && hex_value(r->p[r->at]) >= 0; count++)
        *value = *value > 0x10FFFF ? *value : *value * 16 + (uint32_t)hex_value(r->p[r->at++]);
    return count >= min;
}

static int hex_escape(struct regexp_parser *r, uint32_t *code)
{
    if (r->p[r->at] != '{')
        return hex_digits(r, 2, 2, code) ? 0 : regexp_invalid(r, "\\x without two digits");
    r->at++;
    if (!hex_digits(r, 1, 1000, code) || r->p[r->at] != '}' || *code > 0x10FFFF)
        return regexp_invalid(r, "\\x{ without a code point and }");
    r->at++;
    return 0;
}

/* backslash u and four digits; two of them may be a surrogate pair. */
static int unicode_escape(struct regexp_parser *r, uint32_t *code)
{
    if (!hex_digits(r, 4, 4, code))
        return regexp_invalid(r, "\\u without four digits");
    uint32_t low;
    size_t before = r->at;
    if (*code >= 0xD800 && *code < 0xDC00 && r->p[r->at] == '\\' && r->p[r->at + 1] == 'u') {
        r->at += 2;
        if (hex_digits(r, 4, 4, &low) && low >= 0xDC00 && low < 0xE000)
            *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
        else
            r->at = before;
    }
    return 0;
}

/* backslash 0 and one to three octal digits, at most 0377. */
static int octal_escape(struct regexp_parser *r, uint32_t *code)
{
    uint32_t first = r->p[r->at];
    *code = 0;
    if (first < '0' || first > '7')
        return regexp_invalid(r, "\\0 without octal digits");
    for (int i = 0; i < (first <= '3' ? 3 : 2) && r->p[r->at] >= '0' && r->p[r->at] <= '7'; i++)
        *code = *code * 8 + (r->p[r->at++] - '0');
    return 0;
}

int regexp_escaped_char(struct regexp_parser *r, uint32_t *code, bool *found)
{
    static const char names[] = "tnrfae", values[] = "\t\n\r\f\a\x1b";
    if (r->at >= r->n)
        return regexp_invalid(r, "a backslash at the end");
    uint32_t c = r->p[r->at];
    int result = 0;
    *found = true;
    if (!is_alpha(c) && !is_digit(c)) {
        *code = c;
        r->at++;
        return 0;
    }
    r->at++;
    if (c == 'x') {
        result = hex_escape(r, code);
    } else if (c == 'u') {
        result = unicode_escape(r, code);
    } else if (c == '0') {
        result = octal_escape(r, code);
    } else if (c == 'c') {
        if (r->at >= r->n)
            return regexp_invalid(r, "\\c at the end");
        *code = r->p[r->at++] ^ 64;
    } else if (c < 128 && strchr(names, (int)c)) {
        *code = (uint32_t)values[strchr(names, (int)c) - names];
    } else {
        r->at--;
        *found = false;
    }
    if (result == 0 && *found && *code >= 0xD800 && *code < 0xE000)
        return regexp_refuse(r, "half of a surrogate pair");
    return result;
}
