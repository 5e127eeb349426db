/* parser_primary.c: operands: names, calls, parentheses, and what may follow them. */
#include "sql/parser_impl.h"

/* Words that end an expression; as a column's name they need backquotes here (Spark takes them). */
static bool is_structure(const struct parser *parser)
{
    static const uint8_t words[] = {
        KW_SELECT, KW_FROM, KW_WHERE, KW_GROUP, KW_HAVING,  KW_ORDER, KW_LIMIT,
        KW_AND,    KW_OR,   KW_IN,    KW_IS,    KW_BETWEEN, KW_LIKE,  KW_RLIKE,
        KW_AS,     KW_BY,   KW_ON,    KW_UNION, KW_JOIN,    KW_NOT,   KW_DISTINCT,
    };
    static const uint8_t in_case[] = {KW_WHEN, KW_THEN, KW_ELSE, KW_END};
    if (parser->next->kind != TOKEN_WORD)
        return false;
    if (parser->case_depth && memchr(in_case, parser->next->keyword, sizeof in_case))
        return true;
    if ((parser_at_word(parser, KW_LIKE) || parser_at_word(parser, KW_RLIKE)) &&
        parser->next[1].op == OP_OPEN)
        return false; /* a function */
    return memchr(words, parser->next->keyword, sizeof words) != NULL;
}

/* name[.name]... or qualifier.* */
static int parse_name_parts(struct parser *parser, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_NAME, parser->next->offset, 0);
    uint32_t capacity = 4;
    if (!node || !(node->parts = ARENA_ARRAY(parser->arena, struct ast_part, capacity)))
        return diag_nomem(parser->diag);
    *out = node;
    for (;;) {
        if (node->part_count == capacity) {
            struct ast_part *parts = ARENA_ARRAY(parser->arena, struct ast_part, capacity * 2);
            if (!parts)
                return diag_nomem(parser->diag);
            memcpy(parts, node->parts, capacity * sizeof *parts);
            node->parts = parts;
            capacity *= 2;
        }
        int code = parser_name(parser, "a name after \".\"", &node->parts[node->part_count]);
        if (code != 0)
            return code;
        node->part_count++;
        if (!parser_take_op(parser, OP_DOT))
            return 0;
        if (parser_take_op(parser, OP_STAR)) {
            node->kind = AST_STAR;
            return 0;
        }
    }
}

static int parse_word(struct parser *parser, struct ast **out)
{
    *out = NULL;
    int code = parser_special(parser, out);
    if (code != 0 || *out)
        return code;
    if (is_structure(parser))
        return parser_expected(parser, "an expression");
    const struct token *first = parser->next;
    code = parse_name_parts(parser, out);
    if (code != 0 || (*out)->kind == AST_STAR)
        return code;
    if (parser_at_op(parser, OP_ARROW))
        return parser_unsupported(parser, parser->next->offset,
                                  "lambda functions (x -> ...) are not supported");
    if (parser->next->kind == TOKEN_STRING && first->kind == TOKEN_WORD &&
        parser->next == first + 1)
        return diag_fail(parser->diag, ERR_INVALID, first->offset,
                         "literals of the type \"%.*s\" are not known: expected DATE, TIMESTAMP, "
                         "INTERVAL or X before the string",
                         DIAG_ARG(token_text(parser->diag, *first)));
    if (parser_at_op(parser, OP_OPEN))
        return parser_call(parser, *out, out);
    return 0;
}

/* (expr), or (a, b): a row. */
static int parse_parentheses(struct parser *parser, struct ast **out)
{
    uint32_t offset = parser->next++->offset;
    if (parser_at_word(parser, KW_SELECT) || parser_at_word(parser, KW_WITH))
        return parser_unsupported(parser, parser->next->offset, "subqueries are not supported");
    uint32_t case_depth = parser->case_depth;
    parser->case_depth = 0;
    int code = parser_expr(parser, out);
    parser->case_depth = case_depth;
    if (code != 0)
        return code;
    if (parser_at_op(parser, OP_COMMA) || parser_at_word(parser, KW_AS))
        return parser_row(parser, offset, *out, out);
    code = parser_expect_op(parser, OP_CLOSE, "an operator or \")\"");
    (*out)->start = offset;
    return code;
}

