#define _GNU_SOURCE /* memmem */
#include "sql/kernel_string.h"

#include "base/utf8.h"

bool string_is_ascii(struct str s)
{
    uint64_t high = 0;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t x;
        memcpy(&x, s.p + i, 8);
        high |= x;
    }
    for (; i < s.n; i++)
        high |= (uint64_t)(unsigned char)s.p[i];
    return !(high & 0x8080808080808080ULL);
}

uint32_t string_chars(struct str s)
{
    if (string_is_ascii(s))
        return (uint32_t)s.n;
    uint32_t n = 0;
    for (size_t i = 0; i < s.n; i += string_char_bytes(s.p[i]))
        n++;
    return n;
}

size_t string_offset(struct str s, int64_t index)
{
    size_t i = 0;
    for (; index > 0 && i < s.n; index--)
        i += string_char_bytes(s.p[i]);
    return i < s.n ? i : s.n;
}

struct str string_slice(struct str s, int64_t start, int64_t end)
{
    if (end <= start || start >= (int64_t)s.n || end <= 0)
        return (struct str){"", 0};
    start = start < 0 ? 0 : start;
    size_t from = string_offset(s, start);
    size_t n = string_offset((struct str){s.p + from, s.n - from}, end - start);
    return (struct str){s.p + from, n};
}

struct str string_substring(struct str s, int32_t position, int32_t length)
{
    bool ascii = string_is_ascii(s);
    int64_t chars = position < 0 ? ascii ? (int64_t)s.n : (int64_t)string_chars(s) : 0;
    int64_t start = position > 0 ? position - 1LL : position < 0 ? chars + position : 0;
    int64_t end = start + length;
    end = end > INT32_MAX ? INT32_MAX : end < INT32_MIN ? INT32_MIN : end;
    if (!ascii)
        return string_slice(s, start, end);
    end = end > (int64_t)s.n ? (int64_t)s.n : end;
    start = start < 0 ? 0 : start;
    return end <= start ? (struct str){"", 0} : (struct str){s.p + start, (size_t)(end - start)};
}

struct str string_byte_substring(struct str s, int32_t position, int32_t length)
{
    int64_t n = (int64_t)s.n;
    if (position > n)
        return (struct str){"", 0};
    int64_t start = position > 0 ? position - 1LL : position < 0 ? n + position : 0;
    bool cut = (int32_t)(uint32_t)(n - start) < length; /* wraps in Java */
    int64_t end = cut ? n : start + length;
    start = start < 0 ? 0 : start;
    return start >= end ? (struct str){"", 0} : (struct str){s.p + start, (size_t)(end - start)};
}

int64_t string_find(struct str s, struct str what, size_t from)
{
    if (from > s.n || what.n > s.n - from)
        return -1;
    if (what.n == 0)
        return (int64_t)from;
    const char *at = memmem(s.p + from, s.n - from, what.p, what.n);
    return at ? at - s.p : -1;
}

bool string_clean(struct eval *eval, struct str *s)
{
    if (string_is_ascii(*s) || utf8_valid(*s))
        return true;
    char *text = s->n > SIZE_MAX / 3 ? NULL : kernel_text(eval, s->n * 3);
    if (!text)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < s->n;) {
        uint32_t code;
        i += utf8_decode((struct str){s->p + i, s->n - i}, &code);
        n += utf8_encode(code, text + n);
    }
    *s = (struct str){text, n};
    kernel_text_keep(eval, n);
    return true;
}

int string_room(struct eval *eval, const char *function, uint64_t n, char **text)
{
    if (n > STRING_RESULT_MAX)
        return err_set(eval->err, ERR_INVALID,
                       "%s: a result of %llu bytes is too long (at most %d)", function,
                       (unsigned long long)n, STRING_RESULT_MAX);
    if (eval->arena->bytes + n > STRING_BLOCK_MAX && n > 4096)
        return err_set(eval->err, ERR_INVALID, "%s: the results of one block take more than %d MiB",
                       function, STRING_BLOCK_MAX >> 20);
    *text = kernel_text(eval, n);
    return *text ? 0 : ERR_NOMEM;
}
