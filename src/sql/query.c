#include "sql/query.h"

#include <stdlib.h>

#include "sql/binder.h"
#include "sql/eval.h"
#include "sql/kernels.h"
#include "sql/parser.h"
#include "sql/window.h"

struct sql_query {
    struct arena arena; /* the bound query */
    struct bound_query bound;
};

int sql_query_create(struct sql_query **out, struct str text, const struct sql_scope *scope,
                     struct sql_errors *errors)
{
    *out = NULL;
    errors->count = 0;
    struct diag diag = {.text = text, .errors = errors};
    struct sql_query *query = calloc(1, sizeof *query);
    struct arena scratch = {0};
    if (!query)
        return diag_nomem(&diag);
    struct ast_query ast;
    int code = parser_run(&diag, &scratch, &ast);
    if (code == 0)
        code = binder_run(&diag, &query->arena, &ast, scope, false, &query->bound);
    if (scratch.failed || query->arena.failed) { /* names and messages may be incomplete */
        errors->count = 0;
        code = diag_nomem(&diag);
    }
    arena_fini(&scratch);
    if (code != 0) {
        INVARIANT(errors->count > 0);
        sql_query_destroy(query);
        return code;
    }
    *out = query;
    return 0;
}

int sql_query_check_syntax(struct str text, struct sql_errors *errors)
{
    errors->count = 0;
    struct diag diag = {.text = text, .errors = errors};
    struct arena scratch = {0};
    struct ast_query ast;
    int code = parser_run(&diag, &scratch, &ast);
    if (scratch.failed) {
        errors->count = 0;
        code = diag_nomem(&diag);
    }
    arena_fini(&scratch);
    return code;
}

void sql_query_destroy(struct sql_query *query)
{
    if (!query)
        return;
    bound_query_fini(&query->bound);
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

const struct sql_grouping *sql_query_grouping(const struct sql_query *query)
{
    return query->bound.grouped ? &query->bound.grouping : NULL;
}

uint32_t sql_query_fanout(const struct sql_query *query)
{
    const struct expr *window = query->bound.row_window;
    const struct window_spec *spec = window ? window->prepared : NULL;
    return !spec || spec->session ? 1 : (uint32_t)((spec->size_us - 1) / spec->slide_us) + 1;
}

uint32_t sql_query_group_offset(const struct sql_query *query)
{
    return query->bound.group_offset;
}

/* ---- one run ---- */

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

int sql_run_begin(struct sql_run *run, struct sql_query *query, const struct block *in,
                  const struct sql_batch_context *context, struct arena *arena, struct err *err)
{
    struct eval *eval = ARENA_NEW(arena, struct eval);
    uint32_t memo_count = query->bound.memo_count;
    *run = (struct sql_run){.query = query,
                            .context = context,
                            .arena = arena,
                            .err = err,
                            .in = in,
                            .rows = in->rows,
                            .eval = eval};
    if (!eval)
        return nomem(err);
    *eval = (struct eval){.arena = arena,
                          .cols = in->cols,
                          .rows = in->rows,
                          .memo_count = memo_count,
                          .column_count = in->col_count,
                          .context = context,
                          .err = err};
    eval->memo = ARENA_ARRAY(arena, struct eval_memo, memo_count);
    return eval->memo ? 0 : nomem(err);
}

/* The rows that the evaluator has left. */
static int follow(struct sql_run *run, int code)
{
    const struct eval *eval = run->eval;
    run->rows = eval->rows;
    run->picks = eval->picks;
    return code == ERR_NOMEM ? nomem(run->err) : code;
}

static int select_term(struct eval *eval, const struct expr *term)
{
    struct value value;
    int code = eval->rows ? eval_expr(eval, term, &value) : 0;
    return code == 0 && eval->rows ? eval_select(eval, &value) : code;
}

enum { TERMS_MAX = 1024 };

/* The terms of an AND, from the left; false: too many. */
static bool list_terms(const struct expr *condition, const struct expr **terms, uint32_t *count)
{
    if (condition->op == EXPR_CALL && condition->kernel == kernel_and)
        return list_terms(condition->args[0], terms, count) &&
               list_terms(condition->args[1], terms, count);
    if (*count == TERMS_MAX)
        return false;
    terms[(*count)++] = condition;
    return true;
}

/* Restricts the rows to those where a condition is true. Terms of it that fail are asked again of
 * the rows that its other terms leave, as long as that helps one of them. */
static int select_rows(struct eval *eval, const struct expr *condition)
{
    uint32_t left = 0, before = UINT32_MAX;
    int code = select_term(eval, condition);
    if (code != ERR_INVALID)
        return code;
    const struct expr **terms = ARENA_ARRAY(eval->arena, const struct expr *, TERMS_MAX);
    if (!terms)
        return ERR_NOMEM;
    if (!list_terms(condition, terms, &left))
        return code;
    while (left > 0 && left < before) {
        before = left;
        left = 0;
        for (uint32_t i = 0; i < before; i++) {
            code = select_term(eval, terms[i]);
            if (code == ERR_INVALID)
                terms[left++] = terms[i];
            else if (code != 0)
                return code;
        }
    }
    return left ? ERR_INVALID : 0;
}

static int run_condition(struct sql_run *run, const struct expr *condition)
{
    return condition ? follow(run, select_rows(run->eval, condition)) : 0;
}

int sql_run_early(struct sql_run *run)
{
    return run_condition(run, run->query->bound.early);
}

int sql_run_keep(struct sql_run *run, const uint32_t *kept, uint32_t n)
{
    return follow(run, eval_keep(run->eval, kept, n));
}

int sql_run_late(struct sql_run *run)
{
    return run_condition(run, run->query->bound.late);
}

static int run_items(struct eval *eval, struct expr *const *items, uint32_t count,
                     struct block *out)
{
    *out = (struct block){.col_count = count, .rows = eval->rows};
    out->cols = ARENA_ARRAY(eval->arena, struct vec, count);
    if (!out->cols)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct value value;
        int code = 0;
        if (eval->rows == 0) {
            code = vec_init(&out->cols[i], items[i]->type, 0, eval->arena);
        } else {
            code = eval_expr(eval, items[i], &value);
            if (code == 0)
                code = eval_materialise(eval, &value, &out->cols[i]);
        }
        if (code != 0)
            return code;
    }
    return 0;
}

