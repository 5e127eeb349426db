/* sinks_check.h: what a sink can say of the columns it is to write, once a query's are known. */
#pragma once

#include "plan/plan.h"

/* Checks partition columns, names and types against `schema` (STRUCT, a field per column) as Spark
 * does, and adds what is wrong where it stands in the document. `owner` is whose columns they are:
 * "query", "lateRows". A console takes everything. ERR_NOMEM. */
int plan_sink_check_schema(const struct plan_sink *sink, const struct type *schema,
                           const char *owner, struct plan_errors *errors,
                           struct arena *error_arena) MUST_CHECK;

/* A part of that, for columns inside of a row: two of one name. */
int plan_sink_check_names(const struct plan_sink *sink, const struct type *columns,
                          const char *owner, struct plan_errors *errors,
                          struct arena *error_arena) MUST_CHECK;

/* The index in `schema` of the sink's partition column i, or -1; names do not depend on case. */
int plan_sink_partition_column(const struct plan_sink *sink, uint32_t i, const struct type *schema);

/* A sink with a place to write to; one of a conformance case may have none. */
bool plan_sink_has_place(const struct plan_sink *sink);
