/* Rules of hash codes, URLs and questions about types. */
#include "sql/binder_impl.h"
#include "sql/function_rules_math.h"
#include "sql/kernels_hash.h"

/* Spark's catalogString: lower case, no spaces, `decimal(3,2)`, `struct<a:int>`. */
static void print_type(const struct type *type, struct buf *out)
{
    if (type->kind == TYPE_STRUCT) {
        buf_append_str(out, STR("struct<"));
        for (uint32_t i = 0; i < type->field_count; i++) {
            if (i > 0)
                buf_append_char(out, ',');
            buf_append_str(out, type->fields[i].name);
            buf_append_char(out, ':');
            print_type(type->fields[i].type, out);
        }
        buf_append_char(out, '>');
    } else if (type->kind == TYPE_ARRAY) {
        buf_append_str(out, STR("array<"));
        print_type(type->element, out);
        buf_append_char(out, '>');
    } else {
        size_t from = out->n;
        type_print(type, out);
        for (size_t i = from; i < out->n; i++)
            out->p[i] = out->p[i] >= 'A' && out->p[i] <= 'Z' ? (char)(out->p[i] + 32) : out->p[i];
    }
}

int rule_typeof(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct buf name = {0};
    print_type(call->args[0]->type, &name);
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
