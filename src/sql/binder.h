/* binder.h: gives names and types to a parsed query: ast.h → expr.h. */
#pragma once

#include "sql/ast.h"
#include "sql/expr.h"

/* Something outside the arena that ends with the query. */
struct owned {
    void *object;
    void (*free_object)(void *);
    struct owned *next;
};

/* A query ready to run. Everything lives in the arena it was bound in. */
struct bound_query {
    const struct type *schema; /* STRUCT of the select list */
    struct expr **items; /* over the scope's columns; of an aggregating query over its groups' */
    uint32_t item_count;
    /* window() that gives a row per window of a record: in a select list without GROUP BY, or
     * inside the aggregates of a query whose groups do not tell the windows of a record apart; else
     * NULL. */
    struct expr *row_window;
    struct expr *early, *late; /* conditions before and after the watermark; NULL: every row */
    uint32_t memo_count;
    uint32_t column_count; /* of the scope */
    bool *used;            /* per column of the scope */
    struct owned *owned;
    /* Aggregating queries. */
    bool grouped;
    struct sql_grouping grouping;
    struct expr **inputs; /* what sql_run_inputs gives */
    uint32_t input_count;
    struct expr *having;   /* over the groups' columns; NULL: every group */
    uint32_t group_offset; /* in the text: GROUP BY, DISTINCT or the first item */
    struct expr **groups;  /* the keys as GROUP BY has them, over the scope's columns */
    uint32_t group_count;
};

/* `as_text`: expressions are labelled as SQL text, for readers, instead of with Spark's names: for
 * sql_query_explain. Fails with ERR_INVALID, ERR_UNSUPPORTED or ERR_NOMEM; diag has every problem.
 */
int binder_run(const struct diag *diag, struct arena *arena, const struct ast_query *query,
               const struct sql_scope *scope, bool as_text, struct bound_query *out) MUST_CHECK;

/* Frees what is owned; the arena is the caller's. */
void bound_query_fini(struct bound_query *bound);
