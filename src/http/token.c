#include "http/token.h"

#include <h2o.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define USER "sluice:"

static void clear(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

int http_token_init(struct http_token *token, const char *text)
{
    *token = (struct http_token){0};
    if (!text)
        return 0;
    size_t n = strlen(text), size = sizeof USER + n;
    char *plain = calloc(1, size);
    token->bearer = strdup(text);
    token->basic = calloc(1, h2o_base64_encode_capacity(size) + 1);
    if (!plain || !token->bearer || !token->basic) {
        clear(plain);
        http_token_fini(token);
        return ERR_NOMEM;
    }
    memcpy(plain, USER, sizeof USER - 1);
    memcpy(plain + sizeof USER - 1, text, n + 1);
    token->basic[h2o_base64_encode(token->basic, plain, size - 1, 0)] = '\0';
    clear(plain);
    return 0;
}

void http_token_fini(struct http_token *token)
{
    clear(token->bearer);
    clear(token->basic);
    *token = (struct http_token){0};
}

static bool same(struct str given, const char *secret)
{
    size_t n = strlen(secret);
    return given.n == n && CRYPTO_memcmp(given.p, secret, n) == 0;
}

bool http_token_allows(const struct http_token *token, struct str header)
{
    if (!token->bearer)
        return true;
    size_t n = 0;
    while (n < header.n && header.p[n] != ' ')
        n++;
    struct str scheme = {header.p, n};
    while (n < header.n && header.p[n] == ' ')
        n++;
    struct str rest = {header.p + n, header.n - n};
    if (str_eq_nocase(scheme, STR("Bearer")))
        return same(rest, token->bearer);
    return str_eq_nocase(scheme, STR("Basic")) && same(rest, token->basic);
}
