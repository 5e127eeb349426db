/* binder_impl.h: what the files of the binder share. */
#pragma once

#include "sql/aggregate.h"
#include "sql/binder.h"
#include "sql/catalogue.h"
#include "sql/condition.h"
#include "sql/kernels.h"
#include "sql/name_index.h"
#include "sql/types.h"
#include "sql/window.h"

/* A node of the ast that is being bound. */
struct bind_frame {
    const struct ast *ast;
    uint32_t next; /* the first of its parts that bind_expr has not seen */
};

struct binder {
    const struct diag *diag;
    struct bind_frame *frame; /* the innermost; NULL: none */
    struct arena *arena;
    const struct sql_scope *scope;
    struct str relation;            /* the name that qualifies columns: the alias, or the view */
    struct name_index column_names; /* of the scope */
    struct name_index alias_names;  /* of the select items */
    bool *used;
    bool as_text; /* labels are SQL text, not Spark's names */
    uint32_t memo_count;
    uint32_t walk;             /* conjuncts_flatten: how many there were */
    struct bound_query *bound; /* what is being made */
    /* Select items so far: later ones may name their aliases. In WHERE there are none. */
    const struct ast_item *aliases;
    struct expr **items; /* NULL: one that failed */
    uint32_t alias_count;
    uint32_t item_count; /* all of them, for messages */
    /* Aggregates: where they may not stand, this names the place ("WHERE"). */
    const char *no_aggregates;
    struct aggregate_call *aggregates;
    uint32_t aggregate_count, aggregate_capacity;
    struct hash_index aggregate_hashes;
    struct expr **groups; /* of GROUP BY, over the scope's columns */
    uint32_t group_count;
    struct hash_index group_hashes;
    bool window_by_bound; /* GROUP BY window(...).start: closes by no watermark */
    bool *prefer_alias;   /* HAVING: per column of the scope: its name means a select item */
    struct expr *where;   /* or NULL */
    uint32_t simplified;  /* expressions that condition_simplify has looked at */
    struct conjuncts early, late; /* terms before and after the watermark */
    struct conjuncts grouped;     /* terms on groups, still over the scope's columns */
    /* After a failure, what hangs on it is not reported on its own. */
    bool groups_lost; /* of GROUP BY: what is grouped is not known */
    bool window_lost; /* of window() or session_window(): nor is whether there is one */
};

/* A column of the scope. */
struct expr *binder_column(struct binder *binder, uint32_t column, uint32_t offset,
                           struct str label);

/* An expression that fails has said why, once, and so have the others in it that can be judged
 * without it. What stands above fails with it and says nothing. */
