#include "kafka/call.h"

#include <stdio.h>
#include <string.h>

void kafka_call_init(struct kafka_call *call, struct kafka_consumer *consumer, void *user)
{
    *call = (struct kafka_call){.consumer = consumer, .user = user};
    call->answer.text = call->text;
}

void kafka_call_fini(struct kafka_call *call)
{
    arena_fini(&call->arena);
}

void kafka_call_fail(struct kafka_call *call, rd_kafka_resp_err_t error, const char *what)
{
    call->answer.code = ERR_IO;
    call->answer.condition = kafka_condition_of(error);
    snprintf(call->text, sizeof(call->text), "%s: %s", what, rd_kafka_err2str(error));
}

void kafka_call_fail_memory(struct kafka_call *call)
{
    call->answer.code = ERR_NOMEM;
    call->answer.condition = KAFKA_FATAL;
    snprintf(call->text, sizeof(call->text), "no memory for an answer of the Kafka cluster");
}

void kafka_call_finish(struct kafka_call *call, bool cancelled)
{
    if (cancelled || call->consumer->closing) {
        call->answer.code = ERR_CANCELLED;
        call->answer.condition = KAFKA_NONE;
        snprintf(call->text, sizeof(call->text), "cancelled");
        return;
    }
    const struct kafka_trouble *trouble = kafka_client_trouble(&call->consumer->client);
    if (call->answer.code != ERR_IO || !trouble)
        return;
    size_t used = strlen(call->text);
    snprintf(call->text + used, sizeof(call->text) - used, " (%s)", trouble->text);
    if (call->answer.condition == KAFKA_TRANSIENT)
        call->answer.condition = trouble->condition;
}

bool kafka_call_is_connection_error(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__DESTROY:
        return true;
    default:
        return false;
    }
}

rd_kafka_resp_err_t kafka_call_topic_metadata(struct kafka_call *call, const char *topic,
                                              const rd_kafka_metadata_t **out)
{
    rd_kafka_t *rk = call->consumer->client.rk;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    if (!handle)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, handle, out, CALL_TIMEOUT_MS);
    rd_kafka_topic_destroy(handle);
    return error;
}
