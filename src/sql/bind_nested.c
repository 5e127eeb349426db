/* bind_nested.c: fields of structs, elements of arrays, rows, and casts between such types. */
#include "sql/bind_star.h"
#include "sql/function_rules_collection.h"
#include "sql/kernels_nested.h"
#include "sql/unicode_case.h"

int binder_label(struct binder *binder, struct expr *expr, struct buf *label)
{
    expr->form = FORM_LABEL;
    expr->label = arena_buf(binder->arena, label);
    bool failed = label->failed || !expr->label.p;
    buf_fini(label);
    return failed ? diag_nomem(binder->diag) : 0;
}

/* ---- fields ---- */

static int unknown_field(struct binder *binder, const struct type *type,
                         const struct ast_part *field)
{
    const char **names = ARENA_ARRAY(binder->arena, const char *, type->field_count + 1);
    struct buf list = {0};
    if (!names)
        return diag_nomem(binder->diag);
    for (uint32_t i = 0; i < type->field_count; i++) {
        struct str copy = arena_str(binder->arena, type->fields[i].name);
        if (!copy.p)
            return diag_nomem(binder->diag);
        names[i] = copy.p;
        if (list.n < 300)
            buf_printf(&list, "%s%.*s", i ? ", " : "", DIAG_ARG(copy));
    }
    const char *guess = str_suggest(field->text, names, type->field_count);
    if (guess)
        diag_fail(binder->diag, ERR_INVALID, field->offset,
                  "unknown field \"%.*s\": did you mean \"%.*s\"?", DIAG_ARG(field->text),
                  DIAG_ARG(str_of(guess)));
    else
        diag_fail(binder->diag, ERR_INVALID, field->offset,
                  "unknown field \"%.*s\": the fields are %s", DIAG_ARG(field->text),
                  buf_cstr(&list));
    buf_fini(&list);
    return ERR_INVALID;
}

static int find_field(struct binder *binder, const struct type *type, const struct ast_part *field,
                      uint32_t *index)
{
    uint32_t matches = 0;
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (!unicode_eq_nocase(type->fields[i].name, field->text))
            continue;
        *index = i;
        matches++;
    }
    if (matches == 0)
        return unknown_field(binder, type, field);
    if (matches > 1)
        return diag_fail(binder->diag, ERR_INVALID, field->offset,
                         "\"%.*s\" is ambiguous: %u fields have this name", DIAG_ARG(field->text),
                         matches);
    return 0;
}

int bind_field_at(struct binder *binder, struct expr *value, uint32_t index, struct str name,
                  uint32_t offset, struct expr **out)
{
    struct buf label = {0};
    *out = binder_call(binder, offset, value->type->fields[index].type, kernel_struct_field, &value,
                       1);
    if (!*out)
        return ERR_NOMEM;
    (*out)->column = index;
    expr_print(value, &label);
    buf_append_char(&label, '.');
    buf_append_str(&label, name);
    return binder_label(binder, *out, &label);
}

/* array.field: the field of every struct in it. */
static int field_of_array(struct binder *binder, struct expr *value, uint32_t index,
                          uint32_t offset, struct expr **out)
{
    const struct field *field = &value->type->element->fields[index];
    struct type *type = ARENA_NEW(binder->arena, struct type);
    struct buf label = {0};
    if (!type)
        return diag_nomem(binder->diag);
    *type = (struct type){.kind = TYPE_ARRAY, .element = field->type};
    *out = binder_call(binder, offset, type, kernel_array_field, &value, 1);
    if (!*out)
        return ERR_NOMEM;
    (*out)->column = index;
    expr_print(value, &label);
    buf_append_char(&label, '.');
    buf_append_str(&label, field->name);
    return binder_label(binder, *out, &label);
}

int bind_field_of(struct binder *binder, struct expr *value, const struct ast_part *field,
                  struct expr **out)
{
    char name[120];
    uint32_t index = 0;
    const struct type *type = value->type;
    bool array = type->kind == TYPE_ARRAY && type->element->kind == TYPE_STRUCT;
    if (type->kind != TYPE_STRUCT && !array) {
        struct buf label = {0};
        expr_print(value, &label);
        diag_fail(binder->diag, ERR_INVALID, field->offset,
                  "\"%.*s\" has no field \"%.*s\": it is no STRUCT but %s",
                  DIAG_ARG(buf_str(&label)), DIAG_ARG(field->text), types_name(type, name));
        buf_fini(&label);
        return ERR_INVALID;
    }
    int code = find_field(binder, array ? type->element : type, field, &index);
    if (code != 0)
        return code;
    return array ? field_of_array(binder, value, index, field->offset, out)
                 : bind_field_at(binder, value, index, field->text, field->offset, out);
}

bool bind_is_field(const struct expr *expr)
{
    return expr->op == EXPR_CALL &&
           (expr->kernel == kernel_struct_field || expr->kernel == kernel_array_field);
}

int bind_field(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct ast_part field = {ast->text, ast->offset};
    struct expr *value;
    int code = bind_expr(binder, ast->args[0], &value);
    return code == 0 ? bind_field_of(binder, value, &field, out) : code;
}

