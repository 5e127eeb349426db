/* bind_group.c: queries with GROUP BY, aggregates, HAVING or DISTINCT.
 *
 * The select list and HAVING are bound over the source's columns first, with aggregates and windows
 * as nodes of their own; then what is a group key, a window or an aggregate in them becomes a
 * column of the groups, and no other column may be left. */
#include "sql/binder_impl.h"
#include "sql/eval.h"

/* ---- GROUP BY ---- */

static int ordinal(struct binder *binder, const struct ast *ast, const struct ast_query *query,
                   const struct ast **out)
{
    int64_t position = 0;
    if (!str_to_i64(ast->text, &position) || position < 1 || position > query->item_count)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "GROUP BY position %.*s is not in select list (valid range is [1, %u]).",
                         DIAG_ARG(ast->text), query->item_count);
    *out = query->items[position - 1].expr;
    if ((*out)->kind == AST_STAR)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "GROUP BY %lld refers to *: name the columns", (long long)position);
    if (ast_has_aggregate(*out))
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "GROUP BY %lld refers to an expression that contains an aggregate "
                         "function. Aggregate functions are not allowed in GROUP BY.",
                         (long long)position);
    return 0;
}

/* What an element of GROUP BY stands for: itself, a position, or an alias of a select item where no
 * column has its name. */
static int resolve_group(struct binder *binder, const struct ast *ast,
                         const struct ast_query *query, const struct ast **out)
{
    *out = ast;
    if (ast->kind == AST_NUMBER && ast->op == TOKEN_INTEGER)
        return ordinal(binder, ast, query, out);
    if (ast->kind != AST_NAME || ast->part_count != 1 ||
        binder_has_column(binder, ast->parts[0].text))
        return 0;
    struct str name = ast->parts[0].text;
    for (int32_t i = name_index_find(&binder->alias_names, name, HASH_INDEX_END);
         i != HASH_INDEX_END; i = name_index_find(&binder->alias_names, name, i))
        *out = query->items[i].expr;
    return 0;
}

/* The start or end of a window names the window, but carries no watermark. */
static struct expr *window_of_bound(struct binder *binder, struct expr *group)
{
    bool bound = group->op == EXPR_CALL && group->arg_count == 1 &&
                 group->args[0]->op == EXPR_WINDOW && group->type->kind == TYPE_TIMESTAMP;
    const struct window_spec *spec = bound ? group->args[0]->prepared : NULL;
    if (!spec || spec->session)
        return group;
    binder->window_by_bound = true;
    return group->args[0];
}

/* The group that is this expression, or group_count. */
static uint32_t find_group(const struct binder *binder, const struct expr *expr)
{
    uint64_t hash = expr_hash(expr);
    int32_t i = hash_index_find(&binder->group_hashes, hash, HASH_INDEX_END);
    while (i != HASH_INDEX_END && !expr_equal(binder->groups[i], expr))
        i = hash_index_find(&binder->group_hashes, hash, i);
    return i == HASH_INDEX_END ? binder->group_count : (uint32_t)i;
}

bool binder_is_key(const struct binder *binder, const struct expr *expr)
{
    return find_group(binder, expr) < binder->group_count;
}

static int append_group(struct binder *binder, struct expr *group)
{
    if (hash_index_add(&binder->group_hashes, expr_hash(group), binder->arena) != 0)
        return diag_nomem(binder->diag);
    binder->groups[binder->group_count++] = group;
    return 0;
}

