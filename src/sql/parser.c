#include "sql/parser_impl.h"

#include <stdio.h>

struct ast *parser_node(struct parser *parser, enum ast_kind kind, uint32_t offset,
                        uint32_t arg_count)
{
    struct ast *node = ARENA_NEW(parser->arena, struct ast);
    if (!node)
        return NULL;
    *node = (struct ast){.kind = (uint8_t)kind, .offset = offset, .start = offset, .depth = 1};
    if (arg_count) {
        node->arg_count = arg_count;
        node->args = ARENA_ARRAY(parser->arena, struct ast *, arg_count);
        if (!node->args)
            return NULL;
    }
    return node;
}

int parser_finish(struct parser *parser, struct ast *node)
{
    for (uint32_t i = 0; i < node->arg_count; i++) {
        if (node->args[i]->depth >= node->depth)
            node->depth = (uint16_t)(node->args[i]->depth + 1);
    }
    if (node->depth > SQL_DEPTH_MAX && node->kind == AST_BINARY)
        return diag_fail(parser->diag, ERR_INVALID, node->offset,
                         "more than %d operators hang on one another here: write (a + b) + (c + d) "
                         "for a + b + c + d",
                         SQL_DEPTH_MAX);
    if (node->depth > SQL_DEPTH_MAX)
        return diag_fail(parser->diag, ERR_INVALID, node->offset,
                         "this expression is nested more than %d levels deep", SQL_DEPTH_MAX);
    return 0;
}

int parser_push(struct parser *parser, struct ast_list *list, struct ast *item)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        struct ast **items = ARENA_ARRAY(parser->arena, struct ast *, capacity);
        if (!items)
            return diag_nomem(parser->diag);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof(struct ast *));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return 0;
}

int parser_expected(struct parser *parser, const char *what)
{
    const struct token *token = parser->next;
    if (token->kind == TOKEN_END)
        return diag_fail(parser->diag, ERR_INVALID, token->offset,
                         "expected %s, found the end of the query", what);
    struct str text = diag_shown(token_text(parser->diag, *token));
    bool quoted = token->kind == TOKEN_STRING || token->kind == TOKEN_QUOTED;
    const char *quote = quoted ? "" : "\"";
    return diag_fail(parser->diag, ERR_INVALID, token->offset, "expected %s, found %s%.*s%s", what,
                     quote, STR_ARG(text), quote);
}

int parser_unsupported(struct parser *parser, uint32_t offset, const char *what)
{
    return diag_fail(parser->diag, ERR_UNSUPPORTED, offset, "%s", what);
}

int parser_expect_op(struct parser *parser, enum operator_token op, const char *what)
{
    return parser_take_op(parser, op) ? 0 : parser_expected(parser, what);
}

int parser_expect_word(struct parser *parser, enum keyword keyword, const char *what)
{
    return parser_take_word(parser, keyword) ? 0 : parser_expected(parser, what);
}

int parser_name(struct parser *parser, const char *what, struct ast_part *out)
{
    const struct token *token = parser->next;
    struct str text = token_text(parser->diag, *token);
    if (token->kind == TOKEN_QUOTED) {
        char *bytes = arena_alloc(parser->arena, text.n);
        if (!bytes)
            return diag_nomem(parser->diag);
        size_t n = 0;
        for (size_t i = 1; i + 1 < text.n; i++) {
            bytes[n++] = text.p[i];
            i += text.p[i] == '`';
        }
        *out = (struct ast_part){{bytes, n}, token->offset};
    } else if (token->kind == TOKEN_WORD) {
        *out = (struct ast_part){text, token->offset};
    } else {
        return parser_expected(parser, what);
    }
    parser->next++;
    return 0;
}

/* What may follow a select item without being its alias. */
static bool starts_clause(const struct token *token)
{
    static const uint8_t words[] = {
        KW_FROM, KW_WHERE,  KW_GROUP, KW_HAVING,  KW_ORDER,     KW_LIMIT,      KW_UNION,
        KW_JOIN, KW_INNER,  KW_LEFT,  KW_RIGHT,   KW_FULL,      KW_CROSS,      KW_SEMI,
        KW_ANTI, KW_ON,     KW_USING, KW_WITH,    KW_INTERSECT, KW_EXCEPT,     KW_MINUS,
        KW_SORT, KW_WINDOW, KW_PIVOT, KW_UNPIVOT, KW_LATERAL,   KW_OFFSET,     KW_TABLESAMPLE,
        KW_AND,  KW_OR,     KW_THEN,  KW_NATURAL, KW_CLUSTER,   KW_DISTRIBUTE, KW_SELECT,
    };
    if (token->kind == TOKEN_QUOTED)
        return false;
    return token->kind != TOKEN_WORD || memchr(words, token->keyword, sizeof words);
}

