/* engine_impl.h: what the files of the engine share. */
#pragma once

#include "engine/dedup.h"
#include "engine/engine.h"
#include "engine/scope.h"
#include "engine/watermark.h"
#include "format/json_decode.h"
#include "sql/query.h"

struct engine_query {
    struct sql_query *sql;
    struct state *state; /* NULL: it keeps none */
    struct watermark mark;
    struct buf fingerprint;
    bool fresh; /* nothing of it was saved or loaded: the next time all of it is */
    /* While state is loaded. */
    bool loaded;
    struct err refused; /* code 0: it is not */
};

struct engine_origin {
    struct str topic; /* owned */
    int32_t partition;
};

/* A batch being sealed. */
struct engine_sealing {
    bool running;
    bool begun;     /* the query under way, or dedup */
    uint32_t query; /* then dedup */
    struct sql_batch_context context;
    struct engine_counts *counts;
    struct state_counts dedup_counts;
    bool *unread; /* by the engine's numbers of partitions; NULL: nobody asks */
    uint32_t unread_count;
};

/* State being saved: section 0 is the source's, then come the queries'. */
struct engine_saving {
    bool running;
    enum state_extent extent;
    uint32_t section;
    bool begun; /* the section */
    bool open;  /* a chunk */
    uint64_t number;
    uint64_t rows; /* of the section */
    struct buf chunk;
    uint32_t chunk_rows;
    uint8_t flags;
};

/* State being loaded. */
struct engine_loading {
    bool running;
    const struct str *reset;
    uint32_t reset_count;
    uint64_t number; /* of the next chunk */
    /* The section under way. */
    bool inside;
    struct buf name; /* "": the source's */
    bool source, skipped;
    uint32_t query;
    uint8_t extent;
    uint64_t rows;
    /* The chunk under way: where it begins and ends in the file. */
    bool open;
    size_t begin, end;
    uint8_t flags;
    uint32_t rows_left;
    bool closing; /* what its section says that closed leaves */
};

struct engine {
    const struct plan *plan;
    struct scope scope;              /* of the source: the value's columns and metadata */
    struct sql_query *transform;     /* NULL: queries read the source's columns */
    struct sql_scope view;           /* what queries read */
    struct sql_column *view_columns; /* owned, after a transform; else NULL */
    struct json_decoder *decoder;    /* NULL unless the value is JSON */
    struct engine_query *queries;
    /* dropDuplicatesWithinWatermark, before all queries; its watermark is theirs. */
    struct dedup *dedup;
    uint32_t *dedup_columns; /* of the view */
    const struct type *const *dedup_types;
    struct watermark dedup_mark;
    /* Partitions that gave records, in the order of their first; states know them by number. */
    struct engine_origin *origins;
    uint32_t origin_count;
    uint32_t fanout;    /* rows that one record becomes at most, through transform and any query */
    struct arena arena; /* of the block under way */
    struct arena types; /* of the extras' schemas */
    const struct type *extra_schema[EXTRA_COUNT]; /* NULL: the plan has none */
    uint8_t *malformed;                           /* BLOCK_ROWS_MAX flags of the block under way */
    uint32_t *picks;        /* BLOCK_ROWS_MAX records that are not malformed */
    uint8_t *fates;         /* BLOCK_ROWS_MAX */
    struct buf fingerprint; /* of the source */
    bool fresh;             /* as in engine_query: of the source */
    bool loaded;
    struct engine_sealing sealing;
    struct engine_saving saving;
    struct engine_loading loading;
};

/* engine_bind.c: from plan to queries; problems are added to errors. ERR_NOMEM. */
int engine_bind(struct engine *engine, struct arena *error_arena,
                struct plan_errors *errors) MUST_CHECK;

/* engine_extra.c: schemas of the extras, and their rows. */
int engine_extra_init(struct engine *engine) MUST_CHECK;
/* One row for each record that the flags name (1). */
int engine_dead_letters(struct engine *engine, const struct record_block *records,
                        const uint8_t *flags, const struct engine_hooks *hooks,
                        struct err *err) MUST_CHECK;
/* One row for each of n rows of the view. */
int engine_late_rows(struct engine *engine, uint32_t query, const char *reason,
                     int64_t watermark_us, const struct block *view, const uint32_t *rows,
                     uint32_t n, const struct engine_hooks *hooks, struct err *err) MUST_CHECK;

/* engine.c: the number of a partition; added when it is new. ERR_NOMEM. */
int engine_origin(struct engine *engine, struct str topic, int32_t partition,
                  uint32_t *out) MUST_CHECK;
/* Whether a moved watermark gives the query something to do without data. */
bool engine_query_is_timed(const struct engine *engine, uint32_t query);

/* engine_fingerprint.c: fills them in. ERR_NOMEM. */
int engine_fingerprints(struct engine *engine) MUST_CHECK;
