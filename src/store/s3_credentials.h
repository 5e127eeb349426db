/* s3_credentials.h: where access keys come from, and how they are read. No I/O. */
#pragma once

#include "base/arena.h"
#include "store/s3_address.h"
#include "store/s3_client.h"

/* Heap strings; all zero is none. Never in messages. */
struct s3_keys {
    struct buf access_key_id, secret_access_key, session_token;
    int64_t expires_ms; /* since 1970; 0: they do not */
};

enum s3_source_kind {
    S3_SOURCE_NONE,
    S3_SOURCE_FIXED,        /* the document's or the environment's */
    S3_SOURCE_WEB_IDENTITY, /* a token in a file, changed for keys at the token service */
    S3_SOURCE_FILE          /* the shared credentials file */
};

/* Strings live in the arena. */
struct s3_source {
    enum s3_source_kind kind;
    struct s3_keys keys;                  /* FIXED */
    struct str file, profile;             /* FILE */
    struct str token_file, role, session; /* WEB_IDENTITY: the role's ARN, the session's name */
    struct s3_endpoint service;
    struct arena arena;
};

/* Chooses by options and environment, in the order of s3_client.h. ERR_INVALID, ERR_NOMEM. */
int s3_source_init(struct s3_source *out, const struct s3_options *options, struct str region,
                   struct err *err) MUST_CHECK;
void s3_source_fini(struct s3_source *source);
/* Wipes and frees. */
void s3_keys_fini(struct s3_keys *keys);
/* False without memory. */
bool s3_keys_set(struct s3_keys *keys, struct str id, struct str secret, struct str token);
/* The keys of [profile] in an ini file. ERR_NOT_FOUND (no such profile, or no keys in it),
 * ERR_NOMEM.
 */
int s3_keys_from_file(struct s3_keys *out, struct str text, struct str profile,
                      struct err *err) MUST_CHECK;
/* The answer of AssumeRoleWithWebIdentity. ERR_CORRUPT. */
int s3_keys_from_service(struct s3_keys *out, struct str document, struct err *err) MUST_CHECK;
/* Appends the form that asks for them. */
void s3_service_form(struct buf *out, const struct s3_source *source, struct str token);
