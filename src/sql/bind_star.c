/* bind_star.c: *, relation.* and struct.*, as items of SELECT and as arguments of functions. */
#include "sql/bind_star.h"
#include "sql/unicode_case.h"

bool bind_star_is_relation(const struct binder *binder, const struct ast *star)
{
    return star->part_count == 0 ||
           (star->part_count == 1 && unicode_eq_nocase(star->parts[0].text, binder->relation));
}

static int allocate(struct binder *binder, struct star *out, uint32_t most)
{
    *out = (struct star){.values = ARENA_ARRAY(binder->arena, struct expr *, most),
                         .names = ARENA_ARRAY(binder->arena, struct str, most)};
    return out->values && out->names ? 0 : diag_nomem(binder->diag);
}

static int fields(struct binder *binder, const struct ast *star, struct star *out)
{
    struct ast name = *star;
    struct expr *value;
    char type[120];
    name.kind = AST_NAME;
    if (star->part_count == 1 && !binder_has_column(binder, star->parts[0].text))
        return diag_fail(binder->diag, ERR_INVALID, star->offset,
                         "unknown relation \"%.*s\": expected %.*s.*",
                         DIAG_ARG(star->parts[0].text), DIAG_ARG(binder->relation));
    int code = bind_name(binder, &name, &value);
    if (code == 0 && value->type->kind != TYPE_STRUCT)
        return diag_fail(binder->diag, ERR_INVALID, star->offset,
                         "before .* stands the name of the relation, %.*s, or of a STRUCT, not of "
                         "a %s",
                         DIAG_ARG(binder->relation), types_name(value->type, type));
    if (code == 0)
        code = allocate(binder, out, value->type->field_count);
    for (uint32_t i = 0; code == 0 && i < value->type->field_count; i++) {
        out->names[i] = value->type->fields[i].name;
        code = bind_field_at(binder, value, i, out->names[i], star->offset, &out->values[i]);
        out->count = i + 1;
    }
    return code;
}

int bind_star(struct binder *binder, const struct ast *star, struct star *out)
{
    const struct sql_scope *scope = binder->scope;
    if (!bind_star_is_relation(binder, star))
        return fields(binder, star, out);
    int code = allocate(binder, out, scope->count);
    for (uint32_t i = 0; code == 0 && i < scope->count; i++) {
        if (scope->columns[i].hidden)
            continue;
        struct str name = scope->columns[i].name;
        out->values[out->count] = binder_column(binder, i, star->offset, name);
        if (!out->values[out->count])
            return ERR_NOMEM;
        out->names[out->count++] = name;
    }
    return code;
}

/* A field of struct.* is printed with its name: st.a AS a. */
static int label_fields(struct binder *binder, const struct star *star)
{
    int code = 0;
    for (uint32_t i = 0; i < star->count && code == 0; i++) {
        struct buf label = {0};
        expr_print(star->values[i], &label);
        buf_printf(&label, " AS %.*s", STR_ARG(star->names[i]));
        code = binder_label(binder, star->values[i], &label);
    }
    return code;
}

int bind_arguments(struct binder *binder, const struct ast *ast, struct expr ***args,
                   uint32_t *count)
{
    struct star *stars = ARENA_ARRAY(binder->arena, struct star, ast->arg_count);
    uint32_t most = ast->arg_count;
    int code = stars ? 0 : diag_nomem(binder->diag);
    for (uint32_t i = 0; i < ast->arg_count && code == 0; i++) {
        if (ast->args[i]->kind != AST_STAR)
            continue;
        code = bind_star(binder, ast->args[i], &stars[i]);
        if (code == 0 && !bind_star_is_relation(binder, ast->args[i]))
            code = label_fields(binder, &stars[i]);
        most += stars[i].count;
    }
    *count = 0;
    *args = code == 0 ? ARENA_ARRAY(binder->arena, struct expr *, most) : NULL;
    if (!*args)
        return code ? code : diag_nomem(binder->diag);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        if (ast->args[i]->kind != AST_STAR)
            code = diag_both(code, bind_expr(binder, ast->args[i], &(*args)[(*count)++]));
        for (uint32_t k = 0; k < stars[i].count; k++)
            (*args)[(*count)++] = stars[i].values[k];
    }
    return code;
}
