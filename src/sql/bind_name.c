/* bind_name.c: columns of the scope, and aliases of earlier select items. */
#include "sql/binder_impl.h"
#include "sql/unicode_case.h"

enum { NOT_FOUND = -1, AMBIGUOUS = -2 };

/* A hidden column gives way to another of the same name. */
static int64_t find_column(const struct binder *binder, struct str name)
{
    const struct name_index *names = &binder->column_names;
    const struct sql_column *columns = binder->scope->columns;
    int64_t found = NOT_FOUND;
    for (int32_t i = name_index_find(names, name, HASH_INDEX_END); i != HASH_INDEX_END;
         i = name_index_find(names, name, i)) {
        if (found == NOT_FOUND || columns[found].hidden)
            found = i;
        else if (!columns[i].hidden)
            return AMBIGUOUS;
    }
    return found;
}

bool binder_has_column(const struct binder *binder, struct str name)
{
    return find_column(binder, name) != NOT_FOUND;
}

/* Whether an item that cannot be named here has this alias. */
static bool is_later_alias(const struct binder *binder, struct str name)
{
    int32_t i = name_index_find(&binder->alias_names, name, HASH_INDEX_END);
    while (i != HASH_INDEX_END && (uint32_t)i < binder->alias_count)
        i = name_index_find(&binder->alias_names, name, i);
    return i != HASH_INDEX_END;
}

/* The window of GROUP BY may have this name, but GROUP BY failed. */
static bool is_lost_window(const struct binder *binder, const struct ast_part *part)
{
    return binder->window_lost && (str_eq_nocase(part->text, STR("window")) ||
                                   str_eq_nocase(part->text, STR("session_window")));
}

static int unknown_column(struct binder *binder, const struct ast_part *part)
{
    if (is_lost_window(binder, part))
        return ERR_INVALID;
    if (diag_is_full(binder->diag))
        return diag_fail(binder->diag, ERR_INVALID, part->offset, "unknown column");
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
    /* As text, however it was spelled: sql_query_fingerprint tells queries apart by it. */
    struct str name = binder->as_text ? binder->scope->columns[column].name : part->text;
    struct expr *expr = binder_column(binder, column, part->offset, name);
    if (!expr)
        return ERR_NOMEM;
    *out = expr;
    return 0;
}

/* An alias of an earlier item (Spark's lateral column alias); *out stays NULL if there is none. */
static int find_alias(struct binder *binder, const struct ast_part *part, struct expr **out)
{
    struct expr *found = NULL;
    uint32_t matches = 0;
    for (int32_t i = name_index_find(&binder->alias_names, part->text, HASH_INDEX_END);
         i != HASH_INDEX_END && (uint32_t)i < binder->alias_count;
         i = name_index_find(&binder->alias_names, part->text, i)) {
        found = binder->items[i];
        matches++;
    }
    if (matches > 1)
        return diag_fail(binder->diag, ERR_INVALID, part->offset,
                         "\"%.*s\" is ambiguous: %u earlier items have this alias",
                         DIAG_ARG(part->text), matches);
    if (matches == 0)
        return 0;
    if (!found) /* the item failed */
        return ERR_INVALID;
    binder_share(binder, found);
    *out = binder_call(binder, part->offset, found->type, NULL, &found, 1);
    if (!*out)
        return ERR_NOMEM;
    if (binder->as_text) {
        (*out)->form = FORM_HIDDEN;
        return 0;
    }
    struct buf label = {0};
    buf_printf(&label, "lateralAliasReference(%.*s)", STR_ARG(part->text));
    (*out)->form = FORM_LABEL;
    (*out)->label = arena_buf(binder->arena, &label);
    buf_fini(&label);
    return (*out)->label.p ? 0 : diag_nomem(binder->diag);
}

/* column.field.field...: the column is there. */
static int fields_of_column(struct binder *binder, uint32_t column, const struct ast *ast,
                            uint32_t part, struct expr **out)
{
    int code = make_column(binder, column, &ast->parts[part], out);
    while (code == 0 && ++part < ast->part_count)
        code = bind_field_of(binder, *out, &ast->parts[part], out);
    return code;
}

/* Where HAVING was found to mean the alias of an item, the column of its name is passed over. */
static int64_t find_visible(const struct binder *binder, struct str name)
{
    int64_t column = find_column(binder, name);
    return column >= 0 && binder->prefer_alias && binder->prefer_alias[column] ? NOT_FOUND : column;
}

/* A name of HAVING means the column if that is grouped, else the alias: not known after GROUP BY
 * failed. */
static bool may_be_alias(const struct binder *binder, struct str name)
{
    return binder->prefer_alias && binder->groups_lost &&
           name_index_find(&binder->alias_names, name, HASH_INDEX_END) != HASH_INDEX_END;
}

static int bind_column(struct binder *binder, const struct ast *ast, uint32_t part,
                       struct expr **out)
{
    int64_t column = find_visible(binder, ast->parts[part].text);
    if (column == AMBIGUOUS)
        return diag_fail(binder->diag, ERR_INVALID, ast->parts[part].offset,
                         "\"%.*s\" is ambiguous: several columns have this name",
                         DIAG_ARG(ast->parts[part].text));
    if (column >= 0 && may_be_alias(binder, ast->parts[part].text))
        return ERR_INVALID;
    if (column >= 0)
        return fields_of_column(binder, (uint32_t)column, ast, part, out);
    if (part == 0 && ast->part_count == 1) {
        int code = bind_window_name(binder, &ast->parts[0], out);
        if (code == 0 && !*out)
            code = find_alias(binder, &ast->parts[0], out);
        if (code != 0 || *out)
            return code;
    }
    return unknown_column(binder, &ast->parts[part]);
}

/* window.start, alias.field: *out stays NULL when the first part is no such name. */
static int bind_made_field(struct binder *binder, const struct ast *ast, struct expr **out)
{
    int code = bind_window_name(binder, &ast->parts[0], out);
    if (code == 0 && !*out)
        code = find_alias(binder, &ast->parts[0], out);
    for (uint32_t i = 1; *out && i < ast->part_count && code == 0; i++)
        code = bind_field_of(binder, *out, &ast->parts[i], out);
    return code;
}

int bind_name(struct binder *binder, const struct ast *ast, struct expr **out)
{
    *out = NULL;
    if (ast->part_count == 1)
        return bind_column(binder, ast, 0, out);
    bool qualified = unicode_eq_nocase(ast->parts[0].text, binder->relation);
    int64_t first = find_visible(binder, ast->parts[0].text);
    int64_t second = find_visible(binder, ast->parts[1].text);
    if (qualified && (second != NOT_FOUND || first == NOT_FOUND))
        return bind_column(binder, ast, 1, out);
    if (first != NOT_FOUND)
        return bind_column(binder, ast, 0, out);
    int code = bind_made_field(binder, ast, out);
    if (code != 0 || *out)
        return code;
    if (is_lost_window(binder, &ast->parts[0]))
        return ERR_INVALID;
    return diag_fail(binder->diag, ERR_INVALID, ast->parts[0].offset,
                     "\"%.*s\" is neither a column nor the name of the relation, %.*s",
                     DIAG_ARG(ast->parts[0].text), DIAG_ARG(binder->relation));
}
