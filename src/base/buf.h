/* buf.h: a growable byte buffer on the heap. */
#pragma once

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

/* All zero is a valid empty buffer. After a failed growth `failed` stays set, further appends do
 * nothing, and the owner checks once at the end. */
struct buf {
    char *p;
    size_t n;        /* bytes used */
    size_t capacity; /* bytes allocated */
    bool failed;     /* an allocation failed: the content is incomplete */
};

void buf_fini(struct buf *buf);
/* Forgets the content, keeps the memory and clears `failed`. */
void buf_clear(struct buf *buf);
/* Room for `extra` more bytes; false (and failed) without memory. */
bool buf_reserve(struct buf *buf, size_t extra);
void buf_append(struct buf *buf, const void *bytes, size_t n);
void buf_append_str(struct buf *buf, struct str s);
void buf_append_char(struct buf *buf, char c);
void buf_append_repeat(struct buf *buf, char c, size_t n);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The content as a C string (a NUL is kept behind the last byte, outside n); "" when failed. */
const char *buf_cstr(struct buf *buf);
/* Moves the content out as a heap string that the caller frees; NULL when failed. */
char *buf_take_cstr(struct buf *buf);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->p, buf->n};
}
