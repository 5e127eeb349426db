/* parser_literal.c: literals and the names of types. */
#include "sql/parser_impl.h"

int parser_string(struct parser *parser, struct str *out)
{
    if (parser->next->kind != TOKEN_STRING)
        return parser_expected(parser, "a string");
    struct buf value = {0};
    int code = 0;
    while (code == 0 && parser->next->kind == TOKEN_STRING)
        code = lexer_unescape(parser->diag, *parser->next++, &value);
    if (code == 0) {
        *out = arena_buf(parser->arena, &value);
        if (!out->p)
            code = diag_nomem(parser->diag);
    }
    buf_fini(&value);
    return code;
}

static uint32_t suffix_length(enum token_kind kind)
{
    if (kind == TOKEN_BIGDECIMAL)
        return 2;
    return kind >= TOKEN_TINYINT && kind <= TOKEN_DOUBLE ? 1 : 0;
}

int parser_number(struct parser *parser, bool negative, uint32_t offset, struct ast **out)
{
    const struct token *token = parser->next++;
    struct ast *node = parser_node(parser, AST_NUMBER, offset, 0);
    struct str digits = token_text(parser->diag, *token);
    digits.n -= suffix_length(token->kind);
    char *text = node ? arena_alloc(parser->arena, digits.n + 1) : NULL;
    if (!text)
        return diag_nomem(parser->diag);
    text[0] = '-';
    memcpy(text + negative, digits.p, digits.n);
    node->text = (struct str){text, digits.n + negative};
    node->op = token->kind;
    *out = node;
    return 0;
}

int parser_literal(struct parser *parser, struct ast **out)
{
    const struct token *token = parser->next;
    enum keyword word = token->kind == TOKEN_WORD ? token->keyword : KW_NONE;
    enum ast_kind kind = AST_STRING;
    if (word == KW_INTERVAL)
        return parser_interval(parser, out);
    if (word == KW_NULL || word == KW_TRUE || word == KW_FALSE) {
        if (parser->next[1].op == OP_OPEN || parser->next[1].op == OP_DOT)
            return 0;
        kind = word == KW_NULL ? AST_NULL : AST_BOOLEAN;
    } else if (word != KW_NONE) {
        if (parser->next[1].kind != TOKEN_STRING)
            return 0;
        kind = AST_TYPED;
    }
    struct ast *node = parser_node(parser, kind, token->offset, 0);
    if (!node)
        return diag_nomem(parser->diag);
    node->op = word == KW_TIMESTAMP_LTZ ? KW_TIMESTAMP : (uint8_t)word;
    node->flag = word == KW_TRUE;
    *out = node;
    if (kind == AST_STRING)
        return parser_string(parser, &node->text);
    parser->next++;
    if (word == KW_TIMESTAMP_NTZ)
        return parser_unsupported(parser, token->offset, "TIMESTAMP_NTZ is not supported");
    if (kind != AST_TYPED)
        return 0;
    struct buf value = {0};
    int code = lexer_unescape(parser->diag, *parser->next++, &value);
    if (code == 0 && !(node->text = arena_buf(parser->arena, &value)).p)
        code = diag_nomem(parser->diag);
    buf_fini(&value);
    return code;
}

static const struct {
    const char *name;
    enum type_kind kind;
} type_names[] = {
    {"BOOLEAN", TYPE_BOOLEAN},   {"TINYINT", TYPE_TINYINT},     {"BYTE", TYPE_TINYINT},
    {"SMALLINT", TYPE_SMALLINT}, {"SHORT", TYPE_SMALLINT},      {"INT", TYPE_INT},
    {"INTEGER", TYPE_INT},       {"BIGINT", TYPE_BIGINT},       {"LONG", TYPE_BIGINT},
    {"FLOAT", TYPE_FLOAT},       {"REAL", TYPE_FLOAT},          {"DOUBLE", TYPE_DOUBLE},
    {"DATE", TYPE_DATE},         {"TIMESTAMP", TYPE_TIMESTAMP}, {"TIMESTAMP_LTZ", TYPE_TIMESTAMP},
    {"STRING", TYPE_STRING},     {"BINARY", TYPE_BINARY},       {"VOID", TYPE_VOID},
    {"DECIMAL", TYPE_DECIMAL},   {"DEC", TYPE_DECIMAL},         {"NUMERIC", TYPE_DECIMAL},
    {"VARCHAR", TYPE_STRING},    {"CHAR", TYPE_STRING},         {"CHARACTER", TYPE_STRING},
};

