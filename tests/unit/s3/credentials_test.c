#include <criterion/criterion.h>
#include <stdio.h>

#include "store/s3_credentials.h"

static const char *lookup(void *user, const char *name)
{
    for (const char *const *pair = user; *pair; pair += 2) {
        if (strcmp(pair[0], name) == 0)
            return pair[1];
    }
    return NULL;
}

static enum s3_source_kind kind_of(const char *const *environment, const struct s3_options *base,
                                   struct s3_source *source)
{
    struct s3_options options = base ? *base : (struct s3_options){0};
    struct err err = {0};
    options.lookup = lookup;
    options.lookup_user = (void *)environment;
    cr_assert_eq(s3_source_init(source, &options, STR("eu-west-1"), &err), 0, "%s", err.msg);
    return source->kind;
}

Test(s3_credentials, the_document_comes_first)
{
    static const char *const all[] = {"AWS_ACCESS_KEY_ID",
                                      "env",
                                      "AWS_SECRET_ACCESS_KEY",
                                      "env-secret",
                                      "AWS_SESSION_TOKEN",
                                      "env-token",
                                      "HOME",
                                      "/h",
                                      "AWS_ROLE_ARN",
                                      "arn:r",
                                      "AWS_WEB_IDENTITY_TOKEN_FILE",
                                      "/token",
                                      NULL};
    struct s3_options own = {.access_key_id = STR("doc"), .secret_access_key = STR("doc-secret")};
    struct s3_source source;
    cr_expect_eq(kind_of(all, &own, &source), S3_SOURCE_FIXED);
    cr_expect_str_eq(buf_cstr(&source.keys.access_key_id), "doc");
    cr_expect_eq(source.keys.session_token.n, 0, "the environment's belongs to its keys");
    s3_source_fini(&source);
    cr_expect_eq(kind_of(all, NULL, &source), S3_SOURCE_FIXED);
    cr_expect_str_eq(buf_cstr(&source.keys.access_key_id), "env");
    cr_expect_str_eq(buf_cstr(&source.keys.session_token), "env-token");
    s3_source_fini(&source);
    cr_expect_eq(kind_of(all + 6, NULL, &source), S3_SOURCE_WEB_IDENTITY);
    cr_expect_str_eq(source.service.host, "sts.eu-west-1.amazonaws.com");
    cr_expect(str_is(source.session, "sluice"));
    s3_source_fini(&source);
    cr_expect_eq(kind_of(all + 12, NULL, &source), S3_SOURCE_NONE);
    s3_source_fini(&source);
}

Test(s3_credentials, the_shared_file)
{
    static const char *const home[] = {"HOME", "/home/u", NULL};
    static const char *const own[] = {
        "HOME", "/home/u", "AWS_SHARED_CREDENTIALS_FILE", "/c", "AWS_PROFILE", "lab", NULL};
    struct s3_source source;
    cr_expect_eq(kind_of(home, NULL, &source), S3_SOURCE_FILE);
    cr_expect(str_is(source.file, "/home/u/.aws/credentials"));
    cr_expect(str_is(source.profile, "default"));
    s3_source_fini(&source);
    cr_expect_eq(kind_of(own, NULL, &source), S3_SOURCE_FILE);
    cr_expect(str_is(source.file, "/c"));
    cr_expect(str_is(source.profile, "lab"));
    s3_source_fini(&source);
}

Test(s3_credentials, half_a_pair_is_wrong)
{
    struct s3_options options = {.access_key_id = STR("only")};
    struct s3_source source;
    struct err err;
    cr_expect_eq(s3_source_init(&source, &options, STR("r"), &err), ERR_INVALID);
}

Test(s3_credentials, a_file)
{
    struct str text =
        STR("# comment\n[default]\naws_access_key_id=A\naws_secret_access_key = S=+/\r\n"
            "\n; more\n[ lab ]\nAWS_ACCESS_KEY_ID = L\naws_secret_access_key=LS\n"
            "aws_session_token=LT\nregion = x\n[empty]\n[tail]\naws_access_key_id=T");
    struct s3_keys keys = {0};
    struct err err;
    cr_assert_eq(s3_keys_from_file(&keys, text, STR("default"), &err), 0);
    cr_expect_str_eq(buf_cstr(&keys.access_key_id), "A");
    cr_expect_str_eq(buf_cstr(&keys.secret_access_key), "S=+/");
    cr_expect_eq(keys.session_token.n, 0);
    cr_assert_eq(s3_keys_from_file(&keys, text, STR("lab"), &err), 0);
    cr_expect_str_eq(buf_cstr(&keys.access_key_id), "L");
    cr_expect_str_eq(buf_cstr(&keys.session_token), "LT");
    cr_expect_eq(s3_keys_from_file(&keys, text, STR("tail"), &err), ERR_NOT_FOUND);
    cr_expect_str_eq(err.msg, "profile [tail] has no access keys");
    cr_expect_eq(s3_keys_from_file(&keys, text, STR("none"), &err), ERR_NOT_FOUND);
    cr_expect_str_eq(err.msg, "there is no profile [none]");
    s3_keys_fini(&keys);
}

Test(s3_credentials, the_token_service)
{
    struct str doc =
        STR("<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/\">"
            "<AssumeRoleWithWebIdentityResult><Credentials><SessionToken>T</SessionToken>"
            "<SecretAccessKey>S</SecretAccessKey><Expiration>2014-10-24T23:00:23Z"
            "</Expiration><AccessKeyId>A</AccessKeyId></Credentials>"
            "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
    struct s3_keys keys = {0};
    struct err err;
    cr_assert_eq(s3_keys_from_service(&keys, doc, &err), 0);
    cr_expect_str_eq(buf_cstr(&keys.secret_access_key), "S");
    cr_expect_str_eq(buf_cstr(&keys.session_token), "T");
    cr_expect_eq(keys.expires_ms, 1414191623000);
    s3_keys_fini(&keys);
    cr_expect_eq(s3_keys_from_service(&keys, (struct str){doc.p, doc.n - 1}, &err), ERR_CORRUPT);
    cr_expect_eq(s3_keys_from_service(&keys, STR("<a/>"), &err), ERR_CORRUPT);
    s3_keys_fini(&keys);
    struct s3_source source = {.role = STR("arn:aws:iam::1:role/r"), .session = STR("s")};
    struct buf form = {0};
    s3_service_form(&form, &source, STR("a.b+c\n"));
    cr_expect_str_eq(
        buf_cstr(&form),
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A"
        "%3A1%3Arole%2Fr&RoleSessionName=s&WebIdentityToken=a.b%2Bc");
    buf_fini(&form);
}
