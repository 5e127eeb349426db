/* The parts of an upload as text. */
#include <criterion/criterion.h>

#include "store/s3_impl.h"

Test(s3_tags, come_back)
{
    static const struct {
        uint64_t bytes;
        const char *etag;
    } parts[] = {{5 << 20, "0123456789abcdef0123456789abcdef"},
                 {0, "an \"odd\" etag: 100%, \\ \xc3\xa4"},
                 {123456789012, "x"}};
    struct buf tags = {0};
    char etag[S3_ETAG_SIZE];
    uint64_t bytes;
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        s3_tags_append(&tags, parts[i].bytes, parts[i].etag);
    cr_expect_str_eq(buf_cstr(&tags), "5242880:0123456789abcdef0123456789abcdef "
                                      "0:an%20%22odd%22%20etag:%20100%25,%20%5c%20%c3%a4 "
                                      "123456789012:x");
    struct str rest = buf_str(&tags);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        cr_assert(s3_tags_take(&rest, &bytes, etag));
        cr_expect_eq(bytes, parts[i].bytes);
        cr_expect_str_eq(etag, parts[i].etag);
    }
    cr_expect_eq(rest.n, 0);
    buf_fini(&tags);
}

Test(s3_tags, damaged)
{
    static const char *const bad[] = {"1",
                                      ":x",
                                      "1:",
                                      "-1:x",
                                      "1:x ",
                                      " 1:x",
                                      "a:x",
                                      "1:%2",
                                      "1:%zz",
                                      "1:%00",
                                      "1:\x7f",
                                      "1:%2G",
                                      "99999999999999999999:x"};
    char etag[S3_ETAG_SIZE], longest[S3_ETAG_SIZE + 3] = "1:";
    uint64_t bytes;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct str tags = str_of(bad[i]);
        cr_expect_not(s3_tags_take(&tags, &bytes, etag), "%s", bad[i]);
    }
    memset(longest + 2, 'e', S3_ETAG_SIZE);
    struct str tags = {longest, 2 + S3_ETAG_SIZE};
    cr_expect_not(s3_tags_take(&tags, &bytes, etag), "too long");
    tags = (struct str){longest, 1 + S3_ETAG_SIZE};
    cr_expect(s3_tags_take(&tags, &bytes, etag));
}