static int add_group(struct binder *binder, const struct ast *ast)
{
    struct expr *group;
    int code = bind_expr(binder, ast, &group);
    if (code != 0)
        return code;
    group = window_of_bound(binder, group);
    if (group->op != EXPR_WINDOW && (group->traits & TRAIT_AGGREGATE))
        return diag_fail(
            binder->diag, ERR_UNSUPPORTED, ast->start,
            "GROUP BY an expression of a window is not supported: group by window(...) "
            "itself, and use the expression in SELECT");
    char name[120];
    if (group->type->kind == TYPE_ARRAY || binder_has_interval(group->type, false))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->start,
                         "GROUP BY a value of type %s is not supported",
                         types_name(group->type, name));
    if (find_group(binder, group) < binder->group_count)
        return 0;
    for (uint32_t i = 0; i < binder->group_count && group->op == EXPR_WINDOW; i++) {
        if (binder->groups[i]->op == EXPR_WINDOW)
            return diag_fail(binder->diag, ERR_INVALID, ast->start,
                             "Multiple time/session window expressions would result in a cartesian "
                             "product of rows, therefore they are currently not supported.");
    }
    return append_group(binder, group);
}

/* GROUP BY ALL: every item without an aggregate. */
static bool is_all(const struct binder *binder, const struct ast_query *query)
{
    const struct ast *ast = query->groups[0];
    return query->group_count == 1 && ast->kind == AST_NAME && ast->part_count == 1 &&
           str_eq_nocase(ast->parts[0].text, STR("all")) && !binder_has_column(binder, STR("all"));
}

static int bind_all(struct binder *binder, const struct ast_query *query)
{
    int code = 0;
    for (uint32_t i = 0; i < query->item_count; i++) {
        const struct ast *ast = query->items[i].expr;
        if (ast->kind == AST_STAR)
            return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                             "GROUP BY ALL beside * is not supported: name the columns");
        if (!ast_has_aggregate(ast))
            code = diag_both(code, add_group(binder, ast));
    }
    return code;
}

int bind_groups(struct binder *binder, const struct ast_query *query)
{
    uint32_t most = query->group_count > query->item_count ? query->group_count : query->item_count;
    binder->groups = ARENA_ARRAY(binder->arena, struct expr *, most);
    if (!binder->groups)
        return diag_nomem(binder->diag);
    binder->no_aggregates = "GROUP BY";
    int code = 0;
    if (query->group_count && is_all(binder, query)) {
        code = bind_all(binder, query);
    } else {
        for (uint32_t i = 0; i < query->group_count; i++) {
            const struct ast *ast;
            int bound = resolve_group(binder, query->groups[i], query, &ast);
            if (bound == 0)
                bound = add_group(binder, ast);
            code = diag_both(code, bound);
        }
    }
    binder->no_aggregates = NULL;
    binder->groups_lost = code != 0;
    return code;
}

/* ---- from source columns to group columns ---- */

struct regroup {
    struct binder *binder;
    uint32_t window; /* index among the groups, or UINT32_MAX */
    bool quiet;      /* no message: `left` says what is in the way */
    const struct expr *left;
    struct expr **copies; /* of what is used in several places, by memo */
    uint32_t copy_count;
};

/* Columns of a group: the window first, then the other keys, then the aggregates. */
static uint32_t group_column(const struct regroup *regroup, uint32_t group)
{
    if (regroup->window == UINT32_MAX || group > regroup->window)
        return group;
    return group == regroup->window ? 0 : group + 1;
}

static int make_column(struct regroup *regroup, const struct expr *from, uint32_t column,
                       struct expr **out)
{
    *out = ARENA_NEW(regroup->binder->arena, struct expr);
    if (!*out)
        return diag_nomem(regroup->binder->diag);
    **out = (struct expr){.op = EXPR_COLUMN,
                          .form = FORM_LABEL,
                          .type = from->type,
                          .offset = from->offset,
                          .column = column,
                          .label = from->label,
                          .folded = true};
    return 0;
}

static int stray(struct regroup *regroup, const struct expr *expr)
{
    struct binder *binder = regroup->binder;
    regroup->left = expr;
    if (regroup->quiet)
        return ERR_INVALID;
    if (expr->op == EXPR_WINDOW)
        return diag_fail(binder->diag, ERR_INVALID, expr->offset,
                         "%.*s() stands in GROUP BY; name it %.*s elsewhere", DIAG_ARG(expr->label),
                         DIAG_ARG(expr->label));
    return diag_fail(
        binder->diag, ERR_INVALID, expr->offset,
        "\"%.*s\" is neither in GROUP BY nor in an aggregate function: group by it, or "
        "take any_value(%.*s)",
        DIAG_ARG(expr->label), DIAG_ARG(expr->label));
}