int bind_expr(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_name(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_literal(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_call(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_interval(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_like(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
/* a.b, a[b] and (a, b) of expressions. */
int bind_field(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
/* value.field of a STRUCT (or of the structs in an ARRAY). */
int bind_field_of(struct binder *binder, struct expr *value, const struct ast_part *field,
                  struct expr **out) MUST_CHECK;
/* The same by the field's place in a STRUCT, under the name it was asked for. */
int bind_field_at(struct binder *binder, struct expr *value, uint32_t index, struct str name,
                  uint32_t offset, struct expr **out) MUST_CHECK;
/* Whether a column of the scope has this name. */
bool binder_has_column(const struct binder *binder, struct str name);
/* Whether it is value.field. */
bool bind_is_field(const struct expr *expr);
int bind_index(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
int bind_row(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
/* Arithmetic with a DATE, a TIMESTAMP or an interval on one side. *out stays NULL when it is none
 * of these. */
int bind_time_arithmetic(struct binder *binder, uint32_t offset, enum operator_token op,
                         struct expr *left, struct expr *right, struct expr **out) MUST_CHECK;
int bind_explicit_cast(struct binder *binder, const struct ast *ast, struct expr **out) MUST_CHECK;
/* value as another type, written as CAST(value AS type): form and label are the caller's. `exact`:
 * as TRY_CAST. */
int binder_cast(struct binder *binder, uint32_t offset, struct expr *value, const struct type *to,
                bool exact, struct expr **out) MUST_CHECK;
/* The same where one of the two is a STRUCT or an ARRAY (bind_nested.c), or an interval
 * (bind_interval.c), explicit or implicit. *out stays NULL where Spark has no such cast. */
int bind_nested_cast(struct binder *binder, uint32_t offset, struct expr *value,
                     const struct type *to, bool exact, struct expr **out) MUST_CHECK;
int bind_interval_cast(struct binder *binder, uint32_t offset, struct expr *value,
                       const struct type *to, bool exact, struct expr **out) MUST_CHECK;
/* Whether a type is an interval or holds one in its parts; `mixed`: only those without an order,
 * of type INTERVAL. */
bool binder_has_interval(const struct type *type, bool mixed);
/* Fails for ARRAYs and STRUCTs of intervals. */
int binder_check_parts(struct binder *binder, const struct type *type, uint32_t offset) MUST_CHECK;
/* A literal as the query has it that is no NULL: not what folding or a conversion made. */
bool binder_is_literal(const struct expr *expr);
/* Two operands of which at least one is a DECIMAL, the other an integer, DECIMAL or NULL: each
 * becomes the DECIMAL that Spark computes with. False: they are something else. */
bool binder_are_decimal(const struct expr *left, const struct expr *right);
int binder_decimal_operands(struct binder *binder, struct expr **left,
                            struct expr **right) MUST_CHECK;

/* bind_aggregate.c: a call of an aggregate function. */
int bind_aggregate(struct binder *binder, const struct ast *ast, const struct aggregate *aggregate,
                   struct expr **out) MUST_CHECK;
/* Whether an aggregate function is called anywhere in it. */
bool ast_has_aggregate(const struct ast *ast);

/* bind_window.c: window() and session_window(). */
int bind_window(struct binder *binder, const struct ast *ast, bool session,
                struct expr **out) MUST_CHECK;
/* Takes the windows below an expression as the query's row_window; ERR_INVALID for two. */
int binder_row_windows(struct binder *binder, struct expr *expr) MUST_CHECK;
/* The names that GROUP BY window(...) makes: *out stays NULL when the part is none. */
int bind_window_name(struct binder *binder, const struct ast_part *part,
                     struct expr **out) MUST_CHECK;

/* bind_group.c: a query with GROUP BY, aggregates, HAVING or DISTINCT, once its items are bound. */
int bind_groups(struct binder *binder, const struct ast_query *query) MUST_CHECK;
/* Whether it is what a row is grouped by. */
bool binder_is_key(const struct binder *binder, const struct expr *expr);
int bind_grouping(struct binder *binder, const struct ast_query *query, struct expr **items,
                  uint32_t item_count) MUST_CHECK;

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
/* left AND right, or left OR right. */
int bind_logic(struct binder *binder, uint32_t offset, bool and, struct expr *left,
               struct expr *right, struct expr **out) MUST_CHECK;
/* arg IS NULL, or IS NOT NULL. */
int bind_null_test(struct binder *binder, uint32_t offset, bool negated, struct expr *arg,
                   struct expr **out) MUST_CHECK;

/* A call of a kernel; the arguments are copied. NULL, with the error set, without memory. */
struct expr *binder_call(struct binder *binder, uint32_t offset, const struct type *type,
                         kernel_fn kernel, struct expr *const *args, uint32_t count);
/* A constant of one row; NULL, with the error set, without memory. */
struct expr *binder_constant(struct binder *binder, uint32_t offset, const struct type *type,
                             const void *value, struct str label);
struct expr *binder_null(struct binder *binder, uint32_t offset, const struct type *type);

/* (left SYMBOL right). */
struct str binder_symbol(enum operator_token op);
int binder_infix(struct binder *binder, uint32_t offset, struct str symbol, const struct type *type,
                 kernel_fn kernel, struct expr *left, struct expr *right,
                 struct expr **out) MUST_CHECK;

/* Converts an argument as Spark's implicit casts do; *expr is replaced when it has another type. */
int binder_convert(struct binder *binder, struct expr **expr, const struct type *type) MUST_CHECK;
/* The same for all arguments of a call. */
int binder_convert_all(struct binder *binder, struct expr **args, uint32_t count,
                       const struct type *type) MUST_CHECK;
/* Whether n types differ in the names of fields at most: IN takes such rows. */
bool binder_same_shape(const struct type *const *types, uint32_t n);
/* Gives an expression a name of its own, and frees it. */
int binder_label(struct binder *binder, struct expr *expr, struct buf *label) MUST_CHECK;
/* Makes sure an expression that is used in several places is computed once. */
void binder_share(struct binder *binder, struct expr *expr);
/* Converts argument i of the function `name` to what its parameter takes. */
int binder_param(struct binder *binder, const char *name, uint32_t i, enum function_param param,
                 struct expr **arg) MUST_CHECK;
/* A condition: BOOLEAN, or a NULL where Spark takes one. `what` begins the message. */
int binder_boolean(struct binder *binder, struct expr **expr, bool null_ok,
                   const char *what) MUST_CHECK;
/* "WHAT mixes TYPE and TYPE": the first of n types that does not fit those before. */
int binder_no_common(struct binder *binder, uint32_t offset, const char *what,
                     const struct type *const *types, uint32_t n);
/* "cannot WHAT TYPE and TYPE" at the operator. */
int binder_mismatch(struct binder *binder, uint32_t offset, const char *what,
                    const struct expr *left, const struct expr *right);

/* Frees `object` with the query, also when binding fails later; on failure frees it at once. */
int binder_own(struct binder *binder, void *object, void (*free_object)(void *)) MUST_CHECK;
/* Folds the expression. *value is its one value when it is constant (perhaps a NULL), else NULL. */
int binder_constant_value(struct binder *binder, struct expr *expr,
                          const struct value **value) MUST_CHECK;
/* Folds the expression and says whether it is a NULL, which a call that is NULL with it asks before
 * it refuses what its other arguments are. */
int binder_is_null(struct binder *binder, struct expr *expr, bool *null) MUST_CHECK;
