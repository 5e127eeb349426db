/* call.h: one question to the cluster on its way through the helper thread. Private to src/kafka.
 */
#pragma once

#include "base/arena.h"
#include "kafka/admin.h"
#include "kafka/consumer_internal.h"

/* How long one blocking call into librdkafka may take: stopping waits for it. */
enum { CALL_TIMEOUT_MS = 1500 };

struct kafka_call {
    struct lane_job job;
    struct kafka_consumer *consumer;
    struct arena arena; /* the question and the answer */
    struct kafka_answer answer;
    char text[600];
    void *user;
};

void kafka_call_init(struct kafka_call *call, struct kafka_consumer *consumer, void *user);
void kafka_call_fini(struct kafka_call *call);

/* Sets the answer from a client error; `what` says what was asked. On the helper. */
void kafka_call_fail(struct kafka_call *call, rd_kafka_resp_err_t error, const char *what);
void kafka_call_fail_memory(struct kafka_call *call);

/* On the loop, first thing in `done`: a cancelled call becomes ERR_CANCELLED, and the connection's
 * trouble, which says more than a time-out, is added to the text. */
void kafka_call_finish(struct kafka_call *call, bool cancelled);

/* Whether the error is about the connection to the cluster, not about what was asked. */
bool kafka_call_is_connection_error(rd_kafka_resp_err_t error);

/* Metadata of one topic; on success the caller destroys it. Blocks up to CALL_TIMEOUT_MS. */
rd_kafka_resp_err_t kafka_call_topic_metadata(struct kafka_call *call, const char *topic,
                                              const rd_kafka_metadata_t **out);

/* A NUL-terminated copy in the call's arena, NULL without memory. */
static inline const char *kafka_call_copy(struct kafka_call *call, struct str s)
{
    return arena_str(&call->arena, s).p;
}
