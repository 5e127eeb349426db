/* The parts of an upload as text, for another process. */
#include <stdlib.h>

#include "store/s3_impl.h"

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '%' && c != '"' && c != '\\';
}

void s3_tags_append(struct buf *tags, uint64_t bytes, const char *etag)
{
    buf_printf(tags, "%s%llu:", tags->n ? " " : "", (unsigned long long)bytes);
    for (; *etag; etag++) {
        if (is_plain(*etag))
            buf_append_char(tags, *etag);
        else
            buf_printf(tags, "%%%02x", (unsigned char)*etag);
    }
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unescape(struct str text, char etag[S3_ETAG_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? digit(text.p[i + 1]) : -1;
            int low = high >= 0 ? digit(text.p[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (!is_plain(c)) {
            return false;
        }
        if (c == '\0' || n + 1 >= S3_ETAG_SIZE)
            return false;
        etag[n++] = c;
    }
    etag[n] = '\0';
    return n > 0;
}

bool s3_tags_take_number(struct str *tags, uint32_t *number)
{
    const char *space = memchr(tags->p, ' ', tags->n);
    int64_t given;
    if (tags->p[0] != '@')
        return true;
    if (!space || !str_to_i64((struct str){tags->p + 1, (size_t)(space - tags->p) - 1}, &given) ||
        given < *number || given > S3_PARTS_MAX)
        return false;
    *number = (uint32_t)given;
    *tags = (struct str){space + 1, tags->n - (size_t)(space + 1 - tags->p)};
    return tags->n > 0;
}

bool s3_tags_take(struct str *tags, uint64_t *bytes, char etag[S3_ETAG_SIZE])
{
    const char *space = memchr(tags->p, ' ', tags->n);
    struct str tag = {tags->p, space ? (size_t)(space - tags->p) : tags->n};
    const char *colon = memchr(tag.p, ':', tag.n);
    int64_t number;
    if (!colon || !str_to_i64((struct str){tag.p, (size_t)(colon - tag.p)}, &number) || number < 0)
        return false;
    *bytes = (uint64_t)number;
    *tags = space ? (struct str){space + 1, tags->n - tag.n - 1} : (struct str){0};
    return (!space || tags->n) &&
           unescape((struct str){colon + 1, (size_t)(tag.p + tag.n - colon - 1)}, etag);
}