/* How many windows a time lies in, from the last to start on. */
static uint32_t count_windows(const struct window_spec *spec, int64_t time_us)
{
    if (spec->session)
        return 1;
    int64_t last_us = window_floor(time_us, spec);
    uint64_t past_us = (uint64_t)time_us - (uint64_t)last_us;
    return past_us >= (uint64_t)spec->size_us
               ? 0
               : (uint32_t)(((uint64_t)spec->size_us - past_us - 1) / (uint64_t)spec->slide_us) + 1;
}

/* A row per window of each record; those without a time are in none. */
static int expand_windows(struct sql_run *run)
{
    const struct expr *window = run->query->bound.row_window;
    struct eval *eval = run->eval;
    struct value time;
    uint32_t n = 0, total = 0;
    int code = eval_expr(eval, window->args[0], &time);
    if (code != 0)
        return code;
    for (uint32_t i = 0; i < eval->rows; i++)
        total += vec_is_null(&time.vec, i) ? 0 : count_windows(window->prepared, time.vec.i64[i]);
    uint32_t *picks = arena_alloc(eval->arena, (total + 1) * sizeof *picks);
    uint32_t *windows = arena_alloc(eval->arena, (total + 1) * sizeof *windows);
    if (!picks || !windows)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < eval->rows; i++) {
        uint32_t count =
            vec_is_null(&time.vec, i) ? 0 : count_windows(window->prepared, time.vec.i64[i]);
        for (uint32_t k = 0; k < count; k++, n++) {
            picks[n] = i;
            windows[n] = k;
        }
    }
    return eval_expand(eval, picks, windows, n);
}

int sql_run_items(struct sql_run *run, struct block *out)
{
    const struct bound_query *bound = &run->query->bound;
    struct eval *eval = run->eval;
    if (bound->row_window && eval->rows > 0 && follow(run, expand_windows(run)) != 0)
        return run->err->code;
    return follow(run, run_items(run->eval, bound->items, bound->item_count, out));
}

int sql_run_inputs(struct sql_run *run, struct block *out)
{
    const struct bound_query *bound = &run->query->bound;
    struct eval *eval = run->eval;
    REQUIRE(bound->grouped);
    if (bound->row_window && eval->rows > 0 && follow(run, expand_windows(run)) != 0)
        return run->err->code;
    run->windows = eval->windows;
    return follow(run, run_items(eval, bound->inputs, bound->input_count, out));
}

int sql_query_outputs(struct sql_query *query, const struct block *groups,
                      const struct sql_batch_context *context, struct arena *arena,
                      struct block *out, struct err *err)
{
    const struct bound_query *bound = &query->bound;
    struct sql_run run;
    REQUIRE(bound->grouped);
    int code = sql_run_begin(&run, query, groups, context, arena, err);
    if (code == 0)
        code = run_condition(&run, bound->having);
    return code == 0 ? follow(&run, run_items(run.eval, bound->items, bound->item_count, out))
                     : code;
}