static int regroup_expr(struct regroup *regroup, const struct expr *expr, struct expr **out);

static int copy_call(struct regroup *regroup, const struct expr *expr, struct expr **out)
{
    struct binder *binder = regroup->binder;
    bool shared = expr->memo && expr->memo <= regroup->copy_count;
    if (shared && regroup->copies[expr->memo - 1]) {
        *out = regroup->copies[expr->memo - 1];
        return 0;
    }
    struct expr *copy = ARENA_NEW(binder->arena, struct expr);
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, expr->arg_count);
    if (!copy || !args)
        return diag_nomem(binder->diag);
    *copy = *expr;
    copy->hash = 0;
    copy->twin = NULL;
    *out = copy;
    if (expr->op == EXPR_CONST)
        return 0;
    copy->args = args;
    int code = 0;
    for (uint32_t i = 0; i < expr->arg_count && !(code != 0 && regroup->quiet); i++)
        code = diag_both(code, regroup_expr(regroup, expr->args[i], &args[i]));
    if (shared && !(code != 0 && regroup->quiet)) /* what has failed aloud says so once */
        regroup->copies[expr->memo - 1] = copy;
    return code;
}

static int regroup_expr(struct regroup *regroup, const struct expr *expr, struct expr **out)
{
    struct binder *binder = regroup->binder;
    uint32_t group = expr->op != EXPR_CONST ? find_group(binder, expr) : binder->group_count;
    if (group < binder->group_count)
        return make_column(regroup, expr, group_column(regroup, group), out);
    if (expr->op == EXPR_AGGREGATE)
        return make_column(regroup, expr, binder->group_count + expr->column, out);
    if (expr->op == EXPR_COLUMN || expr->op == EXPR_WINDOW)
        return stray(regroup, expr);
    return copy_call(regroup, expr, out);
}

/* ---- HAVING ---- */

/* HAVING names the source's columns where these are grouped, else the select list's aliases. What
 * is no BOOLEAN is cast to one. Without groups it is only looked at for problems of its own. */
static int bind_having(struct regroup *regroup, const struct ast_query *query, struct expr **row,
                       struct expr **out)
{
    struct binder *binder = regroup->binder;
    binder->prefer_alias = ARENA_ARRAY(binder->arena, bool, binder->scope->count);
    if (!binder->prefer_alias)
        return diag_nomem(binder->diag);
    for (;;) {
        int code = bind_expr(binder, query->having, row);
        if (code == 0 && (*row)->type->kind != TYPE_BOOLEAN)
            code = binder_cast(binder, query->having->start, *row, type_simple(TYPE_BOOLEAN), false,
                               row);
        if (code != 0 || binder->groups_lost)
            return code;
        regroup->quiet = true;
        code = regroup_expr(regroup, *row, out);
        regroup->quiet = false;
        if (code == 0 || code == ERR_NOMEM)
            return code;
        const struct expr *left = regroup->left;
        if (left->op != EXPR_COLUMN || binder->prefer_alias[left->column] ||
            name_index_find(&binder->alias_names, binder->scope->columns[left->column].name,
                            HASH_INDEX_END) == HASH_INDEX_END)
            return regroup_expr(regroup, *row, out);
        binder->prefer_alias[left->column] = true;
    }
}

/* An expression over a window as each row has it: a session before sessions merge, [time, time +
 * gap). */
