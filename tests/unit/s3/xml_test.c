#include <criterion/criterion.h>
#include <stdio.h>

#include "store/s3_xml.h"

Test(s3_xml, an_error)
{
    struct s3_error_body error;
    struct str doc =
        STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>"
            "<Message>It isn&apos;t &lt;there&gt; &amp;\n&#x1F600;</Message>"
            "<Region>eu-west-1</Region><Endpoint>s3.x.com</Endpoint><Empty/>"
            "<RequestId>ABC</RequestId></Error>\n");
    cr_assert(s3_xml_error(doc, &error));
    cr_expect_str_eq(error.code, "NoSuchBucket");
    cr_expect_str_eq(error.message, "It isn't <there> & \xf0\x9f\x98\x80");
    cr_expect_str_eq(error.region, "eu-west-1");
    cr_expect_str_eq(error.endpoint, "s3.x.com");
    cr_expect_str_eq(error.request_id, "ABC");
    for (size_t n = 0; n < doc.n - 2; n++)
        cr_expect_not(s3_xml_error((struct str){doc.p, n}, &error), "cut after %zu bytes", n);
}

Test(s3_xml, an_error_of_the_token_service)
{
    struct s3_error_body error;
    cr_assert(s3_xml_error(STR("<ErrorResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
                               "<Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
                               "<Message>Token expired</Message></Error><RequestId>r</RequestId>"
                               "</ErrorResponse>"),
                           &error));
    cr_expect_str_eq(error.code, "ExpiredTokenException");
    cr_expect_str_eq(error.message, "Token expired");
    cr_expect_str_eq(error.request_id, "r");
}

Test(s3_xml, what_is_no_error)
{
    static const char *const docs[] = {"",
                                       "  ",
                                       "text",
                                       "<a>",
                                       "<Error>",
                                       "<Error></Eror>",
                                       "<html><body>502</body></html>",
                                       "<Error>&nbsp;</Error>",
                                       "<Error>&#xD800;</Error>",
                                       "<Error>&#0;</Error>",
                                       "<Error>&amp</Error>",
                                       "<!DOCTYPE a><Error/>",
                                       "</Error>",
                                       "<Error",
                                       "<Error a='",
                                       "<!--",
                                       "<![CDATA[",
                                       "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></"
                                       "a></a></a></a></a></a></a></a></a>"
                                       "</a></a></a></a></a></a></a>"};
    for (size_t i = 0; i < sizeof docs / sizeof *docs; i++) {
        struct s3_error_body error;
        cr_expect_not(s3_xml_error(str_of(docs[i]), &error), "%s", docs[i]);
    }
}

Test(s3_xml, values)
{
    struct buf out = {0};
    struct str doc =
        STR("<s3:InitiateMultipartUploadResult xmlns:s3=\"http://x/\" a='>'><!-- <x> -->"
            "<Bucket>b</Bucket><s3:UploadId>VXBs<![CDATA[b2Fk<&]]>==</s3:UploadId >"
            "</s3:InitiateMultipartUploadResult>");
    cr_assert(s3_xml_value(doc, "InitiateMultipartUploadResult", "UploadId", &out));
    cr_expect_str_eq(buf_cstr(&out), "VXBsb2Fk<&==");
    cr_expect_not(s3_xml_value(doc, "CompleteMultipartUploadResult", "UploadId", &out));
    cr_expect_not(s3_xml_value(doc, "InitiateMultipartUploadResult", "ETag", &out));
    cr_expect_not(s3_xml_value((struct str){doc.p, doc.n - 1}, "InitiateMultipartUploadResult",
                               "UploadId", &out));
    /* S3 keeps a connection open with white space before the document. */
    cr_expect(s3_xml_value(STR("\n  \n<CompleteMultipartUploadResult><ETag>&quot;e-1&quot;</ETag>"
                               "</CompleteMultipartUploadResult>"),
                           "CompleteMultipartUploadResult", "ETag", &out));
    cr_expect_str_eq(buf_cstr(&out), "\"e-1\"");
    buf_fini(&out);
}

