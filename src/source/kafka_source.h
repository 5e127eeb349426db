/* kafka_source.h: Kafka topics as a source. Starting (kafka_start.c): the partitions, where each
 * begins and ends, and later the new ones. Running (kafka_source.c): slices; and what is watched
 * meanwhile (kafka_watch.c). */
#pragma once

#include <uv.h>

#include "base/mem.h"
#include "batch/slice.h"
#include "kafka/admin.h"
#include "os/log.h"
#include "plan/plan.h"
#include "source/source.h"

struct kafka_source_options {
    const struct plan *plan; /* must outlive the source */
    const struct log *log;
    size_t queue_bytes_max;
    bool available_now; /* partitions and end offsets are fixed at start */
    /* Where an earlier run ended, instead of startingOffsets; partitions that are not named are new
     * and begin at earliest. Until the source is closed. */
    bool resumed;
    const struct plan_partition_offset *resume;
    uint32_t resume_count;
};

/* Starts at once; a broker that is down is retried. ERR_INVALID for a bad client option. */
int kafka_source_create(struct source **out, uv_loop_t *loop,
                        const struct kafka_source_options *options,
                        const struct source_hooks *hooks, struct err *err) MUST_CHECK;

/* ---- shared by the two files ---- */

enum kafka_phase {
    PHASE_PARTITIONS, /* asking which partitions there are */
    PHASE_OFFSETS,    /* asking where they begin and end */
    PHASE_RESIZING,   /* the client is made again, its queues sized for the partitions found */
    PHASE_RUNNING,
    PHASE_CLOSING,
};

enum kafka_part_stage {
    PART_START, /* its start is not known */
    PART_END,   /* its start is known (or is its end), its end is not */
    PART_READ,  /* the client reads it */
    PART_LOST,  /* its position is gone and failOnDataLoss is false: asking where to go on */
};

struct kafka_part {
    enum kafka_part_stage stage;
    uint32_t handle;     /* of the client, once read */
    bool assigned;       /* the client knows it */
    bool gone;           /* its topic was deleted */
    bool late;           /* found after the start: begins at earliest */
    int64_t known_end;   /* from the helper; the client's own watermark may be newer or stale */
    int64_t limit;       /* end offset at start */
    int64_t eof;         /* no record stands between the position and here; 0: not known */
    int64_t progress_ms; /* monotonic: when it last delivered, or its turn in the slice came */
};

struct kafka_source {
    struct source base;
    uv_loop_t *loop;
    struct kafka_source_options options;
    const struct plan_kafka *plan;
    struct source_hooks hooks;
    struct arena headers; /* of the block being handed on */
    struct kafka_consumer *consumer;
    uint32_t sized_for; /* partitions the client's queues are sized for */
    struct kafka_batch batch;
    enum kafka_phase phase;
    struct arena names; /* topics of partitions */

    /* One entry per base.partitions. */
    struct kafka_part *parts;
    struct slice_partition *slices;
    uint32_t *order;         /* their indices by (topic, partition): how a slice is drained */
    int64_t *commit_offsets; /* what the group's offsets should be */
    uint32_t capacity;

    struct slice_planner planner;
    bool limited; /* the limits hold */
    bool slice_open;
    bool heads_due;    /* an event may stand at the head of a queue */
    uint32_t slice_at; /* place in order of the partition being drained */
    uint32_t turn_of;  /* partition whose progress is watched */
    int64_t slice_offsets, slice_records, slice_bytes, slice_bytes_max;

    uv_timer_t timer;    /* retries while starting, refreshes while running */
    bool trouble_logged; /* its end is worth a line */
    bool progress;       /* an answer brought something: ask on at once */
    bool asking;         /* a question about partitions or offsets is under way */
    bool commit_wanted, commit_running;
    int64_t created_ms, trouble_logged_ms; /* monotonic, as the next ones */
    int64_t unknown_since_ms, ends_asked_ms, partitions_asked_ms,
        offsets_asked_ms; /* monotonic; 0: never */

    void (*closed)(void *user);
    void *closed_user;
};

/* Monotonic milliseconds. */
int64_t kafka_source_now_ms(void);
/* Ends the source with an error that stays. */
void kafka_source_fail(struct kafka_source *source, const struct err *err);
/* Notes what stands in the way and logs it when it is news; "" when nothing does any more. */
void kafka_source_trouble(struct kafka_source *source, const char *text);

/* The slice planner's and the public view of every partition, brought up to date. */
void kafka_source_refresh(struct kafka_source *source);
/* Room for n partitions in every array; ERR_NOMEM. */
int kafka_source_reserve(struct kafka_source *source, uint32_t n) MUST_CHECK;
/* A client for that many partitions. */
int kafka_source_connect(struct kafka_source *source, uint32_t partitions,
                         struct err *err) MUST_CHECK;

/* What the client reported behind the records of source->batch; a failure ends the run. */
int kafka_source_condition(struct kafka_source *source, uint32_t i, struct err *err) MUST_CHECK;
/* The offset to read at is not there: failOnDataLoss decides between an error (ERR_DATA_LOSS) and a
 * warning, after which the partition is to be found a new position. */
int kafka_source_lose_data(struct kafka_source *source, uint32_t i, const char *what,
                           struct err *err) MUST_CHECK;
/* Remembers an end of partition in source->batch: the client reports each only once. */
void kafka_source_note_end(struct kafka_source *source, uint32_t i);
/* What is behind the position cannot come: the target is where we are. */
void kafka_source_end_target(struct kafka_source *source, uint32_t i);

/* kafka_watch.c */
/* Takes events from the heads of queues, if a wake-up or a slice's end made that due. */
void kafka_watch_heads(struct kafka_source *source);
void kafka_watch_tick(uv_timer_t *timer);

/* kafka_start.c: what the helper is asked next, at every tick of the timer. */
void kafka_start_tick(struct kafka_source *source);
