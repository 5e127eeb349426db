/* function_rules_regexp.c: calls with regular expressions. */
#include "sql/function_rules_text.h"
#include "sql/kernels_text.h"
#include "sql/regexp.h"

/* The error of a pattern or replacement, at the argument. */
static int report(struct binder *binder, const struct expr *arg, int code, const struct err *err)
{
    if (code == ERR_NOMEM)
        return diag_nomem(binder->diag);
    return code == 0 ? 0 : diag_fail(binder->diag, code, arg->offset, "%s", err->msg);
}

/* *regexp: the constant pattern's; it belongs to call->prepared. NULL: none. */
static int prepare(struct binder *binder, struct expr *call, struct regexp **regexp)
{
    const struct value *pattern;
    struct err err = {0};
    *regexp = NULL;
    int code = binder_constant_value(binder, call->args[1], &pattern);
    if (code != 0)
        return code;
    if (pattern && !vec_is_null(&pattern->vec, 0))
        code = regexp_create(regexp, pattern->vec.str[0], &err);
    if (code != 0)
        return report(binder, call->args[1], code, &err);
    struct regexp_call *prepared = regexp_call_create(*regexp);
    if (!prepared)
        return diag_nomem(binder->diag);
    call->prepared = prepared;
    return binder_own(binder, prepared, regexp_call_destroy);
}

int rule_prepare_regexp(struct binder *binder, struct expr *call)
{
    struct regexp *regexp;
    return prepare(binder, call, &regexp);
}

int rule_regexp(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return rule_prepare_regexp(binder, call);
}

/* Spark writes these names in capitals. */
int rule_rlike(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    char *p = (char *)(uintptr_t)call->label.p; /* the arena's copy */
    for (size_t i = 0; i < call->label.n; i++)
        p[i] = p[i] >= 'a' && p[i] <= 'z' ? (char)(p[i] - 32) : p[i];
    return rule_prepare_regexp(binder, call);
}

static int make_array(struct binder *binder, struct expr *call)
{
    struct type *type = ARENA_NEW(binder->arena, struct type);
    if (!type)
        return diag_nomem(binder->diag);
    *type = (struct type){.kind = TYPE_ARRAY, .element = type_simple(TYPE_STRING)};
    call->type = type;
    return 0;
}

int rule_regexp_extract(struct binder *binder, const struct function *function, struct expr *call)
{
    struct regexp *regexp;
    const struct value *group;
    int code = function->kernel == kernel_regexp_extract_all ? make_array(binder, call) : 0;
    if (code == 0 && call->arg_count == 2)
        code = rule_add_int(binder, call, 1, "1");
    if (code == 0)
        code = prepare(binder, call, &regexp);
    if (code == 0)
        code = binder_constant_value(binder, call->args[2], &group);
    if (code != 0 || !regexp || !group || vec_is_null(&group->vec, 0))
        return code;
    int32_t wanted = group->vec.i32[0];
    if (wanted > 0 && regexp_is_loose(regexp))
        return diag_fail(binder->diag, ERR_UNSUPPORTED, call->args[1]->offset, "%s",
                         regexp_loose_message);
    if (wanted >= 0 && (uint32_t)wanted <= regexp_group_count(regexp))
        return 0;
    return diag_fail(binder->diag, ERR_INVALID, call->args[2]->offset,
                     "%s takes group %d, but the pattern has %u", function->name, (int)wanted,
                     (unsigned)regexp_group_count(regexp));
}

int rule_regexp_instr(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    int code = call->arg_count == 2 ? rule_add_int(binder, call, 0, "0") : 0;
    return code == 0 ? rule_prepare_regexp(binder, call) : code;
}

int rule_regexp_replace(struct binder *binder, const struct function *function, struct expr *call)
{
    struct regexp *regexp;
    struct err err = {0};
    const struct value *position, *replacement;
    int code = call->arg_count == 3 ? rule_add_int(binder, call, 1, "1") : 0;
    if (code == 0)
        code = prepare(binder, call, &regexp);
    if (code == 0)
        code = rule_constant(binder, function, call, 3, &position);
    if (code == 0 && !vec_is_null(&position->vec, 0) && position->vec.i32[0] < 1)
        code = diag_fail(binder->diag, ERR_INVALID, call->args[3]->offset,
                         "the position of regexp_replace must be at least 1");
    if (code == 0)
        code = binder_constant_value(binder, call->args[2], &replacement);
    if (code != 0 || !regexp || !replacement || vec_is_null(&replacement->vec, 0))
        return code;
    code = regexp_check_replacement(regexp, replacement->vec.str[0], &err);
    return report(binder, call->args[2], code, &err);
}

int rule_split(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    int code = make_array(binder, call);
    if (code == 0 && call->arg_count == 2)
        code = rule_add_int(binder, call, -1, "-1");
    return code == 0 ? rule_prepare_regexp(binder, call) : code;
}
