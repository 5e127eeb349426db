/* admin.h: questions to the cluster that block inside librdkafka. They run on the consumer's helper
 * thread, one after another, and answer on the loop, exactly once each, also on close.
 *
 * Every answer has `code`: 0, ERR_CANCELLED (the consumer closes), ERR_NOMEM, or ERR_IO with a
 * condition: KAFKA_TRANSIENT (ask again later), KAFKA_DENIED or KAFKA_FATAL. Answers and what they
 * point to are valid during the callback. Nothing here creates a topic. */
#pragma once

#include "kafka/consumer.h"

struct kafka_answer {
    int code;
    enum kafka_condition condition;
    const char *text; /* one line, never NULL */
};

struct kafka_partition_info {
    struct str topic;
    int32_t partition;
    bool has_leader; /* false: cannot be read at the moment */
};

struct kafka_topic_trouble {
    struct str topic;
    enum kafka_condition condition; /* KAFKA_UNKNOWN_TOPIC, KAFKA_DENIED, KAFKA_TRANSIENT */
    const char *text;
};

struct kafka_metadata {
    struct kafka_answer answer;
    const struct kafka_partition_info *partitions; /* by topic, then partition */
    uint32_t partition_count;
    const struct kafka_topic_trouble *troubles; /* topics asked for that have none */
    uint32_t trouble_count;
};

typedef void (*kafka_metadata_done)(void *user, const struct kafka_metadata *metadata);

/* The partitions of these topics. */
int kafka_admin_topics(struct kafka_consumer *consumer, const struct str *topics, uint32_t count,
                       kafka_metadata_done done, void *user, struct err *err) MUST_CHECK;
/* The partitions of every topic whose whole name matches (PCRE2; Spark's subscribePattern),
 * internal topics excluded. ERR_INVALID at once for a pattern that does not compile. */
int kafka_admin_pattern(struct kafka_consumer *consumer, struct str pattern,
                        kafka_metadata_done done, void *user, struct err *err) MUST_CHECK;
/* Whether a pattern compiles. ERR_INVALID with position and reason. */
int kafka_pattern_check(struct str pattern, struct err *err) MUST_CHECK;

struct kafka_offset {
    struct str topic; /* in an answer: a copy that lives as long as the answer */
    int32_t partition;
    /* Asked: OFFSET_EARLIEST, OFFSET_LATEST, or a time in milliseconds since 1970.
     * Answered: the offset; for a time, that of the first message at or after it, or OFFSET_LATEST
     * when there is none. Meaningless when `condition` is not KAFKA_NONE. */
    int64_t offset;
    enum kafka_condition condition; /* answered, per partition */
};

struct kafka_offsets {
    struct kafka_answer answer;       /* ERR_IO: no partition could be asked */
    const struct kafka_offset *items; /* as many as asked, in the same order */
    uint32_t count;
};

typedef void (*kafka_offsets_done)(void *user, const struct kafka_offsets *offsets);

/* Asks the leaders of all partitions at once. Latest is the last stable offset under
 * isolation.level=read_committed (the client's default), else the high watermark. A partition may
 * appear once; one without leader answers KAFKA_TRANSIENT and does not hold up the others. */
int kafka_admin_offsets(struct kafka_consumer *consumer, const struct kafka_offset *items,
                        uint32_t count, kafka_offsets_done done, void *user,
                        struct err *err) MUST_CHECK;

/* Stores `offset` (the next to read) per partition for the consumer's group, for lag tools only.
 * A failure is worth a warning and no more. */
int kafka_admin_commit(struct kafka_consumer *consumer, const struct kafka_offset *items,
                       uint32_t count, kafka_offsets_done done, void *user,
                       struct err *err) MUST_CHECK;
