#include "sql/function_rules_text.h"

#include "base/utf8.h"
#include "sql/kernels_text.h"
#include "sql/number_pattern.h"
#include "sql/printf_format.h"

int rule_label(struct binder *binder, struct expr *call, struct buf *label)
{
    call->form = FORM_LABEL;
    call->label = arena_str(binder->arena, label->failed ? STR("") : buf_str(label));
    return call->label.p && !label->failed ? 0 : diag_nomem(binder->diag);
}

int rule_add_argument(struct binder *binder, struct expr *call, struct expr *arg)
{
    struct expr **args =
        arg ? ARENA_ARRAY(binder->arena, struct expr *, call->arg_count + 1) : NULL;
    if (!args)
        return arg ? diag_nomem(binder->diag) : ERR_NOMEM;
    if (call->arg_count)
        memcpy(args, call->args, call->arg_count * sizeof(struct expr *));
    args[call->arg_count++] = arg;
    call->args = args;
    return 0;
}

int rule_add_int(struct binder *binder, struct expr *call, int32_t value, const char *label)
{
    return rule_add_argument(
        binder, call,
        binder_constant(binder, call->offset, type_simple(TYPE_INT), &value, str_of(label)));
}

static int add_text(struct binder *binder, struct expr *call, enum type_kind kind, struct str value,
                    struct str label)
{
    return rule_add_argument(
        binder, call, binder_constant(binder, call->offset, type_simple(kind), &value, label));
}

int rule_constant(struct binder *binder, const struct function *function, struct expr *call,
                  uint32_t i, const struct value **value)
{
    int code = binder_constant_value(binder, call->args[i], value);
    if (code == 0 && !*value)
        code = diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                         "argument %u of %s must be a constant", (unsigned)i + 1, function->name);
    return code;
}

static int to_string(struct binder *binder, const struct function *function, struct expr *call,
                     uint32_t i)
{
    return binder_param(binder, function->name, i, PARAM_STRING, &call->args[i]);
}

int rule_length(struct binder *binder, const struct function *function, struct expr *call)
{
    call->kernel = kernel_length_binary;
    if (call->args[0]->type->kind == TYPE_BINARY)
        return 0;
    call->kernel = kernel_length_string;
    return to_string(binder, function, call, 0);
}

/* Without a length Spark adds the largest, and shows it in the column's name. */
int rule_substring(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    if (call->args[0]->type->kind == TYPE_BINARY) {
        call->type = call->args[0]->type;
        call->kernel = kernel_substring_binary;
    }
    return call->arg_count == 3 ? 0 : rule_add_int(binder, call, INT32_MAX, "2147483647");
}

int rule_left(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)binder, (void)function;
    if (call->args[0]->type->kind == TYPE_BINARY) {
        call->type = call->args[0]->type;
        call->kernel = kernel_left_binary;
    }
    return 0;
}

int rule_two_texts(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = 0;
    bool binary =
        call->args[0]->type->kind == TYPE_BINARY && call->args[1]->type->kind == TYPE_BINARY;
    for (uint32_t i = 0; i < 2 && code == 0 && !binary; i++)
        code = to_string(binder, function, call, i);
    return code;
}

int rule_elt(struct binder *binder, const struct function *function, struct expr *call)
{
    bool binary = true;
    int code = 0;
    for (uint32_t i = 1; i < call->arg_count; i++)
        binary &= call->args[i]->type->kind == TYPE_BINARY;
    call->type = type_simple(binary ? TYPE_BINARY : TYPE_STRING);
    for (uint32_t i = 1; i < call->arg_count && code == 0 && !binary; i++)
        code = to_string(binder, function, call, i);
    return code;
}

int rule_concat_ws(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    int code = 0;
    for (uint32_t i = 0; i < call->arg_count && code == 0; i++) {
        const struct type *type = call->args[i]->type;
        if (i == 0 || type->kind != TYPE_ARRAY)
            code = to_string(binder, function, call, i);
        else if (type->element->kind != TYPE_STRING)
            code = diag_fail(binder->diag, ERR_UNSUPPORTED, call->args[i]->offset,
                             "concat_ws of %s is not supported: only ARRAY<STRING> is",
                             types_name(type, name));
    }
    return code;
}

int rule_pad(struct binder *binder, const struct function *function, struct expr *call)
{
    bool left = function->kernel == kernel_lpad;
    bool binary = call->args[0]->type->kind == TYPE_BINARY &&
                  (call->arg_count == 2 || call->args[2]->type->kind == TYPE_BINARY);
    int code = 0;
    if (call->arg_count == 2)
        code = binary ? add_text(binder, call, TYPE_BINARY, (struct str){"", 1}, STR("X'00'"))
                      : add_text(binder, call, TYPE_STRING, STR(" "), STR(" "));
    if (binary) {
        call->type = type_simple(TYPE_BINARY);
        call->kernel = left ? kernel_lpad_binary : kernel_rpad_binary;
        return code;
    }
    if (code == 0)
        code = to_string(binder, function, call, 0);
    return code == 0 ? to_string(binder, function, call, 2) : code;
}

