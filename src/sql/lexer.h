/* lexer.h: a query's text cut into Spark 3.5's tokens (SqlBaseLexer.g4). */
#pragma once

#include "base/arena.h"
#include "sql/diag.h"

/* Words with a meaning in the grammar. None is reserved: where the grammar wants a name, any word
 * is one. */
/* clang-format off */
#define SQL_KEYWORDS(X) \
    X(ALL) X(AND) X(ANTI) X(ANY) X(ANY_VALUE) X(ARRAY) X(AS) X(BETWEEN) X(BOTH) X(BY) X(CASE) X(CAST) \
    X(CLUSTER) X(CROSS) X(CUBE) X(CURRENT_DATE) X(CURRENT_TIMESTAMP) X(CURRENT_USER) X(DATE) \
    X(DISTINCT) X(DISTRIBUTE) X(DIV) X(ELSE) X(END) X(ESCAPE) X(EXCEPT) X(EXISTS) X(EXTRACT) \
    X(FALSE) X(FILTER) X(FIRST) X(FOR) X(FROM) X(FULL) X(GROUP) X(GROUPING) X(HAVING) X(IGNORE) \
    X(ILIKE) X(IN) X(INNER) X(INTERSECT) X(INTERVAL) X(IS) X(JOIN) X(LAST) X(LATERAL) X(LEADING) \
    X(LEFT) X(LIKE) X(LIMIT) X(MINUS) X(NATURAL) X(NOT) X(NULL) X(NULLS) X(OFFSET) X(ON) X(OR) \
    X(ORDER) X(OVER) X(OVERLAY) X(PIVOT) X(PLACING) X(POSITION) X(REGEXP) X(RESPECT) X(RIGHT) \
    X(RLIKE) X(ROLLUP) X(SELECT) X(SEMI) X(SETS) X(SOME) X(SORT) X(STRUCT) X(SUBSTR) \
    X(SUBSTRING) X(TABLESAMPLE) X(THEN) X(TIMESTAMP) X(TIMESTAMP_LTZ) X(TIMESTAMP_NTZ) X(TO) \
    X(TRAILING) X(TRIM) X(TRUE) X(TRY_CAST) X(UNION) X(UNKNOWN) X(UNPIVOT) X(USING) X(VALUES) \
    X(WHEN) X(WHERE) X(WINDOW) X(WITH) X(WITHIN) X(X)
/* clang-format on */

enum keyword {
    KW_NONE,
#define X(word) KW_##word,
    SQL_KEYWORDS(X)
#undef X
        KW_COUNT
};

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,       /* a plain identifier or keyword */
    TOKEN_QUOTED,     /* `identifier` */
    TOKEN_STRING,     /* '...' or "..." with escapes, or r'...' */
    TOKEN_INTEGER,    /* 12 */
    TOKEN_DECIMAL,    /* 1.5 */
    TOKEN_EXPONENT,   /* 1e3 */
    TOKEN_TINYINT,    /* 1Y */
    TOKEN_SMALLINT,   /* 1S */
    TOKEN_BIGINT,     /* 1L */
    TOKEN_FLOAT,      /* 1F */
    TOKEN_DOUBLE,     /* 1D */
    TOKEN_BIGDECIMAL, /* 1BD */
    TOKEN_OPERATOR,   /* one of enum operator, in `op` */
};

enum operator_token {
    OP_NONE,
    OP_EQ,
    OP_NSEQ,
    OP_NEQ,
    OP_LT,
    OP_LTE,
    OP_GT,
    OP_GTE,
    OP_PLUS,
    OP_MINUS,
    OP_STAR,
    OP_SLASH,
    OP_PERCENT,
    OP_DIV,
    OP_TILDE,
    OP_AND,
    OP_PIPE,
    OP_CONCAT,
    OP_HAT,
    OP_BANG,
    OP_COLON,
    OP_DOUBLE_COLON,
    OP_ARROW,
    OP_FAT_ARROW,
    OP_QUESTION,
    OP_OPEN,
    OP_CLOSE,
    OP_OPEN_BRACKET,
    OP_CLOSE_BRACKET,
    OP_COMMA,
    OP_DOT,
    OP_SEMICOLON,
};

struct token {
    uint8_t kind;    /* enum token_kind */
    uint8_t op;      /* TOKEN_OPERATOR: enum operator_token */
    uint8_t keyword; /* TOKEN_WORD: enum keyword */
    uint32_t offset; /* of the first byte */
    uint32_t length; /* bytes, with quotes and suffix */
};

/* Fills *tokens (in the arena), the last of them TOKEN_END. Fails with ERR_INVALID,
 * ERR_UNSUPPORTED (hints) or ERR_NOMEM in diag. */
int lexer_run(const struct diag *diag, struct arena *arena, struct token **tokens) MUST_CHECK;

/* The value of a TOKEN_STRING, appended to out: escapes replaced as in Spark's
 * ParserUtils.unescapeSQLString. */
int lexer_unescape(const struct diag *diag, struct token token, struct buf *out) MUST_CHECK;

static inline struct str token_text(const struct diag *diag, struct token token)
{
    return (struct str){diag->text.p + token.offset, token.length};
}

static inline bool token_is_number(struct token token)
{
    return token.kind >= TOKEN_INTEGER && token.kind <= TOKEN_BIGDECIMAL;
}
