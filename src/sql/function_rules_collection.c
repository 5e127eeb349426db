/* function_rules_collection.c: how calls of functions on arrays are typed. */
#include "sql/function_rules_collection.h"

#include "sql/binder_impl.h"
#include "sql/kernels_collection.h"

static int not_array(struct binder *binder, const struct function *function, struct expr *call,
                     uint32_t i)
{
    char name[120];
    return diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                     "argument %u of %s must be an ARRAY, not %s", i + 1, function->name,
                     types_name(call->args[i]->type, name));
}

static const struct type *array_of(struct binder *binder, const struct type *element)
{
    struct type *type = ARENA_NEW(binder->arena, struct type);
    if (!type) {
        diag_nomem(binder->diag);
        return NULL;
    }
    *type = (struct type){.kind = TYPE_ARRAY, .element = element};
    return type;
}

/* Argument i must be an ARRAY. An untyped NULL becomes one of VOID. */
static int need_array(struct binder *binder, const struct function *function, struct expr *call,
                      uint32_t i)
{
    if (call->args[i]->type->kind == TYPE_ARRAY)
        return 0;
    if (call->args[i]->type->kind != TYPE_VOID)
        return not_array(binder, function, call, i);
    const struct type *type = array_of(binder, type_simple(TYPE_VOID));
    return type ? binder_convert(binder, &call->args[i], type) : ERR_NOMEM;
}

/* The type that the elements of argument 0 and a value meet at, as Spark has it for functions of an
 * array and an element: *out NULL where there is none. */
static int meet(struct binder *binder, const struct type *a, const struct type *b,
                const struct type **out)
{
    return types_common_tightest(binder->arena, a, b, out) != 0 ? diag_nomem(binder->diag) : 0;
}

/* The same for array_contains: also DECIMALs and other numbers, but no STRING with others. */
static int meet_wider(struct binder *binder, const struct type *a, const struct type *b,
                      const struct type **out)
{
    bool text = (a->kind == TYPE_STRING) != (b->kind == TYPE_STRING);
    if (text && a->kind != TYPE_VOID && b->kind != TYPE_VOID) {
        *out = NULL;
        return 0;
    }
    return types_common(binder->arena, a, b, out) != 0 ? diag_nomem(binder->diag) : 0;
}

/* Converts an array and an element (argument k) to a type they meet at. */
static int meet_element(struct binder *binder, const struct function *function, struct expr *call,
                        uint32_t k)
{
    const struct type *element, *array;
    char a[120], b[120];
    int code = function->result == TYPE_BOOLEAN
                   ? meet_wider(binder, call->args[0]->type->element, call->args[k]->type, &element)
                   : meet(binder, call->args[0]->type->element, call->args[k]->type, &element);
    if (code != 0)
        return code;
    if (!element)
        return diag_fail(binder->diag, ERR_INVALID, call->args[k]->offset,
                         "%s: %s does not fit into an %s", function->name,
                         types_name(call->args[k]->type, a), types_name(call->args[0]->type, b));
    array = array_of(binder, element);
    code = array ? binder_convert(binder, &call->args[0], array) : ERR_NOMEM;
    return code == 0 ? binder_convert(binder, &call->args[k], element) : code;
}

int rule_array(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, call->arg_count);
    const struct type *element = type_simple(TYPE_VOID);
    if (!types)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < call->arg_count; i++)
        types[i] = call->args[i]->type;
    if (call->arg_count && types_common_all(binder->arena, types, call->arg_count, &element) != 0)
        return diag_nomem(binder->diag);
    if (!element)
        return binder_no_common(binder, call->offset, function->name, types, call->arg_count);
    call->type = array_of(binder, element);
    return call->type ? binder_convert_all(binder, call->args, call->arg_count, element)
                      : ERR_NOMEM;
}

int rule_size(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = type_simple(TYPE_INT);
    return need_array(binder, function, call, 0);
}

int rule_array_size(struct binder *binder, const struct function *function, struct expr *call)
{
    return rule_size(binder, function, call);
}

