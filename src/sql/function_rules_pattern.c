/* function_rules_pattern.c: functions that read and write times by a datetime pattern. */
#include "sql/binder_impl.h"
#include "sql/function_rules_time.h"
#include "sql/kernels_nested.h"
#include "sql/kernels_time.h"

#define DEFAULT_PATTERN "yyyy-MM-dd HH:mm:ss"

/* Compiles a constant pattern; others are compiled as they come. */
static int prepare(struct binder *binder, struct expr *call, bool parsing)
{
    struct time_pattern_cache *cache = time_pattern_cache_create(parsing);
    if (!cache)
        return diag_nomem(binder->diag);
    call->prepared = cache;
    int code = binder_own(binder, cache, time_pattern_cache_free);
    const struct value *value = NULL;
    if (code == 0)
        code = binder_constant_value(binder, call->args[1], &value);
    if (code != 0 || !value || vec_is_null(&value->vec, 0))
        return code;
    struct err err;
    code = time_pattern_cache_set(cache, value->vec.str[0], &err);
    if (code == ERR_NOMEM)
        return diag_nomem(binder->diag);
    if (code != 0)
        return diag_fail(binder->diag, code, call->args[1]->offset, "'%.*s' is no pattern: %s",
                         DIAG_ARG(value->vec.str[0]), err.msg);
    return 0;
}

/* The call with a second argument: the pattern that Spark adds. */
static int add_pattern(struct binder *binder, struct expr *call)
{
    if (call->arg_count == 2)
        return 0;
    struct str text = STR(DEFAULT_PATTERN);
    struct expr *pattern =
        binder_constant(binder, call->offset, type_simple(TYPE_STRING), &text, text);
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, 2);
    if (!pattern || !args)
        return diag_nomem(binder->diag);
    args[0] = call->args[0];
    args[1] = pattern;
    call->args = args;
    call->arg_count = 2;
    return 0;
}

/* The first argument of a call with a pattern as a TIMESTAMP: read by it if it is a STRING. */
static int read_time(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    struct expr **time = &call->args[0];
    enum type_kind kind = (*time)->type->kind;
    call->type = type_simple(TYPE_TIMESTAMP);
    call->strict = true;
    call->loose = true;
    if (type_is_time(kind)) {
        call->kernel = kernel_first_ts;
        return binder_convert(binder, time, call->type);
    }
    if (kind != TYPE_STRING && kind != TYPE_VOID)
        return diag_fail(binder->diag, ERR_INVALID, (*time)->offset,
                         "argument 1 of %s must be a STRING, DATE or TIMESTAMP, not %s",
                         function->name, types_name((*time)->type, name));
    call->kernel = kernel_parse_ts;
    int code = binder_convert(binder, time, type_simple(TYPE_STRING));
    return code == 0 ? prepare(binder, call, true) : code;
}

/* The call as a value of another type, under the same name. */
static int convert_call(struct binder *binder, struct expr *call, const struct type *type)
{
    struct expr *inner = ARENA_NEW(binder->arena, struct expr);
    if (!inner)
        return diag_nomem(binder->diag);
    *inner = *call;
    int code = binder_convert(binder, &inner, type);
    *call = *inner;
    return code;
}

/* Spark makes a STRING of simple types that the function does not know: all but times, and numbers
 * where it takes them. */
static int make_text(struct binder *binder, struct expr **value, bool numbers)
{
    enum type_kind kind = (*value)->type->kind;
    if (type_is_time(kind) || kind == TYPE_VOID || type_is_nested(kind) ||
        (numbers && type_is_numeric(kind)))
        return 0;
    return binder_convert(binder, value, type_simple(TYPE_STRING));
}

/* Without a pattern: as CAST does it. */
static int cast_time(struct binder *binder, struct expr *call, const struct type *type)
{
    struct expr **value = &call->args[0];
    int code = make_text(binder, value, type->kind == TYPE_TIMESTAMP);
    if (code == 0)
        code = binder_convert(binder, value, type);
    call->type = type;
    call->kernel = NULL; /* the value of the argument */
    return code;
}

int rule_to_timestamp(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->arg_count == 1)
        return cast_time(binder, call, type_simple(TYPE_TIMESTAMP));
    int code = make_text(binder, &call->args[0], true);
    return code == 0 ? read_time(binder, function, call) : code;
}

int rule_to_date(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->arg_count == 1)
        return cast_time(binder, call, type_simple(TYPE_DATE));
    int code = make_text(binder, &call->args[0], false);
    if (code == 0)
        code = read_time(binder, function, call);
    return code == 0 ? convert_call(binder, call, type_simple(TYPE_DATE)) : code;
}

int rule_unix_timestamp(struct binder *binder, const struct function *function, struct expr *call)
{
    struct expr *now = NULL;
    if (call->arg_count == 0) {
        now = binder_call(binder, call->offset, type_simple(TYPE_TIMESTAMP),
                          kernel_current_timestamp, NULL, 0);
        if (!now)
            return ERR_NOMEM;
        now->volatile_ = true;
        now->traits = TRAIT_BATCH_TIME;
        call->traits |= TRAIT_BATCH_TIME;
        now->strict = false;
        now->label = STR("current_timestamp");
        call->args = &now;
        call->arg_count = 1;
    }
    int code = add_pattern(binder, call);
    if (code == 0)
        code = read_time(binder, function, call);
    struct expr *inner = code == 0 ? ARENA_NEW(binder->arena, struct expr) : NULL;
    if (!inner)
        return code != 0 ? code : diag_nomem(binder->diag);
    *inner = *call;
    struct expr *seconds = binder_call(binder, call->offset, type_simple(TYPE_BIGINT),
                                       kernel_truncated_seconds, &inner, 1);
    if (!seconds)
        return ERR_NOMEM;
    seconds->form = FORM_HIDDEN;
    *call = *seconds;
    return 0;
}

int rule_from_unixtime(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    int code = add_pattern(binder, call);
    return code == 0 ? prepare(binder, call, false) : code;
}

int rule_date_format(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return prepare(binder, call, false);
}
