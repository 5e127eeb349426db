/* bind_aggregate.c: calls of aggregate functions. Each becomes an EXPR_AGGREGATE that names one of
 * the query's aggregates; calls that compute the same share one. */
#include "sql/bind_star.h"

bool ast_has_aggregate(const struct ast *ast)
{
    if (ast->kind == AST_CALL && ast->part_count == 1 && aggregate_find(ast->parts[0].text))
        return true;
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        if (ast_has_aggregate(ast->args[i]))
            return true;
    }
    return false;
}

static int check_place(struct binder *binder, const struct ast *ast,
                       const struct aggregate *aggregate)
{
    const struct ast_call *call = ast->call;
    if (binder->no_aggregates)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "the aggregate function %s cannot stand in %s", aggregate->name,
                         binder->no_aggregates);
    if (call->distinct)
        return diag_fail(binder->diag, ERR_INVALID, call->clause_offset,
                         "Distinct aggregations are not supported on streaming "
                         "DataFrames/Datasets. Consider using approx_count_distinct() instead.");
    if (call->ignore_nulls && !aggregate->takes_nulls_clause)
        return diag_fail(binder->diag, ERR_INVALID, call->clause_offset,
                         "%s does not take IGNORE NULLS", aggregate->name);
    if (call->star && aggregate->takes_nulls_clause)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s does not take *",
                         aggregate->name);
    return 0;
}

/* count(*) is no list of columns; Spark refuses to guess what count(relation.*) may be. */
static bool is_star(const struct ast *ast, const struct aggregate *aggregate)
{
    return aggregate->takes_star && ast->arg_count == 1 && ast->args[0]->kind == AST_STAR &&
           ast->args[0]->part_count == 0;
}

static int check_star(struct binder *binder, const struct ast *ast,
                      const struct aggregate *aggregate)
{
    const struct ast *star = ast->call->star ? ast->args[0] : NULL;
    if (!aggregate->takes_star || ast->arg_count != 1 || !star || star->part_count == 0 ||
        !bind_star_is_relation(binder, star))
        return 0;
    return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                     "count(%.*s.*) is not allowed. Please use count(*) or expand the columns "
                     "manually, e.g. count(col1, col2)",
                     DIAG_ARG(star->parts[0].text));
}

static int check_count(struct binder *binder, const struct ast *ast,
                       const struct aggregate *aggregate, uint32_t n)
{
    if (n >= aggregate->args_min && (n <= aggregate->args_max || aggregate->args_max == 0))
        return 0;
    if (aggregate->args_max == 0)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "%s takes at least %u argument, not %u", aggregate->name,
                         aggregate->args_min, n);
    if (aggregate->args_min == aggregate->args_max)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s takes %u argument%s, not %u",
                         aggregate->name, aggregate->args_min, aggregate->args_min == 1 ? "" : "s",
                         n);
    return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s takes %u to %u arguments, not %u",
                     aggregate->name, aggregate->args_min, aggregate->args_max, n);
}

static int refuse_batch_time(struct binder *binder, const struct ast *ast, const struct expr *arg)
{
    struct buf name = {0};
    expr_print(arg, &name);
    int code = diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "Non-deterministic expression \"%.200s\" should not appear in the "
                         "arguments of an aggregate function.",
                         buf_cstr(&name));
    buf_fini(&name);
    return code;
}

static int take_arguments(struct binder *binder, const struct ast *ast, struct aggregate_call *call)
{
    const struct aggregate *aggregate = call->aggregate;
    uint32_t param = 0;
    int code = 0;
    if (!is_star(ast, aggregate)) {
        code = bind_arguments(binder, ast, &call->args, &call->arg_count);
        if (code == 0)
            code = check_count(binder, ast, aggregate, call->arg_count);
        call->given_count = call->arg_count;
    }
    for (uint32_t i = 0, failed = code != 0; i < call->arg_count && !failed; i++) {
        if (i < AGGREGATE_ARGS_MAX && aggregate->params[i] != PARAM_REPEAT)
            param = i;
        code = diag_both(code, binder_param(binder, aggregate->name, i,
                                            (enum function_param)aggregate->params[param],
                                            &call->args[i]));
        if (code == 0 && (call->args[i]->traits & TRAIT_BATCH_TIME))
            code = refuse_batch_time(binder, ast, call->args[i]);
    }
    if (!ast->call->filter)
        return code;
    int bound = bind_expr(binder, ast->call->filter, &call->filter);
    if (bound == 0)
        bound = binder_boolean(binder, &call->filter, false, "the condition of FILTER");
    return diag_both(code, bound);
}

static void print_filter(const struct aggregate_call *call, struct buf *out)
{
    if (!call->filter)
        return;
    buf_append_str(out, STR(" FILTER (WHERE "));
    expr_print(call->filter, out);
    buf_append_char(out, ')');
}

static int take_label(struct binder *binder, struct buf *text, struct aggregate_call *call)
{
    call->label = arena_buf(binder->arena, text);
    bool failed = text->failed || !call->label.p;
    buf_fini(text);
    return failed ? diag_nomem(binder->diag) : 0;
}

