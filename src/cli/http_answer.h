/* http_answer.h: what an HTTP/1.1 server answered (RFC 9112), from the bytes of its connection. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum http_answer_state {
    HTTP_ANSWER_MORE, /* there is more to come */
    HTTP_ANSWER_DONE,
    HTTP_ANSWER_BAD, /* no HTTP, or a form of it that a client that asked so need not know */
};

/* Looks at all bytes there are so far; `ended`: the server has closed. When done, *code is the
 * status (200) and body holds the body, without the chunks it may have come in; else *code and body
 * mean nothing. body->failed without memory. */
enum http_answer_state http_answer_parse(struct str bytes, bool ended, int *code,
                                         struct buf *body) MUST_CHECK;
