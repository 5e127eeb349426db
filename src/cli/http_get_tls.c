#include "cli/http_get_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* What OpenSSL last complained about; empties its list. */
static const char *complaint(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "the connection is broken";
}

SSL_CTX *http_get_tls_context(const char *ca_file, struct err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    ERR_clear_error();
    if (!context) {
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    int ok = ca_file ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
                     : SSL_CTX_set_default_verify_paths(context);
    if (ok == 1)
        return context;
    err_set(err, ERR_INVALID, "%s: %s", ca_file ? ca_file : "the system's certificates",
            complaint());
    SSL_CTX_free(context);
    return NULL;
}

SSL *http_get_tls_new(SSL_CTX *context, const char *host)
{
    SSL *tls = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!tls || !in || !out) {
        SSL_free(tls);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    SSL_set_bio(tls, in, out);
    SSL_set_connect_state(tls);
    bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
    if (is_address || (SSL_set1_host(tls, host) == 1 && SSL_set_tlsext_host_name(tls, host) == 1))
        return tls;
    SSL_free(tls); /* a server of any name would do */
    return NULL;
}

static int explain(SSL *tls, struct err *err)
{
    long verified = SSL_get_verify_result(tls);
    if (verified != X509_V_OK) {
        ERR_clear_error();
        return err_set(err, ERR_IO, "its certificate is not trusted: %s",
                       X509_verify_cert_error_string(verified));
    }
    return err_set(err, ERR_IO, "TLS: %s%s", complaint(),
                   SSL_is_init_finished(tls) ? "" : " (does it speak plain http?)");
}

int http_get_tls_turn(SSL *tls, struct str come, struct buf *ask, struct buf *said, bool *ended,
                      struct err *err)
{
    char chunk[4096];
    ERR_clear_error();
    if (come.n && BIO_write(SSL_get_rbio(tls), come.p, (int)come.n) != (int)come.n)
        return err_set(err, ERR_NOMEM, "out of memory");
    int n = SSL_do_handshake(tls); /* 1 from its end on */
    if (n == 1 && ask->n) {
        n = SSL_write(tls, ask->p, (int)ask->n) > 0;
        buf_clear(ask);
    }
    if (n == 1)
        while ((n = SSL_read(tls, chunk, sizeof chunk)) > 0)
            buf_append(said, chunk, (size_t)n);
    int why = SSL_get_error(tls, n);
    *ended = why == SSL_ERROR_ZERO_RETURN;
    return *ended || why == SSL_ERROR_WANT_READ ? 0 : explain(tls, err);
}

void http_get_tls_output(SSL *tls, struct buf *out)
{
    char *bytes;
    long n = BIO_get_mem_data(SSL_get_wbio(tls), &bytes);
    if (n > 0)
        buf_append(out, bytes, (size_t)n);
    (void)BIO_reset(SSL_get_wbio(tls));
}
