/* kernel_nested_cast.c: CAST of STRUCT and ARRAY. */
#include "format/value_text.h"
#include "sql/kernel.h"
#include "sql/kernels_nested.h"

/* Runs the cast of a field or of the elements over all their rows. */
static int cast_part(struct eval *eval, const struct expr *part, const struct vec *in,
                     struct vec *out)
{
    if (part->op != EXPR_CALL || !part->kernel) {
        *out = *in;
        out->type = part->type;
        return 0;
    }
    struct value from = {.vec = *in, .valid_shared = true};
    struct value to = {.valid_shared = true};
    if (vec_init(&to.vec, part->type, in->rows, eval->arena) != 0)
        return ERR_NOMEM;
    if (part->strict)
        to.vec.valid = in->valid;
    int code = part->kernel(eval, part, &from, &to);
    *out = to.vec;
    return code;
}

int kernel_cast_struct(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    struct expr *const *parts = expr->prepared;
    int code = 0;
    for (uint32_t i = 0; i < expr->type->field_count && code == 0; i++)
        code = cast_part(eval, parts[i], &args[0].vec.children[i], &out->vec.children[i]);
    return code;
}

int kernel_cast_array(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    struct expr *const *parts = expr->prepared;
    out->vec.span = args[0].vec.span;
    return cast_part(eval, parts[0], args[0].vec.children, out->vec.children);
}

int kernel_cast_nested_text(struct eval *eval, const struct expr *expr, const struct value *args,
                            struct value *out)
{
    struct buf text = {0};
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows && !text.failed; i++) {
        out->vec.str[i] = (struct str){NULL, 0};
        if (vec_is_null(&args[0].vec, i))
            continue;
        buf_clear(&text);
        value_text_append(&text, &args[0].vec, i, VALUE_TEXT_CAST);
        char *copy = text.failed ? NULL : kernel_text(eval, text.n);
        text.failed |= !copy;
        if (!copy)
            break;
        if (text.n)
            memcpy(copy, text.p, text.n);
        out->vec.str[i] = (struct str){copy, text.n};
        kernel_text_keep(eval, text.n);
    }
    int code = text.failed ? ERR_NOMEM : 0;
    buf_fini(&text);
    return code;
}