/* struct['field'] */
static int field_by_text(struct binder *binder, struct expr *value, const struct ast *name,
                         struct expr **out)
{
    if (name->kind != AST_STRING)
        return diag_fail(binder->diag, ERR_INVALID, name->offset,
                         "between [ and ] behind a STRUCT stands a field's name in quotes");
    struct ast_part field = {name->text, name->offset};
    return bind_field_of(binder, value, &field, out);
}

int bind_index(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct expr *value, *index;
    char name[120];
    int code = bind_expr(binder, ast->args[0], &value);
    if (code == 0 && value->type->kind == TYPE_STRUCT)
        return field_by_text(binder, value, ast->args[1], out);
    if (code == 0 && value->type->kind != TYPE_ARRAY)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "[ stands behind an ARRAY or a STRUCT, not behind a %s",
                         types_name(value->type, name));
    if (code == 0)
        code = bind_expr(binder, ast->args[1], &index);
    if (code != 0)
        return code;
    if (!type_is_integral(index->type->kind) && index->type->kind != TYPE_VOID)
        return diag_fail(binder->diag, ERR_INVALID, index->offset,
                         "the place in an ARRAY must be an integer, not %s",
                         types_name(index->type, name));
    struct buf label = {0};
    expr_print(value, &label);
    buf_append_char(&label, '[');
    expr_print(index, &label);
    buf_append_char(&label, ']');
    code = binder_convert(binder, &index, type_simple(TYPE_INT));
    struct expr *args[] = {value, index};
    *out = code == 0
               ? binder_call(binder, ast->offset, value->type->element, kernel_array_item, args, 2)
               : NULL;
    if (!*out) {
        buf_fini(&label);
        return code != 0 ? code : ERR_NOMEM;
    }
    return binder_label(binder, *out, &label);
}

/* ---- rows ---- */

struct row {
    struct expr **values;
    struct field *fields;
    uint32_t count, capacity;
    struct buf label;
    bool named; /* the label tells the names apart from the values */
};

/* Without a name the field is called after its place. */
static int add_value(struct binder *binder, struct row *row, struct expr *value, struct str name)
{
    struct buf place = {0};
    if (row->count == row->capacity)
        return diag_nomem(binder->diag);
    if (!name.p)
        buf_printf(&place, "col%u", row->count + 1);
    struct str copy = name.p ? arena_str(binder->arena, name) : arena_buf(binder->arena, &place);
    buf_fini(&place);
    if (row->count > 0)
        buf_append(&row->label, ", ", 2);
    if (row->named)
        buf_printf(&row->label, binder->as_text ? "'%.*s', " : "%.*s, ", STR_ARG(copy));
    expr_print(value, &row->label);
    row->values[row->count] = value;
    row->fields[row->count++] = (struct field){copy, value->type};
    return copy.p ? 0 : diag_nomem(binder->diag);
}

/* What Spark calls a field after: a column, or a field of something. */
static struct str own_name(const struct ast *ast, const struct expr *value)
{
    if (ast->kind == AST_NAME)
        return ast->parts[ast->part_count - 1].text;
    if (ast->kind == AST_FIELD && value->kernel == kernel_struct_field)
        return ast->text;
    if (ast->kind == AST_INDEX && value->kernel == kernel_struct_field)
        return ast->args[1]->text;
    return (struct str){NULL, 0};
}

static int add_star_values(struct binder *binder, struct row *row, const struct ast *ast)
{
    struct star star;
    if (ast->part_count > 0)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "only a plain * is supported inside of struct(...)");
    int code = bind_star(binder, ast, &star);
    for (uint32_t i = 0; code == 0 && i < star.count; i++)
        code = add_value(binder, row, star.values[i], star.names[i]);
    return code;
}

static int add_values(struct binder *binder, struct row *row, const struct ast *ast)
{
    int code = 0;
    for (uint32_t i = 0; i < ast->arg_count && code == 0; i++) {
        const struct ast *arg = ast->args[i];
        struct str alias = ast->parts[i].text;
        struct expr *value;
        if (arg->kind == AST_STAR) {
            code = add_star_values(binder, row, arg);
            continue;
        }
        code = bind_expr(binder, arg, &value);
        if (code == 0)
            code = add_value(binder, row, value, alias.p ? alias : own_name(arg, value));
        if (code == 0 && alias.p)
            buf_printf(&row->label, " AS %.*s", STR_ARG(alias));
    }
    return code;
}

static int make_row(struct binder *binder, uint32_t offset, struct row *row, struct expr **out)
{
    struct type *type = ARENA_NEW(binder->arena, struct type);
    if (!type)
        return diag_nomem(binder->diag);
    *type = (struct type){.kind = TYPE_STRUCT, .field_count = row->count, .fields = row->fields};
    *out = binder_call(binder, offset, type, kernel_make_struct, row->values, row->count);
    if (!*out)
        return ERR_NOMEM;
    (*out)->strict = false;
    buf_append_char(&row->label, ')');
    return binder_label(binder, *out, &row->label);
}

