/* Rules of hash codes, URLs and questions about types. */
#include "sql/binder_impl.h"
#include "sql/function_rules_math.h"
#include "sql/kernels_hash.h"

int rule_typeof(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct buf name = {0};
    type_print_catalog(call->args[0]->type, &name);
    struct str text = arena_buf(binder->arena, &name);
    buf_fini(&name);
    struct expr *constant =
        text.p ? binder_constant(binder, call->offset, type_simple(TYPE_STRING), &text, STR(""))
               : NULL;
    if (!constant)
        return diag_nomem(binder->diag);
    return rule_replace(binder, call, constant);
}

/* Spark converts none of the arguments. */
int rule_parse_url(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct value *key;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const struct type *type = call->args[i]->type;
        if (type->kind != TYPE_STRING && type->kind != TYPE_VOID)
            return rule_wrong_argument(binder, function, call, i, "a STRING");
        int code = binder_convert(binder, &call->args[i], type_simple(TYPE_STRING));
        if (code != 0)
            return code;
    }
    if (call->arg_count < 3)
        return 0;
    int code = binder_constant_value(binder, call->args[2], &key);
    if (code != 0 || !key || vec_is_null(&key->vec, 0) || url_key_is_plain(key->vec.str[0]))
        return code;
    return diag_fail(binder->diag, ERR_UNSUPPORTED, call->args[2]->offset,
                     "the key of %s is a regular expression to Spark: only plain characters are "
                     "supported",
                     function->name);
}
