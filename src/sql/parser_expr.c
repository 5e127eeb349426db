/* parser_expr.c: operators and predicates. */
#include "sql/parser_impl.h"

/* Entering a level of nesting; every path that recurses passes here. */
static int enter(struct parser *parser)
{
    if (++parser->depth > SQL_DEPTH_MAX)
        return diag_fail(parser->diag, ERR_INVALID, parser->next->offset,
                         "this expression is nested more than %d levels deep", SQL_DEPTH_MAX);
    return 0;
}

static int make_binary(struct parser *parser, enum ast_kind kind, uint32_t offset, uint8_t op,
                       struct ast *left, struct ast *right, struct ast **out)
{
    struct ast *node = parser_node(parser, kind, offset, 2);
    if (!node)
        return diag_nomem(parser->diag);
    node->op = op;
    node->start = left->start;
    node->args[0] = left;
    node->args[1] = right;
    *out = node;
    return parser_finish(parser, node);
}

/* The precedence of the binary operator at the next token, 0: none. As in SqlBaseParser.g4. */
static int precedence(const struct parser *parser, uint8_t *op)
{
    const struct token *token = parser->next;
    *op = token->kind == TOKEN_OPERATOR                           ? token->op
          : token->kind == TOKEN_WORD && token->keyword == KW_DIV ? OP_DIV
                                                                  : OP_NONE;
    switch (*op) {
    case OP_EQ:
    case OP_NSEQ:
    case OP_NEQ:
    case OP_LT:
    case OP_LTE:
    case OP_GT:
    case OP_GTE:
        return 1;
    case OP_PIPE:
        return 2;
    case OP_HAT:
        return 3;
    case OP_AND:
        return 4;
    case OP_PLUS:
    case OP_MINUS:
    case OP_CONCAT:
        return 5;
    case OP_STAR:
    case OP_SLASH:
    case OP_PERCENT:
    case OP_DIV:
        return 6;
    default:
        return 0;
    }
}

static int parse_unary(struct parser *parser, struct ast **out)
{
    uint32_t offset = parser->next->offset;
    uint8_t op = parser->next->kind == TOKEN_OPERATOR ? parser->next->op : OP_NONE;
    if (op != OP_MINUS && op != OP_PLUS && op != OP_TILDE)
        return parser_primary(parser, out);
    if (op == OP_MINUS && token_is_number(parser->next[1]))
        return parser_primary(parser, out); /* the sign belongs to the number */
    int code = enter(parser);
    if (code != 0)
        return code;
    parser->next++;
    struct ast *node = parser_node(parser, AST_UNARY, offset, 1);
    if (!node)
        return diag_nomem(parser->diag);
    node->op = op;
    code = parse_unary(parser, &node->args[0]);
    parser->depth--;
    *out = node;
    return code == 0 ? parser_finish(parser, node) : code;
}

static int parse_binary(struct parser *parser, int lowest, struct ast **out)
{
    int code = parse_unary(parser, out);
    uint8_t op;
    for (int level; code == 0 && (level = precedence(parser, &op)) >= lowest && level > 0;) {
        uint32_t offset = parser->next++->offset;
        struct ast *right;
        code = parse_binary(parser, level + 1, &right);
        if (code == 0)
            code = make_binary(parser, AST_BINARY, offset, op, *out, right, out);
    }
    return code;
}

int parser_value(struct parser *parser, struct ast **out)
{
    int code = enter(parser);
    if (code == 0)
        code = parse_binary(parser, 1, out);
    parser->depth--;
    return code;
}

static int parse_not(struct parser *parser, struct ast **out)
{
    uint32_t offset = parser->next->offset;
    if (parser_take_word(parser, KW_NOT) || parser_take_op(parser, OP_BANG)) {
        int code = enter(parser);
        if (code != 0)
            return code;
        struct ast *node = parser_node(parser, AST_NOT, offset, 1);
        if (!node)
            return diag_nomem(parser->diag);
        code = parse_not(parser, &node->args[0]);
        parser->depth--;
        *out = node;
        return code == 0 ? parser_finish(parser, node) : code;
    }
    if (parser_at_word(parser, KW_EXISTS) && parser->next[1].op == OP_OPEN &&
        parser->next[2].keyword == KW_SELECT)
        return parser_unsupported(parser, offset, "EXISTS with a subquery is not supported");
    int code = parse_binary(parser, 1, out);
    return code == 0 ? parser_predicate(parser, out) : code;
}

/* Terms low..high as a balanced tree, cut where Spark cuts it (AstBuilder.visitLogicalBinary): the
 * name of an unnamed column shows it, and thousands of terms stay shallow. */
static int balance(struct parser *parser, enum ast_kind kind, struct ast_list *terms,
                   const uint32_t *offsets, uint32_t low, uint32_t high, struct ast **out)
{
    if (low == high) {
        *out = terms->items[low];
        return 0;
    }
    uint32_t mid = low + (high - low) / 2;
    struct ast *left = NULL, *right = NULL;
    int code = balance(parser, kind, terms, offsets, low, mid, &left);
    if (code == 0)
        code = balance(parser, kind, terms, offsets, mid + 1, high, &right);
    if (code == 0)
        code = make_binary(parser, kind, offsets[mid], 0, left, right, out);
    return code;
}

static int parse_chain(struct parser *parser, enum ast_kind kind, struct ast **out);

static int parse_term(struct parser *parser, enum ast_kind kind, struct ast **out)
{
    return kind == AST_OR ? parse_chain(parser, AST_AND, out) : parse_not(parser, out);
}

static int parse_chain(struct parser *parser, enum ast_kind kind, struct ast **out)
{
    enum keyword word = kind == AST_OR ? KW_OR : KW_AND;
    int code = parse_term(parser, kind, out);
    if (code != 0 || !parser_at_word(parser, word))
        return code;
    struct ast_list terms = {0};
    uint32_t *offsets = NULL;
    uint32_t capacity = 0;
    code = parser_push(parser, &terms, *out);
    while (code == 0 && parser_at_word(parser, word)) {
        if (terms.count > capacity) {
            uint32_t *grown = ARENA_ARRAY(parser->arena, uint32_t, terms.capacity);
            if (!grown)
                return diag_nomem(parser->diag);
            if (capacity)
                memcpy(grown, offsets, capacity * sizeof *offsets);
            offsets = grown;
            capacity = terms.capacity;
        }
        offsets[terms.count - 1] = parser->next++->offset;
        struct ast *term;
        code = parse_term(parser, kind, &term);
        if (code == 0)
            code = parser_push(parser, &terms, term);
    }
    return code == 0 ? balance(parser, kind, &terms, offsets, 0, terms.count - 1, out) : code;
}

int parser_expr(struct parser *parser, struct ast **out)
{
    int code = enter(parser);
    if (code == 0)
        code = parse_chain(parser, AST_OR, out);
    parser->depth--;
    return code;
}
