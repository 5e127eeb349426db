/* function_rules_json.c: how calls of the JSON functions are typed. */
#include <stdlib.h>

#include "sql/binder_impl.h"
#include "sql/function_rules_collection.h"
#include "sql/json_kernels.h"
#include "sql/kernels_collection.h"
#include "sql/parser.h"

static void free_prepared(void *object)
{
    struct json_prepared *prepared = object;
    json_reader_fini(&prepared->reader);
    json_decoder_destroy(prepared->decoder);
    free(prepared);
}

static int prepare(struct binder *binder, struct expr *call, struct json_prepared **out)
{
    struct json_prepared *prepared = calloc(1, sizeof *prepared);
    *out = prepared;
    if (!prepared)
        return diag_nomem(binder->diag);
    call->prepared = prepared;
    return binder_own(binder, prepared, free_prepared);
}

/* Spark takes texts alone here, without a conversion. */
static int need_text(struct binder *binder, const struct function *function, struct expr *call,
                     uint32_t i)
{
    char name[120];
    if (call->args[i]->type->kind == TYPE_STRING || call->args[i]->type->kind == TYPE_VOID)
        return binder_convert(binder, &call->args[i], type_simple(TYPE_STRING));
    return diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                     "argument %u of %s must be a STRING, not %s", i + 1, function->name,
                     types_name(call->args[i]->type, name));
}

int rule_get_json_object(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct value *value = NULL;
    struct json_prepared *prepared;
    int code = need_text(binder, function, call, 0);
    if (code == 0)
        code = need_text(binder, function, call, 1);
    if (code == 0)
        code = prepare(binder, call, &prepared);
    if (code == 0)
        code = binder_constant_value(binder, call->args[1], &value);
    if (code != 0 || !value || vec_is_null(&value->vec, 0))
        return code;
    prepared->constant = true;
    return json_path_parse(value->vec.str[0], binder->arena, &prepared->path)
               ? 0
               : diag_nomem(binder->diag);
}

int rule_json_text(struct binder *binder, const struct function *function, struct expr *call)
{
    struct json_prepared *prepared;
    int code = need_text(binder, function, call, 0);
    if (code != 0)
        return code;
    call->type = type_simple(TYPE_INT);
    if (function->kernel == kernel_json_object_keys) {
        struct type *type = ARENA_NEW(binder->arena, struct type);
        if (!type)
            return diag_nomem(binder->diag);
        *type = (struct type){.kind = TYPE_ARRAY, .element = type_simple(TYPE_STRING)};
        call->type = type;
    }
    return prepare(binder, call, &prepared);
}

int rule_to_json(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    const struct type *type = call->args[0]->type;
    (void)function;
    if (type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY)
        return 0;
    return diag_fail(binder->diag, ERR_INVALID, call->args[0]->offset,
                     "to_json takes a STRUCT or an ARRAY, not %s", types_name(type, name));
}

/* The schema in a constant argument. */
static int parse_schema(struct binder *binder, struct expr *arg, const struct type **out)
{
    const struct value *value;
    struct sql_error error = {0};
    struct sql_errors errors = {&error, 1, 0};
    int code = binder_constant_value(binder, arg, &value);
    if (code != 0)
        return code;
    if (!value || arg->type->kind != TYPE_STRING || vec_is_null(&value->vec, 0))
        return diag_fail(binder->diag, ERR_INVALID, arg->offset,
                         "the schema of from_json must be a constant STRING that is not NULL");
    struct diag diag = {.text = value->vec.str[0], .errors = &errors};
    code = parser_schema(&diag, binder->arena, out);
    if (code == ERR_INVALID || code == ERR_UNSUPPORTED)
        return diag_fail(binder->diag, code, arg->offset, "the schema of from_json: %s",
                         error.message);
    if (code != 0)
        return diag_nomem(binder->diag);
    return 0;
}

static int make_decoder(struct binder *binder, struct expr *call, const struct type *type)
{
    struct json_prepared *prepared;
    struct json_decode_options options = {.schema = type, .corrupt_column = -1};
    struct err err;
    if (type->kind == TYPE_ARRAY) {
        struct type *schema = ARENA_NEW(binder->arena, struct type);
        struct field *field = ARENA_NEW(binder->arena, struct field);
        if (!schema || !field)
            return diag_nomem(binder->diag);
        *field = (struct field){STR("value"), type};
        *schema = (struct type){.kind = TYPE_STRUCT, .field_count = 1, .fields = field};
        options.schema = schema;
        options.whole = true;
    } else {
        options.corrupt_column = type_field_index(type, STR("_corrupt_record"));
    }
    int corrupt = options.corrupt_column;
    if (corrupt >= 0 && type->fields[corrupt].type->kind != TYPE_STRING)
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "the schema of from_json: _corrupt_record must be a STRING");
    int code = prepare(binder, call, &prepared);
    if (code != 0)
        return code;
    code = json_decoder_create(&prepared->decoder, &options, &err);
    if (code == ERR_NOMEM)
        return diag_nomem(binder->diag);
    return code == 0 ? 0
                     : diag_fail(binder->diag, code, call->args[1]->offset,
                                 "the schema of from_json: %s", err.msg);
}

/* Spark shows only the first argument in the column's name. */
int rule_from_json(struct binder *binder, const struct function *function, struct expr *call)
{
    char name[120];
    const struct type *type = NULL;
    int code = need_text(binder, function, call, 0);
    if (code == 0)
        code = parse_schema(binder, call->args[1], &type);
    if (code != 0)
        return code;
    if (type->kind != TYPE_STRUCT && type->kind != TYPE_ARRAY)
        return diag_fail(binder->diag, ERR_INVALID, call->args[1]->offset,
                         "the schema of from_json must be of a STRUCT or an ARRAY, not of %s",
                         types_name(type, name));
    code = make_decoder(binder, call, type);
    call->type = type;
    call->arg_count = 1;
    return code;
}
