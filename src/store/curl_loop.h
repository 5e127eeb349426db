/* curl_loop.h: libcurl's multi interface on a uv loop: sockets by uv_poll, time by one uv_timer.
 *
 * An easy handle added here carries its transfer in CURLOPT_PRIVATE; its end is told from the loop,
 * never from inside curl_loop_add or curl_loop_remove. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

struct curl_loop;

struct curl_transfer {
    CURL *easy; /* the caller's; off the loop again when `ended` is called */
    void (*ended)(struct curl_transfer *transfer, CURLcode code);
};

/* connections_max: open ones kept for reuse. ERR_NOMEM. */
int curl_loop_create(struct curl_loop **out, uv_loop_t *loop, uint32_t connections_max,
                     struct err *err) MUST_CHECK;
/* Starts the transfer at a later turn. False without memory. */
bool curl_loop_add(struct curl_loop *loop, struct curl_transfer *transfer) MUST_CHECK;
/* Ends one that runs: its connection is closed, `ended` is not called. Not from curl's callbacks.
 */
void curl_loop_remove(struct curl_loop *loop, struct curl_transfer *transfer);
/* No transfer runs. Closes connections and handles, frees the loop's memory, then calls back. */
void curl_loop_close(struct curl_loop *loop, void (*closed)(void *user), void *user);
/* The same, without word of it: for a creation that failed. */
void curl_loop_discard(struct curl_loop *loop);
