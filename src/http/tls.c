#include "http/tls.h"

#include <openssl/err.h>

/* What OpenSSL last complained about; empties its list. */
static const char *complaint(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return reason ? reason : "cannot be read";
}

/* A key with a passphrase is refused: OpenSSL would ask for it on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *user)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static int load(SSL_CTX *context, const char *certificate, const char *key, struct err *err)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return err_set(err, ERR_INVALID, "http.tls.certificate %s: %s", certificate, complaint());
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return err_set(err, ERR_INVALID, "http.tls.key %s: %s", key, complaint());
    return 0;
}

int http_tls_create(SSL_CTX **out, const char *certificate, const char *key, struct err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    *out = NULL;
    ERR_clear_error();
    if (!context)
        return err_set(err, ERR_NOMEM, "http.tls: out of memory");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Tickets need no memory per client; a cache of sessions would. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    int code = load(context, certificate, key, err);
    if (code)
        SSL_CTX_free(context);
    else
        *out = context;
    return code;
}

void http_tls_destroy(SSL_CTX *context)
{
    SSL_CTX_free(context);
}