static int parse_alias(struct parser *parser, struct str *alias)
{
    if (parser_take_word(parser, KW_AS)) {
        if (parser_at_op(parser, OP_OPEN))
            return parser_unsupported(parser, parser->next->offset,
                                      "a list of aliases is not supported");
    } else if (starts_clause(parser->next)) {
        return 0;
    }
    struct ast_part name;
    int code = parser_name(parser, "a name after AS", &name);
    *alias = name.text;
    return code;
}

struct item_list {
    struct ast_item *items;
    uint32_t count, capacity;
};

static int push_item(struct parser *parser, struct item_list *list, struct ast_item item)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        struct ast_item *items = ARENA_ARRAY(parser->arena, struct ast_item, capacity);
        if (!items)
            return diag_nomem(parser->diag);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return 0;
}

static int parse_items(struct parser *parser, struct ast_query *query)
{
    struct item_list list = {0};
    do {
        struct ast_item item = {0};
        int code = parser_expr(parser, &item.expr);
        if (code == 0)
            code = parse_alias(parser, &item.alias);
        if (code == 0 && item.expr->kind == AST_STAR && item.alias.p)
            code =
                diag_fail(parser->diag, ERR_INVALID, item.expr->offset, "* cannot have an alias");
        if (code == 0)
            code = push_item(parser, &list, item);
        if (code != 0)
            return code;
    } while (parser_take_op(parser, OP_COMMA));
    query->items = list.items;
    query->item_count = list.count;
    return 0;
}

/* Clauses of Spark that a query here cannot have. */
static int refuse_clause(struct parser *parser)
{
    static const struct {
        uint8_t keyword;
        const char *what;
    } clauses[] = {
        {KW_JOIN, "JOIN is not supported: a query reads one source"},
        {KW_INNER, "JOIN is not supported: a query reads one source"},
        {KW_LEFT, "JOIN is not supported: a query reads one source"},
        {KW_RIGHT, "JOIN is not supported: a query reads one source"},
        {KW_FULL, "JOIN is not supported: a query reads one source"},
        {KW_CROSS, "JOIN is not supported: a query reads one source"},
        {KW_SEMI, "JOIN is not supported: a query reads one source"},
        {KW_ANTI, "JOIN is not supported: a query reads one source"},
        {KW_NATURAL, "JOIN is not supported: a query reads one source"},
        {KW_ORDER, "ORDER BY is not supported: rows come in the order of their offsets, those of "
                   "groups in the order of their keys"},
        {KW_SORT, "SORT BY is not supported: rows come in the order of their offsets, those of "
                  "groups in the order of their keys"},
        {KW_CLUSTER, "CLUSTER BY is not supported"},
        {KW_DISTRIBUTE, "DISTRIBUTE BY is not supported"},
        {KW_LIMIT, "LIMIT is not supported on a stream"},
        {KW_OFFSET, "OFFSET is not supported on a stream"},
        {KW_UNION, "UNION is not supported: write two queries with the same sink path"},
        {KW_INTERSECT, "INTERSECT is not supported"},
        {KW_EXCEPT, "EXCEPT is not supported"},
        {KW_MINUS, "MINUS is not supported"},
        {KW_LATERAL, "LATERAL VIEW is not supported"},
        {KW_WINDOW, "the WINDOW clause is not supported"},
        {KW_PIVOT, "PIVOT is not supported"},
        {KW_UNPIVOT, "UNPIVOT is not supported"},
        {KW_TABLESAMPLE, "TABLESAMPLE is not supported"},
        {KW_VALUES, "VALUES is not supported: a query is SELECT ... FROM <source name>"},
    };
    if (parser->next->kind != TOKEN_WORD)
        return 0;
    for (size_t i = 0; i < COUNT_OF(clauses); i++) {
        if (clauses[i].keyword == parser->next->keyword)
            return parser_unsupported(parser, parser->next->offset, clauses[i].what);
    }
    return 0;
}

