/* err.h: the one error object. Functions that can fail return 0 or a negative errno-like code and
 * fill an error with a message; callers prefix it with what they were doing on the way up. */
#pragma once

#include "base/check.h"

enum {
    ERR_INVALID = -1,     /* the input is wrong: document, SQL, options, a record under FAILFAST */
    ERR_UNSUPPORTED = -2, /* valid, but not built */
    ERR_NOMEM = -3,       /* out of memory, or over a stated memory limit */
    ERR_IO = -4,          /* disk, network or another process failed */
    ERR_EXISTS = -5,      /* put-if-absent found the name taken */
    ERR_NOT_FOUND = -6,
    ERR_DATA_LOSS = -7, /* offsets that should be there are gone */
    ERR_CANCELLED = -8,
    ERR_AGAIN = -9,    /* not now; the callee will say when */
    ERR_CORRUPT = -10, /* saved bytes are damaged, foreign or newer */
};

struct err {
    int code; /* one of ERR_*, 0 = no error */
    char msg[1000];
};

/* Sets code and message and returns code. err may be NULL: only the code is returned. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the message; keeps and returns the code. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
