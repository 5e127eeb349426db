/* Answers of HTTP servers. */
#include <criterion/criterion.h>

#include "cli/http_answer.h"

static struct buf body;
static int code;

static enum http_answer_state parse(const char *text, bool ended)
{
    return http_answer_parse(str_of(text), ended, &code, &body);
}

static void release(void)
{
    buf_fini(&body);
}

TestSuite(http_answer, .fini = release);

Test(http_answer, with_a_length)
{
    static const char whole[] =
        "HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-LENGTH: 5\r\n\r\nhello";
    cr_assert_eq(parse(whole, false), HTTP_ANSWER_DONE);
    cr_expect_eq(code, 200);
    cr_expect_str_eq(buf_cstr(&body), "hello");
    /* Every beginning of it wants more; if the server closes there, it is broken. */
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        cr_expect_eq(http_answer_parse((struct str){whole, n}, false, &code, &body),
                     HTTP_ANSWER_MORE, "%zu bytes", n);
        cr_expect_eq(http_answer_parse((struct str){whole, n}, true, &code, &body), HTTP_ANSWER_BAD,
                     "%zu bytes", n);
    }
}

Test(http_answer, until_the_server_closes)
{
    static const char text[] = "HTTP/1.0 503 Service Unavailable\r\n\r\nno";
    cr_assert_eq(parse(text, false), HTTP_ANSWER_MORE);
    cr_assert_eq(parse(text, true), HTTP_ANSWER_DONE);
    cr_expect_eq(code, 503);
    cr_expect_str_eq(buf_cstr(&body), "no");
}

Test(http_answer, in_chunks)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5\r\nhello\r\nA;ext=1\r\n, worlds!\n\r\n0\r\n\r\n";
    cr_assert_eq(parse(whole, false), HTTP_ANSWER_DONE);
    cr_expect_str_eq(buf_cstr(&body), "hello, worlds!\n");
    cr_expect_eq(http_answer_parse((struct str){whole, sizeof whole - 10}, false, &code, &body),
                 HTTP_ANSWER_MORE);
}

Test(http_answer, that_is_none)
{
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        cr_expect_eq(parse(texts[i], false), HTTP_ANSWER_BAD, "%s", texts[i]);
}

Test(http_answer, with_an_endless_head)
{
    struct buf text = {0};
    buf_append_repeat(&text, 'x', 70000);
    cr_expect_eq(http_answer_parse(buf_str(&text), false, &code, &body), HTTP_ANSWER_BAD);
    buf_fini(&text);
}