static int parse_from(struct parser *parser, struct ast_query *query)
{
    int code = parser_expect_word(parser, KW_FROM, "\",\" or FROM and the source's name");
    if (code != 0)
        return code;
    if (parser_at_op(parser, OP_OPEN))
        return parser_unsupported(parser, parser->next->offset,
                                  "a subquery in FROM is not supported");
    if (parser_at_word(parser, KW_LATERAL) || parser_at_word(parser, KW_VALUES))
        return refuse_clause(parser);
    code = parser_name(parser, "the source's name after FROM", &query->relation);
    if (code != 0)
        return code;
    if (parser_at_op(parser, OP_DOT))
        return diag_fail(parser->diag, ERR_INVALID, query->relation.offset,
                         "the source's name has no qualifier: write FROM <source name>");
    if (parser_at_op(parser, OP_OPEN))
        return parser_unsupported(parser, query->relation.offset,
                                  "table-valued functions are not supported");
    code = parse_alias(parser, &query->relation_alias);
    if (code != 0)
        return code;
    if (parser_at_op(parser, OP_COMMA))
        return parser_unsupported(parser, parser->next->offset,
                                  "a second relation is not supported: a query reads one source");
    return refuse_clause(parser);
}

static int parse_group(struct parser *parser, struct ast_query *query)
{
    query->group_offset = parser->next->offset;
    parser->next++;
    int code = parser_expect_word(parser, KW_BY, "BY after GROUP");
    struct ast_list list = {0};
    if (code == 0 && (parser_at_word(parser, KW_ROLLUP) || parser_at_word(parser, KW_CUBE) ||
                      (parser_at_word(parser, KW_GROUPING) && parser->next[1].keyword == KW_SETS)))
        return parser_unsupported(parser, parser->next->offset,
                                  "ROLLUP, CUBE and GROUPING SETS are not supported");
    do {
        struct ast *group;
        if (code == 0)
            code = parser_expr(parser, &group);
        if (code == 0)
            code = parser_push(parser, &list, group);
    } while (code == 0 && parser_take_op(parser, OP_COMMA));
    query->groups = list.items;
    query->group_count = list.count;
    if (code == 0 && parser_at_word(parser, KW_WITH))
        return parser_unsupported(parser, parser->next->offset,
                                  "WITH ROLLUP and WITH CUBE are not supported");
    return code;
}

static int parse_clauses(struct parser *parser, struct ast_query *query)
{
    int code = parse_from(parser, query);
    if (code == 0 && parser_take_word(parser, KW_WHERE))
        code = parser_expr(parser, &query->where);
    if (code == 0 && parser_at_word(parser, KW_GROUP))
        code = parse_group(parser, query);
    if (code == 0 && parser_at_word(parser, KW_HAVING)) {
        query->having_offset = parser->next++->offset;
        code = parser_expr(parser, &query->having);
    }
    if (code == 0)
        code = refuse_clause(parser);
    if (code != 0)
        return code;
    while (parser_take_op(parser, OP_SEMICOLON))
        ;
    if (parser->next->kind == TOKEN_END)
        return 0;
    const char *what = query->having        ? "the end of the query"
                       : query->group_count ? "HAVING or the end of the query"
                       : query->where       ? "GROUP BY, HAVING or the end of the query"
                                            : "WHERE, GROUP BY, HAVING or the end of the query";
    return parser_expected(parser, what);
}

static int parse_query(struct parser *parser, struct ast_query *query)
{
    if (parser_at_word(parser, KW_WITH))
        return parser_unsupported(parser, parser->next->offset,
                                  "WITH (common table expressions) is not supported");
    int code = refuse_clause(parser);
    if (code == 0 && parser_at_op(parser, OP_OPEN))
        code = parser_expected(parser, "SELECT (a query is not written between parentheses)");
    if (code == 0)
        code = parser_expect_word(parser, KW_SELECT, "SELECT");
    if (code != 0)
        return code;
    query->distinct_offset = parser->next->offset;
    if (parser_at_word(parser, KW_DISTINCT) || parser_at_word(parser, KW_ALL))
        query->distinct = parser->next++->keyword == KW_DISTINCT;
    code = parse_items(parser, query);
    return code == 0 ? parse_clauses(parser, query) : code;
}

int parser_run(const struct diag *diag, struct arena *arena, struct ast_query *query)
{
    struct token *tokens;
    int code = lexer_run(diag, arena, &tokens);
    if (code != 0)
        return code;
    struct parser parser = {.diag = diag, .arena = arena, .next = tokens};
    *query = (struct ast_query){0};
    return parse_query(&parser, query);
}
