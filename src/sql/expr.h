/* expr.h: a typed expression: what the binder makes of an ast and the evaluator runs. */
#pragma once

#include "base/err.h"
#include "sql/query.h"

struct eval;
struct expr;

/* The result of an expression over the current rows. */
struct value {
    struct vec vec;    /* constant: one row */
    bool constant;     /* every row has the value of row 0 */
    bool valid_shared; /* the bitmap belongs to somebody else: copy before writing */
};

/* Computes one expression from its arguments' values. `out` is prepared: its vector has the type
 * and the rows (one when all arguments are constant), and for strict expressions the bitmap already
 * joins those of the arguments. Returns 0, ERR_NOMEM, or ERR_INVALID in eval->err. */
typedef int (*kernel_fn)(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out);

enum expr_op {
    EXPR_CONST,
    EXPR_COLUMN,
    EXPR_CALL,
    EXPR_AGGREGATE, /* only while binding: becomes a column of the groups; args: its arguments */
    EXPR_WINDOW,    /* only while binding: window() or session_window() of args[0] */
};

/* How Spark writes the expression when it names a column after it. */
enum expr_form {
    FORM_LABEL,   /* the label: columns, literals */
    FORM_CALL,    /* label(a, b) */
    FORM_INFIX,   /* (a label b) */
    FORM_PREFIX,  /* (label a) */
    FORM_TILDE,   /* ~a */
    FORM_POSTFIX, /* (a label): IS NULL */
    FORM_IN,      /* (a IN (b, c)) */
    FORM_IF,      /* (IF(a, b, c)) */
    FORM_CASE,    /* CASE WHEN a THEN b ELSE c END */
    FORM_CAST,    /* CAST(a AS type); label CAST or TRY_CAST */
    FORM_HIDDEN,  /* a: conversions nobody wrote */
    FORM_TEXT,    /* the label, of a call */
};

/* What is somewhere below an expression. */
enum expr_trait {
    TRAIT_COLUMN = 1,
    TRAIT_EVENT_TIME = 2, /* the watermarked column */
    TRAIT_WINDOW = 4,
    TRAIT_CALCULATED = 8,  /* an aggregate */
    TRAIT_BATCH_TIME = 16, /* the batch's timestamp, which Spark's optimizer takes for uncertain */
    TRAIT_AGGREGATE = TRAIT_WINDOW | TRAIT_CALCULATED, /* either: not a value of one row */
};

struct expr {
    uint8_t op;     /* enum expr_op */
    uint8_t form;   /* enum expr_form */
    bool strict;    /* NULL when any argument is */
    bool loose;     /* strict, but nothing is inferred from its value: not Spark's NullIntolerant */
    bool volatile_; /* differs between batches: not folded */
    uint8_t traits; /* enum expr_trait */
    bool folded;    /* constant parts below have been computed */
    const struct type *type;
    uint32_t offset; /* in the query's text */
    uint32_t column; /* EXPR_COLUMN: index in the scope */
    uint32_t memo;   /* used more than once: slot + 1 of the value kept during a run; else 0 */
    uint32_t arg_count;
    struct expr **args;
    kernel_fn kernel;      /* EXPR_CALL; NULL: the value of args[0], perhaps under another type */
    kernel_fn compare;     /* IN and NULLIF: equality of two arguments; try_*: what may fail */
    void *prepared;        /* the kernel's own: a compiled pattern, a parsed format; binder_own */
    struct value constant; /* EXPR_CONST */
    struct str label;
    uint64_t hash;           /* expr_equal's own: equal for equal expressions; 0: not computed */
    bool hash_folded;        /* `folded` when it was */
    const struct expr *twin; /* one it was found equal to */
    struct expr *simpler;    /* condition_simplify's own: what it became; */
    struct expr *decided;    /* the same, where NULL is as good as false */
    uint32_t walk;           /* conjuncts_flatten's own: the last that met it */
};

/* Appends Spark's name for it; behind EXPR_NAME_MAX bytes it ends somewhere: what is used twice
 * below is written twice, and may be endless. */
enum { EXPR_NAME_MAX = 65536 };
void expr_print(const struct expr *expr, struct buf *out);
