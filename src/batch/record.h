/* record.h: what commits/<batch> says, the decision of a batch (PIPELINE.md 5): where it began and
 * ended, its state, its outputs. Pure: a struct to bytes and back.
 *
 * The bytes are an envelope (envelope.h) around JSON, documented in docs/checkpoints.md. Strings
 * and arrays of a decoded record live in the caller's arena. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Offsets of one partition; start -1: not known. */
struct record_partition {
    struct str topic;
    int32_t partition;
    int64_t start, end;
};

/* Another object of the checkpoint. */
struct record_object {
    struct str key; /* empty: there is none */
    uint64_t bytes;
    uint32_t crc; /* CRC-32C of the whole object */
};

/* A file that a prepared batch publishes. */
struct record_file {
    struct str name;            /* the final key, below the sink's place */
    struct str upload_id, tags; /* of the unfinished object: store_upload_resume */
    uint64_t rows, bytes;       /* of the whole file */
};

/* Whether these are its bytes; else ERR_CORRUPT, "it is damaged: ...". */
int record_object_check(const struct record_object *object, struct str bytes,
                        struct err *err) MUST_CHECK;

/* What one sink publishes for one batch. */
struct record_output {
    struct str query, sink; /* names; for deadLetter and lateRows the query is the source's name */
    struct str place;       /* where the sink writes: a path or topic, as in the document */
    int64_t batch_id;       /* whose rows these are */
    uint64_t rows;
    const struct record_file *files;
    uint32_t file_count;
    struct record_object staged; /* encoded rows: Kafka, console */
};

/* Files of a sink that go on: uploads, unsent tails and encoders (sink.h). */
struct record_rolled {
    struct str query, sink, place;
    struct record_object object;
};

struct record_query {
    struct str name;
    struct str fingerprint; /* engine_query_fingerprint: what may not change */
    int64_t watermark_us;
    uint64_t read, malformed, filtered, no_event_time, future, deduplicated, late, accepted;
};

struct commit_record {
    int64_t batch_id;
    uint64_t epoch; /* of the owner that decided it */
    struct str checkpoint_id, run_id;
    bool takeover; /* a new owner's first decision: no records, no rows */
    int64_t timestamp_ms, decided_ms;
    struct str reason; /* why it was sealed */
    uint64_t records;
    const struct record_partition *partitions;
    uint32_t partition_count;
    const struct str *slices; /* slice by slice: where it ended in each partition, "10 7 -1" */
    uint32_t slice_count;
    const struct record_object *state; /* a snapshot's files, then deltas: in order to be read */
    uint32_t state_count;
    uint32_t snapshot_count; /* of these, the snapshot's */
    /* Its own, and before them those it took over from the record before, which may be published
     * or not. */
    const struct record_output *outputs;
    uint32_t output_count;
    const struct record_rolled *rolled;
    uint32_t rolled_count;
    struct str source_fingerprint;
    const struct record_query *queries;
    uint32_t query_count;
};

/* Appends the bytes. ERR_NOMEM. */
int commit_record_encode(const struct commit_record *record, struct buf *out) MUST_CHECK;
/* `bytes` may go afterwards. ERR_NOMEM; ERR_CORRUPT with a message that says how. */
int commit_record_decode(struct commit_record *out, struct str bytes, struct arena *arena,
                         struct err *err) MUST_CHECK;

/* A rolled file that stays open when a batch is prepared: as it is with the rows of this batch. */
struct record_held {
    struct str name;            /* final key; it names the batch that opened the file */
    struct str upload_id, tags; /* of the unfinished object; empty: there is none yet */
    uint64_t rows;              /* in the file */
    uint64_t bytes;             /* of the file that the store has, durable */
    int64_t opened_ms;          /* by the wall clock, since 1970 */
    /* The rest: bytes that are not in the store yet, and the encoder. Any bytes, less than 5 MiB
     * and the footer of a Parquet file; with a version and a checksum of their own. */
    struct str state;
};

/* The object that record_rolled names: an envelope around a line of JSON and the states. ERR_NOMEM.
 */
int held_files_encode(const struct record_held *held, uint32_t count, struct buf *out) MUST_CHECK;
/* *out is in the arena, states are views into `bytes`. ERR_NOMEM, ERR_CORRUPT. */
int held_files_decode(const struct record_held **out, uint32_t *count, struct str bytes,
                      struct arena *arena, struct err *err) MUST_CHECK;

/* "commits/<batch>". */
enum { COMMIT_KEY_SIZE = 32 };
void commit_key(int64_t batch_id, char out[COMMIT_KEY_SIZE]);
/* The batch of such a key, -1: it is none. */
int64_t commit_key_batch(struct str key);
