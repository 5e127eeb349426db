/* ast.h: a parsed query, before names and types are known. Everything lives in one arena. */
#pragma once

#include "sql/lexer.h"
#include "vec/type.h"

enum ast_kind {
    AST_NULL,
    AST_BOOLEAN,  /* flag: its value */
    AST_STRING,   /* text: the value */
    AST_NUMBER,   /* op: enum token_kind; text: sign and digits without suffix */
    AST_TYPED,    /* op: keyword (DATE, TIMESTAMP, X); text: the string's value */
    AST_INTERVAL, /* parts: value, unit, ... ; flag: value, first, last unit; or the value alone */
    AST_NAME,     /* parts */
    AST_STAR,     /* parts: the qualifier, if any */
    AST_UNARY,    /* op: enum operator_token */
    AST_BINARY,   /* op: enum operator_token */
    AST_NOT,
    AST_AND,
    AST_OR,
    AST_IS_NULL,     /* flag: IS NOT NULL */
    AST_IS_BOOLEAN,  /* op: KW_TRUE, KW_FALSE or KW_UNKNOWN; flag: NOT */
    AST_IS_DISTINCT, /* flag: IS NOT DISTINCT FROM */
    AST_IN,          /* args: value, list...; flag: NOT */
    AST_BETWEEN,     /* args: value, low, high; flag: NOT */
    AST_LIKE,        /* op: KW_LIKE, KW_ILIKE or KW_RLIKE; args: value, pattern; flag: NOT;
                        text: the ESCAPE character */
    AST_LIKE_LIST,   /* the same with args: value, patterns...; text: ANY or ALL */
    AST_CASE,        /* args: [value,] when, then, ..., [else]; flag: has value; op: has else */
    AST_CAST,        /* type; flag: TRY_CAST */
    AST_CALL,        /* parts: the name; args; and `call` */
    AST_FIELD,       /* text: the field's name */
    AST_INDEX,       /* args: value, index */
    AST_ROW,         /* (a, b AS c); parts: the aliases, p NULL for none; flag: written struct() */
};

struct ast_part {
    struct str text;
    uint32_t offset;
};

/* Clauses of a call. */
struct ast_call {
    bool distinct;
    bool star; /* count(*) */
    bool ignore_nulls;
    struct ast *filter;     /* FILTER (WHERE ...), or NULL */
    uint32_t clause_offset; /* of DISTINCT, FILTER or IGNORE, for messages */
};

struct ast {
    uint8_t kind; /* enum ast_kind */
    uint8_t op;
    bool flag;
    uint16_t depth;  /* of the tree below, for the limit on nesting */
    uint32_t offset; /* of the token that errors point at */
    uint32_t start;  /* of the first token */
    uint32_t part_count, arg_count;
    struct str text;
    struct ast_part *parts;
    struct ast **args;
    const struct type *type;
    struct ast_call *call;
};

struct ast_item {
    struct ast *expr;
    struct str alias; /* p == NULL: none */
};

struct ast_query {
    bool distinct;
    uint32_t distinct_offset, group_offset, having_offset;
    struct ast_item *items;
    uint32_t item_count;
    struct ast_part relation;
    struct str relation_alias; /* p == NULL: none */
    struct ast *where;         /* or NULL */
    struct ast **groups;
    uint32_t group_count;
    struct ast *having; /* or NULL */
};
