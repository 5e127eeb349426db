/* health.h: whether something outside (a store, a broker) can be reached by what writes to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct health {
    bool failing;      /* an operation waits to be tried again */
    uint64_t since_ms; /* uv_now: when that began or ended */
    uint64_t retries;  /* attempts that failed, since the start */
    struct err err;    /* the last failure; code 0: none yet */
};
