#include "sql/bind_star.h"

#include "sql/kernel.h"
#include "sql/unicode_case.h"

static int check_relation(const struct diag *diag, const struct ast_query *query,
                          const struct sql_scope *scope)
{
    if (unicode_eq_nocase(query->relation.text, scope->view))
        return 0;
    return diag_fail(diag, ERR_INVALID, query->relation.offset,
                     "unknown relation \"%.*s\": this query reads FROM %.*s",
                     DIAG_ARG(query->relation.text), DIAG_ARG(scope->view));
}

struct output {
    struct binder *binder;
    struct expr **items;
    struct field *fields;
    uint32_t count, capacity;
};

static int grow(struct output *output)
{
    if (output->count < output->capacity)
        return 0;
    uint32_t capacity = output->capacity ? output->capacity * 2 : 16;
    struct expr **items = ARENA_ARRAY(output->binder->arena, struct expr *, capacity);
    struct field *fields = ARENA_ARRAY(output->binder->arena, struct field, capacity);
    if (!items || !fields)
        return diag_nomem(output->binder->diag);
    if (output->count) {
        memcpy(items, output->items, output->count * sizeof(struct expr *));
        memcpy(fields, output->fields, output->count * sizeof(struct field));
    }
    output->items = items;
    output->fields = fields;
    output->capacity = capacity;
    return 0;
}

static int add_item(struct output *output, struct expr *expr, struct str name)
{
    struct binder *binder = output->binder;
    char type[120];
    if (binder_has_interval(expr->type, false))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, expr->offset,
                         "a column of type %s is not supported: CAST it to STRING, or EXTRACT a "
                         "part of it",
                         types_name(expr->type, type));
    int code = grow(output);
    if (code != 0)
        return code;
    struct field *field = &output->fields[output->count];
    field->name = arena_str(binder->arena, name);
    field->type = expr->type;
    output->items[output->count++] = expr;
    return field->name.p ? 0 : diag_nomem(binder->diag);
}

struct expr *binder_column(struct binder *binder, uint32_t column, uint32_t offset,
                           struct str label)
{
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    if (!expr) {
        diag_nomem(binder->diag);
        return NULL;
    }
    bool event_time = (int64_t)column == binder->scope->event_time;
    *expr = (struct expr){.op = EXPR_COLUMN,
                          .type = binder->scope->columns[column].type,
                          .traits = (uint8_t)(TRAIT_COLUMN | (event_time ? TRAIT_EVENT_TIME : 0)),
                          .offset = offset,
                          .column = column,
                          .label = label};
    binder->used[column] = true;
    return expr;
}

static int add_star(struct output *output, const struct ast *ast)
{
    struct star star;
    int code = bind_star(output->binder, ast, &star);
    for (uint32_t i = 0; code == 0 && i < star.count; i++)
        code = add_item(output, star.values[i], star.names[i]);
    return code;
}

/* Spark's name of an item without alias. */
static int name_item(struct binder *binder, const struct ast *ast, const struct expr *expr,
                     struct buf *name)
{
    if (ast->kind == AST_NAME)
        buf_append_str(name, ast->parts[ast->part_count - 1].text);
    else if (expr->form == FORM_CAST && ast->kind == AST_CAST && ast->args[0]->kind == AST_NAME &&
             !bind_is_field(expr->args[0]))
        buf_append_str(name, ast->args[0]->parts[ast->args[0]->part_count - 1].text);
    else
        expr_print(expr, name);
    if (name->n > EXPR_NAME_MAX)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->start,
                         "the name of this column would be longer than %d bytes: name it with AS",
                         EXPR_NAME_MAX);
    return name->failed ? diag_nomem(binder->diag) : 0;
}

static int bind_item(struct output *output, const struct ast_item *item, struct expr **out)
{
    struct buf name = {0};
    struct expr *expr;
    int code = bind_expr(output->binder, item->expr, &expr);
    if (code != 0)
        return code;
    *out = expr;
    if (item->alias.p)
        buf_append_str(&name, item->alias);
    else if (!output->binder->as_text) /* where nobody sees it, and it may be longer */
        code = name_item(output->binder, item->expr, expr, &name);
    if (name.failed)
        code = diag_nomem(output->binder->diag);
    if (code == 0)
        code = add_item(output, expr, buf_str(&name));
    buf_fini(&name);
    return code;
}

