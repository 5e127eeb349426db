#include "sql/binder_impl.h"

#include "sql/kernel.h"
#include "sql/unicode_case.h"

static int refuse_clauses(const struct diag *diag, const struct ast_query *query)
{
    if (query->distinct)
        return diag_fail(diag, ERR_UNSUPPORTED, query->distinct_offset,
                         "SELECT DISTINCT is not supported yet");
    if (query->group_count)
        return diag_fail(diag, ERR_UNSUPPORTED, query->group_offset,
                         "GROUP BY is not supported yet");
    if (query->having)
        return diag_fail(diag, ERR_UNSUPPORTED, query->having_offset,
                         "HAVING is not supported yet");
    return 0;
}

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
    int code = grow(output);
    if (code == 0)
        code = binder_check_built(binder, expr->type, expr->offset);
    if (code == 0)
        code = eval_fold(expr, binder->arena);
    if (code == ERR_NOMEM)
        return diag_nomem(binder->diag);
    if (code != 0)
        return code;
    struct field *field = &output->fields[output->count];
    field->name = arena_str(binder->arena, name);
    field->type = expr->type;
    output->items[output->count++] = expr;
    return field->name.p ? 0 : diag_nomem(binder->diag);
}

static int add_star(struct output *output, const struct ast *star)
{
    struct binder *binder = output->binder;
    const struct sql_scope *scope = binder->scope;
    if (star->part_count > 1 ||
        (star->part_count == 1 && !unicode_eq_nocase(star->parts[0].text, binder->relation)))
        return diag_fail(binder->diag, ERR_INVALID, star->offset,
                         "unknown relation \"%.*s\": expected %.*s.*",
                         DIAG_ARG(star->parts[0].text), DIAG_ARG(binder->relation));
    for (uint32_t i = 0; i < scope->count; i++) {
        if (scope->columns[i].hidden)
            continue;
        int code = binder_check_built(binder, scope->columns[i].type, star->offset);
        struct expr *expr = code == 0 ? ARENA_NEW(binder->arena, struct expr) : NULL;
        if (!expr)
            return code != 0 ? code : diag_nomem(binder->diag);
        *expr = (struct expr){.op = EXPR_COLUMN,
                              .type = type_simple(scope->columns[i].type->kind),
                              .offset = star->offset,
                              .column = i,
                              .label = scope->columns[i].name};
        binder->used[i] = true;
        code = add_item(output, expr, scope->columns[i].name);
        if (code != 0)
            return code;
    }
    return 0;
}

/* Spark's name of an item without alias. */
static int name_item(struct binder *binder, const struct ast *ast, const struct expr *expr,
                     struct buf *name)
{
    if (ast->kind == AST_NAME)
        buf_append_str(name, ast->parts[ast->part_count - 1].text);
    else if (expr->form == FORM_CAST && ast->kind == AST_CAST && ast->args[0]->kind == AST_NAME)
        buf_append_str(name, ast->args[0]->parts[ast->args[0]->part_count - 1].text);
    else
        expr_print(expr, name);
    return name->failed ? diag_nomem(binder->diag) : 0;
}

static int bind_items(struct output *output, const struct ast_query *query)
{
    struct binder *binder = output->binder;
    binder->items = ARENA_ARRAY(binder->arena, struct expr *, query->item_count);
    if (!binder->items)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < query->item_count; i++) {
        const struct ast_item *item = &query->items[i];
        int code;
        if (item->expr->kind == AST_STAR) {
            code = add_star(output, item->expr);
        } else {
            struct buf name = {0};
            code = bind_expr(binder, item->expr, &binder->items[i]);
            if (code == 0 && item->alias.p)
                buf_append_str(&name, item->alias);
            else if (code == 0)
                code = name_item(binder, item->expr, binder->items[i], &name);
            if (code == 0)
                code = add_item(output, binder->items[i], buf_str(&name));
            buf_fini(&name);
        }
        if (code != 0)
            return code;
        binder->alias_count = i + 1;
    }
    return 0;
}

static int bind_where(struct binder *binder, const struct ast *ast, struct expr **out)
{
    int code = bind_expr(binder, ast, out);
    if (code == 0)
        code = binder_check_built(binder, (*out)->type, ast->start);
    if (code == 0 && (*out)->type->kind != TYPE_BOOLEAN) {
        char name[120];
        return diag_fail(binder->diag, ERR_INVALID, ast->start,
                         "the condition of WHERE must be a BOOLEAN, not %s",
                         types_name((*out)->type, name));
    }
    if (code == 0 && eval_fold(*out, binder->arena) != 0)
        code = diag_nomem(binder->diag);
    return code;
}

int binder_run(const struct diag *diag, struct arena *arena, const struct ast_query *query,
               const struct sql_scope *scope, struct bound_query *out)
{
    struct binder binder = {.diag = diag, .arena = arena, .scope = scope};
    binder.aliases = query->items;
    binder.item_count = query->item_count;
    binder.relation = query->relation_alias.p ? query->relation_alias : scope->view;
    binder.used = ARENA_ARRAY(arena, bool, scope->count);
    struct output output = {.binder = &binder};
    struct type *schema = ARENA_NEW(arena, struct type);
    if (!binder.used || !schema)
        return diag_nomem(diag);
    *out = (struct bound_query){.column_count = scope->count, .used = binder.used};
    int code = check_relation(diag, query, scope);
    if (code == 0)
        code = refuse_clauses(diag, query);
    if (code == 0 && query->where)
        code = bind_where(&binder, query->where, &out->where);
    if (code == 0)
        code = bind_items(&output, query);
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
