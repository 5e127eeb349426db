/* scope.h: what a query over the source can name: the value's columns, and behind them the hidden
 * metadata columns of Kafka (PIPELINE.md 1), which are built only when a query uses them. */
#pragma once

#include "plan/plan.h"
#include "sql/query.h"
#include "vec/record.h"

enum scope_metadata {
    SCOPE_KEY,
    SCOPE_TOPIC,
    SCOPE_PARTITION,
    SCOPE_OFFSET,
    SCOPE_TIMESTAMP,
    SCOPE_HEADERS,
    SCOPE_METADATA_COUNT
};

struct scope {
    struct sql_scope sql;
    struct sql_column *columns; /* what sql.columns points to */
    uint32_t value_count;       /* columns of the value; the metadata columns follow */
    bool *used;                 /* per column: some query reads it */
};

/* ERR_NOMEM. The plan's names and types are shared, not copied. */
int scope_init(struct scope *scope, const struct plan *plan) MUST_CHECK;
void scope_fini(struct scope *scope);

/* Whether blocks of records must come with headers. */
bool scope_reads_headers(const struct scope *scope);

/* Puts the metadata columns behind a decoded block's; ERR_NOMEM. Unused ones stay all zero. */
int scope_add_metadata(const struct scope *scope, const struct record_block *records,
                       struct block *block, struct arena *arena) MUST_CHECK;
