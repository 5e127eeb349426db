/* parser_special.c: operands that begin with a word of their own: CASE, CAST, EXTRACT, TRIM ... */
#include "sql/parser_impl.h"

/* A call as if it had been written name(...). */
static int make_call(struct parser *parser, const char *name, uint32_t offset,
                     struct ast_list *args, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_CALL, offset, 0);
    if (!node || !(node->call = ARENA_NEW(parser->arena, struct ast_call)) ||
        !(node->parts = ARENA_NEW(parser->arena, struct ast_part)))
        return diag_nomem(parser->diag);
    node->parts[0] = (struct ast_part){str_of(name), offset};
    node->part_count = 1;
    node->args = args->items;
    node->arg_count = args->count;
    *out = node;
    return parser_finish(parser, node);
}

/* Parses an operand and appends it to the arguments. */
static int take_argument(struct parser *parser, struct ast_list *args)
{
    struct ast *argument;
    int code = parser_value(parser, &argument);
    return code == 0 ? parser_push(parser, args, argument) : code;
}

static int parse_case_arms(struct parser *parser, struct ast *node, struct ast_list *list)
{
    int code = 0;
    if (!parser_at_word(parser, KW_WHEN)) {
        struct ast *value;
        node->flag = true;
        code = parser_expr(parser, &value);
        if (code == 0)
            code = parser_push(parser, list, value);
    }
    if (code == 0 && !parser_at_word(parser, KW_WHEN))
        return parser_expected(parser, "WHEN");
    while (code == 0 && parser_take_word(parser, KW_WHEN)) {
        struct ast *when, *then;
        code = parser_expr(parser, &when);
        if (code == 0)
            code = parser_expect_word(parser, KW_THEN, "THEN");
        if (code == 0)
            code = parser_expr(parser, &then);
        if (code == 0)
            code = parser_push(parser, list, when);
        if (code == 0)
            code = parser_push(parser, list, then);
    }
    if (code == 0 && parser_take_word(parser, KW_ELSE)) {
        struct ast *other;
        node->op = 1;
        code = parser_expr(parser, &other);
        if (code == 0)
            code = parser_push(parser, list, other);
    }
    return code;
}

static int parse_case(struct parser *parser, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_CASE, parser->next++->offset, 0);
    if (!node)
        return diag_nomem(parser->diag);
    struct ast_list list = {0};
    parser->case_depth++;
    int code = parse_case_arms(parser, node, &list);
    parser->case_depth--;
    if (code == 0)
        code = parser_expect_word(parser, KW_END, "WHEN, ELSE or END");
    node->args = list.items;
    node->arg_count = list.count;
    *out = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

static int parse_cast(struct parser *parser, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_CAST, parser->next->offset, 1);
    if (!node)
        return diag_nomem(parser->diag);
    node->flag = parser->next->keyword == KW_TRY_CAST;
    parser->next += 2;
    int code = parser_expr(parser, &node->args[0]);
    if (code == 0)
        code = parser_expect_word(parser, KW_AS, "AS and a type");
    if (code == 0)
        code = parser_type(parser, &node->type);
    if (code == 0)
        code = parser_expect_op(parser, OP_CLOSE, "\")\" after the type");
    *out = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

/* EXTRACT(field FROM x) is extract('field', x). */
static int parse_extract(struct parser *parser, struct ast **out)
{
    uint32_t offset = parser->next->offset;
    parser->next += 2;
    struct ast_part field;
    struct ast_list args = {0};
    int code = parser_name(parser, "a field (YEAR, MONTH, ...) after EXTRACT(", &field);
    struct ast *text = code == 0 ? parser_node(parser, AST_STRING, field.offset, 0) : NULL;
    if (!text)
        return code != 0 ? code : diag_nomem(parser->diag);
    text->text = field.text;
    code = parser_push(parser, &args, text);
    if (code == 0)
        code = parser_expect_word(parser, KW_FROM, "FROM in EXTRACT(field FROM value)");
    if (code == 0)
        code = take_argument(parser, &args);
    if (code == 0)
        code = parser_expect_op(parser, OP_CLOSE, "\")\"");
    return code == 0 ? make_call(parser, "extract", offset, &args, out) : code;
}

