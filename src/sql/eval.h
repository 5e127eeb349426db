/* eval.h: runs typed expressions over a block, a vector at a time. */
#pragma once

#include "sql/expr.h"

struct eval_memo {
    bool done;
    struct value value;
};

/* A column of the block under the current selection. */
struct eval_column {
    bool done;
    struct vec vec;
};

struct eval {
    struct arena *arena;
    const struct vec *cols;       /* the scope's columns, before any selection */
    uint32_t rows;                /* now: in the selection */
    const uint32_t *picks;        /* the selection; NULL: all rows */
    struct eval_column *selected; /* with picks: gathered columns, on demand */
    struct eval_memo *memo;
    const struct sql_batch_context *context;
    struct err *err;
    char *text, *text_end; /* free room for results of string functions */
};

/* Every value of the current rows. Never changes what it hands out later. */
int eval_expr(struct eval *eval, const struct expr *expr, struct value *out) MUST_CHECK;

/* Restricts the rows to those where a BOOLEAN is true; forgets what was computed before. */
int eval_select(struct eval *eval, const struct value *condition, uint32_t memo_count,
                uint32_t column_count) MUST_CHECK;

/* A vector with as many rows as the selection, even of a constant. */
int eval_materialise(struct eval *eval, const struct value *value, struct vec *out) MUST_CHECK;

/* Computes expressions without columns, bottom up, so that they are constants at run time. What
 * fails stays as it is: it will fail when it runs. */
int eval_fold(struct expr *expr, struct arena *arena) MUST_CHECK;
