#include "sql/query.h"

#include <stdlib.h>

#include "sql/binder.h"
#include "sql/eval.h"
#include "sql/parser.h"

struct sql_query {
    struct arena arena; /* the bound query */
    struct bound_query bound;
};

int sql_query_create(struct sql_query **out, struct str text, const struct sql_scope *scope,
                     struct sql_error *error)
{
    *out = NULL;
    *error = (struct sql_error){0};
    struct diag diag = {.text = text, .error = error};
    struct sql_query *query = calloc(1, sizeof *query);
    struct arena scratch = {0};
    if (!query)
        return diag_nomem(&diag);
    struct ast_query ast;
    int code = parser_run(&diag, &scratch, &ast);
    if (code == 0)
        code = binder_run(&diag, &query->arena, &ast, scope, &query->bound);
    arena_fini(&scratch);
    if (code != 0) {
        INVARIANT(error->code == code);
        sql_query_destroy(query);
        return code;
    }
    *out = query;
    return 0;
}

void sql_query_destroy(struct sql_query *query)
{
    if (!query)
        return;
    arena_fini(&query->arena);
    free(query);
}

const struct type *sql_query_schema(const struct sql_query *query)
{
    return query->bound.schema;
}

bool sql_query_uses(const struct sql_query *query, uint32_t column)
{
    return column < query->bound.column_count && query->bound.used[column];
}

static int run_where(struct eval *eval, const struct bound_query *bound)
{
    struct value condition;
    if (!bound->where || eval->rows == 0)
        return 0;
    int code = eval_expr(eval, bound->where, &condition);
    if (code == 0)
        code = eval_select(eval, &condition, bound->memo_count, bound->column_count);
    return code;
}

static int run_items(struct eval *eval, const struct bound_query *bound, struct block *out)
{
    for (uint32_t i = 0; i < bound->item_count; i++) {
        struct value value;
        int code = 0;
        if (eval->rows == 0) {
            code = vec_init(&out->cols[i], bound->items[i]->type, 0, eval->arena);
        } else {
            code = eval_expr(eval, bound->items[i], &value);
            if (code == 0)
                code = eval_materialise(eval, &value, &out->cols[i]);
        }
        if (code != 0)
            return code;
    }
    return 0;
}

int sql_query_run(struct sql_query *query, const struct block *in,
                  const struct sql_batch_context *context, struct arena *arena, struct block *out,
                  struct err *err)
{
    const struct bound_query *bound = &query->bound;
    struct eval eval = {
        .arena = arena, .cols = in->cols, .rows = in->rows, .context = context, .err = err};
    *out = (struct block){.col_count = bound->item_count};
    out->cols = ARENA_ARRAY(arena, struct vec, bound->item_count);
    if (bound->memo_count)
        eval.memo = ARENA_ARRAY(arena, struct eval_memo, bound->memo_count);
    if (!out->cols || (bound->memo_count && !eval.memo))
        return err_set(err, ERR_NOMEM, "out of memory");
    int code = run_where(&eval, bound);
    out->rows = eval.rows;
    if (code == 0)
        code = run_items(&eval, bound, out);
    return code == ERR_NOMEM ? err_set(err, ERR_NOMEM, "out of memory") : code;
}
