/* s3_dns.h: names of hosts to addresses, without blocking the loop, a close or the process's end.
 *
 * curl 7.88 can join its resolver's thread when a transfer is removed, and libuv waits for its
 * pool's getaddrinfo before a loop can be closed and the process ends. A resolver can hang for
 * minutes, so each lookup runs on a thread of its own that is left behind when nobody waits for it
 * any more. Addresses are kept for a minute; older ones are used while they are looked up again. */
#pragma once

#include <netdb.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

struct s3_dns;
typedef int (*s3_getaddrinfo)(const char *node, const char *service, const struct addrinfo *hints,
                              struct addrinfo **result);
enum s3_dns_state { S3_DNS_KNOWN, S3_DNS_RUNNING, S3_DNS_FAILED };

/* `changed` is called on the loop after a lookup ended. getaddrinfo_like: NULL is the system's; it
 * is called on other threads and its result freed by freeaddrinfo. ERR_NOMEM, ERR_IO. */
int s3_dns_create(struct s3_dns **out, uv_loop_t *loop, s3_getaddrinfo getaddrinfo_like,
                  void (*changed)(void *user), void *user, struct err *err) MUST_CHECK;
/* KNOWN: the addresses with commas between them, IPv6 in brackets, in `addresses` (cleared first).
 * RUNNING: a lookup runs, begun now or before. FAILED: the last lookup, after `asked_ms` (uv_now),
 * failed: err says why; the next call begins another. */
enum s3_dns_state s3_dns_get(struct s3_dns *dns, const char *host, uint64_t asked_ms,
                             struct buf *addresses, struct err *err);
/* Leaves what runs behind; `closed` is called on the loop, dns is gone then. */
void s3_dns_close(struct s3_dns *dns, void (*closed)(void *user), void *user);
