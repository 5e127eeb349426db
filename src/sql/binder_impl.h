/* binder_impl.h: what the files of the binder share. */
#pragma once

#include "sql/binder.h"
#include "sql/catalogue.h"
#include "sql/kernels.h"
#include "sql/types.h"

struct binder {
    const struct diag *diag;
    struct arena *arena;
    const struct sql_scope *scope;
    struct str relation; /* the name that qualifies columns: the alias, or the view */
    bool *used;
    uint32_t memo_count;
    /* Select items so far: later ones may name their aliases. In WHERE there are none. */
    const struct ast_item *aliases;
    struct expr **items;
    uint32_t alias_count;
    uint32_t item_count; /* all of them, for messages */
};

int bind_expr(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_name(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_literal(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_call(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_explicit_cast(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;

/* left OP right with conversions; op: OP_EQ, OP_NSEQ, OP_NEQ, OP_LT, OP_LTE, OP_GT, OP_GTE. */
int bind_comparison(struct binder *binder, uint32_t offset, enum operator_token op,
                    struct expr *left, struct expr *right, struct expr **out) MUST_CHECK;
int bind_arithmetic(struct binder *binder, uint32_t offset, enum operator_token op,
                    struct expr *left, struct expr *right, struct expr **out) MUST_CHECK;
int bind_unary(struct binder *binder, uint32_t offset, enum operator_token op, struct expr *arg,
               struct expr **out) MUST_CHECK;
/* Arguments: when, then, ..., [else]; name: "CASE", or the function it stands for. */
int bind_case(struct binder *binder, uint32_t offset, struct expr **args, uint32_t count,
              const char *name, struct expr **out) MUST_CHECK;
int bind_not(struct binder *binder, uint32_t offset, struct expr *arg,
             struct expr **out) MUST_CHECK;

/* A call of a kernel; the arguments are copied. NULL, with the error set, without memory. */
struct expr *binder_call(struct binder *binder, uint32_t offset, const struct type *type,
                         kernel_fn kernel, struct expr *const *args, uint32_t count);
/* A constant of one row; NULL, with the error set, without memory. */
struct expr *binder_constant(struct binder *binder, uint32_t offset, const struct type *type,
                             const void *value, struct str label);
struct expr *binder_null(struct binder *binder, uint32_t offset, const struct type *type);

/* Converts an argument as Spark's implicit casts do; *expr is replaced when it has another type. */
int binder_convert(struct binder *binder, struct expr **expr, const struct type *type) MUST_CHECK;
/* The same for all arguments of a call. */
int binder_convert_all(struct binder *binder, struct expr **args, uint32_t count,
                       const struct type *type) MUST_CHECK;
/* Makes sure an expression that is used in several places is computed once. */
void binder_share(struct binder *binder, struct expr *expr);
/* Fails for DECIMAL, STRUCT and ARRAY, which are not built yet. */
int binder_check_built(struct binder *binder, const struct type *type, uint32_t offset) MUST_CHECK;
/* A condition: BOOLEAN, or a NULL where Spark takes one. `what` begins the message. */
int binder_boolean(struct binder *binder, struct expr **expr, bool null_ok,
                   const char *what) MUST_CHECK;
/* "WHAT mixes TYPE and TYPE": the first of n types that does not fit those before. */
int binder_no_common(struct binder *binder, uint32_t offset, const char *what,
                     const struct type *const *types, uint32_t n);
/* "cannot WHAT TYPE and TYPE" at the operator. */
int binder_mismatch(struct binder *binder, uint32_t offset, const char *what,
                    const struct expr *left, const struct expr *right);