/* Argument i: an INT; wider types are an error, as in Spark. */
static int need_int(struct binder *binder, const struct function *function, struct expr *call,
                    uint32_t i, bool null_ok)
{
    char name[120];
    enum type_kind kind = call->args[i]->type->kind;
    if ((kind >= TYPE_TINYINT && kind <= TYPE_INT) || (null_ok && kind == TYPE_VOID))
        return binder_convert(binder, &call->args[i], type_simple(TYPE_INT));
    return diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                     "argument %u of %s must be an INT, not %s", i + 1, function->name,
                     types_name(call->args[i]->type, name));
}

/* What Spark refuses when it runs: a constant that is `wrong`, but beside a NULL for an ARRAY. */
static int refuse_constant(struct binder *binder, struct expr *const *args, uint32_t i,
                           bool (*wrong)(int32_t), const char *message)
{
    const struct value *value;
    struct expr *arg = args[i];
    bool null;
    int code = binder_is_null(binder, args[0], &null);
    if (code == 0 && !null)
        code = binder_constant_value(binder, arg, &value);
    if (code == 0 && !null && value && !vec_is_null(&value->vec, 0) && wrong(value->vec.i32[0]))
        return diag_fail(binder->diag, ERR_INVALID, arg->offset, "%s", message);
    return code;
}

static bool is_zero(int32_t value)
{
    return value == 0;
}

static bool is_negative(int32_t value)
{
    return value < 0;
}

int rule_element_at(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_ARRAY)
        return not_array(binder, function, call, 0);
    call->type = call->args[0]->type->element;
    int code = need_int(binder, function, call, 1, false);
    return code == 0 ? refuse_constant(binder, call->args, 1, is_zero,
                                       "the elements of an ARRAY are counted from 1, or from -1 at "
                                       "its end")
                     : code;
}

int rule_get(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    enum type_kind kind = call->args[1]->type->kind;
    if (call->args[0]->type->kind != TYPE_ARRAY)
        return not_array(binder, function, call, 0);
    call->type = call->args[0]->type->element;
    if (!type_is_integral(kind) && kind != TYPE_VOID)
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "argument 2 of get must be an integer, not %s",
                         types_name(call->args[1]->type, name));
    return binder_convert(binder, &call->args[1], type_simple(TYPE_INT));
}

int rule_search(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = type_simple(function->result);
    if (call->args[0]->type->kind != TYPE_ARRAY)
        return not_array(binder, function, call, 0);
    if (function->result == TYPE_BOOLEAN && call->args[1]->type->kind == TYPE_VOID)
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "%s does not take an untyped NULL", function->name);
    return meet_element(binder, function, call, 1);
}

int rule_with(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_ARRAY)
        return not_array(binder, function, call, 0);
    int code = meet_element(binder, function, call, 1);
    call->type = call->args[0]->type;
    return code;
}

int rule_array_insert(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_ARRAY)
        return not_array(binder, function, call, 0);
    int code = need_int(binder, function, call, 1, true);
    if (code == 0)
        code =
            refuse_constant(binder, call->args, 1, is_zero,
                            "the elements of an ARRAY are counted from 1, or from -1 at its end");
    if (code == 0)
        code = meet_element(binder, function, call, 2);
    call->type = call->args[0]->type;
    return code;
}

int rule_array_join(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    call->type = type_simple(TYPE_STRING);
    int code = need_array(binder, function, call, 0);
    if (code != 0)
        return code;
    const struct type *element = call->args[0]->type->element;
    if (element->kind == TYPE_STRUCT || element->kind == TYPE_ARRAY)
        return diag_fail(binder->diag, ERR_INVALID, call->args[0]->offset,
                         "array_join takes an ARRAY of STRING, not %s",
                         types_name(call->args[0]->type, name));
    const struct type *strings = array_of(binder, call->type);
    return strings ? binder_convert(binder, &call->args[0], strings) : ERR_NOMEM;
}

int rule_element(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = need_array(binder, function, call, 0);
    if (code == 0)
        call->type = call->args[0]->type->element;
    return code;
}

int rule_same_array(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = need_array(binder, function, call, 0);
    call->type = call->args[0]->type;
    return code;
}

