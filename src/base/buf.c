#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_fini(struct buf *buf)
{
    free(buf->p);
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->failed = false;
}

bool buf_reserve(struct buf *buf, size_t extra)
{
    size_t need;
    if (buf->failed)
        return false;
    if (__builtin_add_overflow(buf->n, extra, &need)) {
        buf->failed = true;
        return false;
    }
    if (need <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    char *p = realloc(buf->p, capacity);
    if (!p) {
        buf->failed = true;
        return false;
    }
    buf->p = p;
    buf->capacity = capacity;
    return true;
}

void buf_append(struct buf *buf, const void *bytes, size_t n)
{
    if (n && buf_reserve(buf, n)) {
        memcpy(buf->p + buf->n, bytes, n);
        buf->n += n;
    }
}

void buf_append_str(struct buf *buf, struct str s)
{
    buf_append(buf, s.p, s.n);
}

void buf_append_char(struct buf *buf, char c)
{
    if (buf_reserve(buf, 1))
        buf->p[buf->n++] = c;
}

void buf_append_repeat(struct buf *buf, char c, size_t n)
{
    if (n && buf_reserve(buf, n)) {
        memset(buf->p + buf->n, c, n);
        buf->n += n;
    }
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0 && buf_reserve(buf, (size_t)n + 1)) {
        vsnprintf(buf->p + buf->n, (size_t)n + 1, fmt, again);
        buf->n += (size_t)n;
    } else {
        buf->failed = true;
    }
    va_end(again);
}

const char *buf_cstr(struct buf *buf)
{
    if (!buf_reserve(buf, 1))
        return "";
    buf->p[buf->n] = '\0';
    return buf->p;
}

char *buf_take_cstr(struct buf *buf)
{
    if (!buf_reserve(buf, 1)) {
        buf_fini(buf);
        return NULL;
    }
    buf->p[buf->n] = '\0';
    char *p = buf->p;
    *buf = (struct buf){0};
    return p;
}
