/* Signatures of AWS's published examples: the Signature Version 4 test suite (service "service")
 * and "Signature calculations for the Authorization header" of the S3 API reference. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "store/sigv4.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct sigv4_key suite_key = {{"AKIDEXAMPLE", 11},
                                           {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
                                           {"us-east-1", 9},
                                           {"service", 7}};
static const struct sigv4_key s3_key = {{"AKIAIOSFODNN7EXAMPLE", 20},
                                        {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40},
                                        {"us-east-1", 9},
                                        {"s3", 2}};

static void expect(const struct sigv4_key *key, const struct sigv4_request *request,
                   const char *date, const char *signature)
{
    struct buf out = {0}, steps = {0};
    sigv4_authorization(&out, key, request, date);
    sigv4_canonical_request(&steps, request);
    const char *found = strstr(buf_cstr(&out), "Signature=");
    cr_assert(found);
    cr_expect_str_eq(found + 10, signature, "canonical request:\n%s", buf_cstr(&steps));
    buf_fini(&out);
    buf_fini(&steps);
}

static struct sigv4_field field(const char *name, const char *value)
{
    return (struct sigv4_field){str_of(name), str_of(value)};
}

/* A request of the suite: host and x-amz-date, and what `more` has. */
static void suite(const char *method, const char *path, const struct sigv4_field *query,
                  size_t query_count, const struct sigv4_field *more, size_t more_count,
                  const char *body, const char *signature)
{
    struct sigv4_field headers[SIGV4_FIELDS_MAX] = {field("host", "example.amazonaws.com"),
                                                    field("x-amz-date", "20150830T123600Z")};
    char payload[SIGV4_HEX_SIZE];
    for (size_t i = 0; i < more_count; i++)
        headers[2 + i] = more[i];
    sigv4_sha256(str_of(body), payload);
    struct sigv4_request request = {str_of(method), str_of(path),   query,          headers,
                                    query_count,    2 + more_count, str_of(payload)};
    expect(&suite_key, &request, "20150830T123600Z", signature);
}

