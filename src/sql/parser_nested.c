/* parser_nested.c: rows, (a, b AS x) and struct(a, b AS x), and the names of nested types. */
#include "sql/parser_impl.h"

struct aliases {
    struct ast_part *parts;
    uint32_t count, capacity;
};

static int take_alias(struct parser *parser, struct aliases *aliases)
{
    struct ast_part alias = {{NULL, 0}, parser->next->offset};
    int code = 0;
    if (parser_take_word(parser, KW_AS) || parser->next->kind == TOKEN_WORD ||
        parser->next->kind == TOKEN_QUOTED)
        code = parser_name(parser, "a name after AS", &alias);
    if (code != 0)
        return code;
    if (aliases->count == aliases->capacity) {
        uint32_t capacity = aliases->capacity ? aliases->capacity * 2 : 8;
        struct ast_part *parts = ARENA_ARRAY(parser->arena, struct ast_part, capacity);
        if (!parts)
            return diag_nomem(parser->diag);
        if (aliases->count)
            memcpy(parts, aliases->parts, aliases->count * sizeof *parts);
        aliases->parts = parts;
        aliases->capacity = capacity;
    }
    aliases->parts[aliases->count++] = alias;
    return 0;
}

static int parse_values(struct parser *parser, struct ast *first, struct ast_list *list,
                        struct aliases *aliases)
{
    int code = 0;
    struct ast *value = first;
    if (!first && parser_at_op(parser, OP_CLOSE))
        return parser_expected(parser, "a value");
    do {
        if (!value)
            code = parser_expr(parser, &value);
        if (code == 0)
            code = parser_push(parser, list, value);
        if (code == 0)
            code = take_alias(parser, aliases);
        value = NULL;
    } while (code == 0 && parser_take_op(parser, OP_COMMA));
    return code;
}

int parser_row(struct parser *parser, uint32_t offset, struct ast *first, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_ROW, offset, 0);
    struct ast_list list = {0};
    struct aliases aliases = {0};
    if (!node)
        return diag_nomem(parser->diag);
    uint32_t case_depth = parser->case_depth;
    parser->case_depth = 0;
    int code = parse_values(parser, first, &list, &aliases);
    parser->case_depth = case_depth;
    if (code == 0)
        code = parser_expect_op(parser, OP_CLOSE, "\",\" or \")\" after a value");
    node->flag = !first;
    node->args = list.items;
    node->arg_count = list.count;
    node->parts = aliases.parts;
    node->part_count = aliases.count;
    *out = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

/* ---- types ---- */

struct fields {
    struct field *items;
    uint32_t count, capacity;
};

static int push_field(struct parser *parser, struct fields *list, struct field field)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        struct field *items = ARENA_ARRAY(parser->arena, struct field, capacity);
        if (!items)
            return diag_nomem(parser->diag);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = field;
    return 0;
}

/* NOT NULL and COMMENT 'text', which change nothing. */
static int skip_suffix(struct parser *parser)
{
    int code = 0;
    struct str comment;
    if (parser_take_word(parser, KW_NOT))
        code = parser_expect_word(parser, KW_NULL, "NULL after NOT");
    if (code == 0 && parser->next->kind == TOKEN_WORD &&
        str_eq_nocase(token_text(parser->diag, *parser->next), STR("COMMENT"))) {
        parser->next++;
        code = parser_string(parser, &comment);
    }
    return code;
}

/* name [:] type, ... */
static int parse_fields(struct parser *parser, struct fields *list)
{
    int code;
    do {
        struct ast_part name;
        struct field field = {0};
        code = parser_name(parser, "a field's name", &name);
        if (code == 0) {
            parser_take_op(parser, OP_COLON);
            field.name = arena_str(parser->arena, name.text);
            code = field.name.p ? parser_type(parser, &field.type) : diag_nomem(parser->diag);
        }
        if (code == 0)
            code = skip_suffix(parser);
        if (code == 0)
            code = push_field(parser, list, field);
    } while (code == 0 && parser_take_op(parser, OP_COMMA));
    return code;
}

static int parse_struct_type(struct parser *parser, struct type *type)
{
    struct fields list = {0};
    type->kind = TYPE_STRUCT;
    if (parser_take_op(parser, OP_NEQ)) /* STRUCT<> */
        return 0;
    int code = parser_expect_op(parser, OP_LT, "\"<\" after STRUCT");
    if (code == 0)
        code = parse_fields(parser, &list);
    if (code == 0)
        code = parser_expect_op(parser, OP_GT, "\",\" or \">\"");
    type->fields = list.items;
    type->field_count = list.count;
    return code;
}

static int parse_array_type(struct parser *parser, struct type *type)
{
    type->kind = TYPE_ARRAY;
    int code = parser_expect_op(parser, OP_LT, "\"<\" after ARRAY");
    if (code == 0)
        code = parser_type(parser, &type->element);
    return code == 0 ? parser_expect_op(parser, OP_GT, "\">\"") : code;
}

int parser_nested_type(struct parser *parser, bool array, const struct type **out)
{
    enum { DEPTH_MAX = 32 }; /* as in a pipeline's schema */
    struct type *type = ARENA_NEW(parser->arena, struct type);
    *out = type;
    if (!type)
        return diag_nomem(parser->diag);
    if (parser->type_depth == DEPTH_MAX)
        return diag_fail(parser->diag, ERR_INVALID, parser->next->offset,
                         "this type is nested more than %d levels deep", DEPTH_MAX);
    parser->type_depth++;
    int code = array ? parse_array_type(parser, type) : parse_struct_type(parser, type);
    parser->type_depth--;
    return code;
}

/* A type alone, unless what stands there are fields: a name, and then a type. */
static bool is_type_alone(const struct parser *parser)
{
    const struct token *next = parser->next;
    return next->kind == TOKEN_WORD && (next[1].kind == TOKEN_END || next[1].op == OP_LT ||
                                        next[1].op == OP_OPEN || next[1].op == OP_NEQ);
}

int parser_schema(const struct diag *diag, struct arena *arena, const struct type **out)
{
    struct token *tokens;
    int code = lexer_run(diag, arena, &tokens);
    if (code != 0)
        return code;
    struct parser parser = {.diag = diag, .arena = arena, .next = tokens};
    struct fields list = {0};
    struct type *type = ARENA_NEW(arena, struct type);
    if (!type)
        return diag_nomem(diag);
    if (is_type_alone(&parser)) {
        code = parser_type(&parser, out);
    } else {
        code = parse_fields(&parser, &list);
        *type = (struct type){.kind = TYPE_STRUCT, .field_count = list.count, .fields = list.items};
        *out = type;
    }
    if (code == 0 && parser.next->kind != TOKEN_END)
        code = parser_expected(&parser, "\",\" or the end of the schema");
    return code;
}
