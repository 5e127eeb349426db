/* group_text.h: the bytes of a table's strings: stored once, never moved.
 *
 * A stored string is its length (seven bits per byte, low first, the top bit set in all but the
 * last) followed by its bytes; a row keeps the pointer. */
#pragma once

#include "base/str.h"
#include "sql/aggregate.h"

struct group_text_chunk;

enum { GROUP_TEXT_CLASSES = 72 };

struct group_text {
    struct state_heap *heap;
    struct group_text_chunk *chunks; /* newest first */
    char *next, *end;                /* free room in the current chunk */
    void **freed; /* by size class; NULL unless the table removes strings, which rounds sizes up */
};

/* removes: whether group_text_remove will be called. ERR_NOMEM. */
int group_text_init(struct group_text *text, struct state_heap *heap, bool removes) MUST_CHECK;
void group_text_fini(struct group_text *text);
/* Frees one chunk; false: there was none. The strings are gone. */
bool group_text_free_chunk(struct group_text *text);
/* NULL without memory. */
const char *group_text_add(struct group_text *text, struct str s);
void group_text_remove(struct group_text *text, const char *stored);

struct str group_text_long(const char *stored);

static inline struct str group_text_read(const char *stored)
{
    uint8_t n = (uint8_t)*stored;
    return n < 128 ? (struct str){stored + 1, n} : group_text_long(stored);
}

/* Whether the stored string is s. Short ones, the common keys, are compared without a call. */
static inline bool group_text_is(const char *stored, struct str s)
{
    if (s.n >= 128) {
        struct str old = group_text_long(stored);
        return old.n == s.n && memcmp(old.p, s.p, s.n) == 0;
    }
    if ((uint8_t)*stored++ != s.n)
        return false;
    if (s.n >= 8) {
        uint64_t a, b, c, d;
        memcpy(&a, stored, 8);
        memcpy(&b, s.p, 8);
        memcpy(&c, stored + s.n - 8, 8);
        memcpy(&d, s.p + s.n - 8, 8);
        return a == b && c == d && (s.n <= 16 || memcmp(stored + 8, s.p + 8, s.n - 16) == 0);
    }
    if (s.n >= 4) {
        uint32_t a, b, c, d;
        memcpy(&a, stored, 4);
        memcpy(&b, s.p, 4);
        memcpy(&c, stored + s.n - 4, 4);
        memcpy(&d, s.p + s.n - 4, 4);
        return a == b && c == d;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (stored[i] != s.p[i])
            return false;
    }
    return true;
}