static int parse_operand(struct parser *parser, struct ast **out)
{
    const struct token *token = parser->next;
    if (token_is_number(*token))
        return parser_number(parser, false, token->offset, out);
    if (parser_at_op(parser, OP_MINUS)) {
        parser->next++;
        return parser_number(parser, true, token->offset, out);
    }
    if (token->kind == TOKEN_STRING)
        return parser_literal(parser, out);
    if (token->kind == TOKEN_WORD)
        return parse_word(parser, out);
    if (token->kind == TOKEN_QUOTED)
        return parse_word(parser, out);
    if (parser_at_op(parser, OP_OPEN))
        return parse_parentheses(parser, out);
    if (parser_take_op(parser, OP_STAR)) {
        *out = parser_node(parser, AST_STAR, token->offset, 0);
        return *out ? 0 : diag_nomem(parser->diag);
    }
    if (parser_at_op(parser, OP_QUESTION) || parser_at_op(parser, OP_COLON))
        return parser_unsupported(parser, token->offset, "query parameters are not supported");
    return parser_expected(parser, "an expression");
}

/* (name).field is name.field. */
static int extend_name(struct parser *parser, struct ast *node, struct ast_part part)
{
    struct ast_part *parts = ARENA_ARRAY(parser->arena, struct ast_part, node->part_count + 1);
    if (!parts)
        return diag_nomem(parser->diag);
    memcpy(parts, node->parts, node->part_count * sizeof *parts);
    parts[node->part_count++] = part;
    node->parts = parts;
    return 0;
}

static int parse_field(struct parser *parser, struct ast **out)
{
    uint32_t offset = parser->next++->offset;
    struct ast_part name;
    int code = parser_name(parser, "a field's name after \".\"", &name);
    if (code == 0 && (*out)->kind == AST_NAME)
        return extend_name(parser, *out, name);
    struct ast *node = code == 0 ? parser_node(parser, AST_FIELD, offset, 1) : NULL;
    if (!node)
        return code != 0 ? code : diag_nomem(parser->diag);
    node->start = (*out)->start;
    node->offset = name.offset;
    node->text = name.text;
    node->args[0] = *out;
    *out = node;
    return parser_finish(parser, node);
}

static int parse_index(struct parser *parser, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_INDEX, parser->next++->offset, 2);
    if (!node)
        return diag_nomem(parser->diag);
    node->start = (*out)->start;
    node->args[0] = *out;
    int code = parser_expr(parser, &node->args[1]);
    if (code == 0)
        code = parser_expect_op(parser, OP_CLOSE_BRACKET, "\"]\"");
    *out = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

int parser_primary(struct parser *parser, struct ast **out)
{
    int code = parse_operand(parser, out);
    while (code == 0) {
        if (parser_at_op(parser, OP_DOT))
            code = parse_field(parser, out);
        else if (parser_at_op(parser, OP_OPEN_BRACKET))
            code = parse_index(parser, out);
        else if (parser_at_op(parser, OP_DOUBLE_COLON))
            code = parser_unsupported(parser, parser->next->offset,
                                      "\"::\" is not supported, as in Spark 3.5: write "
                                      "CAST(value AS type)");
        else
            break;
    }
    return code;
}

/* Whether words may stand between the arguments: SUBSTRING(x FROM 2). */
static bool has_special_argument(enum keyword name)
{
    return name == KW_TRIM || name == KW_POSITION || name == KW_SUBSTR || name == KW_SUBSTRING ||
           name == KW_OVERLAY || name == KW_FIRST || name == KW_LAST || name == KW_ANY_VALUE;
}

