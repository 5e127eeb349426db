/* diag.h: reporting a problem at a place in the query's text. */
#pragma once

#include "sql/query.h"

struct diag {
    struct str text;         /* the query */
    struct sql_error *error; /* filled by the first diag_fail */
};

/* Fills diag->error for the token at byte `offset` and returns code. */
int diag_fail(const struct diag *diag, int code, uint32_t offset, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same for ERR_NOMEM. */
int diag_nomem(const struct diag *diag);

/* At most 80 bytes of s, cut between characters, for messages. */
struct str diag_shown(struct str s);
/* For "%.*s": an excerpt of a name or value that the user wrote. */
#define DIAG_ARG(s) STR_ARG(diag_shown(s))
