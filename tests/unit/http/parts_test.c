/* The parts of the server that need no connection: tokens, header fields, gzip, kept answers, TLS
 * files.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#include "http/field.h"
#include "http/gzip.h"
#include "http/kept.h"
#include "http/tls.h"
#include "http/token.h"
#include "leaks.h"
#include "os/clock.h"

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
    static const char *const yes[] = {
        "gzip",        "deflate, gzip", "br;q=1.0, GZIP;q=0.8", "gzip ;q=0.5",   "*",
        "br, *;q=0.1", "*;q=0, gzip",   "gzip;level=0;q=0.001", "gzip;quality=0"};
    static const char *const no[] = {
        "",      "deflate", "gzip;q=0",    "gzip; q=0.00", "gzip ; Q = 0.", "gzip;level=9;q=0",
        "xgzip", "*;q=0",   "*, gzip;q=0", "gzip;q=0, *"};
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        cr_expect(field_accepts_gzip(str_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < COUNT_OF(no); i++)
        cr_expect(!field_accepts_gzip(str_of(no[i])), "%s", no[i]);
    cr_expect(!field_accepts_gzip((struct str){NULL, 0}));
}

Test(http_parts, etags_are_compared_weakly)
{
    static const char *const yes[] = {"*", "\"a1\"", "W/\"a1\"", "\"b\" ,W/\"a1\"", ", \"a1\","};
    static const char *const no[] = {
        "", "a1", "\"a1", "\"a1\"x", "\"xa1\"", "\"b W/\"a1\"\"", "w/\"a1\""};
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        cr_expect(field_has_etag(str_of(yes[i]), STR("W/\"a1\"")), "%s", yes[i]);
        cr_expect(field_has_etag(str_of(yes[i]), STR("\"a1\"")), "%s", yes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(no); i++)
        cr_expect(!field_has_etag(str_of(no[i]), STR("W/\"a1\"")), "%s", no[i]);
    cr_expect(!field_has_etag((struct str){NULL, 0}, STR("\"a1\"")));
}

Test(http_parts, names_that_nobody_else_can_give)
{
    static const char *const yes[] = {
        "localhost",      "LocalHost:8080", "a.localhost", "a.b.localhost:1", "127.0.0.1",
        "127.0.0.1:8080", "10.1.2.3:",      "[::1]",       "[::1]:8080",      "[fe80::1]:80"};
    static const char *const no[] = {"",
                                     ":8080",
                                     "x",
                                     "localhost.example.com",
                                     "notlocalhost",
                                     ".localhost.",
                                     "127.0.0.1.example.com",
                                     "127.0.0.1:80.example.com",
                                     "user@localhost",
                                     "127.1",
                                     "::1",
                                     "[::1",
                                     "[::1]x",
                                     "[::1].example.com",
                                     "[localhost]",
                                     "[]",
                                     "localhost, example.com"};
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        cr_expect(field_is_own_host(str_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < COUNT_OF(no); i++)
        cr_expect(!field_is_own_host(str_of(no[i])), "%s", no[i]);
    cr_expect(!field_is_own_host(STR("127.0.0.1\0.example.com")));
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

static void write_text(void *user, struct buf *out)
{
    buf_append_repeat(out, '#', 5000);
    ++*(int *)user;
}

Test(http_parts, what_nobody_asks_for_is_given_back)
{
    int made = 0;
    struct kept kept = {0};
    struct gzip *gzip = NULL;
    struct body *first = kept_get(&kept, write_text, &made, 1);
    int64_t began_us = clock_monotonic_us();
    cr_assert(first && kept_packed(first, &gzip).n);
    cr_expect_eq(kept_packed(first, &gzip).p, kept_packed(first, &gzip).p, "packed once");
    h2o_mem_addref_shared(first); /* as a request that is sending it */
    while (kept.body)
        kept_sweep(&kept);
    cr_expect_geq(clock_monotonic_us() - began_us, 1000000 - 1000);
    struct body *second = kept_get(&kept, write_text, &made, 2);
    cr_assert(second && second != first && made == 2);
    cr_expect(first->version == 1 && first->text.n == 5000, "lives while it is sent");
    cr_expect_eq(kept.alive, 2);
    h2o_mem_release_shared(first);
    cr_expect_eq(kept.alive, 1);
    kept_fini(&kept);
    cr_expect_eq(kept.alive, 0);
    gzip_destroy(gzip);
}

static void write_nothing(void *user, struct buf *out)
{
    out->failed = true;
    ++*(int *)user;
}

Test(http_parts, no_memory_costs_no_more_than_an_answer)
{
    int made = 0;
    struct kept kept = {0};
    cr_expect_null(kept_get(&kept, write_nothing, &made, 0));
    cr_expect_null(kept_get(&kept, write_text, &made, 0), "too soon");
    cr_expect_eq(made, 1);
    while (!kept_get(&kept, write_text, &made, 0))
        ;
    cr_expect_eq(made, 2);
    kept_fini(&kept);
}

/* Slow clients hold what they are sent: a crowd of them gets few different bodies. */
Test(http_parts, slow_clients_hold_few_bodies)
{
    enum { HELD = 10 };
    int made = 0;
    struct kept kept = {0};
    struct body *held[HELD];
    for (int i = 0; i < HELD; i++) {
        int64_t began_us = clock_monotonic_us();
        while (made == i)
            held[i] = kept_get(&kept, write_text, &made, 0);
        h2o_mem_addref_shared(held[i]);
        cr_expect(i < HELD - 1 || clock_monotonic_us() - began_us > 900000, "the tenth is late");
    }
    for (int i = 0; i < HELD; i++)
        h2o_mem_release_shared(held[i]);
    kept_fini(&kept);
    cr_expect_eq(kept.alive, 0);
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
