/* The parts of the server that need no connection: tokens, gzip, TLS files. */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#include "http/gzip.h"
#include "http/tls.h"
#include "http/token.h"
#include "leaks.h"

TestSuite(http_parts, .fini = leaks_check);

Test(http_parts, token_in_any_scheme_that_carries_it)
{
    /* base64 of "sluice:0123456789abcdef", "root:0123456789abcdef" */
    static const struct {
        const char *header;
        bool allowed;
    } cases[] = {
        {"Bearer 0123456789abcdef", true},
        {"bearer   0123456789abcdef", true},
        {"Basic c2x1aWNlOjAxMjM0NTY3ODlhYmNkZWY=", true},
        {"Basic cm9vdDowMTIzNDU2Nzg5YWJjZGVm", false},
        {"Bearer 0123456789abcdeF", false},
        {"Bearer 0123456789abcde", false},
        {"Bearer 0123456789abcdef0", false},
        {"Bearer 0123456789abcdef ", false},
        {"Bearer", false},
        {"Bearer ", false},
        {"0123456789abcdef", false},
        {"Digest 0123456789abcdef", false},
        {"", false},
        {NULL, false},
    };
    struct http_token token;
    cr_assert_eq(http_token_init(&token, "0123456789abcdef"), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_eq(http_token_allows(&token, str_of(cases[i].header)), cases[i].allowed, "%s",
                     cases[i].header);
    http_token_fini(&token);
    cr_assert_eq(http_token_init(&token, NULL), 0);
    cr_expect(http_token_allows(&token, (struct str){NULL, 0}), "without a token everybody reads");
    http_token_fini(&token);
}

Test(http_parts, gzip_only_where_it_is_asked_for)
{
    static const char *const yes[] = {"gzip", "deflate, gzip", "br;q=1.0, GZIP;q=0.8",
                                      "gzip ;q=0.5"};
    static const char *const no[] = {"", "deflate", "gzip;q=0", "gzip; q=0.00", "xgzip", "*"};
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        cr_expect(gzip_accepted(str_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < COUNT_OF(no); i++)
        cr_expect(!gzip_accepted(str_of(no[i])), "%s", no[i]);
    cr_expect(!gzip_accepted((struct str){NULL, 0}));
}

static void expect_unzips(const struct buf *packed, struct str text)
{
    z_stream stream = {.next_in = (Bytef *)packed->p, .avail_in = (uInt)packed->n};
    char *out = calloc(1, text.n + 1);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)text.n + 1;
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    cr_expect_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_expect(stream.total_out == text.n && memcmp(out, text.p, text.n) == 0);
    inflateEnd(&stream);
    free(out);
}

Test(http_parts, gzip_gives_the_same_text_every_time)
{
    struct gzip *gzip = NULL;
    struct buf text = {0}, packed = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "sluice_metric{n=\"%d\"} %d\n", i, i * i);
    for (int round = 0; round < 3; round++) {
        buf_clear(&packed);
        cr_assert(gzip_append(&gzip, buf_str(&text), &packed));
        cr_expect(packed.n < text.n / 2);
        expect_unzips(&packed, buf_str(&text));
    }
    cr_expect(!gzip_append(&gzip, (struct str){text.p, GZIP_BYTES_MIN - 1}, &packed), "too small");
    buf_append_repeat(&text, 'x', GZIP_BYTES_MAX);
    cr_expect(!gzip_append(&gzip, buf_str(&text), &packed), "too large for the loop");
    gzip_destroy(gzip);
    buf_fini(&text);
    buf_fini(&packed);
}

Test(http_parts, files_of_tls_are_named_when_they_are_wrong)
{
    SSL_CTX *context;
    struct err err = {0};
    cr_expect_eq(http_tls_create(&context, "/nowhere/server.pem", "/nowhere/key.pem", &err),
                 ERR_INVALID);
    cr_expect(strstr(err.msg, "http.tls.certificate /nowhere/server.pem: "), "%s", err.msg);
    cr_expect_null(context);
}
