#include "plan/doc_string.h"

#include <stdio.h>

#include "base/utf8.h"

size_t doc_utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : 0;
    n = p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : n;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    /* No overlong forms, surrogates or values above U+10FFFF. */
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

size_t doc_utf8_invalid(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = doc_utf8_length((struct str){s.p + i, s.n - i});
        if (n == 0)
            return i + 1;
        i += n;
    }
    return 0;
}

static int hex4(struct str s, uint32_t *out)
{
    if (s.n < 4)
        return -1;
    *out = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = s.p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        *out = *out << 4 | (uint32_t)digit;
    }
    return 0;
}

/* \uXXXX, or a pair of them. Returns the bytes read or 0 with a message. */
static size_t decode_unicode(struct str s, char *out, size_t *out_n, const char **message)
{
    uint32_t c, low;
    if (hex4((struct str){s.p + 2, s.n - 2}, &c)) {
        *message = "expected four hexadecimal digits after \\u";
        return 0;
    }
    size_t n = 6;
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (s.n < 8 || s.p[6] != '\\' || s.p[7] != 'u' ||
            hex4((struct str){s.p + 8, s.n - 8}, &low) || low < 0xDC00 || low > 0xDFFF) {
            *message = "a high surrogate must be followed by a low one (\\uDC00 to \\uDFFF)";
            return 0;
        }
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        n = 12;
    } else if (c >= 0xDC00 && c <= 0xDFFF) {
        *message = "a low surrogate without a high one before it";
        return 0;
    }
    *out_n = utf8_encode(c, out);
    return n;
}

/* One character of a string, escaped or not: bytes read, or 0 with a message. */
static size_t decode_char(struct str s, char out[4], size_t *out_n, const char **message)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (s.p[0] != '\\') {
        size_t n = doc_utf8_length(s);
        if (n)
            memcpy(out, s.p, n);
        else
            *message = "this byte is not valid UTF-8";
        return *out_n = n;
    }
    if (s.n > 1 && s.p[1] == 'u')
        return decode_unicode(s, out, out_n, message);
    const char *escape = s.n > 1 && s.p[1] ? strchr(from, s.p[1]) : NULL;
    if (!escape) {
        *message = "unknown escape: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX";
        return 0;
    }
    out[0] = to[escape - from];
    *out_n = 1;
    return 2;
}

static int fail(struct doc_string_error *error, const char *at, const char *message)
{
    error->at = at;
    snprintf(error->message, sizeof error->message, "%s", message);
    return ERR_INVALID;
}

/* Finds the closing quote and checks every character on the way. */
static int scan(struct str rest, bool nul_allowed, struct str *raw, bool *escaped,
                struct doc_string_error *error)
{
    *escaped = false;
    for (size_t i = 0; i < rest.n;) {
        unsigned char c = (unsigned char)rest.p[i];
        if (c == '"') {
            *raw = (struct str){rest.p, i};
            return 0;
        }
        if (c == '\n' || c == '\r')
            return fail(error, rest.p - 1, "this string is not closed before the end of the line");
        if (c < 0x20) {
            char message[80];
            snprintf(message, sizeof message,
                     "control character in a string: write it as %s\\u%04X",
                     c == '\t' ? "\\t or " : "", c);
            return fail(error, rest.p + i, message);
        }
        *escaped |= c == '\\';
        char out[4];
        size_t out_n;
        const char *message = NULL;
        size_t n = decode_char((struct str){rest.p + i, rest.n - i}, out, &out_n, &message);
        if (n == 0)
            return fail(error, rest.p + i, message);
        if (out_n == 1 && out[0] == '\0' && !nul_allowed)
            return fail(error, rest.p + i, "the character U+0000 is not allowed");
        i += n;
    }
    return fail(error, rest.p - 1, "this string is never closed: expected '\"'");
}

int doc_string_decode(struct str rest, bool nul_allowed, struct str *raw, struct str *text,
                      struct arena *arena, struct doc_string_error *error)
{
    bool escaped;
    int code = scan(rest, nul_allowed, raw, &escaped, error);
    if (code)
        return code;
    *text = *raw;
    if (!escaped)
        return 0;
    char *out = arena_alloc(arena, raw->n); /* escapes are longer than what they stand for */
    if (!out)
        return ERR_NOMEM;
    size_t n = 0, out_n = 0;
    const char *message;
    for (size_t i = 0; i < raw->n; n += out_n)
        i += decode_char((struct str){raw->p + i, raw->n - i}, out + n, &out_n, &message);
    *text = (struct str){out, n};
    return 0;
}

/* The offset in a string before its expansion. */
static size_t unexpand(const struct doc_node *string, size_t offset)
{
    size_t shift_from = 0, shift_to = 0;
    for (uint32_t i = 0; i < string->expansion_count; i++) {
        const struct doc_expansion *expansion = &string->expansions[i];
        if (offset < expansion->text_start)
            break;
        if (offset < expansion->text_end)
            return expansion->decoded_start;
        shift_from = expansion->text_end;
        shift_to = expansion->decoded_end;
    }
    return offset - shift_from + shift_to;
}

struct plan_where doc_where_in(const struct doc_node *string, size_t offset)
{
    struct plan_where where = doc_where(string);
    if (string->source->inside)
        return where;
    size_t decoded = unexpand(string, offset), seen = 0;
    where.column += !string->verbatim; /* the quote */
    for (size_t i = 0; i < string->raw.n && seen < decoded;) {
        struct str rest = {string->raw.p + i, string->raw.n - i};
        char out[4];
        size_t out_n = 1, n = 1;
        const char *message;
        if (!string->verbatim)
            n = decode_char(rest, out, &out_n, &message);
        INVARIANT(n > 0);
        if (string->verbatim && rest.p[0] == '\n') {
            where.line++;
            where.column = 1;
        } else if (rest.p[0] == '\\' && !string->verbatim) {
            where.column += (uint32_t)n;
        } else if (((unsigned char)rest.p[0] & 0xC0) != 0x80) {
            where.column++;
        }
        seen += out_n;
        i += n;
    }
    return where;
}

struct plan_where doc_where(const struct doc_node *node)
{
    if (node->source->inside)
        return doc_where_in(node->source->inside, node->offset);
    return (struct plan_where){node->source->place, node->line, node->column};
}

struct plan_where doc_where_key(const struct doc_node *node)
{
    if (!node->key_source)
        return doc_where(node);
    if (node->key_source->inside)
        return doc_where_in(node->key_source->inside, node->key_offset);
    return (struct plan_where){node->key_source->place, node->key_line, node->key_column};
}
