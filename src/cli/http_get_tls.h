/* http_get_tls.h: the TLS of an HTTPS request: bytes in, bytes out, without a socket. */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/err.h"

/* Trusts the authorities of a PEM file, or with NULL those of the system. NULL with *err set; free
 * with SSL_CTX_free. */
SSL_CTX *http_get_tls_context(const char *ca_file, struct err *err);

/* For a server that must have a certificate for this name or address. NULL without memory; free
 * with SSL_free. */
SSL *http_get_tls_new(SSL_CTX *context, const char *host);

/* Takes bytes that have come. Once the server is known to be the right one, and not before, `ask`
 * is sent and cleared; what the server says goes to `said`. *ended: it says no more. */
int http_get_tls_turn(SSL *tls, struct str come, struct buf *ask, struct buf *said, bool *ended,
                      struct err *err) MUST_CHECK;
/* Moves what is to be sent behind what is in `out`. */
void http_get_tls_output(SSL *tls, struct buf *out);