static int meet_arrays(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct type *type;
    char a[120], b[120];
    for (uint32_t i = 0; i < 2; i++) {
        if (call->args[i]->type->kind != TYPE_ARRAY)
            return not_array(binder, function, call, i);
    }
    int code = meet(binder, call->args[0]->type, call->args[1]->type, &type);
    if (code != 0)
        return code;
    if (!type)
        return diag_fail(binder->diag, ERR_INVALID, call->offset,
                         "%s takes two arrays of one type, not %s and %s", function->name,
                         types_name(call->args[0]->type, a), types_name(call->args[1]->type, b));
    return binder_convert_all(binder, call->args, 2, type);
}

int rule_two_arrays(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = meet_arrays(binder, function, call);
    call->type = call->args[0]->type;
    return code;
}

int rule_overlap(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = type_simple(TYPE_BOOLEAN);
    return meet_arrays(binder, function, call);
}

int rule_array_repeat(struct binder *binder, const struct function *function, struct expr *call)
{
    call->type = array_of(binder, call->args[0]->type);
    return call->type ? need_int(binder, function, call, 1, true) : ERR_NOMEM;
}

int rule_slice(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = rule_same_array(binder, function, call);
    if (code == 0)
        code = refuse_constant(binder, call->args, 1, is_zero,
                               "slice counts from 1, or from -1 at the end");
    if (code == 0)
        code = refuse_constant(binder, call->args, 2, is_negative,
                               "the length of a slice must not be negative");
    return code;
}

/* Spark adds the second argument, and shows it in the column's name. */
int rule_sort_array(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = rule_same_array(binder, function, call);
    uint8_t ascending = 1;
    const struct value *value = NULL;
    struct buf label = {0};
    if (code == 0 && call->arg_count == 2)
        code = binder_constant_value(binder, call->args[1], &value);
    if (code != 0)
        return code;
    bool constant =
        value && call->args[1]->type->kind == TYPE_BOOLEAN && !vec_is_null(&value->vec, 0);
    if (call->arg_count == 2 && !constant)
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "argument 2 of sort_array must be true or false");
    if (constant)
        ascending = value->vec.boolean[0];
    expr_print(call->args[0], &label);
    struct str array = buf_str(&label);
    struct buf whole = {0};
    buf_printf(&whole, "sort_array(%.*s, %s)", STR_ARG(array), ascending ? "true" : "false");
    whole.failed |= label.failed;
    buf_fini(&label);
    call->arg_count = 1;
    call->column = !ascending;
    return binder_label(binder, call, &whole);
}

/* Spark shows the comparator it adds. */
int rule_array_sort(struct binder *binder, const struct function *function, struct expr *call)
{
#define VARIABLE "namedlambdavariable()"
    static const char comparator[] =
        ", lambdafunction((IF(((" VARIABLE " IS NULL) AND (" VARIABLE
        " IS NULL)), 0, (IF((" VARIABLE " IS NULL), 1, (IF((" VARIABLE
        " IS NULL), -1, (IF((" VARIABLE " < " VARIABLE "), -1, (IF((" VARIABLE " > " VARIABLE
        "), 1, 0)))))))))), " VARIABLE ", " VARIABLE "))";
#undef VARIABLE
    struct buf label = {0};
    int code = rule_same_array(binder, function, call);
    if (code != 0)
        return code;
    call->column = 2;
    buf_append_str(&label, STR("array_sort("));
    expr_print(call->args[0], &label);
    buf_append_str(&label, str_of(comparator));
    return binder_label(binder, call, &label);
}

int rule_flatten(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    const struct type *type = call->args[0]->type;
    (void)function;
    if (type->kind != TYPE_ARRAY || type->element->kind != TYPE_ARRAY)
        return diag_fail(binder->diag, ERR_INVALID, call->args[0]->offset,
                         "flatten takes an ARRAY of arrays, not %s", types_name(type, name));
    call->type = type->element;
    return 0;
}

