/* listen.h: an address to listen on: host:port, with IPv6 in brackets. */
#pragma once

#include "base/check.h"
#include "base/str.h"

#define LISTEN_DEFAULT "127.0.0.1:8080"

/* Splits the text. *host is a view into it, without brackets. Port 0 is legal: a free one. Returns
 * NULL, or a sentence that says what is wrong (static storage). */
const char *listen_parse(struct str text, struct str *host, uint16_t *port) MUST_CHECK;

/* Whether only this machine can reach it: 127.0.0.0/8, ::1, localhost. Any other name may not be.
 */
bool listen_is_loopback(struct str host);
