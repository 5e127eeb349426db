#include "format/json_skip.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "format/json_reader.h"
#include "format/json_scan.h"

enum { NUMBER_BYTES_MAX = 900 }; /* longer ones are left to the exact reader */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind the escape whose backslash is at p. */
static const char *skip_escape(const char *p, const char *end)
{
    if (end - p < 2)
        return NULL;
    if (p[1] != 'u')
        return p[1] && strchr("\"\\/bfnrt'", p[1]) ? p + 2 : NULL;
    if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
        return NULL;
    return p + 6;
}

const char *json_skip_string(const char *p, const char *end)
{
    unsigned high = 0;
    for (;;) {
        p = json_scan_string(p, end, &high);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p + 1;
        p = *p == '\\' ? skip_escape(p, end) : NULL;
        if (!p)
            return NULL;
    }
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

const char *json_skip_number(const char *p, const char *end, int *integer)
{
    const char *start = p;
    p += p < end && *p == '-';
    const char *digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    *integer = 1;
    if (p < end && *p == '.') {
        *integer = 0;
        digits = p + 1;
        p = skip_digits(digits, end);
        if (p == digits)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *integer = 0;
        p++;
        p += p < end && (*p == '-' || *p == '+');
        digits = p;
        p = skip_digits(digits, end);
        if (p == digits)
            return NULL;
    }
    return p - start <= NUMBER_BYTES_MAX ? p : NULL;
}

static const char *skip_word(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0 ? p + n : NULL;
}

static const char *skip_scalar(const char *p, const char *end)
{
    int integer;
    switch (*p) {
    case '"':
        return json_skip_string(p + 1, end);
    case 't':
        return skip_word(p, end, "true");
    case 'f':
        return skip_word(p, end, "false");
    case 'n':
        return skip_word(p, end, "null");
    default:
        return json_skip_number(p, end, &integer);
    }
}

/* Behind a name and its colon, at the value. */
static const char *skip_name(const char *p, const char *end)
{
    if (p == end || *p != '"')
        return NULL;
    p = json_skip_string(p + 1, end);
    if (!p)
        return NULL;
    p = json_skip_space(p, end);
    return p < end && *p == ':' ? json_skip_space(p + 1, end) : NULL;
}

/* One bit per open container: set for an array. */
struct nesting {
    uint64_t arrays[JSON_DEPTH_MAX / 64 + 1];
    int depth, depth_max;
};

static bool push(struct nesting *nesting, bool array)
{
    if (nesting->depth == nesting->depth_max)
        return false;
    uint64_t bit = 1ULL << (nesting->depth % 64);
    uint64_t *word = &nesting->arrays[nesting->depth / 64];
    *word = array ? *word | bit : *word & ~bit;
    nesting->depth++;
    return true;
}

static bool in_array(const struct nesting *nesting)
{
    int top = nesting->depth - 1;
    return nesting->arrays[top / 64] >> (top % 64) & 1;
}

/* Behind a value: closes what ends here and steps over the comma to the next value; at the end of
 * the outermost value nesting->depth is 0. */
static const char *skip_after_value(struct nesting *nesting, const char *p, const char *end)
{
    while (nesting->depth > 0) {
        bool array = in_array(nesting);
        p = json_skip_space(p, end);
        if (p == end)
            return NULL;
        if (*p == ',') {
            p = json_skip_space(p + 1, end);
            return array ? p : skip_name(p, end);
        }
        if (*p != (array ? ']' : '}'))
            return NULL;
        p++;
        nesting->depth--;
    }
    return p;
}

const char *json_skip_value(const char *p, const char *end, int depth)
{
    struct nesting nesting;
    nesting.depth = 0;
    nesting.depth_max = JSON_DEPTH_MAX - depth;
    do {
        if (!p || p == end)
            return NULL;
        if (*p != '{' && *p != '[') {
            p = skip_scalar(p, end);
        } else {
            bool array = *p == '[';
            if (!push(&nesting, array))
                return NULL;
            p = json_skip_space(p + 1, end);
            if (p < end && *p != (array ? ']' : '}')) {
                p = array ? p : skip_name(p, end);
                continue;
            }
        }
        p = p ? skip_after_value(&nesting, p, end) : NULL;
    } while (p && nesting.depth > 0);
    return p;
}
