/* diag.h: reporting problems at their places in the query's text. */
#pragma once

#include "sql/query.h"

struct diag {
    struct str text; /* the query */
    struct sql_errors *errors;
};

/* Adds an error for the token at byte `offset` and returns code. The same message at the same place
 * is added once: what GROUP BY names is bound again as a select item. */
int diag_fail(const struct diag *diag, int code, uint32_t offset, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same for ERR_NOMEM. */
int diag_nomem(const struct diag *diag);

/* Further errors are only counted: no need to think of a good message. */
static inline bool diag_is_full(const struct diag *diag)
{
    return diag->errors->count >= diag->errors->capacity;
}

/* Of two steps that were both tried: the code of the first that failed, ERR_NOMEM before all. */
static inline int diag_both(int first, int second)
{
    return first == 0 || second == ERR_NOMEM ? second : first;
}

/* At most 80 bytes of s, cut between characters, for messages. */
struct str diag_shown(struct str s);
/* For "%.*s": an excerpt of a name or value that the user wrote. */
#define DIAG_ARG(s) STR_ARG(diag_shown(s))