Test(sigv4, vanilla)
{
    suite("GET", "/", NULL, 0, NULL, 0, "",
          "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    suite("POST", "/", NULL, 0, NULL, 0, "",
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

Test(sigv4, queries_are_sorted_and_escaped)
{
    struct sigv4_field keys[] = {field("Param2", "value2"), field("Param1", "value1")};
    suite("GET", "/", keys, 2, NULL, 0, "",
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    struct sigv4_field values[] = {field("Param1", "value2"), field("Param1", "Value1")};
    suite("GET", "/", values, 2, NULL, 0, "",
          "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1");
    struct sigv4_field utf8[] = {field("\u1234", "bar")};
    suite("GET", "/", utf8, 1, NULL, 0, "",
          "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04");
    struct sigv4_field one[] = {field("Param1", "value1")};
    suite("GET", "/", one, 1, NULL, 0, "",
          "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb");
}

Test(sigv4, unreserved_characters_stay)
{
    static const char all[] = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char path[sizeof all + 1] = "/";
    struct sigv4_field query[] = {field(all, all)};
    strcat(path, all);
    suite("GET", path, NULL, 0, NULL, 0, "",
          "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f");
    suite("GET", "/", query, 1, NULL, 0, "",
          "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
}

Test(sigv4, paths)
{
    suite("GET", "/\u1234", NULL, 0, NULL, 0, "",
          "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    suite("GET", "/example space/", NULL, 0, NULL, 0, "",
          "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
}

Test(sigv4, headers)
{
    struct sigv4_field trim[] = {field("my-header1", " value1"),
                                 field("my-header2", " \"a   b   c\"")};
    suite("GET", "/", NULL, 0, trim, 2, "",
          "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
    struct sigv4_field twice[] = {field("my-header1", "value2"), field("my-header1", "value2"),
                                  field("my-header1", "value1")};
    suite("GET", "/", NULL, 0, twice, 3, "",
          "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
    struct sigv4_field order[] = {field("my-header1", "value4"), field("my-header1", "value1"),
                                  field("my-header1", "value3"), field("my-header1", "value2")};
    suite("GET", "/", NULL, 0, order, 4, "",
          "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01");
    struct sigv4_field sort[] = {field("my-header1", "value1")};
    suite("POST", "/", NULL, 0, sort, 1, "",
          "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c");
}

Test(sigv4, bodies)
{
    struct sigv4_field type[] = {field("content-type", "application/x-www-form-urlencoded")};
    suite("POST", "/", NULL, 0, type, 1, "Param1=value1",
          "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

static void s3_example(const char *method, const char *path, const struct sigv4_field *query,
                       size_t query_count, const struct sigv4_field *more, size_t more_count,
                       const char *payload, const char *signature)
{
    struct sigv4_field headers[SIGV4_FIELDS_MAX] = {field("host", "examplebucket.s3.amazonaws.com"),
                                                    field("x-amz-content-sha256", payload),
                                                    field("x-amz-date", "20130524T000000Z")};
    for (size_t i = 0; i < more_count; i++)
        headers[3 + i] = more[i];
    struct sigv4_request request = {str_of(method), str_of(path),   query,          headers,
                                    query_count,    3 + more_count, str_of(payload)};
    expect(&s3_key, &request, "20130524T000000Z", signature);
}

Test(sigv4, s3_get_object)
{
    struct sigv4_field range[] = {field("range", "bytes=0-9")};
    s3_example("GET", "/test.txt", NULL, 0, range, 1, EMPTY_SHA256,
               "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

Test(sigv4, s3_put_object)
{
    char payload[SIGV4_HEX_SIZE];
    struct sigv4_field more[] = {field("date", "Fri, 24 May 2013 00:00:00 GMT"),
                                 field("x-amz-storage-class", "REDUCED_REDUNDANCY")};
    sigv4_sha256(STR("Welcome to Amazon S3."), payload);
    s3_example("PUT", "/test$file.text", NULL, 0, more, 2, payload,
               "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

Test(sigv4, s3_valueless_query)
{
    struct sigv4_field query[] = {{STR("lifecycle"), {0}}};
    s3_example("GET", "/", query, 1, NULL, 0, EMPTY_SHA256,
               "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

Test(sigv4, s3_list_objects)
{
    struct sigv4_field query[] = {field("prefix", "J"), field("max-keys", "2")};
    s3_example("GET", "/", query, 2, NULL, 0, EMPTY_SHA256,
               "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

Test(sigv4, the_steps_as_documented)
{
    struct sigv4_field headers[] = {field("host", "example.amazonaws.com"),
                                    field("x-amz-date", "20150830T123600Z")};
    struct sigv4_request request = {STR("GET"), STR("/"), NULL, headers, 0, 2, STR(EMPTY_SHA256)};
    struct buf out = {0};
    sigv4_canonical_request(&out, &request);
    cr_expect_str_eq(buf_cstr(&out),
                     "GET\n/\n\nhost:example.amazonaws.com\n"
                     "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_SHA256);
    buf_clear(&out);
    sigv4_string_to_sign(&out, &suite_key, &request, "20150830T123600Z");
    cr_expect_str_eq(buf_cstr(&out),
                     "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
                     "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
    buf_clear(&out);
    sigv4_authorization(&out, &suite_key, &request, "20150830T123600Z");
    cr_expect_str_eq(
        buf_cstr(&out),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    buf_fini(&out);
}

Test(sigv4, keys_of_hive_paths_are_escaped_once)
{
    struct buf out = {0};
    sigv4_escape(&out, STR("/lake/type=a%3Ab/x y+z/\xc3\xa4.parquet"), true);
    cr_expect_str_eq(buf_cstr(&out), "/lake/type%3Da%253Ab/x%20y%2Bz/%C3%A4.parquet");
    buf_clear(&out);
    struct sigv4_field query[] = {
        field("uploadId", "a/b=="), {STR("uploads"), {0}}, field("a-b", "2"), field("a", "1")};
    sigv4_query(&out, query, 4);
    cr_expect_str_eq(buf_cstr(&out), "a=1&a-b=2&uploadId=a%2Fb%3D%3D&uploads=");
    buf_fini(&out);
}

Test(sigv4, dates)
{
    char date[SIGV4_DATE_SIZE];
    sigv4_date(1440938160999, date);
    cr_expect_str_eq(date, "20150830T123600Z");
}
