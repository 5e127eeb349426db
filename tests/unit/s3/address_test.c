#include <criterion/criterion.h>
#include <stdio.h>

#include "store/s3_address.h"

static void good(const char *location, const char *bucket, const char *prefix)
{
    struct str b, p;
    cr_assert(s3_location_parse(str_of(location), &b, &p), "%s", location);
    cr_expect(str_is(b, bucket), "%s: %.*s", location, STR_ARG(b));
    cr_expect(str_is(p, prefix), "%s: %.*s", location, STR_ARG(p));
}

Test(s3_address, locations)
{
    good("s3://lake", "lake", "");
    good("s3://lake/", "lake", "");
    good("s3a://lake/by_type", "lake", "by_type");
    good("s3://my.lake-2/_checkpoints/tx//", "my.lake-2", "_checkpoints/tx");
    good("s3://Old_Bucket/type=a%3Ab/x y", "Old_Bucket", "type=a%3Ab/x y");
}

Test(s3_address, wrong_locations)
{
    static const char *const wrong[] = {
        "",
        "lake",
        "s3:/lake",
        "S3://lake",
        "s3://",
        "s3:///x",
        "s3://ab",
        "s3://-abc",
        "s3://abc-",
        "s3://a..b",
        "s3://a b/c",
        "s3://lake//x",
        "s3://lake/a//b",
        "s3://lake/../x",
        "s3://lake/a/./b",
        "s3://lake:80/x",
        "http://lake/x",
        "s3://l\xc3\xa4ke/x",
        "s3://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str b, p;
        cr_expect_not(s3_location_parse(str_of(wrong[i]), &b, &p), "%s", wrong[i]);
    }
    struct str b, p;
    cr_expect_not(s3_location_parse(STR("s3://lake/a\0b"), &b, &p));
}

Test(s3_address, endpoints)
{
    struct s3_endpoint e;
    struct err err;
    cr_assert_eq(s3_endpoint_parse(&e, STR(""), STR("eu-west-1"), &err), 0);
    cr_expect(e.tls && e.aws && e.port == 443);
    cr_expect_str_eq(e.host, "s3.eu-west-1.amazonaws.com");
    cr_assert_eq(s3_endpoint_parse(&e, STR(""), STR("cn-north-1"), &err), 0);
    cr_expect_str_eq(e.host, "s3.cn-north-1.amazonaws.com.cn");
    cr_assert_eq(s3_endpoint_parse(&e, STR("http://localhost:9000/"), STR("r"), &err), 0);
    cr_expect(!e.tls && !e.aws && e.port == 9000 && !e.path[0]);
    cr_assert_eq(s3_endpoint_parse(&e, STR("https://[::1]:90/s3/v1"), STR("r"), &err), 0);
    cr_expect(e.tls && e.port == 90);
    cr_expect_str_eq(e.host, "::1");
    cr_expect_str_eq(e.path, "/s3/v1");
    struct buf host = {0};
    s3_host_header(&host, &e, e.host);
    cr_expect_str_eq(buf_cstr(&host), "[::1]:90");
    buf_fini(&host);
}

Test(s3_address, wrong_endpoints)
{
    static const char *const wrong[] = {"localhost:9000", "ftp://x",       "http://",
                                        "http://:80",     "http://a:0",    "http://a:70000",
                                        "http://a:b",     "http://a b",    "http://[::1",
                                        "http://u:p@h",   "http://h/?a=b", "http://[::1]x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct s3_endpoint e;
        struct err err = {0};
        cr_expect_eq(s3_endpoint_parse(&e, str_of(wrong[i]), STR("r"), &err), ERR_INVALID, "%s",
                     wrong[i]);
        cr_expect(err.msg[0]);
    }
    struct s3_endpoint e;
    cr_expect_eq(s3_endpoint_parse(&e, STR(""), STR("a.evil/"), NULL), ERR_INVALID);
}

Test(s3_address, where_the_bucket_stands)
{
    struct s3_endpoint e;
    cr_assert_eq(s3_endpoint_parse(&e, STR(""), STR("eu-west-1"), NULL), 0);
    cr_expect(s3_bucket_in_host(&e, STR("lake"), false));
    cr_expect_not(s3_bucket_in_host(&e, STR("lake"), true));
    cr_expect_not(s3_bucket_in_host(&e, STR("my.lake"), false), "no certificate would fit");
    cr_expect_not(s3_bucket_in_host(&e, STR("Old_Bucket"), false));
    cr_assert_eq(s3_endpoint_parse(&e, STR("http://127.0.0.1:9000"), STR("r"), NULL), 0);
    cr_expect_not(s3_bucket_in_host(&e, STR("lake"), false));
    cr_assert_eq(s3_endpoint_parse(&e, STR("http://minio.local:9000"), STR("r"), NULL), 0);
    cr_expect(s3_bucket_in_host(&e, STR("my.lake"), false));
}