static int row_term(struct regroup *regroup, const struct expr *term, struct expr **out)
{
    struct binder *binder = regroup->binder;
    *out = ARENA_NEW(binder->arena, struct expr);
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, term->arg_count);
    if (!*out || !args)
        return diag_nomem(binder->diag);
    **out = *term;
    (*out)->memo = 0;
    (*out)->hash = 0;
    (*out)->twin = NULL;
    if (term->op == EXPR_CONST || term->op == EXPR_COLUMN)
        return 0;
    (*out)->args = args;
    for (uint32_t i = 0; i < term->arg_count; i++) {
        int code = row_term(regroup, term->args[i], &args[i]);
        if (code != 0)
            return code;
    }
    if (term->op != EXPR_WINDOW)
        return 0;
    (*out)->op = EXPR_CALL;
    (*out)->kernel = kernel_row_window;
    (*out)->strict = true;
    (*out)->volatile_ = true;
    return 0;
}

/* Terms on rows that name the window. Behind the watermark those on a window of a fixed length act
 * on its groups, which are fewer, unless they name more than keys. */
static int place_window_terms(struct regroup *regroup, struct conjuncts *terms, bool late)
{
    struct binder *binder = regroup->binder;
    const struct expr *window = binder->groups[regroup->window];
    bool on_groups = late && !((const struct window_spec *)window->prepared)->session;
    uint32_t kept = 0;
    int code = 0;
    for (uint32_t i = 0; i < terms->count && code == 0; i++) {
        struct expr *term = terms->items[i], *group;
        bool named = term->traits & TRAIT_WINDOW;
        regroup->quiet = true;
        if (named && on_groups && (code = regroup_expr(regroup, term, &group)) == 0) {
            code = conjuncts_add(binder, &binder->grouped, term);
            continue;
        }
        if (code == ERR_NOMEM)
            return code;
        code = named ? row_term(regroup, term, &term) : 0;
        terms->items[kept++] = term;
    }
    regroup->quiet = false;
    terms->count = kept;
    return code;
}

/* The conditions of a query with groups: on rows, and HAVING on groups. */
static int place_conditions(struct regroup *regroup, struct expr *having)
{
    struct binder *binder = regroup->binder;
    bool windowed = regroup->window != UINT32_MAX;
    struct conjuncts groups = {0};
    int code =
        binder_push_conditions(binder, windowed ? binder->groups[regroup->window] : NULL, having);
    if (code == 0 && windowed)
        code = place_window_terms(regroup, &binder->early, false);
    if (code == 0 && windowed)
        code = place_window_terms(regroup, &binder->late, true);
    for (uint32_t i = 0; i < binder->grouped.count && code == 0; i++) {
        struct expr *term;
        code = regroup_expr(regroup, binder->grouped.items[i], &term);
        if (code == 0)
            code = conjuncts_add(binder, &groups, term);
    }
    return code == 0 ? conjuncts_reduce(binder, &groups, true, &binder->bound->having) : code;
}

/* ---- what state needs ---- */

static int add_input(struct binder *binder, struct expr *expr)
{
    int code = eval_fold(expr, binder->arena);
    binder->bound->inputs[binder->bound->input_count++] = expr;
    return code == ERR_NOMEM ? diag_nomem(binder->diag) : 0;
}

/* An argument or a filter of an aggregate, which may name the window of the row. */
static int add_argument(struct regroup *regroup, struct expr *expr, bool *windowed)
{
    struct expr *of_row = expr;
    if (expr->traits & TRAIT_WINDOW) {
        int code = binder_row_windows(regroup->binder, expr);
        if (code == 0)
            code = row_term(regroup, expr, &of_row);
        if (code != 0)
            return code;
        *windowed = true;
    }
    return add_input(regroup->binder, of_row);
}

static int add_arguments(struct regroup *regroup, bool *windowed)
{
    struct binder *binder = regroup->binder;
    int code = 0;
    for (uint32_t i = 0; i < binder->aggregate_count && code == 0; i++) {
        const struct aggregate_call *call = &binder->aggregates[i];
        for (uint32_t k = 0; k < call->arg_count && code == 0; k++)
            code = add_argument(regroup, call->args[k], windowed);
        if (code == 0 && call->filter)
            code = add_argument(regroup, call->filter, windowed);
    }
    return code;
}