static int bind_items(struct output *output, const struct ast_query *query)
{
    struct binder *binder = output->binder;
    binder->items = ARENA_ARRAY(binder->arena, struct expr *, query->item_count);
    if (!binder->items)
        return diag_nomem(binder->diag);
    int code = 0;
    for (uint32_t i = 0; i < query->item_count && code != ERR_NOMEM; i++) {
        const struct ast_item *item = &query->items[i];
        code = diag_both(code, item->expr->kind == AST_STAR
                                   ? add_star(output, item->expr)
                                   : bind_item(output, item, &binder->items[i]));
        binder->alias_count = i + 1;
    }
    return code;
}

static int bind_where(struct binder *binder, const struct ast *ast)
{
    struct expr *where;
    binder->no_aggregates = "WHERE";
    int code = bind_expr(binder, ast, &where);
    binder->no_aggregates = NULL;
    if (code == 0 && (where->traits & TRAIT_AGGREGATE))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->start,
                         "window() in WHERE is not supported: put the condition into HAVING");
    if (code == 0 && where->type->kind != TYPE_BOOLEAN) {
        char name[120];
        return diag_fail(binder->diag, ERR_INVALID, ast->start,
                         "the condition of WHERE must be a BOOLEAN, not %s",
                         types_name(where->type, name));
    }
    if (code == 0)
        binder->where = where;
    return code;
}

static int fold_all(struct binder *binder, struct expr *const *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (eval_fold(items[i], binder->arena) != 0)
            return diag_nomem(binder->diag);
    }
    return 0;
}

/* The conditions as two expressions, folded. */
static int join_conditions(struct binder *binder, struct bound_query *bound)
{
    int code = conjuncts_reduce(binder, &binder->early, true, &bound->early);
    if (code == 0)
        code = conjuncts_reduce(binder, &binder->late, true, &bound->late);
    if (code == 0 && bound->early)
        code = fold_all(binder, &bound->early, 1);
    return code == 0 && bound->late ? fold_all(binder, &bound->late, 1) : code;
}

static bool is_aggregating(const struct ast_query *query)
{
    bool aggregating = query->group_count || query->having || query->distinct;
    for (uint32_t i = 0; i < query->item_count && !aggregating; i++)
        aggregating = ast_has_aggregate(query->items[i].expr);
    return aggregating;
}

int binder_row_windows(struct binder *binder, struct expr *expr)
{
    struct bound_query *bound = binder->bound;
    int code = 0;
    if (expr->op == EXPR_WINDOW) {
        if (bound->row_window && !expr_equal(bound->row_window, expr))
            return diag_fail(binder->diag, ERR_INVALID, expr->offset,
                             "Multiple time/session window expressions would result in a cartesian "
                             "product of rows, therefore they are currently not supported.");
        bound->row_window = bound->row_window ? bound->row_window : expr;
        return 0;
    }
    for (uint32_t i = 0; i < expr->arg_count && code == 0; i++) {
        if (expr->args[i]->traits & TRAIT_AGGREGATE)
            code = binder_row_windows(binder, expr->args[i]);
    }
    return code;
}

/* Every window node becomes a call of its kernel, once all are known to be the same. */
static void make_row_windows(struct expr *expr)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->traits & TRAIT_AGGREGATE)
            make_row_windows(expr->args[i]);
    }
    expr->traits &= (uint8_t)~TRAIT_AGGREGATE;
    expr->traits |= TRAIT_COLUMN;
    if (expr->op != EXPR_WINDOW)
        return;
    expr->op = EXPR_CALL;
    expr->kernel = kernel_row_window;
    expr->strict = true;
    expr->volatile_ = true;
}

/* Without GROUP BY a window() in the select list gives a row per window of a record, as Spark's
 * TimeWindowing does. */
static int bind_rowwise(struct binder *binder, struct expr *const *items, uint32_t count)
{
    struct bound_query *bound = binder->bound;
    int code = 0;
    for (uint32_t i = 0; i < count && code == 0; i++) {
        if (items[i]->traits & TRAIT_AGGREGATE)
            code = binder_row_windows(binder, items[i]);
    }
    for (uint32_t i = 0; i < count && code == 0; i++) {
        if (items[i]->traits & TRAIT_AGGREGATE)
            make_row_windows(items[i]);
    }
    const struct value *constant = NULL;
    if (code == 0 && bound->row_window)
        code = binder_constant_value(binder, bound->row_window->args[0], &constant);
    if (code == 0 && constant)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, bound->row_window->offset,
                         "the window of a constant is not supported: give it a column");
    return code == 0 ? binder_push_conditions(binder, bound->row_window, NULL) : code;
}