/* Spark's name: count(1) for count(*), the function as written or as the rule says, with constants
 * that are not evaluated, FILTER (WHERE ...) behind it. */
static int print_label(struct binder *binder, const struct ast *ast, struct aggregate_call *call)
{
    struct buf text = {0};
    struct str name = call->shown ? str_of(call->shown) : ast->parts[0].text;
    for (size_t i = 0; i < name.n; i++)
        buf_append_char(&text,
                        name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i]);
    buf_append_char(&text, '(');
    if (is_star(ast, call->aggregate))
        buf_append_char(&text, '1');
    for (uint32_t i = 0; i < call->arg_count + call->hidden_count; i++) {
        if (i)
            buf_append(&text, ", ", 2);
        expr_print(call->args[i], &text);
    }
    buf_append_str(&text, str_of(call->more));
    buf_append_char(&text, ')');
    print_filter(call, &text);
    return take_label(binder, &text, call);
}

/* The call as the query has it; before the rule changes it. */
static int write_call(struct binder *binder, const struct ast *ast, struct aggregate_call *call)
{
    struct buf text = {0};
    buf_printf(&text, "%s(%s", call->aggregate->name, ast->call->star ? "*" : "");
    for (uint32_t i = 0; i < call->arg_count; i++) {
        buf_append_str(&text, i ? STR(", ") : STR(""));
        expr_print(call->args[i], &text);
    }
    buf_append_str(&text, ast->call->ignore_nulls ? STR(") IGNORE NULLS") : STR(")"));
    print_filter(call, &text);
    return take_label(binder, &text, call);
}

static bool same_call(const struct aggregate_call *a, const struct aggregate_call *b)
{
    if (a->aggregate != b->aggregate || a->ops != b->ops || a->arg_count != b->arg_count ||
        a->ignore_nulls != b->ignore_nulls || !a->filter != !b->filter ||
        !type_eq(a->result, b->result) || (a->params && a->given_count != b->given_count))
        return false;
    uint32_t count = a->params ? a->given_count : a->arg_count;
    for (uint32_t i = 0; i < count; i++) {
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    }
    return !a->filter || expr_equal(a->filter, b->filter);
}

static uint64_t hash_of(const struct aggregate_call *call)
{
    uint64_t hash = (uintptr_t)call->aggregate;
    for (uint32_t i = 0; i < call->arg_count; i++)
        hash = hash * 31 + expr_hash(call->args[i]);
    return hash;
}

static int add_call(struct binder *binder, const struct aggregate_call *call, uint32_t *index)
{
    uint64_t hash = hash_of(call);
    int32_t same = hash_index_find(&binder->aggregate_hashes, hash, HASH_INDEX_END);
    while (same != HASH_INDEX_END && !same_call(&binder->aggregates[same], call))
        same = hash_index_find(&binder->aggregate_hashes, hash, same);
    *index = same == HASH_INDEX_END ? binder->aggregate_count : (uint32_t)same;
    if (same != HASH_INDEX_END)
        return 0;
    if (hash_index_add(&binder->aggregate_hashes, hash, binder->arena) != 0)
        return diag_nomem(binder->diag);
    if (binder->aggregate_count == binder->aggregate_capacity) {
        uint32_t capacity = binder->aggregate_capacity ? binder->aggregate_capacity * 2 : 8;
        struct aggregate_call *grown = ARENA_ARRAY(binder->arena, struct aggregate_call, capacity);
        if (!grown)
            return diag_nomem(binder->diag);
        if (binder->aggregate_count)
            memcpy(grown, binder->aggregates, binder->aggregate_count * sizeof *grown);
        binder->aggregates = grown;
        binder->aggregate_capacity = capacity;
    }
    binder->aggregates[binder->aggregate_count++] = *call;
    return 0;
}

int bind_aggregate(struct binder *binder, const struct ast *ast, const struct aggregate *aggregate,
                   struct expr **out)
{
    struct aggregate_call call = {.aggregate = aggregate, .ignore_nulls = ast->call->ignore_nulls};
    uint32_t index;
    int code = check_place(binder, ast, aggregate);
    if (code == 0)
        code = check_star(binder, ast, aggregate);
    if (code != 0)
        return code;
    binder->no_aggregates = "the argument of another aggregate function";
    code = take_arguments(binder, ast, &call);
    binder->no_aggregates = NULL;
    if (code == 0 && binder->as_text)
        code = write_call(binder, ast, &call);
    if (code == 0)
        code = aggregate->rule(binder, ast->offset, &call);
    if (code == 0 && !binder->as_text)
        code = print_label(binder, ast, &call);
    if (code == 0)
        code = add_call(binder, &call, &index);
    if (code != 0)
        return code;
    *out = ARENA_NEW(binder->arena, struct expr);
    if (!*out)
        return diag_nomem(binder->diag);
    **out = (struct expr){.op = EXPR_AGGREGATE,
                          .form = FORM_LABEL,
                          .type = call.result,
                          .offset = ast->offset,
                          .column = index,
                          .label = call.label,
                          .traits = TRAIT_CALCULATED,
                          .folded = true};
    return 0;
}