/* A step that leads away from the end, among constants. */
static int check_sequence(struct binder *binder, struct expr *call)
{
    const struct value *value;
    uint32_t constants = 0;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        int code = binder_constant_value(binder, call->args[i], &value);
        if (code != 0)
            return code;
        constants += value && !vec_is_null(&value->vec, 0);
    }
    if (constants < call->arg_count)
        return 0;
    struct expr copy = *call;
    copy.folded = false;
    int code = binder_constant_value(binder, &copy, &value);
    if (code == 0 && value && vec_is_null(&value->vec, 0))
        return diag_fail(binder->diag, ERR_INVALID, call->offset,
                         "the step of this sequence leads away from its end");
    return code;
}

int rule_sequence(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    const struct type *type = type_simple(TYPE_VOID);
    (void)function;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const struct type *arg = call->args[i]->type;
        bool time = type_is_time(arg->kind) || type_is_interval(arg->kind);
        if (!type_is_integral(arg->kind) && arg->kind != TYPE_VOID)
            return diag_fail(binder->diag, time ? ERR_UNSUPPORTED : ERR_INVALID,
                             call->args[i]->offset, "sequence %s, not %s",
                             time ? "is supported for integers" : "takes integers",
                             types_name(arg, name));
        type = types_tightest(type, arg);
    }
    if (type->kind == TYPE_VOID)
        type = type_simple(TYPE_INT);
    call->type = array_of(binder, type);
    int code =
        call->type ? binder_convert_all(binder, call->args, call->arg_count, type) : ERR_NOMEM;
    return code == 0 ? check_sequence(binder, call) : code;
}

/* Fields are called after columns and fields, else after their place from 0 on. */
static struct str zip_name(struct binder *binder, const struct expr *arg, uint32_t i)
{
    struct buf name = {0};
    if (arg->op == EXPR_COLUMN)
        return arena_str(binder->arena, arg->label);
    if (bind_is_field(arg)) {
        const struct type *type = arg->args[0]->type;
        type = type->kind == TYPE_ARRAY ? type->element : type;
        return arena_str(binder->arena, type->fields[arg->column].name);
    }
    buf_printf(&name, "%u", i);
    struct str copy = arena_buf(binder->arena, &name);
    buf_fini(&name);
    return copy;
}

int rule_arrays_zip(struct binder *binder, const struct function *function, struct expr *call)
{
    struct field *fields = ARENA_ARRAY(binder->arena, struct field, call->arg_count);
    struct type *type = ARENA_NEW(binder->arena, struct type);
    if (!fields || !type)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (call->args[i]->type->kind != TYPE_ARRAY)
            return not_array(binder, function, call, i);
        fields[i] =
            (struct field){zip_name(binder, call->args[i], i), call->args[i]->type->element};
        if (!fields[i].name.p)
            return diag_nomem(binder->diag);
    }
    *type = (struct type){.kind = TYPE_STRUCT, .field_count = call->arg_count, .fields = fields};
    call->type = array_of(binder, type);
    return call->type ? 0 : ERR_NOMEM;
}

int rule_concat_arrays(struct binder *binder, const struct function *function, struct expr *call,
                       bool *taken)
{
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, call->arg_count);
    const struct type *type = NULL;
    *taken = false;
    if (!types)
        return diag_nomem(binder->diag);
    bool all = true;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        types[i] = call->args[i]->type;
        *taken |= types[i]->kind == TYPE_ARRAY;
        all &= types[i]->kind == TYPE_ARRAY;
    }
    if (!*taken)
        return 0;
    if (all && types_common_all(binder->arena, types, call->arg_count, &type) != 0)
        return diag_nomem(binder->diag);
    if (!type)
        return binder_no_common(binder, call->offset, function->name, types, call->arg_count);
    call->type = type;
    call->kernel = kernel_concat_arrays;
    return binder_convert_all(binder, call->args, call->arg_count, type);
}

/* The row's kernel is the one for strings. */
int rule_reverse(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_ARRAY)
        return binder_param(binder, function->name, 0, PARAM_STRING, &call->args[0]);
    call->type = call->args[0]->type;
    call->kernel = kernel_reverse_array;
    return 0;
}
