/* kernel_try.c: what fails is NULL (Spark's TryEval). */
#include "sql/kernel.h"
#include "sql/kernels_math.h"

enum { ARGS_MAX = 2 };

/* Row i of a vector of a flat type, as a vector of its own. Its validity is left out. */
static struct vec row_of(const struct vec *vec, uint32_t i)
{
    return (struct vec){
        .type = vec->type, .rows = 1, .data = (char *)vec->data + i * type_width(vec->type)};
}

static int try_row(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out, uint32_t i, uint8_t *failed)
{
    struct value in[ARGS_MAX] = {0}, one = {.vec = row_of(&out->vec, i)};
    for (uint32_t k = 0; k < expr->arg_count; k++)
        in[k] = (struct value){.vec = row_of(&args[k].vec, kernel_row(&args[k], i)),
                               .constant = args[k].constant};
    int code = expr->compare(eval, expr, in, &one);
    *failed = code != 0 || vec_is_null(&one.vec, 0);
    return code == ERR_INVALID ? 0 : code;
}

int kernel_try(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    REQUIRE(expr->arg_count <= ARGS_MAX);
    int code = expr->compare(eval, expr, args, out);
    if (code != ERR_INVALID)
        return code;
    uint8_t *failed = kernel_flags(eval, out->vec.rows);
    if (!failed)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        failed[i] = vec_is_null(&out->vec, i);
        code = failed[i] ? 0 : try_row(eval, expr, args, out, i, &failed[i]);
        if (code != 0)
            return code;
    }
    return kernel_null_where(eval, out, failed);
}
