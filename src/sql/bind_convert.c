/* bind_convert.c: conversions, asked for and implicit. */
#include <stdio.h>

#include "sql/binder_impl.h"
#include "vec/number.h"

struct expr *binder_call(struct binder *binder, uint32_t offset, const struct type *type,
                         kernel_fn kernel, struct expr *const *args, uint32_t count)
{
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    struct expr **copy = ARENA_ARRAY(binder->arena, struct expr *, count);
    if (!expr || !copy) {
        diag_nomem(binder->diag);
        return NULL;
    }
    if (count)
        memcpy(copy, args, count * sizeof(struct expr *));
    *expr = (struct expr){.op = EXPR_CALL,
                          .form = FORM_CALL,
                          .strict = true,
                          .type = type,
                          .offset = offset,
                          .arg_count = count,
                          .args = copy,
                          .kernel = kernel};
    return expr;
}

void binder_share(struct binder *binder, struct expr *expr)
{
    if (expr->op == EXPR_CALL && !expr->memo)
        expr->memo = ++binder->memo_count;
}

int binder_check_built(struct binder *binder, const struct type *type, uint32_t offset)
{
    char name[120];
    if (type_is_built(type->kind))
        return 0;
    return diag_fail(binder->diag, ERR_UNSUPPORTED, offset,
                     "a value of type %s is not supported yet", types_name(type, name));
}

int binder_mismatch(struct binder *binder, uint32_t offset, const char *what,
                    const struct expr *left, const struct expr *right)
{
    char a[120], b[120];
    return diag_fail(binder->diag, ERR_INVALID, offset, "cannot %s %s and %s", what,
                     types_name(left->type, a), types_name(right->type, b));
}

int binder_no_common(struct binder *binder, uint32_t offset, const char *what,
                     const struct type *const *types, uint32_t n)
{
    char a[120], b[120];
    uint32_t fits = 1;
    while (fits < n - 1 && types_wider_all(types, fits + 1))
        fits++;
    uint32_t other = 0;
    while (other < fits && types_wider(types[other], types[fits]))
        other++;
    return diag_fail(binder->diag, ERR_INVALID, offset,
                     "%s mixes %s and %s, which have no common type", what,
                     types_name(types[other < fits ? other : 0], a), types_name(types[fits], b));
}

/* A DECIMAL literal that meets floating point: the text is read again, correctly rounded. */
static int convert_decimal_literal(struct binder *binder, struct expr **expr,
                                   const struct type *type)
{
    struct str label = (*expr)->label;
    double wide;
    float narrow;
    const void *value = &wide;
    if (!number_parse_double(label, &wide) || !number_parse_float(label, &narrow))
        return diag_fail(binder->diag, ERR_INVALID, (*expr)->offset, "%.*s is no number",
                         DIAG_ARG(label));
    if (type->kind == TYPE_FLOAT)
        value = &narrow;
    *expr = binder_constant(binder, (*expr)->offset, type, value, label);
    return *expr ? 0 : ERR_NOMEM;
}

int binder_convert(struct binder *binder, struct expr **expr, const struct type *type)
{
    const struct type *from = (*expr)->type;
    if (from->kind == type->kind && from->kind != TYPE_DECIMAL)
        return 0;
    if ((*expr)->op == EXPR_CONST && from->kind == TYPE_VOID) {
        struct str label = (*expr)->label;
        *expr = binder_null(binder, (*expr)->offset, type);
        if (*expr)
            (*expr)->label = label;
        return *expr ? 0 : ERR_NOMEM;
    }
    if ((*expr)->decimal_literal && type_is_floating(type->kind))
        return convert_decimal_literal(binder, expr, type);
    int code = binder_check_built(binder, from, (*expr)->offset);
    if (code == 0)
        code = binder_check_built(binder, type, (*expr)->offset);
    if (code != 0)
        return code;
    kernel_fn kernel;
    char a[120], b[120];
    if (!kernel_cast(from->kind, type->kind, &kernel))
        return diag_fail(binder->diag, ERR_INVALID, (*expr)->offset, "%s cannot be converted to %s",
                         types_name(from, a), types_name(type, b));
    struct expr *cast = binder_call(binder, (*expr)->offset, type, kernel, expr, 1);
    if (!cast)
        return ERR_NOMEM;
    cast->form = FORM_HIDDEN;
    *expr = cast;
    return 0;
}

int binder_convert_all(struct binder *binder, struct expr **args, uint32_t count,
                       const struct type *type)
{
    for (uint32_t i = 0; i < count; i++) {
        int code = binder_convert(binder, &args[i], type);
        if (code != 0)
            return code;
    }
    return 0;
}

int binder_boolean(struct binder *binder, struct expr **expr, bool null_ok, const char *what)
{
    char name[120];
    if ((*expr)->type->kind == TYPE_VOID && null_ok)
        return binder_convert(binder, expr, type_simple(TYPE_BOOLEAN));
    if ((*expr)->type->kind == TYPE_BOOLEAN)
        return 0;
    return diag_fail(binder->diag, ERR_INVALID, (*expr)->offset, "%s must be a BOOLEAN, not %s",
                     what, types_name((*expr)->type, name));
}

/* TRY_CAST follows the ANSI rules: NULL instead of a changed value. Built where that is no
 * different from CAST, and for STRING to integers. False: not built. */
static bool try_cast_kernel(enum type_kind from, enum type_kind to, kernel_fn *kernel)
{
    if (!kernel_cast(from, to, kernel))
        return false;
    if (from == TYPE_STRING && type_is_integral(to)) {
        *kernel = kernel_try_cast_integer(to);
        return true;
    }
    bool widening = type_is_numeric(from) && type_is_numeric(to) && from <= to;
    return from == to || from == TYPE_STRING || to == TYPE_STRING || from == TYPE_VOID ||
           widening || (from == TYPE_BOOLEAN && type_is_numeric(to)) ||
           (type_is_time(from) && type_is_time(to));
}

int bind_explicit_cast(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *value;
    int code = bind_expr(binder, ast->args[0], &value);
    if (code != 0)
        return code;
    if (value->decimal_literal && type_is_floating(ast->type->kind))
        code = binder_convert(binder, &value, ast->type);
    if (code == 0)
        code = binder_check_built(binder, value->type, value->offset);
    if (code == 0)
        code = binder_check_built(binder, ast->type, ast->offset);
    if (code != 0)
        return code;
    char from[120], to[120];
    types_name(value->type, from);
    types_name(ast->type, to);
    kernel_fn kernel;
    if (!kernel_cast(value->type->kind, ast->type->kind, &kernel))
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "cannot cast %s to %s", from, to);
    if (ast->flag && !try_cast_kernel(value->type->kind, ast->type->kind, &kernel))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "TRY_CAST from %s to %s is not supported yet", from, to);
    *out = binder_call(binder, ast->offset, ast->type, kernel, &value, 1);
    if (!*out)
        return ERR_NOMEM;
    (*out)->form = FORM_CAST;
    (*out)->label = ast->flag ? STR("TRY_CAST") : STR("CAST");
    return 0;
}