int rule_overlay(struct binder *binder, const struct function *function, struct expr *call)
{
    bool binary =
        call->args[0]->type->kind == TYPE_BINARY && call->args[1]->type->kind == TYPE_BINARY;
    int code = 0;
    for (uint32_t i = 0; i < 2 && code == 0 && !binary; i++)
        code = to_string(binder, function, call, i);
    for (uint32_t i = 2; i < call->arg_count && code == 0; i++)
        code = binder_param(binder, function->name, i, PARAM_INT, &call->args[i]);
    if (binary) {
        call->type = type_simple(TYPE_BINARY);
        call->kernel = kernel_overlay_binary;
    }
    return code == 0 && call->arg_count == 3 ? rule_add_int(binder, call, -1, "-1") : code;
}

int rule_locate(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return call->arg_count == 2 ? rule_add_int(binder, call, 1, "1") : 0;
}

int rule_replace_text(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    return call->arg_count == 2 ? add_text(binder, call, TYPE_STRING, STR(""), STR("")) : 0;
}

/* trim(x, s), written or from trim(x FROM s), has the characters first, unlike btrim(s, x) and the
 * kernels. */
int rule_trim(struct binder *binder, const struct function *function, struct expr *call)
{
    const char *shown = "BOTH";
    struct buf label = {0};
    if (call->arg_count == 1)
        return 0;
    call->kernel = kernel_trim_chars;
    if (strcmp(function->name, "btrim") == 0)
        return 0;
    if (strcmp(function->name, "trim") != 0) {
        bool left = strcmp(function->name, "ltrim") == 0;
        shown = left ? "LEADING" : "TRAILING";
        call->kernel = left ? kernel_ltrim_chars : kernel_rtrim_chars;
    }
    struct expr *characters = call->args[0];
    call->args[0] = call->args[1];
    call->args[1] = characters;
    buf_printf(&label, "TRIM(%s ", shown);
    expr_print(call->args[1], &label);
    buf_append_str(&label, STR(" FROM "));
    expr_print(call->args[0], &label);
    buf_append_char(&label, ')');
    int code = rule_label(binder, call, &label);
    buf_fini(&label);
    return code;
}

int rule_strict_string(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    for (uint32_t i = 0; i < call->arg_count; i++) {
        enum type_kind kind = call->args[i]->type->kind;
        if (kind != TYPE_STRING && kind != TYPE_VOID)
            return diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                             "argument %u of %s must be a STRING, not %s", (unsigned)i + 1,
                             function->name, types_name(call->args[i]->type, name));
        int code = to_string(binder, function, call, i);
        if (code != 0)
            return code;
    }
    return 0;
}

int rule_mask(struct binder *binder, const struct function *function, struct expr *call)
{
    static const char *const defaults[] = {"", "X", "x", "n"};
    int code = 0;
    while (call->arg_count < 4 && code == 0) {
        struct str c = str_of(defaults[call->arg_count]);
        code = add_text(binder, call, TYPE_STRING, c, c);
    }
    if (code == 0 && call->arg_count == 4)
        code = rule_add_argument(binder, call,
                                 binder_null(binder, call->offset, type_simple(TYPE_STRING)));
    if (code == 0)
        code = rule_strict_string(binder, function, call);
    for (uint32_t i = 1; i < 5 && code == 0; i++) {
        const struct value *value;
        code = rule_constant(binder, function, call, i, &value);
        if (code == 0 && !vec_is_null(&value->vec, 0) && utf8_count(value->vec.str[0]) != 1)
            code = diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                             "argument %u of mask must be a single character", (unsigned)i + 1);
    }
    return code;
}

int rule_charset(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    const struct value *name;
    int code = binder_constant_value(binder, call->args[1], &name);
    if (code != 0 || !name || vec_is_null(&name->vec, 0) || charset_is_known(name->vec.str[0]))
        return code;
    return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                     "unknown charset \"%.*s\": expected UTF-8, US-ASCII, ISO-8859-1, UTF-16, "
                     "UTF-16BE or UTF-16LE",
                     DIAG_ARG(name->vec.str[0]));
}

/* decode(value, search, result, ...[, other]) is a CASE that takes NULLs for equal. */
static int decode_case(struct binder *binder, struct expr *call)
{
    uint32_t count = 0;
    struct expr **arms = ARENA_ARRAY(binder->arena, struct expr *, call->arg_count), *choice;
    struct buf label = {0};
    if (!arms)
        return diag_nomem(binder->diag);
    expr_print(call, &label);
    binder_share(binder, call->args[0]);
    int code = 0;
    for (uint32_t i = 1; i + 1 < call->arg_count && code == 0; i += 2) {
        code = bind_comparison(binder, call->offset, OP_NSEQ, call->args[0], call->args[i],
                               &arms[count++]);
        arms[count++] = call->args[i + 1];
    }
    bool other = call->arg_count % 2 == 0; /* else Spark adds a NULL of type STRING */
    arms[count++] = other ? call->args[call->arg_count - 1]
                          : binder_null(binder, call->offset, type_simple(TYPE_STRING));
    if (code == 0 && !arms[count - 1])
        code = ERR_NOMEM;
    if (code == 0)
        code = bind_case(binder, call->offset, arms, count, "decode", &choice);
    if (code == 0) {
        *call = *choice;
        code = rule_label(binder, call, &label);
    }
    buf_fini(&label);
    return code;
}

