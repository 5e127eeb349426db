/* message.h: a batch of messages of one partition, and what is in them, without copies. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "kafka/condition.h"
#include "vec/record.h"

/* Records are views into the client's memory, valid until kafka_batch_release. */
struct kafka_batch {
    struct record *records; /* capacity; count used, in offset order */
    uint32_t count, capacity;
    uint64_t bytes;      /* of keys and values */
    int64_t next_offset; /* where to read on after these records and the condition */
    bool at_target;      /* next_offset >= target, or a message at or past the target waits */
    bool more;           /* more may be waiting: call again without waiting for a wake-up */
    /* What came after the records. KAFKA_EOF: next_offset is its end at the moment. */
    enum kafka_condition condition;
    char text[300]; /* the client's words for the condition */

    void **messages; /* private: rd_kafka_message_t of each record */
    uint32_t *outstanding;
};

enum kafka_timestamp_type { KAFKA_TIMESTAMP_NONE, KAFKA_TIMESTAMP_CREATE, KAFKA_TIMESTAMP_APPEND };

/* ERR_NOMEM. A batch can be used again and again; capacity at most BLOCK_ROWS_MAX. */
int kafka_batch_init(struct kafka_batch *batch, uint32_t capacity, struct err *err) MUST_CHECK;
/* Gives the messages back to the client; the batch is then empty. Legal on an empty one. */
void kafka_batch_release(struct kafka_batch *batch);
/* Releases, and frees the arrays. */
void kafka_batch_fini(struct kafka_batch *batch);

enum kafka_timestamp_type kafka_batch_timestamp_type(const struct kafka_batch *batch,
                                                     uint32_t record);
/* Gives a block of the batch's records their headers in order, as views; the arrays are in the
 * arena. ERR_NOMEM. */
int kafka_batch_headers(const struct kafka_batch *batch, struct arena *arena,
                        struct record_block *block) MUST_CHECK;