static int parse_arguments(struct parser *parser, enum keyword name, struct ast *node)
{
    struct ast_list list = {0};
    if (parser_at_op(parser, OP_CLOSE))
        return 0;
    if (parser_at_word(parser, KW_DISTINCT) || parser_at_word(parser, KW_ALL)) {
        node->call->clause_offset = parser->next->offset;
        node->call->distinct = parser->next++->keyword == KW_DISTINCT;
    }
    int code = 0;
    bool special = has_special_argument(name) && !parser_at_op(parser, OP_STAR);
    if (special)
        code = parser_first_argument(parser, name, node, &list);
    if (special && (code != 0 || !parser_take_op(parser, OP_COMMA))) {
        node->args = list.items;
        node->arg_count = list.count;
        return code;
    }
    do {
        struct ast *argument;
        code = parser_expr(parser, &argument);
        if (code == 0 && parser_at_op(parser, OP_FAT_ARROW))
            return parser_unsupported(parser, parser->next->offset,
                                      "named arguments (name => value) are not supported");
        if (code == 0 && argument->kind == AST_STAR)
            node->call->star = true;
        if (code == 0)
            code = parser_push(parser, &list, argument);
        if (code != 0)
            return code;
    } while (parser_take_op(parser, OP_COMMA));
    node->args = list.items;
    node->arg_count = list.count;
    return 0;
}

static int parse_filter(struct parser *parser, struct ast *node)
{
    node->call->clause_offset = parser->next++->offset;
    int code = parser_expect_op(parser, OP_OPEN, "\"(\" after FILTER");
    if (code == 0)
        code = parser_expect_word(parser, KW_WHERE, "WHERE in FILTER (WHERE ...)");
    if (code == 0)
        code = parser_expr(parser, &node->call->filter);
    if (code == 0)
        code = parser_expect_op(parser, OP_CLOSE, "\")\" after the condition of FILTER");
    if (code == 0 && node->call->filter->depth >= node->depth)
        node->depth = (uint16_t)(node->call->filter->depth + 1);
    return code;
}

static int parse_call_clauses(struct parser *parser, struct ast *node)
{
    int code = 0;
    if (parser_at_word(parser, KW_WITHIN))
        return parser_unsupported(parser, parser->next->offset, "WITHIN GROUP is not supported");
    if (parser_at_word(parser, KW_FILTER) && parser->next[1].op == OP_OPEN)
        code = parse_filter(parser, node);
    if (code != 0)
        return code;
    if ((parser_at_word(parser, KW_IGNORE) || parser_at_word(parser, KW_RESPECT)) &&
        parser->next[1].keyword == KW_NULLS) {
        node->call->clause_offset = parser->next->offset;
        node->call->ignore_nulls = parser->next->keyword == KW_IGNORE;
        parser->next += 2;
    }
    if (parser_at_word(parser, KW_OVER) &&
        (parser->next[1].op == OP_OPEN || parser->next[1].kind == TOKEN_WORD))
        return parser_unsupported(parser, parser->next->offset,
                                  "window functions (OVER ...) are not supported");
    return 0;
}

int parser_call(struct parser *parser, struct ast *name, struct ast **out)
{
    struct ast *node = parser_node(parser, AST_CALL, name->offset, 0);
    if (!node || !(node->call = ARENA_NEW(parser->arena, struct ast_call)))
        return diag_nomem(parser->diag);
    node->parts = name->parts;
    node->part_count = name->part_count;
    const struct token *word = parser->next++ - 1;
    enum keyword keyword = name->part_count == 1 ? word->keyword : KW_NONE;
    uint32_t case_depth = parser->case_depth;
    parser->case_depth = 0;
    int code = parse_arguments(parser, keyword, node);
    parser->case_depth = case_depth;
    if (code == 0)
        code = parser_expect_op(parser, OP_CLOSE, "\",\" or \")\" after an argument");
    if (code == 0)
        code = parse_call_clauses(parser, node);
    if (code == 0)
        code = parser_unit_call(parser, node);
    *out = node;
    return code == 0 ? parser_finish(parser, node) : code;
}
