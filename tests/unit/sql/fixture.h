/* fixture.h: what the tests of src/sql share. */
#pragma once

#include "sql/query.h"

/* All stages of a query without aggregates over one block. */
int fixture_run(struct sql_query *query, const struct block *in,
                const struct sql_batch_context *context, struct arena *arena, struct block *out,
                struct err *err);