/* Whether rows must be repeated per window before they are folded: the fold alone finds the windows
 * of a row, but aggregates that name the window have another value in each. */
static bool is_expanding(const struct bound_query *bound, bool grouped)
{
    const struct window_spec *spec = bound->row_window->prepared;
    return !spec->session && (!grouped || spec->slide_us < spec->size_us);
}

static int make_inputs(struct binder *binder, struct regroup *regroup)
{
    struct bound_query *bound = binder->bound;
    uint32_t most = 2 + binder->group_count;
    bool grouped = regroup->window != UINT32_MAX, windowed = false;
    for (uint32_t i = 0; i < binder->aggregate_count; i++)
        most += binder->aggregates[i].arg_count + 1;
    bound->inputs = ARENA_ARRAY(binder->arena, struct expr *, most);
    if (!bound->inputs)
        return diag_nomem(binder->diag);
    int code = 0;
    if (grouped) {
        struct expr *window = binder->groups[regroup->window];
        for (uint32_t i = 0; i < window->arg_count && code == 0; i++)
            code = add_input(binder, window->args[i]);
        bound->row_window = window;
    }
    for (uint32_t i = 0; i < binder->group_count && code == 0; i++) {
        if (i != regroup->window)
            code = add_input(binder, binder->groups[i]);
    }
    if (code == 0)
        code = add_arguments(regroup, &windowed);
    if (code == 0 && windowed && !grouped &&
        ((const struct window_spec *)bound->row_window->prepared)->session)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, bound->row_window->offset,
                         "session_window() in an aggregate needs GROUP BY session_window(...)");
    if (!windowed || !is_expanding(bound, grouped))
        bound->row_window = NULL;
    return code;
}

static void set_window(const struct binder *binder, const struct expr *window,
                       struct sql_grouping *grouping)
{
    const struct window_spec *spec = window->prepared;
    const struct expr *time = window->args[0];
    grouping->window = spec->session ? SQL_WINDOW_SESSION : SQL_WINDOW_TIME;
    grouping->size_us = spec->size_us;
    grouping->slide_us = spec->slide_us;
    grouping->start_us = spec->start_us;
    grouping->watermarked = time->op == EXPR_COLUMN && !binder->window_by_bound &&
                            (int64_t)time->column == binder->scope->event_time;
}

/* The field of a group's schema for a key or an aggregate. */
static int add_field(struct binder *binder, struct field *field, const struct expr *expr)
{
    struct buf text = {0};
    expr_print(expr, &text);
    *field = (struct field){arena_buf(binder->arena, &text), expr->type};
    buf_fini(&text);
    return field->name.p ? 0 : diag_nomem(binder->diag);
}