/* SUBSTRING(x FROM p [FOR n]), OVERLAY(x PLACING y FROM p [FOR n]): behind x. */
static int take_from_for(struct parser *parser, struct ast_list *args)
{
    int code = parser_expect_word(parser, KW_FROM, "FROM and a position");
    if (code == 0)
        code = take_argument(parser, args);
    if (code == 0 && parser_take_word(parser, KW_FOR))
        code = take_argument(parser, args);
    return code;
}

/* TRIM([BOTH | LEADING | TRAILING] [x] FROM y) is trim, ltrim or rtrim of ([x,] y). */
static int take_trim(struct parser *parser, struct ast *call, struct ast_list *args)
{
    enum keyword side = parser->next->kind == TOKEN_WORD ? parser->next->keyword : KW_NONE;
    bool sided = side == KW_BOTH || side == KW_LEADING || side == KW_TRAILING;
    parser->next += sided;
    int code = 0;
    if (!parser_at_word(parser, KW_FROM))
        code = take_argument(parser, args);
    if (code != 0)
        return code;
    if (!parser_take_word(parser, KW_FROM))
        return sided ? parser_expected(parser, "FROM in TRIM(... FROM value)") : 0;
    code = take_argument(parser, args);
    if (side == KW_LEADING || side == KW_TRAILING)
        call->parts[0].text = side == KW_LEADING ? STR("ltrim") : STR("rtrim");
    return code;
}

int parser_first_argument(struct parser *parser, enum keyword name, struct ast *call,
                          struct ast_list *args)
{
    if (name == KW_TRIM)
        return take_trim(parser, call, args);
    int code = take_argument(parser, args);
    if (code != 0)
        return code;
    switch (name) {
    case KW_POSITION:
        if (!parser_take_word(parser, KW_IN))
            return 0;
        call->parts[0].text = STR("locate");
        return take_argument(parser, args);
    case KW_SUBSTR:
    case KW_SUBSTRING:
        if (!parser_at_word(parser, KW_FROM))
            return 0;
        call->parts[0].text = STR("substring");
        return take_from_for(parser, args);
    case KW_OVERLAY:
        if (!parser_take_word(parser, KW_PLACING))
            return 0;
        code = take_argument(parser, args);
        return code == 0 ? take_from_for(parser, args) : code;
    default: /* FIRST, LAST, ANY_VALUE */
        if (!parser_at_word(parser, KW_IGNORE) || parser->next[1].keyword != KW_NULLS)
            return 0;
        call->call->ignore_nulls = true;
        call->call->clause_offset = parser->next->offset;
        parser->next += 2;
        return 0;
    }
}

static int parse_call_form(struct parser *parser, struct ast **out)
{
    switch (parser->next->keyword) {
    case KW_CAST:
    case KW_TRY_CAST:
        return parse_cast(parser, out);
    case KW_EXTRACT:
        return parse_extract(parser, out);
    case KW_STRUCT:
        parser->next += 2;
        return parser_row(parser, parser->next[-2].offset, NULL, out);
    default:
        return 0;
    }
}

int parser_special(struct parser *parser, struct ast **out)
{
    if (parser->next->kind != TOKEN_WORD)
        return 0;
    bool call = parser->next[1].op == OP_OPEN;
    struct ast_list none = {0};
    switch (parser->next->keyword) {
    case KW_CASE:
        return parse_case(parser, out);
    case KW_CURRENT_DATE:
    case KW_CURRENT_TIMESTAMP:
    case KW_CURRENT_USER:
        if (call)
            return 0;
        parser->next++;
        return make_call(parser,
                         parser->next[-1].keyword == KW_CURRENT_DATE        ? "current_date"
                         : parser->next[-1].keyword == KW_CURRENT_TIMESTAMP ? "current_timestamp"
                                                                            : "current_user",
                         parser->next[-1].offset, &none, out);
    case KW_NULL:
    case KW_TRUE:
    case KW_FALSE:
    case KW_DATE:
    case KW_TIMESTAMP:
    case KW_TIMESTAMP_LTZ:
    case KW_TIMESTAMP_NTZ:
    case KW_INTERVAL:
    case KW_X:
        return parser_literal(parser, out);
    default:
        return call ? parse_call_form(parser, out) : 0;
    }
}