static void collect(void *user, struct str key, uint64_t bytes)
{
    buf_printf(user, "%.*s %llu;", STR_ARG(key), (unsigned long long)bytes);
}

Test(s3_xml, a_listing)
{
    struct buf out = {0}, token = {0};
    struct err err;
    struct str doc = STR(
        "<ListBucketResult><Name>b</Name><Prefix>p/</Prefix><KeyCount>2</KeyCount>"
        "<IsTruncated>true</IsTruncated><Contents><Key>p/type=a%3Ab &amp;</Key><Owner><ID>i</ID>"
        "</Owner><ETag>&quot;x&quot;</ETag><Size>12</Size></Contents><Contents><Size>0</Size>"
        "<Key>p/z</Key></Contents><NextContinuationToken>t==</NextContinuationToken>"
        "</ListBucketResult>");
    cr_assert_eq(s3_xml_list(doc, collect, &out, &token, &err), 0);
    cr_expect_str_eq(buf_cstr(&out), "p/type=a%3Ab & 12;p/z 0;");
    cr_expect_str_eq(buf_cstr(&token), "t==");
    for (size_t n = 0; n < doc.n; n++) {
        buf_clear(&out);
        cr_expect_eq(s3_xml_list((struct str){doc.p, n}, collect, &out, &token, &err), ERR_CORRUPT,
                     "cut after %zu bytes", n);
    }
    cr_expect_eq(s3_xml_list(STR("<Other/>"), collect, &out, &token, &err), ERR_CORRUPT);
    cr_expect_eq(s3_xml_list(STR("<ListBucketResult><IsTruncated>true</IsTruncated>"
                                 "</ListBucketResult>"),
                             collect, &out, &token, &err),
                 ERR_CORRUPT, "no token of the next page");
    buf_fini(&out);
    buf_fini(&token);
}

static void collect_upload(void *user, struct str key, struct str id)
{
    buf_printf(user, "%.*s=%.*s;", STR_ARG(key), STR_ARG(id));
}

Test(s3_xml, a_listing_of_uploads)
{
    struct buf out = {0}, key = {0}, id = {0};
    struct err err;
    struct str doc = STR(
        "<ListMultipartUploadsResult><Bucket>b</Bucket><KeyMarker></KeyMarker><UploadIdMarker/>"
        "<NextKeyMarker>p/z</NextKeyMarker><NextUploadIdMarker>i2</NextUploadIdMarker>"
        "<IsTruncated>true</IsTruncated><Upload><Key>p/a &amp;</Key><UploadId>i1</UploadId>"
        "<Initiator><ID>x</ID></Initiator></Upload><Upload><UploadId>i2</UploadId><Key>p/z</Key>"
        "</Upload></ListMultipartUploadsResult>");
    cr_assert_eq(s3_xml_uploads(doc, collect_upload, &out, &key, &id, &err), 0);
    cr_expect_str_eq(buf_cstr(&out), "p/a &=i1;p/z=i2;");
    cr_expect_str_eq(buf_cstr(&key), "p/z");
    cr_expect_str_eq(buf_cstr(&id), "i2");
    for (size_t n = 0; n < doc.n; n++) {
        buf_clear(&out);
        cr_expect_eq(s3_xml_uploads((struct str){doc.p, n}, collect_upload, &out, &key, &id, &err),
                     ERR_CORRUPT, "cut after %zu bytes", n);
    }
    /* The last page may name where it ended. */
    doc = STR("<ListMultipartUploadsResult><NextKeyMarker>p/z</NextKeyMarker><IsTruncated>false"
              "</IsTruncated></ListMultipartUploadsResult>");
    cr_assert_eq(s3_xml_uploads(doc, collect_upload, &out, &key, &id, &err), 0);
    cr_expect_eq(key.n + id.n, 0);
    cr_expect_eq(s3_xml_uploads(STR("<ListMultipartUploadsResult><Upload><Key>k</Key></Upload>"
                                    "</ListMultipartUploadsResult>"),
                                collect_upload, &out, &key, &id, &err),
                 ERR_CORRUPT, "no id");
    buf_fini(&out);
    buf_fini(&key);
    buf_fini(&id);
}
