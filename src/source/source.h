/* source.h: the contract of a source: what the batch protocol asks of Kafka topics, or of files.
 *
 * A source resolves where to begin, then knows per partition a position and an end. It is read
 * slice by slice: open a slice, drain it (records come in the order of PIPELINE.md 3, whatever the
 * order of arrival) until it is closed. Nothing blocks; `changed` says when to look again. */
#pragma once

#include "base/err.h"
#include "vec/record.h"

enum source_state {
    SOURCE_STARTING, /* not yet known where to begin: nobody may ask for slices */
    SOURCE_READY,
    SOURCE_FAILED, /* see source->err */
};

struct source_partition {
    struct str topic;
    int32_t partition;
    int64_t start;           /* where this run began */
    int64_t position;        /* next offset to read: exact between slices */
    int64_t end;             /* known end */
    uint64_t records, bytes; /* read by this run */
    bool resolved;           /* its start is known; before that the offsets mean nothing */
    bool held;               /* at its target, waiting for the others */
    bool left_out;           /* cannot deliver: slices go on without it */
};

/* What one call of drain did. */
struct source_progress {
    bool slice_closed;
    bool more;       /* the budget ended the call: call again without waiting for `changed` */
    int64_t offsets; /* slice_closed: offsets the slice covers */
    int64_t records; /* slice_closed: records in the slice */
};

struct source_hooks {
    void *user;
    bool headers; /* blocks come with the records' headers, which somebody reads */
    /* On the loop: the state or what is pending may have changed. Never from inside a call. */
    void (*changed)(void *user);
    /* From inside drain: the next records. A failure ends the drain with its code. */
    int (*records)(void *user, const struct record_block *block, struct err *err);
};

struct source;

struct source_ops {
    /* Offsets known to be unread, within the limit if one holds. Cheap: asked at every turn. */
    int64_t (*pending)(struct source *source);
    /* Everything up to the end offsets at start is read, as of the last call of pending or drain.
     */
    bool (*limit_reached)(struct source *source);
    /* From now on (batch 0 is sealed) the end offsets at start limit nothing. */
    void (*limit_lift)(struct source *source);
    /* Plans a slice of at most offsets_max offsets, which ends early when its records hold more
     * than bytes_max; false: nothing is pending. */
    bool (*slice_open)(struct source *source, int64_t offsets_max, int64_t bytes_max);
    /* Moves records of the open slice to the records hook: about records_max of them. */
    int (*drain)(struct source *source, uint32_t records_max, struct source_progress *progress,
                 struct err *err);
    /* All batches up to these offsets are published. For lag tools; failures are logged. */
    void (*committed)(struct source *source, const int64_t *offsets, uint32_t count);
    /* Bytes waiting in queues, for the account. */
    size_t (*queued_bytes)(struct source *source);
    /* Ends everything; `closed` is called once, on the loop; the source is freed then. */
    void (*close)(struct source *source, void (*closed)(void *user), void *user);
};

/* The public face; implementations embed it first. Read-only outside of src/source. */
struct source {
    const struct source_ops *ops;
    enum source_state state;
    struct err err; /* SOURCE_FAILED */
    bool connected;
    char trouble[400];     /* the last problem while not connected or not ready; empty: none */
    char description[300]; /* as Spark describes it: KafkaV2[Subscribe[topic]] */
    struct source_partition *partitions; /* only ever grows */
    uint32_t partition_count;
};