static int make_grouping(struct binder *binder, const struct regroup *regroup)
{
    struct sql_grouping *grouping = &binder->bound->grouping;
    uint32_t count = binder->group_count + binder->aggregate_count;
    struct type *schema = ARENA_NEW(binder->arena, struct type);
    struct field *fields = ARENA_ARRAY(binder->arena, struct field, count);
    const struct type **keys = ARENA_ARRAY(binder->arena, const struct type *, count);
    if (!schema || !fields || !keys)
        return diag_nomem(binder->diag);
    *grouping = (struct sql_grouping){.event_key = -1,
                                      .key_types = keys,
                                      .aggregates = binder->aggregates,
                                      .aggregate_count = binder->aggregate_count,
                                      .group_schema = schema};
    int code = 0;
    for (uint32_t i = 0; i < binder->group_count && code == 0; i++) {
        struct expr *group = binder->groups[i];
        const struct value *constant;
        code = add_field(binder, &fields[group_column(regroup, i)], group);
        if (i == regroup->window)
            continue;
        if (group->op == EXPR_COLUMN && (int64_t)group->column == binder->scope->event_time)
            grouping->event_key = (int)grouping->key_count;
        keys[grouping->key_count++] = group->type;
        if (code == 0)
            code = binder_constant_value(binder, group, &constant);
        grouping->varying_key_count += code == 0 && !constant;
    }
    for (uint32_t i = 0; i < binder->aggregate_count && code == 0; i++) {
        const struct aggregate_call *call = &binder->aggregates[i];
        fields[binder->group_count + i] =
            (struct field){str_of(call->aggregate->name), call->result};
    }
    *schema = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = fields};
    grouping->watermarked = grouping->event_key >= 0;
    if (code == 0 && regroup->window != UINT32_MAX)
        set_window(binder, binder->groups[regroup->window], grouping);
    if (code == 0 && grouping->event_key >= 0 && grouping->window != SQL_WINDOW_NONE)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, binder->bound->group_offset,
                         grouping->watermarked
                             ? "GROUP BY has both a window and the event time itself: two columns "
                               "carry the watermark"
                             : "GROUP BY the event time itself beside a window of another time is "
                               "not supported");
    return code;
}

/* SELECT DISTINCT groups by its items. */
static int group_by_items(struct binder *binder, struct expr **items, uint32_t count)
{
    char name[120];
    for (uint32_t i = 0; i < count; i++) {
        if (items[i]->op == EXPR_WINDOW)
            return diag_fail(binder->diag, ERR_UNSUPPORTED, items[i]->offset,
                             "window() beside DISTINCT is not supported: use GROUP BY");
        if (items[i]->type->kind == TYPE_ARRAY)
            return diag_fail(binder->diag, ERR_UNSUPPORTED, items[i]->offset,
                             "DISTINCT values of type %s are not supported",
                             types_name(items[i]->type, name));
        bool found = find_group(binder, items[i]) < binder->group_count;
        int code = found ? 0 : append_group(binder, items[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

int bind_grouping(struct binder *binder, const struct ast_query *query, struct expr **items,
                  uint32_t item_count)
{
    struct regroup regroup = {.binder = binder, .window = UINT32_MAX};
    struct bound_query *bound = binder->bound;
    struct expr *having = NULL;
    int code = 0;
    bound->grouped = true;
    regroup.copy_count = binder->memo_count;
    regroup.copies = ARENA_ARRAY(binder->arena, struct expr *, regroup.copy_count);
    if (!regroup.copies)
        return diag_nomem(binder->diag);
    if (query->distinct && (query->group_count || binder->aggregate_count || query->having))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, query->distinct_offset,
                         "SELECT DISTINCT of aggregated rows is not supported: leave DISTINCT out "
                         "where the group keys are selected");
    if (query->distinct) {
        binder->groups = ARENA_ARRAY(binder->arena, struct expr *, item_count);
        code =
            binder->groups ? group_by_items(binder, items, item_count) : diag_nomem(binder->diag);
        if (code != 0)
            return code;
    }
    for (uint32_t i = 0; i < binder->group_count; i++) {
        if (binder->groups[i]->op == EXPR_WINDOW)
            regroup.window = i;
    }
    for (uint32_t i = 0; i < item_count && !binder->groups_lost; i++)
        code = diag_both(code, regroup_expr(&regroup, items[i], &items[i]));
    if (query->having)
        code = diag_both(code, bind_having(&regroup, query, &having, &bound->having));
    if (binder->groups_lost)
        return code;
    if (code == 0)
        code = place_conditions(&regroup, having);
    if (code == 0 && bound->having)
        code = eval_fold(bound->having, binder->arena) == 0 ? 0 : diag_nomem(binder->diag);
    if (code == 0)
        code = make_grouping(binder, &regroup);
    if (code == 0)
        code = make_inputs(binder, &regroup);
    bound->groups = binder->groups;
    bound->group_count = binder->group_count;
    return code;
}
