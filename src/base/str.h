/* str.h: a view of bytes that somebody else owns. Not NUL-terminated, may hold any byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* NULL only with n == 0 */
    size_t n;      /* bytes */
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

/* One past the last byte; NULL when p is (adding 0 to NULL is undefined in C17). */
static inline const char *str_end(struct str s)
{
    return s.n ? s.p + s.n : s.p;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *cstr)
{
    return str_eq(a, str_of(cstr));
}

/* Equal when ASCII letters are folded; other bytes must match exactly. */
bool str_eq_nocase(struct str a, struct str b);

/* Byte order, a shorter prefix first: negative, 0 or positive. */
int str_cmp(struct str a, struct str b);

bool str_starts_with(struct str s, struct str prefix);

/* A heap copy that ends with a NUL; NULL without memory. */
char *str_copy(struct str s);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/* Decimal integer, whole string, optional sign; false when malformed or out of int64_t's range. */
bool str_to_i64(struct str s, int64_t *out);

/* The candidate closest to `word` by edit distance (case-insensitive, Damerau-Levenshtein), or NULL
 * when none is near enough to suggest: distance at most a third of the word's length, at least 1.
 */
const char *str_suggest(struct str word, const char *const *candidates, size_t n);
