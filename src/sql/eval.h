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
    const struct vec *cols;  /* the scope's columns, before any selection */
    uint32_t rows;           /* now: in the selection */
    const uint32_t *picks;   /* the selection; NULL: all rows */
    const uint32_t *windows; /* per row, its how-manieth window (eval_expand); NULL: the first */
    struct eval_column *selected; /* with picks: gathered columns, on demand */
    struct eval_memo *memo;
    uint32_t memo_count, column_count;       /* of the query; of its scope */
    const struct sql_batch_context *context; /* NULL: of no batch, while folding */
    bool needs_batch; /* without context: a value is another one in each batch */
    struct err *err;
    char *text, *text_end; /* free room for results of string functions */
};

/* Every value of the current rows. Never changes what it hands out later. */
int eval_expr(struct eval *eval, const struct expr *expr, struct value *out) MUST_CHECK;

/* Restricts the rows to those where a BOOLEAN is true. */
int eval_select(struct eval *eval, const struct value *condition) MUST_CHECK;
/* Restricts the rows to n of them, ascending indexes into the selection. */
int eval_keep(struct eval *eval, const uint32_t *kept, uint32_t n) MUST_CHECK;

/* Repeats rows: row i of the new selection is row picks[i] of the present one, in its windows[i]-th
 * window. */
int eval_expand(struct eval *eval, uint32_t *picks, const uint32_t *windows, uint32_t n) MUST_CHECK;

/* A vector with as many rows as the selection, even of a constant. */
int eval_materialise(struct eval *eval, const struct value *value, struct vec *out) MUST_CHECK;

/* Computes expressions without columns, bottom up, so that they are constants at run time. What
 * fails stays as it is: it will fail when it runs. */
int eval_fold(struct expr *expr, struct arena *arena) MUST_CHECK;
