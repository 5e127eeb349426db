#include "store/s3_credentials.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/s3_xml.h"
#include "store/sigv4.h"
#include "vec/time.h"

static void wipe(struct buf *buf)
{
    if (buf->p)
        OPENSSL_cleanse(buf->p, buf->capacity);
    buf_fini(buf);
    *buf = (struct buf){0};
}

void s3_keys_fini(struct s3_keys *keys)
{
    wipe(&keys->access_key_id);
    wipe(&keys->secret_access_key);
    wipe(&keys->session_token);
    keys->expires_ms = 0;
}

bool s3_keys_set(struct s3_keys *keys, struct str id, struct str secret, struct str token)
{
    s3_keys_fini(keys);
    buf_append_str(&keys->access_key_id, id);
    buf_append_str(&keys->secret_access_key, secret);
    buf_append_str(&keys->session_token, token);
    return !keys->access_key_id.failed && !keys->secret_access_key.failed &&
           !keys->session_token.failed;
}

void s3_source_fini(struct s3_source *source)
{
    s3_keys_fini(&source->keys);
    arena_fini(&source->arena);
}

static struct str lookup(const struct s3_options *options, const char *name)
{
    return str_of(options->lookup ? options->lookup(options->lookup_user, name) : NULL);
}

static struct str keep(struct s3_source *source, struct str s, bool *failed)
{
    struct str copy = arena_str(&source->arena, s);
    *failed |= !copy.p;
    return copy.p ? copy : (struct str){0};
}

static int init_web_identity(struct s3_source *source, const struct s3_options *options,
                             struct str region, struct err *err)
{
    bool failed = false;
    struct str url = lookup(options, "AWS_ENDPOINT_URL_STS");
    struct str session = lookup(options, "AWS_ROLE_SESSION_NAME");
    source->kind = S3_SOURCE_WEB_IDENTITY;
    source->token_file = keep(source, lookup(options, "AWS_WEB_IDENTITY_TOKEN_FILE"), &failed);
    source->role = keep(source, lookup(options, "AWS_ROLE_ARN"), &failed);
    source->session = keep(source, session.n ? session : STR("sluice"), &failed);
    if (failed)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (!url.n) {
        s3_endpoint_aws(&source->service, "sts", region);
        return 0;
    }
    int code = s3_endpoint_parse(&source->service, url, region, err);
    return code ? err_prefix(err, "AWS_ENDPOINT_URL_STS") : 0;
}

static int init_file(struct s3_source *source, const struct s3_options *options, struct err *err)
{
    bool failed = false;
    char path[1024];
    struct str file = lookup(options, "AWS_SHARED_CREDENTIALS_FILE");
    struct str home = lookup(options, "HOME"), profile = lookup(options, "AWS_PROFILE");
    if (!file.n && home.n && home.n < sizeof path - 32) {
        snprintf(path, sizeof path, "%.*s/.aws/credentials", STR_ARG(home));
        file = str_of(path);
    }
    if (!file.n)
        return 0;
    source->kind = S3_SOURCE_FILE;
    source->file = keep(source, file, &failed);
    source->profile = keep(source, profile.n ? profile : STR("default"), &failed);
    return failed ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

int s3_source_init(struct s3_source *out, const struct s3_options *options, struct str region,
                   struct err *err)
{
    *out = (struct s3_source){0};
    struct str id = options->access_key_id, secret = options->secret_access_key;
    struct str token = options->session_token;
    if ((id.n == 0) != (secret.n == 0))
        return err_set(err, ERR_INVALID,
                       "the S3 access key id and the secret access key belong "
                       "together: one of them is missing");
    if (!id.n) {
        id = lookup(options, "AWS_ACCESS_KEY_ID");
        secret = lookup(options, "AWS_SECRET_ACCESS_KEY");
        token = lookup(options, "AWS_SESSION_TOKEN");
    }
    int code;
    if (id.n && secret.n) {
        out->kind = S3_SOURCE_FIXED;
        code = s3_keys_set(&out->keys, id, secret, token)
                   ? 0
                   : err_set(err, ERR_NOMEM, "out of memory");
    } else if (lookup(options, "AWS_WEB_IDENTITY_TOKEN_FILE").n &&
               lookup(options, "AWS_ROLE_ARN").n) {
        code = init_web_identity(out, options, region, err);
    } else {
        code = init_file(out, options, err);
    }
    if (code)
        s3_source_fini(out);
    return code;
}

static struct str take_line(struct str *text)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    struct str line = {text->p, end ? (size_t)(end - text->p) : text->n};
    size_t used = end ? line.n + 1 : line.n;
    text->p += used;
    text->n -= used;
    return str_trim(line);
}

int s3_keys_from_file(struct s3_keys *out, struct str text, struct str profile, struct err *err)
{
    struct str id = {0}, secret = {0}, token = {0};
    bool inside = false, seen = false;
    while (text.n) {
        struct str line = take_line(&text);
        if (!line.n || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (line.p[0] == '[') {
            const char *close = memchr(line.p, ']', line.n);
            struct str name = {line.p + 1, close ? (size_t)(close - line.p) - 1 : 0};
            inside = str_eq(str_trim(name), profile);
            seen |= inside;
            continue;
        }
        const char *equals = inside ? memchr(line.p, '=', line.n) : NULL;
        if (!equals)
            continue;
        struct str name = str_trim((struct str){line.p, (size_t)(equals - line.p)});
        struct str value =
            str_trim((struct str){equals + 1, line.n - (size_t)(equals - line.p) - 1});
        if (str_eq_nocase(name, STR("aws_access_key_id")))
            id = value;
        else if (str_eq_nocase(name, STR("aws_secret_access_key")))
            secret = value;
        else if (str_eq_nocase(name, STR("aws_session_token")))
            token = value;
    }
    if (!id.n || !secret.n)
        return err_set(err, ERR_NOT_FOUND,
                       seen ? "profile [%.*s] has no access keys" : "there is no profile [%.*s]",
                       profile.n < 100 ? (int)profile.n : 100, profile.p);
    return s3_keys_set(out, id, secret, token) ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

int s3_keys_from_service(struct s3_keys *out, struct str document, struct err *err)
{
    static const char *const names[] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                        "Expiration"};
    struct buf values[COUNT_OF(names)] = {0};
    int64_t expires_us = 0;
    bool ok = true;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        ok =
            ok && s3_xml_value(document, "AssumeRoleWithWebIdentityResponse", names[i], &values[i]);
    ok = ok && time_parse_timestamp(buf_str(&values[3]), &expires_us);
    ok = ok && s3_keys_set(out, buf_str(&values[0]), buf_str(&values[1]), buf_str(&values[2]));
    if (ok)
        out->expires_ms = expires_us / 1000;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        wipe(&values[i]);
    return ok ? 0 : err_set(err, ERR_CORRUPT, "its answer holds no credentials");
}

void s3_service_form(struct buf *out, const struct s3_source *source, struct str token)
{
    buf_append_str(out, STR("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="));
    sigv4_escape(out, source->role, false);
    buf_append_str(out, STR("&RoleSessionName="));
    sigv4_escape(out, source->session, false);
    buf_append_str(out, STR("&WebIdentityToken="));
    sigv4_escape(out, str_trim(token), false);
}
