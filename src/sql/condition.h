/* condition.h: conditions as lists of terms, and what Spark's optimizer makes of them. Functions
 * that fail have set the binder's error. */
#pragma once

#include "sql/expr.h"

struct binder;

struct conjuncts {
    struct expr **items;
    uint32_t count, capacity;
};

/* conjunct.c: conditions as lists of terms. */
/* Without conversions between equal types and references to aliases, which have no kernel. */
struct expr *expr_strip(const struct expr *expr);
bool expr_is_call(const struct expr *expr, kernel_fn kernel);
/* The same call of other arguments; NULL, with the error set, without memory. */
struct expr *expr_with_args(struct binder *binder, const struct expr *expr,
                            struct expr *const *args, uint32_t count);
int conjuncts_add(struct binder *binder, struct conjuncts *list, struct expr *term) MUST_CHECK;
/* Adds the terms of a tree of ANDs (or of ORs), left to right. */
int conjuncts_flatten(struct binder *binder, struct expr *expr, bool and,
                      struct conjuncts *out) MUST_CHECK;
/* *out = the AND (or the OR) of the terms; NULL when there are none. */
int conjuncts_reduce(struct binder *binder, const struct conjuncts *terms, bool and,
                     struct expr **out) MUST_CHECK;
bool conjuncts_contain(const struct conjuncts *list, const struct expr *term);
/* Adds the terms of `from` that are in `other` (or are not). */
int conjuncts_select(struct binder *binder, const struct conjuncts *from,
                     const struct conjuncts *other, bool in, struct conjuncts *out) MUST_CHECK;
/* Same value for every row, as far as can be seen: Spark's semanticEquals. */
bool expr_equal(const struct expr *a, const struct expr *b);
/* Equal for equal expressions. */
uint64_t expr_hash(const struct expr *expr);

/* simplify.c: one step of simplifying a condition, true for the same rows afterwards. */
int condition_simplify(struct binder *binder, struct expr *condition, struct expr **out) MUST_CHECK;

/* infer.c: what follows from terms that are true. `groups`: they are of HAVING.
 * Adds the columns, keys and fields of these that are not NULL then. */
int infer_not_null(struct binder *binder, bool groups, const struct conjuncts *terms,
                   struct conjuncts *out) MUST_CHECK;
/* Adds the terms with one side of an equality in the place of the other. */
int infer_equal(struct binder *binder, bool groups, const struct conjuncts *terms,
                struct conjuncts *out) MUST_CHECK;
/* The condition with constants in comparisons of what equals them. */
int infer_constants(struct binder *binder, bool groups, struct expr *condition,
                    struct expr **out) MUST_CHECK;

/* pushdown.c: puts the terms of WHERE (binder->where) and HAVING where they act: binder->early,
 * late and grouped. `window`: of the query, or NULL; having: over the scope's columns, or NULL. */
int binder_push_conditions(struct binder *binder, const struct expr *window,
                           struct expr *having) MUST_CHECK;
