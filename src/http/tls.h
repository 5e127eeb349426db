/* tls.h: the server's side of TLS, of two PEM files. Inside src/http only. */
#pragma once

#include <openssl/ssl.h>

#include "base/err.h"

/* TLS 1.2 and later. `certificate` holds the certificate and those between it and the CA's;
 * ERR_INVALID names the file that cannot be used, ERR_NOMEM. */
int http_tls_create(SSL_CTX **out, const char *certificate, const char *key,
                    struct err *err) MUST_CHECK;
void http_tls_destroy(SSL_CTX *context); /* NULL is legal */
