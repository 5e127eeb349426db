/* retry.h: the part of store.c that waits and tries again. */
#pragma once

#include "store/store_impl.h"

/* After an attempt: true when the request now waits to be started again. */
bool store_retry_later(struct store_request *request);
/* A waiting request was cancelled: it is delivered at the next turn of the loop. */
void store_retry_now(struct store_request *request);
/* A request with failed attempts has left the list. */
void store_retry_ended(struct store *store);

/* store.c: takes the request off the list and calls back. */
void store_request_deliver(struct store_request *request);
void store_finish_if_idle(struct store *store);