/* (p) or (p, s); at most `max` numbers. */
static int parse_parameters(struct parser *parser, uint32_t max, int64_t *numbers, uint32_t *count)
{
    *count = 0;
    if (!parser_take_op(parser, OP_OPEN))
        return 0;
    do {
        if (parser->next->kind != TOKEN_INTEGER || *count == max)
            return parser_expected(parser, max == 1 ? "a length and \")\""
                                                    : "a precision, perhaps a scale, and \")\"");
        if (!str_to_i64(token_text(parser->diag, *parser->next), &numbers[*count]))
            numbers[*count] = INT64_MAX;
        ++*count;
        parser->next++;
    } while (parser_take_op(parser, OP_COMMA));
    return parser_expect_op(parser, OP_CLOSE, "\")\"");
}

static int parse_decimal_type(struct parser *parser, uint32_t offset, const struct type **out)
{
    int64_t numbers[2] = {10, 0};
    uint32_t count;
    int code = parse_parameters(parser, 2, numbers, &count);
    if (code != 0)
        return code;
    if (numbers[0] < 1 || numbers[0] > 38 || numbers[1] > numbers[0])
        return diag_fail(parser->diag, ERR_INVALID, offset,
                         "DECIMAL takes a precision of 1 to 38 and a scale not above it");
    struct type *type = ARENA_NEW(parser->arena, struct type);
    if (!type)
        return diag_nomem(parser->diag);
    *type = (struct type){
        .kind = TYPE_DECIMAL, .precision = (uint8_t)numbers[0], .scale = (uint8_t)numbers[1]};
    *out = type;
    return 0;
}

static int parse_text_type(struct parser *parser, struct str name, uint32_t offset,
                           const struct type **out)
{
    int64_t length;
    uint32_t count;
    int code = parse_parameters(parser, 1, &length, &count);
    if (code == 0 && count == 0)
        code = diag_fail(parser->diag, ERR_INVALID, offset,
                         "%.*s takes a length: %.*s(10), or write STRING", DIAG_ARG(name),
                         DIAG_ARG(name));
    *out = type_simple(TYPE_STRING); /* in a cast Spark reads CHAR(n) and VARCHAR(n) as STRING */
    return code;
}

int parser_type(struct parser *parser, const struct type **out)
{
    uint32_t offset = parser->next->offset;
    if (parser->next->kind != TOKEN_WORD)
        return parser_expected(parser, "a type");
    struct str name = token_text(parser->diag, *parser->next++);
    if (str_eq_nocase(name, STR("STRUCT")) || str_eq_nocase(name, STR("ARRAY")))
        return parser_nested_type(parser, str_eq_nocase(name, STR("ARRAY")), out);
    if (str_eq_nocase(name, STR("INTERVAL")))
        return parser_interval_type(parser, out);
    static const char *const other[] = {"MAP", "TIMESTAMP_NTZ"};
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        if (str_eq_nocase(name, str_of(other[i])))
            return diag_fail(parser->diag, ERR_UNSUPPORTED, offset,
                             "the type %s is not supported here", other[i]);
    }
    const char *names[COUNT_OF(type_names)];
    for (size_t i = 0; i < COUNT_OF(type_names); i++) {
        names[i] = type_names[i].name;
        if (!str_eq_nocase(name, str_of(names[i])))
            continue;
        if (type_names[i].kind == TYPE_DECIMAL)
            return parse_decimal_type(parser, offset, out);
        if (type_names[i].kind == TYPE_STRING && !str_is(str_of(names[i]), "STRING"))
            return parse_text_type(parser, name, offset, out);
        *out = type_simple(type_names[i].kind);
        return 0;
    }
    const char *guess = str_suggest(name, names, COUNT_OF(names));
    return diag_fail(parser->diag, ERR_INVALID, offset, "unknown type \"%.*s\"%s%s%s",
                     DIAG_ARG(name), guess ? ": did you mean " : "", guess ? guess : "",
                     guess ? "?" : "");
}