int bind_row(struct binder *binder, const struct ast *ast, struct expr **out)
{
    struct row row = {.capacity = ast->arg_count + binder->scope->count, .named = !ast->flag};
    row.values = ARENA_ARRAY(binder->arena, struct expr *, row.capacity);
    row.fields = ARENA_ARRAY(binder->arena, struct field, row.capacity);
    if (!row.values || !row.fields)
        return diag_nomem(binder->diag);
    buf_append_str(&row.label, ast->flag ? STR("struct(") : STR("named_struct("));
    int code = add_values(binder, &row, ast);
    if (code == 0) {
        code = make_row(binder, ast->offset, &row, out);
        return code == 0 ? binder_check_parts(binder, (*out)->type, ast->offset) : code;
    }
    buf_fini(&row.label);
    return code;
}

/* A constant text, for a field's name; p == NULL when it is none. */
static int constant_name(struct binder *binder, struct expr *expr, struct str *name)
{
    const struct value *value;
    *name = (struct str){NULL, 0};
    int code = binder_constant_value(binder, expr, &value);
    if (code == 0 && value && expr->type->kind == TYPE_STRING && !vec_is_null(&value->vec, 0))
        *name = value->vec.str[0].n ? value->vec.str[0] : STR("");
    return code;
}

int rule_named_struct(struct binder *binder, const struct function *function, struct expr *call)
{
    struct row row = {.capacity = call->arg_count, .named = true};
    (void)function;
    if (call->arg_count % 2)
        return diag_fail(binder->diag, ERR_INVALID, call->offset,
                         "named_struct takes pairs: a name and a value");
    row.values = ARENA_ARRAY(binder->arena, struct expr *, row.capacity);
    row.fields = ARENA_ARRAY(binder->arena, struct field, row.capacity);
    if (!row.values || !row.fields)
        return diag_nomem(binder->diag);
    buf_append_str(&row.label, STR("named_struct("));
    int code = 0;
    for (uint32_t i = 0; i < call->arg_count && code == 0; i += 2) {
        struct str name;
        code = constant_name(binder, call->args[i], &name);
        if (code == 0 && !name.p)
            code = diag_fail(binder->diag, ERR_INVALID, call->args[i]->offset,
                             "a field's name must be a constant STRING that is not NULL");
        if (code == 0)
            code = add_value(binder, &row, call->args[i + 1], name);
    }
    struct expr *made;
    if (code == 0)
        code = make_row(binder, call->offset, &row, &made);
    else
        buf_fini(&row.label);
    if (code == 0)
        *call = *made;
    return code;
}

static bool same_shape(const struct type *a, const struct type *b)
{
    if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY)
        return same_shape(a->element, b->element);
    if (a->kind != TYPE_STRUCT || b->kind != TYPE_STRUCT)
        return type_eq(a, b);
    bool same = a->field_count == b->field_count;
    for (uint32_t i = 0; i < a->field_count && same; i++)
        same = same_shape(a->fields[i].type, b->fields[i].type);
    return same;
}

bool binder_same_shape(const struct type *const *types, uint32_t n)
{
    bool same = true;
    for (uint32_t i = 1; i < n && same; i++)
        same = same_shape(types[0], types[i]);
    return same;
}

/* ---- casts ---- */

/* The cast of a part, over a column that stands for it. */
static int cast_part(struct binder *binder, uint32_t offset, const struct type *from,
                     const struct type *to, bool exact, struct expr **out)
{
    struct expr *column = ARENA_NEW(binder->arena, struct expr);
    if (!column)
        return diag_nomem(binder->diag);
    *column = (struct expr){.op = EXPR_COLUMN, .type = from, .offset = offset};
    return binder_cast(binder, offset, column, to, exact, out);
}

static int cast_parts(struct binder *binder, struct expr *cast, const struct type *from, bool exact)
{
    const struct type *to = cast->type;
    bool array = to->kind == TYPE_ARRAY;
    uint32_t count = array ? 1 : to->field_count;
    struct expr **parts = ARENA_ARRAY(binder->arena, struct expr *, count);
    if (!parts)
        return diag_nomem(binder->diag);
    int code = 0;
    for (uint32_t i = 0; i < count && code == 0; i++) {
        const struct type *a = array ? from->element : from->fields[i].type;
        const struct type *b = array ? to->element : to->fields[i].type;
        code = cast_part(binder, cast->offset, a, b, exact, &parts[i]);
    }
    cast->prepared = parts;
    cast->kernel = array ? kernel_cast_array : kernel_cast_struct;
    return code;
}

int bind_nested_cast(struct binder *binder, uint32_t offset, struct expr *value,
                     const struct type *to, bool exact, struct expr **out)
{
    const struct type *from = value->type;
    bool text = to->kind == TYPE_STRING && type_is_nested(from->kind);
    bool fits = from->kind == to->kind &&
                (from->kind == TYPE_ARRAY || from->field_count == to->field_count);
    *out = NULL;
    if (!text && !fits)
        return 0;
    *out = binder_call(binder, offset, to, text ? kernel_cast_nested_text : NULL, &value, 1);
    if (!*out)
        return ERR_NOMEM;
    return text || type_eq(from, to) ? 0 : cast_parts(binder, *out, from, exact);
}