int rule_decode(struct binder *binder, const struct function *function, struct expr *call)
{
    if (call->arg_count > 2)
        return decode_case(binder, call);
    int code = binder_param(binder, function->name, 0, PARAM_BINARY, &call->args[0]);
    if (code == 0)
        code = to_string(binder, function, call, 1);
    return code == 0 ? rule_charset(binder, function, call) : code;
}

int rule_to_binary(struct binder *binder, const struct function *function, struct expr *call)
{
    bool try = function->kernel == kernel_try_from_hex;
    const struct value *format;
    if (call->arg_count == 1)
        return 0;
    int code = rule_constant(binder, function, call, 1, &format);
    if (code != 0 || vec_is_null(&format->vec, 0))
        return code;
    struct str name = format->vec.str[0];
    if (str_eq_nocase(name, STR("hex")))
        return 0;
    if (str_eq_nocase(name, STR("base64")))
        call->kernel = try ? kernel_try_from_base64 : kernel_from_base64;
    else if (str_eq_nocase(name, STR("utf-8")) || str_eq_nocase(name, STR("utf8")))
        call->kernel = kernel_text_to_binary;
    else if (try)
        call->kernel = kernel_null;
    else
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "unknown format \"%.*s\": expected hex, utf-8 or base64", DIAG_ARG(name));
    return 0;
}

static int prepare_pattern(struct binder *binder, const struct function *function,
                           struct expr *call)
{
    const struct value *text;
    struct number_pattern *pattern = ARENA_NEW(binder->arena, struct number_pattern);
    int code = rule_constant(binder, function, call, 1, &text);
    if (code != 0 || !pattern)
        return code != 0 ? code : diag_nomem(binder->diag);
    call->prepared = pattern;
    *pattern = (struct number_pattern){.whole_min = 1, .group = 3};
    if (vec_is_null(&text->vec, 0) || text->vec.str[0].n == 0 ||
        number_pattern_parse(text->vec.str[0], pattern) == 0)
        return 0;
    return diag_fail(binder->diag, ERR_UNSUPPORTED, call->args[1]->offset,
                     "the number format \"%.*s\" is not supported: only #, 0, commas and a point "
                     "are",
                     DIAG_ARG(text->vec.str[0]));
}

int rule_format_number(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    const struct type *type = call->args[0]->type;
    if (type->kind != TYPE_VOID && !type_is_numeric(type->kind))
        return diag_fail(binder->diag, ERR_INVALID, call->args[0]->offset,
                         "argument 1 of format_number must be a number, not %s",
                         types_name(type, name));
    int code = type->kind == TYPE_VOID
                   ? binder_convert(binder, &call->args[0], type_simple(TYPE_DOUBLE))
                   : 0;
    if (code == 0 && call->args[1]->type->kind == TYPE_STRING)
        return prepare_pattern(binder, function, call);
    return code == 0 ? binder_param(binder, function->name, 1, PARAM_INT, &call->args[1]) : code;
}

int rule_format_string(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct value *text;
    struct err err = {0};
    int code = to_string(binder, function, call, 0);
    if (code == 0)
        code = binder_constant_value(binder, call->args[0], &text);
    if (code != 0 || !text || vec_is_null(&text->vec, 0))
        return code;
    struct printf_format *format = ARENA_NEW(binder->arena, struct printf_format);
    const struct type **types = ARENA_ARRAY(binder->arena, const struct type *, call->arg_count);
    if (!format || !types)
        return diag_nomem(binder->diag);
    for (uint32_t i = 1; i < call->arg_count; i++)
        types[i - 1] = call->args[i]->type;
    code = printf_parse(format, text->vec.str[0], types, call->arg_count - 1, binder->arena, &err);
    call->prepared = format;
    if (code == ERR_NOMEM)
        return diag_nomem(binder->diag);
    return code == 0 ? 0
                     : diag_fail(binder->diag, code, call->args[0]->offset, "%s%s", err.msg,
                                 code == ERR_UNSUPPORTED ? ", which is not supported" : "");
}

int rule_like(struct binder *binder, const struct function *function, struct expr *call)
{
    struct expr *like;
    int code = bind_like_call(binder, call->offset, call->args, function->name[0] == 'i', STR("\\"),
                              &like);
    if (code == 0)
        *call = *like;
    return code;
}
