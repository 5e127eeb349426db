/* parser_impl.h: what the files of the parser share. */
#pragma once

#include "sql/parser.h"

struct parser {
    const struct diag *diag;
    struct arena *arena;
    const struct token *next; /* the next token */
    uint32_t depth;           /* of nested calls */
    uint32_t type_depth;      /* of nested types */
    uint32_t case_depth;      /* inside so many CASE ... END: END is no column there */
};

/* A list under construction; the items live in the arena. */
struct ast_list {
    struct ast **items;
    uint32_t count, capacity;
};

int parser_expr(struct parser *parser, struct ast **out) MUST_CHECK;
/* Without AND, OR, NOT and predicates: Spark's valueExpression. */
int parser_value(struct parser *parser, struct ast **out) MUST_CHECK;
int parser_primary(struct parser *parser, struct ast **out) MUST_CHECK;
/* After an operand: BETWEEN, IN, LIKE, IS ..., or nothing. */
int parser_predicate(struct parser *parser, struct ast **value) MUST_CHECK;
int parser_call(struct parser *parser, struct ast *name, struct ast **out) MUST_CHECK;
/* The rest of (a AS x, b, ...) behind its first value, or of struct( when that is NULL. */
int parser_row(struct parser *parser, uint32_t offset, struct ast *first,
               struct ast **out) MUST_CHECK;
/* CASE, CAST, EXTRACT, TRIM and so on: *out stays NULL when the next word starts none of them. */
int parser_special(struct parser *parser, struct ast **out) MUST_CHECK;
/* The first argument of a call whose name has forms with words between the arguments
 * (SUBSTRING, TRIM, POSITION, OVERLAY, FIRST, LAST, ANY_VALUE), and what belongs to the form. */
int parser_first_argument(struct parser *parser, enum keyword name, struct ast *call,
                          struct ast_list *args) MUST_CHECK;
int parser_literal(struct parser *parser, struct ast **out) MUST_CHECK;
int parser_number(struct parser *parser, bool negative, uint32_t offset,
                  struct ast **out) MUST_CHECK;
int parser_type(struct parser *parser, const struct type **out) MUST_CHECK;
/* An INTERVAL literal; *out stays NULL where INTERVAL is a plain name. */
int parser_interval(struct parser *parser, struct ast **out) MUST_CHECK;
/* What may follow the word INTERVAL of a type. */
int parser_interval_type(struct parser *parser, const struct type **out) MUST_CHECK;
/* The unit of DATEADD(unit, n, d) and its siblings becomes a string. */
int parser_unit_call(struct parser *parser, struct ast *call) MUST_CHECK;
/* The rest of a type behind STRUCT or ARRAY. */
int parser_nested_type(struct parser *parser, bool array, const struct type **out) MUST_CHECK;
/* A name: any word, or one in backquotes. `what` completes "expected ". */
int parser_name(struct parser *parser, const char *what, struct ast_part *out) MUST_CHECK;
/* One or more string literals, joined. */
int parser_string(struct parser *parser, struct str *out) MUST_CHECK;

/* A node with room for its arguments (all NULL); NULL without memory. */
struct ast *parser_node(struct parser *parser, enum ast_kind kind, uint32_t offset,
                        uint32_t arg_count);
/* Sets args and depth; fails when the tree gets too deep. */
int parser_finish(struct parser *parser, struct ast *node) MUST_CHECK;
int parser_push(struct parser *parser, struct ast_list *list, struct ast *item) MUST_CHECK;

/* "expected WHAT, found TOKEN" at the next token. */
int parser_expected(struct parser *parser, const char *what);
int parser_unsupported(struct parser *parser, uint32_t offset, const char *what);
int parser_expect_op(struct parser *parser, enum operator_token op, const char *what) MUST_CHECK;
int parser_expect_word(struct parser *parser, enum keyword keyword, const char *what) MUST_CHECK;

static inline bool parser_at_op(const struct parser *parser, enum operator_token op)
{
    return parser->next->kind == TOKEN_OPERATOR && parser->next->op == op;
}

static inline bool parser_at_word(const struct parser *parser, enum keyword keyword)
{
    return parser->next->kind == TOKEN_WORD && parser->next->keyword == keyword;
}

static inline bool parser_take_op(struct parser *parser, enum operator_token op)
{
    bool at = parser_at_op(parser, op);
    parser->next += at;
    return at;
}

static inline bool parser_take_word(struct parser *parser, enum keyword keyword)
{
    bool at = parser_at_word(parser, keyword);
    parser->next += at;
    return at;
}
