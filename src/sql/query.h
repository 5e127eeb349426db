/* query.h: a Spark SQL query bound to a schema, ready to run over blocks. The stages are lexer.h →
 * parser.h (ast.h) → binder.h → eval.h; this is the door the rest of sluice uses. Pure. */
#pragma once

#include "base/err.h"
#include "vec/vec.h"

/* Where in the query's text a problem is. */
struct sql_error {
    int code;        /* ERR_INVALID, ERR_UNSUPPORTED, ERR_NOMEM */
    uint32_t offset; /* byte offset into the text */
    uint32_t line;   /* from 1, inside the text */
    uint32_t column; /* from 1, in code points */
    char message[500];
};

/* All that is wrong with a query, in the caller's memory. */
struct sql_errors {
    struct sql_error *items; /* in the order they were found */
    uint32_t capacity;       /* of items, at least one */
    uint32_t count;          /* found: those past the capacity are only counted */
};

/* What a query can name. Hidden columns are those `SELECT *` leaves out (Kafka metadata). */
struct sql_column {
    struct str name;
    const struct type *type;
    bool hidden;
};

struct sql_scope {
    struct str view; /* the only relation there is: FROM <view>; matched without case */
    const struct sql_column *columns;
    uint32_t count;
    /* The watermarked column, or -1. Conditions that do not name it act before the watermark,
     * unless `hold_conditions` (dedup stands in between). */
    int event_time;
    bool hold_conditions;
};

struct sql_query;
struct aggregate_call;

enum sql_window { SQL_WINDOW_NONE, SQL_WINDOW_TIME, SQL_WINDOW_SESSION };

/* How an aggregating query groups. A group's values are [window STRUCT<start, end>] keys...,
 * aggregates..., in this order. */
struct sql_grouping {
    enum sql_window window;
    int64_t size_us, slide_us, start_us; /* SQL_WINDOW_TIME: slide <= size, 0 <= start < slide */
    uint32_t key_count;                  /* besides the window */
    const struct type *const *key_types; /* no ARRAY inside */
    uint32_t varying_key_count;          /* of these, the ones that are no constants */
    int event_key;                       /* the key that is the watermarked column itself, or -1 */
    bool watermarked; /* windows, sessions or the event key close by the watermark */
    uint32_t aggregate_count;
    const struct aggregate_call *aggregates; /* aggregate.h */
    const struct type *group_schema;         /* STRUCT of a group's values, with Spark's names */
};

/* Parses and binds. The query keeps nothing of `text` and `scope`. On failure `errors` has the
 * first problem of the syntax, or every one of the names and types; returns the code of one,
 * ERR_NOMEM before all. Names resolve without regard to case, as in Spark. */
int sql_query_create(struct sql_query **out, struct str text, const struct sql_scope *scope,
                     struct sql_errors *errors) MUST_CHECK;
/* The same for the syntax alone, where it is not known what there is to name. */
int sql_query_check_syntax(struct str text, struct sql_errors *errors) MUST_CHECK;
void sql_query_destroy(struct sql_query *query);

/* The rows it gives: a STRUCT of the select list, with Spark's names for unnamed expressions. */
const struct type *sql_query_schema(const struct sql_query *query);

/* Whether a column of the scope is read at all: those that are not need no decoding. */
bool sql_query_uses(const struct sql_query *query, uint32_t column);

/* NULL: the query has no aggregates and keeps no state. */
const struct sql_grouping *sql_query_grouping(const struct sql_query *query);

/* How many rows one row becomes at most, in sql_run_items and sql_run_inputs. */
uint32_t sql_query_fanout(const struct sql_query *query);

/* Where a problem with the grouping is shown: GROUP BY, DISTINCT or the first item. */
uint32_t sql_query_group_offset(const struct sql_query *query);

/* Line and column (both from 1, columns in code points) of a byte of the text. */
void sql_place(struct str text, uint32_t offset, uint32_t *line, uint32_t *column);

/* Appends, for `validate`, what a query that is known to be valid does: the conditions before and
 * after the watermark, the keys, the aggregates, the conditions on groups, as SQL; one "what: text"
 * line each, long expressions cut. ERR_NOMEM. */
int sql_query_explain(struct str text, const struct sql_scope *scope, struct buf *out) MUST_CHECK;

/* Appends, of an aggregating query that is known to be valid, what its state is made of: its
 * window, keys and aggregates with their types, a line each. Conditions on rows and groups and the
 * order and names of the select list are not in it. ERR_NOMEM. */
int sql_query_fingerprint(struct str text, const struct sql_scope *scope,
                          struct buf *out) MUST_CHECK;

/* Per-batch values an expression may ask for. */
struct sql_batch_context {
    int64_t batch_timestamp_us; /* current_timestamp() */
};

/* One run of a query over one block: the stages below in this order, each over the rows the one
 * before left. The columns of `in` are the scope's in order (those not used may be all zero).
 * Memory is in `arena`; strings may be views into the input. All stages fail with ERR_NOMEM, or
 * ERR_INVALID where Spark raises a run-time error. */
struct sql_run {
    struct sql_query *query;
    const struct sql_batch_context *context;
    struct arena *arena;
    struct err *err;
    const struct block *in;
    uint32_t rows; /* that are left */
    const uint32_t
        *picks; /* their places in `in`, ascending, repeated in their windows; NULL: all */
    /* After sql_run_inputs, per row, which of its windows it stands for, counted back from the last
     * one; NULL: it stands for all of them. */
    const uint32_t *windows;
    void *eval; /* the evaluator's own */
};

int sql_run_begin(struct sql_run *run, struct sql_query *query, const struct block *in,
                  const struct sql_batch_context *context, struct arena *arena,
                  struct err *err) MUST_CHECK;
/* Conditions that act before the watermark. */
int sql_run_early(struct sql_run *run) MUST_CHECK;
/* Keeps only some of the rows that are left: n ascending indexes below run->rows. */
int sql_run_keep(struct sql_run *run, const uint32_t *kept, uint32_t n) MUST_CHECK;
/* The other conditions on rows. */
int sql_run_late(struct sql_run *run) MUST_CHECK;
/* Without aggregates: the select list. */
int sql_run_items(struct sql_run *run, struct block *out) MUST_CHECK;
/* With aggregates: what state folds. Columns: [window's time TIMESTAMP] [session's end TIMESTAMP]
 * keys..., then for every aggregate its arguments and, if it has one, its filter (BOOLEAN). Rows
 * are repeated per window where aggregates name it. */
int sql_run_inputs(struct sql_run *run, struct block *out) MUST_CHECK;

/* From groups (blocks of group_schema's fields) to rows: HAVING and the select list. */
int sql_query_outputs(struct sql_query *query, const struct block *groups,
                      const struct sql_batch_context *context, struct arena *arena,
                      struct block *out, struct err *err) MUST_CHECK;
