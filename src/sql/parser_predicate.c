/* parser_predicate.c: what may follow an operand: BETWEEN, IN, LIKE, IS. */
#include "sql/parser_impl.h"

static struct ast *make(struct parser *parser, enum ast_kind kind, uint32_t offset,
                        struct ast *value, uint32_t arg_count, bool flag)
{
    struct ast *node = parser_node(parser, kind, offset, arg_count);
    if (!node) {
        (void)diag_nomem(parser->diag);
        return NULL;
    }
    node->start = value->start;
    node->flag = flag;
    node->args[0] = value;
    return node;
}

static int parse_between(struct parser *parser, uint32_t offset, bool negated, struct ast **value)
{
    struct ast *node = make(parser, AST_BETWEEN, offset, *value, 3, negated);
    if (!node)
        return ERR_NOMEM;
    int code = parser_value(parser, &node->args[1]);
    if (code == 0)
        code = parser_expect_word(parser, KW_AND, "AND between the bounds of BETWEEN");
    if (code == 0)
        code = parser_value(parser, &node->args[2]);
    *value = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

/* The operand, then what stands between commas up to the bracket; `wanted` for the message. */
static int parse_list(struct parser *parser, struct ast *value, struct ast_list *list,
                      const char *wanted)
{
    int code = parser_push(parser, list, value);
    do {
        struct ast *item;
        if (code == 0)
            code = parser_expr(parser, &item);
        if (code == 0)
            code = parser_push(parser, list, item);
    } while (code == 0 && parser_take_op(parser, OP_COMMA));
    return code == 0 ? parser_expect_op(parser, OP_CLOSE, wanted) : code;
}

static int parse_in(struct parser *parser, uint32_t offset, bool negated, struct ast **value)
{
    int code = parser_expect_op(parser, OP_OPEN, "\"(\" and a list after IN");
    if (code != 0)
        return code;
    if (parser_at_word(parser, KW_SELECT) || parser_at_word(parser, KW_WITH))
        return parser_unsupported(parser, parser->next->offset,
                                  "a subquery in IN is not supported");
    struct ast_list list = {0};
    code = parse_list(parser, *value, &list, "\",\" or \")\" in the list of IN");
    if (code != 0)
        return code;
    struct ast *node = make(parser, AST_IN, offset, *value, 1, negated);
    if (!node)
        return ERR_NOMEM;
    node->args = list.items;
    node->arg_count = list.count;
    *value = node;
    return parser_finish(parser, node);
}

static int parse_escape(struct parser *parser, struct ast *node)
{
    if (!parser_take_word(parser, KW_ESCAPE))
        return 0;
    uint32_t offset = parser->next->offset;
    int code = parser_string(parser, &node->text);
    if (code == 0 && (node->text.n == 0 || node->text.n > 4))
        code = diag_fail(parser->diag, ERR_INVALID, offset, "ESCAPE takes a single character");
    return code;
}

/* LIKE ANY, SOME or ALL (a, b, ...), from the quantifier on. */
static int parse_like_list(struct parser *parser, uint32_t offset, enum keyword word, bool negated,
                           struct ast **value)
{
    bool all = parser_at_word(parser, KW_ALL);
    struct ast_list list = {0};
    parser->next += 2;
    if (parser_at_op(parser, OP_CLOSE))
        return parser_expected(parser, "a pattern");
    int code = parse_list(parser, *value, &list, "\",\" or \")\" in the list of LIKE");
    if (code != 0)
        return code;
    struct ast *node = make(parser, AST_LIKE_LIST, offset, *value, 1, negated);
    if (!node)
        return ERR_NOMEM;
    node->op = (uint8_t)word;
    node->text = all ? STR("ALL") : STR("ANY");
    node->args = list.items;
    node->arg_count = list.count;
    *value = node;
    return parser_finish(parser, node);
}

static int parse_like(struct parser *parser, uint32_t offset, enum keyword word, bool negated,
                      struct ast **value)
{
    bool quantified = parser_at_word(parser, KW_ANY) || parser_at_word(parser, KW_SOME) ||
                      parser_at_word(parser, KW_ALL);
    if (word != KW_RLIKE && quantified && parser->next[1].op == OP_OPEN)
        return parse_like_list(parser, offset, word, negated, value);
    struct ast *node = make(parser, AST_LIKE, offset, *value, 2, negated);
    if (!node)
        return ERR_NOMEM;
    node->op = (uint8_t)word;
    int code = parser_value(parser, &node->args[1]);
    if (code == 0 && word != KW_RLIKE)
        code = parse_escape(parser, node);
    *value = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

static int parse_is(struct parser *parser, uint32_t offset, struct ast **value)
{
    bool negated = parser_take_word(parser, KW_NOT) || parser_take_op(parser, OP_BANG);
    enum keyword word = parser->next->kind == TOKEN_WORD ? parser->next->keyword : KW_NONE;
    bool distinct = word == KW_DISTINCT;
    enum ast_kind kind = distinct          ? AST_IS_DISTINCT
                         : word == KW_NULL ? AST_IS_NULL
                                           : AST_IS_BOOLEAN;
    if (!distinct && word != KW_NULL && word != KW_TRUE && word != KW_FALSE && word != KW_UNKNOWN)
        return parser_expected(parser, "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS");
    parser->next++;
    struct ast *node = make(parser, kind, offset, *value, distinct ? 2 : 1, negated);
    if (!node)
        return ERR_NOMEM;
    node->op = (uint8_t)word;
    int code = 0;
    if (distinct)
        code = parser_expect_word(parser, KW_FROM, "FROM after IS DISTINCT");
    if (distinct && code == 0)
        code = parser_value(parser, &node->args[1]);
    *value = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

int parser_predicate(struct parser *parser, struct ast **value)
{
    const struct token *first = parser->next;
    bool negated = parser_take_word(parser, KW_NOT) || parser_take_op(parser, OP_BANG);
    uint32_t offset = parser->next->offset;
    enum keyword word = parser->next->kind == TOKEN_WORD ? parser->next->keyword : KW_NONE;
    if (word == KW_IS && !negated) {
        parser->next++;
        return parse_is(parser, offset, value);
    }
    switch (word) {
    case KW_BETWEEN:
        parser->next++;
        return parse_between(parser, offset, negated, value);
    case KW_IN:
        parser->next++;
        return parse_in(parser, offset, negated, value);
    case KW_LIKE:
    case KW_ILIKE:
        parser->next++;
        return parse_like(parser, offset, word, negated, value);
    case KW_RLIKE:
    case KW_REGEXP:
        parser->next++;
        return parse_like(parser, offset, KW_RLIKE, negated, value);
    default:
        break;
    }
    if (negated && first->kind == TOKEN_WORD)
        return parser_expected(parser, "BETWEEN, IN, LIKE or RLIKE after NOT");
    parser->next = first;
    return 0;
}
