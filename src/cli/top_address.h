/* top_address.h: which server `sluice top` asks: HOST:PORT, or http:// or https:// before it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

struct top_address {
    char host[256]; /* without brackets */
    uint16_t port;
    bool tls;
};

/* After a scheme, which is written in any case, the port may be missing: 80 or 443. */
int top_address_parse(const char *text, struct top_address *out, struct err *err) MUST_CHECK;
