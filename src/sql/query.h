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
};

struct sql_query;

/* Parses and binds. The query keeps nothing of `text` and `scope`. On failure returns error->code.
 * Names resolve without regard to case, as in Spark. */
int sql_query_create(struct sql_query **out, struct str text, const struct sql_scope *scope,
                     struct sql_error *error) MUST_CHECK;
void sql_query_destroy(struct sql_query *query);

/* The rows it gives: a STRUCT of the select list, with Spark's names for unnamed expressions. */
const struct type *sql_query_schema(const struct sql_query *query);

/* Whether a column of the scope is read at all: those that are not need no decoding. */
bool sql_query_uses(const struct sql_query *query, uint32_t column);

/* Per-batch values an expression may ask for. */
struct sql_batch_context {
    int64_t batch_timestamp_us; /* current_timestamp() */
};

/* Runs WHERE and the select list over one block, whose columns are the scope's in order (columns
 * not used may be left all zero). The result's memory is in `arena`; its strings may be views into
 * the input. Fails with ERR_NOMEM, or ERR_INVALID where Spark raises a run-time error. */
int sql_query_run(struct sql_query *query, const struct block *in,
                  const struct sql_batch_context *context, struct arena *arena, struct block *out,
                  struct err *err) MUST_CHECK;
