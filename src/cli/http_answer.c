#define _GNU_SOURCE /* memmem */
#include "cli/http_answer.h"

enum { HEAD_BYTES_MAX = 64 << 10 };

/* Cuts the next line, without its CR LF, off *rest. False: there is no whole line. */
static bool take_line(struct str *rest, struct str *line)
{
    const char *end = rest->n ? memmem(rest->p, rest->n, "\r\n", 2) : NULL;
    if (!end)
        return false;
    *line = (struct str){rest->p, (size_t)(end - rest->p)};
    *rest = (struct str){end + 2, rest->n - line->n - 2};
    return true;
}

/* "HTTP/1.1 200 OK" */
static int status_of(struct str line)
{
    int64_t code;
    if (!str_starts_with(line, STR("HTTP/1.")) || line.n < 12 || line.p[8] != ' ' ||
        !str_to_i64((struct str){line.p + 9, 3}, &code) || code < 100 || code > 999)
        return 0;
    return (int)code;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The size of a chunk, before any extension. */
static bool chunk_size(struct str line, size_t *size)
{
    size_t i = 0;
    *size = 0;
    for (; i < line.n && hex_digit(line.p[i]) >= 0; i++)
        *size = *size * 16 + (size_t)hex_digit(line.p[i]);
    return i > 0 && i <= 8;
}

static enum http_answer_state take_chunks(struct str rest, struct buf *body)
{
    struct str line;
    size_t size;
    while (take_line(&rest, &line)) {
        if (!chunk_size(line, &size))
            return HTTP_ANSWER_BAD;
        if (size == 0)
            return HTTP_ANSWER_DONE;
        if (rest.n < size + 2)
            return HTTP_ANSWER_MORE;
        if (memcmp(rest.p + size, "\r\n", 2) != 0)
            return HTTP_ANSWER_BAD;
        buf_append(body, rest.p, size);
        rest = (struct str){rest.p + size + 2, rest.n - size - 2};
    }
    return HTTP_ANSWER_MORE;
}

struct head {
    int code;
    int64_t length; /* -1: until the server closes */
    bool chunked;
};

static enum http_answer_state take_head(struct str *rest, struct head *head)
{
    struct str line;
    *head = (struct head){.length = -1};
    if (!take_line(rest, &line))
        return rest->n > HEAD_BYTES_MAX ? HTTP_ANSWER_BAD : HTTP_ANSWER_MORE;
    head->code = status_of(line);
    if (!head->code)
        return HTTP_ANSWER_BAD;
    while (take_line(rest, &line)) {
        const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
        if (line.n == 0)
            return HTTP_ANSWER_DONE;
        if (!colon)
            return HTTP_ANSWER_BAD;
        struct str name = {line.p, (size_t)(colon - line.p)};
        struct str value = str_trim((struct str){colon + 1, line.n - name.n - 1});
        if (str_eq_nocase(name, STR("content-length")) &&
            (!str_to_i64(value, &head->length) || head->length < 0))
            return HTTP_ANSWER_BAD;
        if (str_eq_nocase(name, STR("transfer-encoding")))
            head->chunked = str_eq_nocase(value, STR("chunked"));
    }
    return rest->n > HEAD_BYTES_MAX ? HTTP_ANSWER_BAD : HTTP_ANSWER_MORE;
}

enum http_answer_state http_answer_parse(struct str bytes, bool ended, int *code, struct buf *body)
{
    struct head head;
    enum http_answer_state state = take_head(&bytes, &head);
    buf_clear(body);
    if (state == HTTP_ANSWER_DONE) {
        *code = head.code;
        if (head.chunked) {
            state = take_chunks(bytes, body);
        } else if (head.length >= 0) {
            state = bytes.n >= (size_t)head.length ? HTTP_ANSWER_DONE : HTTP_ANSWER_MORE;
            buf_append(body, bytes.p,
                       bytes.n < (size_t)head.length ? bytes.n : (size_t)head.length);
        } else {
            state = ended ? HTTP_ANSWER_DONE : HTTP_ANSWER_MORE;
            buf_append(body, bytes.p, bytes.n);
        }
    }
    return state == HTTP_ANSWER_MORE && ended ? HTTP_ANSWER_BAD : state;
}
