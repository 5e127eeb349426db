/* bind_convert.c: conversions, asked for and implicit. */
#include "sql/binder_impl.h"

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
    for (uint32_t i = 0; i < count; i++)
        expr->traits |= args[i]->traits;
    return expr;
}

void binder_share(struct binder *binder, struct expr *expr)
{
    if (expr->op == EXPR_CALL && !expr->memo)
        expr->memo = ++binder->memo_count;
}

int binder_mismatch(struct binder *binder, uint32_t offset, const char *what,
                    const struct expr *left, const struct expr *right)
{
    char a[120], b[120];
    return diag_fail(binder->diag, ERR_INVALID, offset, "cannot %s %s and %s", what,
                     types_name(left->type, a), types_name(right->type, b));
}

/* The first type that does not meet those before; all n together have no common type. */
static int first_misfit(struct binder *binder, const struct type *const *types, uint32_t n,
                        uint32_t *out)
{
    uint32_t low = 1, high = n - 1;
    while (low < high) {
        const struct type *common;
        uint32_t mid = low + (high - low) / 2;
        if (types_common_all(binder->arena, types, mid + 1, &common) != 0)
            return ERR_NOMEM;
        if (common)
            low = mid + 1;
        else
            high = mid;
    }
    *out = low;
    return 0;
}

int binder_no_common(struct binder *binder, uint32_t offset, const char *what,
                     const struct type *const *types, uint32_t n)
{
    char a[120], b[120];
    uint32_t misfit = 0, other = 0;
    int code = first_misfit(binder, types, n, &misfit);
    for (; code == 0 && other < misfit; other++) {
        const struct type *common;
        code = types_common(binder->arena, types[other], types[misfit], &common);
        if (!common)
            break;
    }
    if (code != 0)
        return diag_nomem(binder->diag);
    return diag_fail(
        binder->diag, ERR_INVALID, offset, "%s mixes %s and %s, which have no common type", what,
        types_name(types[other < misfit ? other : 0], a), types_name(types[misfit], b));
}

bool binder_is_literal(const struct expr *expr)
{
    return expr->op == EXPR_CONST && expr->form == FORM_LABEL && expr->type->kind != TYPE_VOID &&
           !vec_is_null(&expr->constant.vec, 0);
}

static bool is_nested(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY;
}

/* Integer to FLOAT to DOUBLE is one cast to Spark's optimizer (SimplifyCasts), which leaves out the
 * FLOAT and with it the rounding; what is constant was computed before. *value becomes the integer,
 * under the name of the cast that goes. */
static int leave_out_float(struct binder *binder, struct expr **value, const struct type *to)
{
    const struct expr *inner = *value;
    kernel_fn kernel;
    if (to->kind != TYPE_DOUBLE || inner->type->kind != TYPE_FLOAT || inner->op != EXPR_CALL ||
        inner->arg_count != 1 || (inner->form != FORM_CAST && inner->form != FORM_HIDDEN))
        return 0;
    struct expr *integer = inner->args[0];
    if (!type_is_integral(integer->type->kind) || !(integer->traits & TRAIT_COLUMN) ||
        !kernel_cast(integer->type, inner->type, false, &kernel) || kernel != inner->kernel)
        return 0;
    struct buf name = {0};
    expr_print(inner, &name);
    struct expr *renamed =
        binder_call(binder, inner->offset, integer->type, NULL, &inner->args[0], 1);
    if (renamed) {
        renamed->form = FORM_TEXT;
        renamed->label = arena_buf(binder->arena, &name);
    }
    buf_fini(&name);
    *value = renamed;
    return renamed && renamed->label.p ? 0 : diag_nomem(binder->diag);
}

/* A call that casts, without its form; *out is NULL where there is no such cast. */
static int make_cast(struct binder *binder, uint32_t offset, struct expr *value,
                     const struct type *to, bool exact, struct expr **out)
{
    const struct type *from = value->type;
    kernel_fn kernel;
    *out = NULL;
    if (from->kind != TYPE_VOID && (is_nested(from) || is_nested(to)))
        return bind_nested_cast(binder, offset, value, to, exact, out);
    if (from->kind != TYPE_VOID && (type_is_interval(from->kind) || type_is_interval(to->kind)))
        return bind_interval_cast(binder, offset, value, to, exact, out);
    int code = leave_out_float(binder, &value, to);
    if (code != 0 || !kernel_cast(value->type, to, exact, &kernel))
        return code;
    *out = binder_call(binder, offset, to, kernel, &value, 1);
    return *out ? 0 : ERR_NOMEM;
}

int binder_cast(struct binder *binder, uint32_t offset, struct expr *value, const struct type *to,
                bool exact, struct expr **out)
{
    char a[120], b[120];
    int code = make_cast(binder, offset, value, to, exact, out);
    if (code != 0 || *out)
        return code;
    struct expr *other;
    code = exact ? make_cast(binder, offset, value, to, false, &other) : 0;
    if (code != 0)
        return code;
    return diag_fail(binder->diag, ERR_INVALID, offset, "cannot cast %s to %s%s",
                     types_name(value->type, a), types_name(to, b),
                     exact && other ? " with TRY_CAST, only with CAST" : "");
}

int binder_convert(struct binder *binder, struct expr **expr, const struct type *type)
{
    const struct type *from = (*expr)->type;
    char a[120], b[120];
    if (type_eq(from, type))
        return 0;
    if ((*expr)->op == EXPR_CONST && from->kind == TYPE_VOID) {
        struct str label = (*expr)->label;
        *expr = binder_null(binder, (*expr)->offset, type);
        if (*expr)
            (*expr)->label = label;
        return *expr ? 0 : ERR_NOMEM;
    }
    struct expr *cast;
    int code = make_cast(binder, (*expr)->offset, *expr, type, false, &cast);
    if (code != 0)
        return code;
    if (!cast)
        return diag_fail(binder->diag, ERR_INVALID, (*expr)->offset, "%s cannot be converted to %s",
                         types_name(from, a), types_name(type, b));
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

int bind_explicit_cast(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *value;
    const struct type *type = types_copy(binder->arena, ast->type); /* the parser's goes */
    if (!type)
        return diag_nomem(binder->diag);
    int code = bind_expr(binder, ast->args[0], &value);
    if (code == 0)
        code = binder_cast(binder, ast->offset, value, type, ast->flag, out);
    if (code != 0)
        return code;
    (*out)->form = is_nested(type) ? FORM_HIDDEN : FORM_CAST; /* Spark shows no such cast */
    (*out)->label = ast->flag ? STR("TRY_CAST") : STR("CAST");
    return 0;
}
