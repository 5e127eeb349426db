/* aggregate.h: the aggregate functions: one table row each, and the accumulators behind them.
 *
 * An accumulator is `size` bytes inside a group's row, aligned to 8, that begin all zero. What does
 * not fit there hangs on it, allocated through state_heap, so that state has a true size.
 *
 * As in Spark, the rows of a batch are first folded into accumulators of the batch (update), which
 * are merged into those of the state when the batch is sealed: floating point results depend on it.
 */
#pragma once

#include "sql/expr.h"

struct binder;
struct aggregate;

enum { AGGREGATE_ARGS_MAX = 8 }; /* with parameters of their own */

/* Memory that accumulators hold besides their fixed bytes. */
struct state_heap {
    size_t bytes;
};

/* As malloc, realloc and free; sizes are the caller's to remember. NULL without memory. */
void *state_alloc(struct state_heap *heap, size_t size);
void *state_realloc(struct state_heap *heap, void *old, size_t old_size, size_t size);
void state_free(struct state_heap *heap, void *p, size_t size);
/* Room for one more item of `size` bytes in an array of `count`, which doubles when it is full.
 * NULL without memory: the array stays as it is. */
void *state_grow(struct state_heap *heap, void *items, uint32_t count, uint32_t *room, size_t size);

/* One aggregate of a query. */
struct aggregate_call {
    const struct aggregate *aggregate;
    struct str label; /* Spark's name of the call; or the call as written, for sql_query_explain */
    uint32_t arg_count;
    uint32_t hidden_count; /* constants behind the others, which the rule took: only in the name */
    uint32_t given_count;  /* as the query has them: equal ones make equal params */
    const char *shown;     /* Spark's name of the function where it is not as written, or NULL */
    const char *more;      /* what Spark adds to the name behind the arguments, or NULL */
    struct expr **args;    /* over the source's columns; none for count(*) */
    struct expr *filter;   /* FILTER (WHERE ...), or NULL */
    const struct type *result;
    bool ignore_nulls; /* first(x, true), first(x) IGNORE NULLS */
    size_t size;       /* of its accumulator, a multiple of 8 */
    const struct aggregate_ops *ops;
    const void *params; /* constants the ops want (percentages, accuracy); in the query's arena */
};

/* Bytes that state_encode wrote, to be read back. */
struct state_reader {
    const char *p, *end;
    bool failed; /* a read went past the end: the bytes are damaged */
};

struct aggregate_ops {
    /* Folds row i of the arguments (vectors of n rows, constants spread out) into the accumulator
     * at groups[i] + offset, for n <= BLOCK_ROWS_MAX rows; groups[i] NULL: the row is left out.
     * ERR_NOMEM; ERR_INVALID in err where Spark fails. */
    int (*update)(const struct aggregate_call *call, struct state_heap *heap, char *const *groups,
                  size_t offset, const struct vec *args, uint32_t n, struct err *err);
    /* Adds `from` to `into`; `from` is only read. */
    int (*merge)(const struct aggregate_call *call, struct state_heap *heap, void *into,
                 const void *from, struct err *err);
    /* out (uninitialised; of call->result, n rows) from the accumulators at groups[i] + offset. */
    int (*result)(const struct aggregate_call *call, char *const *groups, size_t offset, uint32_t n,
                  struct arena *arena, struct vec *out, struct err *err);
    /* Frees what hangs on it; NULL: nothing ever does. */
    void (*free)(const struct aggregate_call *call, struct state_heap *heap, void *acc);
    /* The accumulator as bytes and back (into all-zero memory; ERR_CORRUPT when the reader's
     * bytes are damaged, ERR_NOMEM). NULL: its fixed bytes as they are, which is right only
     * for those without pointers. The same accumulator always gives the same bytes. */
    void (*encode)(const struct aggregate_call *call, const void *acc, struct buf *out);
    int (*decode)(const struct aggregate_call *call, struct state_heap *heap,
                  struct state_reader *in, void *acc);
};

/* Types a call whose args[0..arg_count) are bound and converted (none for a star): sets result,
 * size, ops, params; may convert args further and take constants away from their end (arg_count
 * becomes less, hidden_count what it was less, or 0 where Spark does not show them). In Spark's
 * name for the call stand `shown`, the arguments, the hidden ones, and `more` (percentile_approx(x,
 * 0.5, 10000): ", 10000"). */
typedef int (*aggregate_rule)(struct binder *binder, uint32_t offset, struct aggregate_call *call);

struct aggregate {
    const char *name;                   /* lower case */
    const char *aliases;                /* other names, parted by spaces; or NULL */
    uint8_t args_min, args_max;         /* args_max 0: no limit */
    uint8_t params[AGGREGATE_ARGS_MAX]; /* enum function_param (catalogue.h); the last repeats */
    bool takes_star;                    /* count(*) */
    bool takes_nulls_clause;            /* IGNORE NULLS */
    aggregate_rule rule;
    const char *usage;
};

extern const struct aggregate aggregates[];
extern const size_t aggregate_count;

/* By name or alias, without regard to case; NULL: none. */
const struct aggregate *aggregate_find(struct str name);

/* Reading helpers for decode: 0 when there is not enough. */
uint8_t state_read_u8(struct state_reader *in);
uint32_t state_read_u32(struct state_reader *in);
uint64_t state_read_u64(struct state_reader *in);
/* A view of n bytes; p NULL when there are fewer. */
struct str state_read_bytes(struct state_reader *in, size_t n);
