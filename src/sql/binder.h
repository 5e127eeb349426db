/* binder.h: gives names and types to a parsed query: ast.h → expr.h. */
#pragma once

#include "sql/ast.h"
#include "sql/expr.h"

/* A query ready to run. Everything lives in the arena it was bound in. */
struct bound_query {
    const struct type *schema; /* STRUCT of the select list */
    struct expr **items;
    uint32_t item_count;
    struct expr *where; /* NULL: every row */
    uint32_t memo_count;
    uint32_t column_count; /* of the scope */
    bool *used;            /* per column of the scope */
};

/* Fails with ERR_INVALID, ERR_UNSUPPORTED or ERR_NOMEM in diag. */
int binder_run(const struct diag *diag, struct arena *arena, const struct ast_query *query,
               const struct sql_scope *scope, struct bound_query *out) MUST_CHECK;
