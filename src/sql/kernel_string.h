/* kernel_string.h: what the string kernels share: characters as Spark's UTF8String counts them,
 * arguments by row, results of bounded size. */
#pragma once

#include "sql/kernel.h"
#include "sql/kernels.h"

enum {
    STRING_RESULT_MAX = 16 << 20, /* bytes one result may take */
    STRING_BLOCK_MAX = 256 << 20, /* bytes that the arena of a block may grow to by results */
};

/* Bytes that a character takes by its first byte, as UTF8String.numBytesForFirstByte has it. */
static inline size_t string_char_bytes(char c)
{
    unsigned char b = (unsigned char)c;
    return b < 0xC2 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 1;
}

bool string_is_ascii(struct str s);
/* UTF8String.numChars. */
uint32_t string_chars(struct str s);
/* Where the character of this index begins; s.n when there are not so many. */
size_t string_offset(struct str s, int64_t index);
/* UTF8String.substring: characters start up to end (exclusive), a view. */
struct str string_slice(struct str s, int64_t start, int64_t end);
/* UTF8String.substringSQL: positions count from 1, negative ones from the end, 0 is like 1. */
struct str string_substring(struct str s, int32_t position, int32_t length);
/* The same for bytes: ByteArray.subStringSQL. */
struct str string_byte_substring(struct str s, int32_t position, int32_t length);
/* Byte offset of the first `what` at or behind `from`, or -1. */
int64_t string_find(struct str s, struct str what, size_t from);
/* s as Java's decoder reads it: itself when it is UTF-8, else a copy in the arena with U+FFFD for
 * what is not; p == NULL with n > 0 never; false without memory. */
bool string_clean(struct eval *eval, struct str *s) MUST_CHECK;

/* Room for a result of n bytes (kernel_text), for functions whose results may be much longer than
 * their arguments. ERR_INVALID names the function when it gets too long. */
int string_room(struct eval *eval, const char *function, uint64_t n, char **text) MUST_CHECK;

/* Ends a result of n bytes that stands at `text`. */
static inline void string_end(struct eval *eval, struct value *out, uint32_t row, const char *text,
                              size_t n)
{
    out->vec.str[row] = (struct str){text, n};
    kernel_text_keep(eval, n);
}

static inline size_t string_put(char *text, size_t at, struct str s)
{
    if (s.n)
        memcpy(text + at, s.p, s.n);
    return at + s.n;
}

/* Never with p == NULL, so that places in it can be computed. */
static inline struct str arg_str(const struct value *arg, uint32_t row)
{
    struct str s = arg->vec.str[kernel_row(arg, row)];
    return s.p ? s : (struct str){"", 0};
}

static inline int32_t arg_int(const struct value *arg, uint32_t row)
{
    return arg->vec.i32[kernel_row(arg, row)];
}

static inline bool arg_null(const struct value *arg, uint32_t row)
{
    return vec_is_null(&arg->vec, kernel_row(arg, row));
}

/* Strict kernels whose work depends on values pass NULL rows by. */
static inline bool string_skip(struct value *out, uint32_t row)
{
    if (!vec_is_null(&out->vec, row))
        return false;
    out->vec.str[row] = (struct str){"", 0};
    return true;
}
