/* bind_name.c: columns of the scope, and aliases of earlier select items. */
#include "sql/binder_impl.h"
#include "sql/unicode_case.h"

enum { NOT_FOUND = -1, AMBIGUOUS = -2 };

/* A hidden column gives way to another of the same name. */
static int64_t find_column(const struct sql_scope *scope, struct str name)
{
    int64_t found = NOT_FOUND;
    for (uint32_t i = 0; i < scope->count; i++) {
        if (!unicode_eq_nocase(scope->columns[i].name, name))
            continue;
        if (found == NOT_FOUND || scope->columns[found].hidden)
            found = i;
        else if (!scope->columns[i].hidden)
            return AMBIGUOUS;
    }
    return found;
}

/* Whether an item that cannot be named here has this alias. */
static bool is_later_alias(const struct binder *binder, struct str name)
{
    for (uint32_t i = binder->alias_count; i < binder->item_count; i++) {
        if (binder->aliases[i].alias.p && unicode_eq_nocase(binder->aliases[i].alias, name))
            return true;
    }
    return false;
}

static int unknown_column(struct binder *binder, const struct ast_part *part)
{
    if (is_later_alias(binder, part->text))
        return diag_fail(binder->diag, ERR_INVALID, part->offset,
                         "unknown column \"%.*s\": an alias can be used only in the items after it",
                         DIAG_ARG(part->text));
    const struct sql_scope *scope = binder->scope;
    size_t count = 0;
    const char **names = ARENA_ARRAY(binder->arena, const char *, scope->count + 1);
    if (!names)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < scope->count; i++) {
        struct str copy = arena_str(binder->arena, scope->columns[i].name);
        if (!copy.p)
            return diag_nomem(binder->diag);
        names[count++] = copy.p;
    }
    const char *guess = str_suggest(part->text, names, count);
    if (guess)
        return diag_fail(binder->diag, ERR_INVALID, part->offset,
                         "unknown column \"%.*s\": did you mean \"%.*s\"?", DIAG_ARG(part->text),
                         DIAG_ARG(str_of(guess)));
    struct buf list = {0};
    for (uint32_t i = 0; i < scope->count && list.n < 300; i++) {
        if (!scope->columns[i].hidden)
            buf_printf(&list, "%s%.*s", list.n ? ", " : "", DIAG_ARG(scope->columns[i].name));
    }
    diag_fail(binder->diag, ERR_INVALID, part->offset,
              "unknown column \"%.*s\": the columns of %.*s are %s", DIAG_ARG(part->text),
              DIAG_ARG(binder->relation), buf_cstr(&list));
    buf_fini(&list);
    return ERR_INVALID;
}

static int make_column(struct binder *binder, uint32_t column, const struct ast_part *part,
                       struct expr **out)
{
    const struct type *type = binder->scope->columns[column].type;
    int code = binder_check_built(binder, type, part->offset);
    if (code != 0)
        return code;
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    if (!expr)
        return diag_nomem(binder->diag);
    *expr = (struct expr){.op = EXPR_COLUMN,
                          .type = type_simple(type->kind),
                          .offset = part->offset,
                          .column = column,
                          .label = part->text};
    binder->used[column] = true;
    *out = expr;
    return 0;
}

/* An alias of an earlier item (Spark's lateral column alias); *out stays NULL if there is none. */
static int find_alias(struct binder *binder, const struct ast_part *part, struct expr **out)
{
    struct expr *found = NULL;
    uint32_t matches = 0;
    for (uint32_t i = 0; i < binder->alias_count; i++) {
        if (!binder->aliases[i].alias.p || !unicode_eq_nocase(binder->aliases[i].alias, part->text))
            continue;
        found = binder->items[i];
        matches++;
    }
    if (matches > 1)
        return diag_fail(binder->diag, ERR_INVALID, part->offset,
                         "\"%.*s\" is ambiguous: %u earlier items have this alias",
                         DIAG_ARG(part->text), matches);
    if (!found)
        return 0;
    binder_share(binder, found);
    *out = binder_call(binder, part->offset, found->type, NULL, &found, 1);
    if (!*out)
        return ERR_NOMEM;
    struct buf label = {0};
    buf_printf(&label, "lateralAliasReference(%.*s)", STR_ARG(part->text));
    (*out)->form = FORM_LABEL;
    (*out)->label = arena_str(binder->arena, buf_str(&label));
    buf_fini(&label);
    return (*out)->label.p ? 0 : diag_nomem(binder->diag);
}

/* column.field: the column is there. */
static int bind_field(struct binder *binder, uint32_t column, const struct ast *ast, uint32_t part)
{
    const struct type *type = binder->scope->columns[column].type;
    char name[120];
    if (type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->parts[part].offset,
                         "access to the fields of a %s is not supported yet",
                         type->kind == TYPE_STRUCT ? "STRUCT" : "ARRAY");
    return diag_fail(binder->diag, ERR_INVALID, ast->parts[part].offset,
                     "\"%.*s\" has no field \"%.*s\": it is no STRUCT but %s",
                     DIAG_ARG(ast->parts[part - 1].text), DIAG_ARG(ast->parts[part].text),
                     types_name(type, name));
}

static int bind_column(struct binder *binder, const struct ast *ast, uint32_t part,
                       struct expr **out)
{
    int64_t column = find_column(binder->scope, ast->parts[part].text);
    if (column == AMBIGUOUS)
        return diag_fail(binder->diag, ERR_INVALID, ast->parts[part].offset,
                         "\"%.*s\" is ambiguous: several columns have this name",
                         DIAG_ARG(ast->parts[part].text));
    if (column >= 0 && part + 1 < ast->part_count)
        return bind_field(binder, (uint32_t)column, ast, part + 1);
    if (column >= 0)
        return make_column(binder, (uint32_t)column, &ast->parts[part], out);
    if (part == 0 && ast->part_count == 1) {
        int code = find_alias(binder, &ast->parts[0], out);
        if (code != 0 || *out)
            return code;
    }
    return unknown_column(binder, &ast->parts[part]);
}

int bind_name(struct binder *binder, const struct ast *ast, struct expr **out)
{
    *out = NULL;
    if (ast->part_count == 1)
        return bind_column(binder, ast, 0, out);
    bool qualified = unicode_eq_nocase(ast->parts[0].text, binder->relation);
    int64_t first = find_column(binder->scope, ast->parts[0].text);
    int64_t second = find_column(binder->scope, ast->parts[1].text);
    if (qualified && (second != NOT_FOUND || first == NOT_FOUND))
        return bind_column(binder, ast, 1, out);
    if (first != NOT_FOUND)
        return bind_column(binder, ast, 0, out);
    return diag_fail(binder->diag, ERR_INVALID, ast->parts[0].offset,
                     "\"%.*s\" is neither a column nor the name of the relation, %.*s",
                     DIAG_ARG(ast->parts[0].text), DIAG_ARG(binder->relation));
}