static int bind_query(struct binder *binder, const struct ast_query *query, struct output *output)
{
    bool aggregating = is_aggregating(query);
    struct bound_query *bound = binder->bound;
    int code = query->where ? bind_where(binder, query->where) : 0;
    bound->group_offset = query->group_count ? query->group_offset
                          : query->distinct  ? query->distinct_offset
                                             : query->items[0].expr->start;
    if (aggregating)
        code = diag_both(code, bind_groups(binder, query));
    code = diag_both(code, bind_items(output, query));
    if (code != ERR_NOMEM)
        code =
            diag_both(code, aggregating ? bind_grouping(binder, query, output->items, output->count)
                                        : bind_rowwise(binder, output->items, output->count));
    if (code == 0)
        code = fold_all(binder, output->items, output->count);
    if (code == 0)
        code = join_conditions(binder, bound);
    return code;
}

int binder_own(struct binder *binder, void *object, void (*free_object)(void *))
{
    struct owned *owned = ARENA_NEW(binder->arena, struct owned);
    if (!owned) {
        free_object(object);
        return diag_nomem(binder->diag);
    }
    *owned = (struct owned){object, free_object, binder->bound->owned};
    binder->bound->owned = owned;
    return 0;
}

void bound_query_fini(struct bound_query *bound)
{
    for (struct owned *owned = bound->owned; owned; owned = owned->next)
        owned->free_object(owned->object);
    bound->owned = NULL;
}

int binder_constant_value(struct binder *binder, struct expr *expr, const struct value **value)
{
    *value = NULL;
    if (eval_fold(expr, binder->arena) != 0)
        return diag_nomem(binder->diag);
    if (expr->op == EXPR_CONST)
        *value = &expr->constant;
    return 0;
}

int binder_is_null(struct binder *binder, struct expr *expr, bool *null)
{
    const struct value *value;
    int code = binder_constant_value(binder, expr, &value);
    *null = value && vec_is_null(&value->vec, 0);
    return code;
}

/* The alias of an item: the one given, or the field's name of column.field. */
static struct str alias_of(const struct binder *binder, const struct ast_item *item)
{
    const struct ast *ast = item->expr;
    uint32_t first = ast->part_count > 0 && unicode_eq_nocase(ast->parts[0].text, binder->relation);
    if (item->alias.p || ast->kind != AST_NAME || ast->part_count < first + 2)
        return item->alias;
    return ast->parts[ast->part_count - 1].text;
}

/* The names of the scope's columns and of the select items' aliases. */
static int index_names(struct binder *binder)
{
    struct arena *arena = binder->arena;
    struct str *columns = ARENA_ARRAY(arena, struct str, binder->scope->count);
    struct str *aliases = ARENA_ARRAY(arena, struct str, binder->item_count);
    if (!columns || !aliases)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < binder->scope->count; i++)
        columns[i] = binder->scope->columns[i].name;
    for (uint32_t i = 0; i < binder->item_count; i++)
        aliases[i] = alias_of(binder, &binder->aliases[i]);
    int code = name_index_init(&binder->column_names, columns, binder->scope->count, arena);
    return code == 0 ? name_index_init(&binder->alias_names, aliases, binder->item_count, arena)
                     : code;
}

int binder_run(const struct diag *diag, struct arena *arena, const struct ast_query *query,
               const struct sql_scope *scope, bool as_text, struct bound_query *out)
{
    struct binder binder = {
        .diag = diag, .arena = arena, .scope = scope, .as_text = as_text, .bound = out};
    binder.aliases = query->items;
    binder.item_count = query->item_count;
    binder.relation = query->relation_alias.p ? query->relation_alias : scope->view;
    binder.used = ARENA_ARRAY(arena, bool, scope->count);
    struct output output = {.binder = &binder};
    struct type *schema = ARENA_NEW(arena, struct type);
    if (!binder.used || !schema || index_names(&binder) != 0)
        return diag_nomem(diag);
    *out = (struct bound_query){.column_count = scope->count, .used = binder.used};
    int code = check_relation(diag, query, scope);
    if (code == 0)
        code = bind_query(&binder, query, &output);
    if (code != 0)
        return code;
    *schema =
        (struct type){.kind = TYPE_STRUCT, .field_count = output.count, .fields = output.fields};
    out->schema = schema;
    out->items = output.items;
    out->item_count = output.count;
    out->memo_count = binder.memo_count;
    return 0;
}
