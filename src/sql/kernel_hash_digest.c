/* kernel_hash_digest.c: digests by libcrypto, and CRC-32. The functions of one algorithm each are
 * used, not the EVP interface, which loads configuration files and so would not be pure. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "sql/kernel.h"
#include "sql/kernels_hash.h"

enum { DIGEST_MAX = SHA512_DIGEST_LENGTH };

/* Writes the digest and returns its length. */
typedef size_t (*digest_fn)(struct str s, unsigned char out[DIGEST_MAX]);

/* `init` and `final` may be of another name than the length: SHA-224 is a cut SHA-256. */
#define DIGEST(name, context_type, init, update, final, length)                                    \
    static size_t name(struct str s, unsigned char out[DIGEST_MAX])                                \
    {                                                                                              \
        context_type context;                                                                      \
        init(&context);                                                                            \
        update(&context, s.p, s.n);                                                                \
        final(out, &context);                                                                      \
        return length;                                                                             \
    }
DIGEST(md5, MD5_CTX, MD5_Init, MD5_Update, MD5_Final, MD5_DIGEST_LENGTH)
DIGEST(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final, SHA_DIGEST_LENGTH)
DIGEST(sha224, SHA256_CTX, SHA224_Init, SHA224_Update, SHA224_Final, SHA224_DIGEST_LENGTH)
DIGEST(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, SHA256_DIGEST_LENGTH)
DIGEST(sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final, SHA384_DIGEST_LENGTH)
DIGEST(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final, SHA512_DIGEST_LENGTH)

static int set_hex(struct eval *eval, struct str s, digest_fn digest, struct str *out)
{
    unsigned char bytes[DIGEST_MAX];
    char *text = kernel_text(eval, 2 * DIGEST_MAX);
    if (!text)
        return ERR_NOMEM;
    size_t n = digest(s, bytes);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    *out = (struct str){text, 2 * n};
    kernel_text_keep(eval, 2 * n);
    return 0;
}

static int digest_all(struct eval *eval, const struct value *args, digest_fn digest,
                      struct value *out)
{
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        out->vec.str[i] = (struct str){"", 0};
        if (!vec_is_null(&out->vec, i))
            code = set_hex(eval, args[0].vec.str[i], digest, &out->vec.str[i]);
    }
    return code;
}

int kernel_md5(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)expr;
    return digest_all(eval, args, md5, out);
}

int kernel_sha1(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    return digest_all(eval, args, sha1, out);
}

static digest_fn sha2_of(int32_t bits)
{
    switch (bits) {
    case 0:
    case 256:
        return sha256;
    case 224:
        return sha224;
    case 384:
        return sha384;
    case 512:
        return sha512;
    default:
        return NULL;
    }
}

int kernel_sha2(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)expr;
    int code = 0;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        digest_fn digest = sha2_of(args[1].vec.i32[kernel_row(&args[1], i)]);
        nulls[i] = !digest;
        out->vec.str[i] = (struct str){"", 0};
        if (digest && !vec_is_null(&out->vec, i))
            code =
                set_hex(eval, args[0].vec.str[kernel_row(&args[0], i)], digest, &out->vec.str[i]);
    }
    return code == 0 ? kernel_null_where(eval, out, nulls) : code;
}

/* The table of the CRC with the reversed polynomial 0xedb88320 (ISO 3309, as in zlib). */
static void make_crc_table(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
        table[i] = crc;
    }
}

int kernel_crc32(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)eval, (void)expr;
    uint32_t table[256];
    make_crc_table(table);
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = vec_is_null(&out->vec, i) ? (struct str){"", 0} : args[0].vec.str[i];
        uint32_t crc = ~0U;
        for (size_t k = 0; k < s.n; k++)
            crc = table[(crc ^ (uint8_t)s.p[k]) & 0xff] ^ crc >> 8;
        out->vec.i64[i] = ~crc;
    }
    return 0;
}
