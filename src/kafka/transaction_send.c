/* The rows of a batch into the client's queue, and their delivery reports. */
#include <stdio.h>
#include <stdlib.h>

#include "kafka/transaction_impl.h"
#include "os/failpoint.h"

enum {
    SLICE_MS = 200, /* how long one step fills the queue */
    CHECK_ROWS = 1000,
    FULL_QUEUE_MS = 50,
    STILL_MS_MAX = 3000, /* then a stand-still is told, also with a connection */
};

static void note_too_large(struct transaction *t, const char *topic, size_t bytes,
                           const char *limit)
{
    if (t->cause.code)
        return;
    t->cause_is_final = true;
    err_set(&t->cause, ERR_INVALID,
            "topic \"%s\": a message of %zu bytes is larger than %s allows; nothing of the batch "
            "is published",
            topic, bytes, limit);
}

/* The broker refuses what was sent together, and the client does not part it: it is sent again in
 * smaller batches, until a message stands alone. */
static void on_too_large(struct transaction *t, const char *topic, size_t bytes)
{
    enum { PARTS = 16 };
    char *text = kafka_client_property(t->client, "batch.size");
    int64_t batch = text ? atoll(text) : 0;
    free(text);
    if (t->cause.code)
        return;
    if (batch <= 1 || bytes >= (size_t)batch)
        return note_too_large(t, topic, bytes, "the topic's max.message.bytes");
    t->batch_bytes = batch > PARTS ? batch / PARTS : 1;
    t->cause_is_final = false;
    err_set(&t->cause, ERR_AGAIN, "topic \"%s\" wants smaller batches", topic);
}

static void on_report(struct transaction *t, const rd_kafka_message_t *message)
{
    /* What is purged is purged because of something that was noted before. */
    if (!message->err || t->stage == STAGE_ABORT)
        return;
    const char *topic = rd_kafka_topic_name(message->rkt);
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return on_too_large(t, topic, message->len + message->key_len);
    char what[300];
    snprintf(what, sizeof what, "topic \"%s\"", topic);
    transaction_note(t, message->err, what, rd_kafka_err2str(message->err));
}

void transaction_poll(struct transaction *t, int wait_ms)
{
    enum { EVENTS_MAX = 1000 };
    rd_kafka_event_t *event;
    for (int i = 0;
         i < EVENTS_MAX && (event = rd_kafka_queue_poll(t->client->events, i ? 0 : wait_ms)); i++) {
        const rd_kafka_message_t *message;
        if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_DR)
            kafka_client_on_event(t->client, event);
        else
            while ((message = rd_kafka_event_message_next(event)))
                on_report(t, message);
        rd_kafka_event_destroy(event);
    }
}

/* The handle of the row's topic; NULL with the cause noted. */
static rd_kafka_topic_t *topic_of(struct transaction *t, struct str name)
{
    if (t->topic && str_is(name, rd_kafka_topic_name(t->topic)))
        return t->topic;
    char *copy = strndup(name.p, name.n);
    rd_kafka_topic_t *topic = copy ? rd_kafka_topic_new(t->client->rk, copy, NULL) : NULL;
    if (!topic) {
        char what[300];
        snprintf(what, sizeof what, "topic \"%.200s\"", copy ? copy : "");
        transaction_note(t, copy ? RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION : RD_KAFKA_RESP_ERR__FAIL,
                         what, copy ? rd_kafka_err2str(rd_kafka_last_error()) : "out of memory");
        free(copy);
        return NULL;
    }
    if (t->topic)
        rd_kafka_topic_destroy(t->topic);
    t->topic = topic;
    free(copy);
    return topic;
}

/* NULL without memory. */
static rd_kafka_headers_t *headers_of(struct kafka_row row)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(row.header_count);
    while (headers && row.header_count) {
        struct str key, value;
        kafka_row_header(&row, &key, &value);
        rd_kafka_header_add(headers, key.p, (ssize_t)key.n, value.p, (ssize_t)value.n);
    }
    return headers;
}

static rd_kafka_resp_err_t produce_with_headers(struct transaction *t, rd_kafka_topic_t *topic)
{
    const struct kafka_row *row = &t->row;
    rd_kafka_headers_t *headers = headers_of(*row);
    if (!headers)
        return RD_KAFKA_RESP_ERR__FAIL;
    rd_kafka_resp_err_t error = rd_kafka_producev(
        t->client->rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(row->partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE((void *)row->value.p, row->value.n),
        RD_KAFKA_V_KEY(row->key.p, row->key.n), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error)
        rd_kafka_headers_destroy(headers);
    return error;
}

static rd_kafka_resp_err_t produce_row(struct transaction *t)
{
    const struct kafka_row *row = &t->row;
    rd_kafka_topic_t *topic = topic_of(t, row->topic);
    if (!topic)
        return RD_KAFKA_RESP_ERR__FAIL;
    if (row->header_count)
        return produce_with_headers(t, topic);
    if (rd_kafka_produce(topic, row->partition, RD_KAFKA_MSG_F_COPY, (void *)row->value.p,
                         row->value.n, row->key.p, row->key.n, NULL))
        return rd_kafka_last_error();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void note_refusal(struct transaction *t, rd_kafka_resp_err_t error)
{
    char what[300];
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        char *limit = kafka_client_property(t->client, "message.max.bytes");
        snprintf(what, sizeof what, "kafka.message.max.bytes (%s)", limit ? limit : "?");
        free(limit);
        return note_too_large(t, rd_kafka_topic_name(t->topic), t->row.value.n + t->row.key.n,
                              what);
    }
    snprintf(what, sizeof what, "topic \"%.*s\"", t->row.topic.n < 250 ? (int)t->row.topic.n : 250,
             t->row.topic.p);
    transaction_note(t, error, what, rd_kafka_err2str(error));
}

/* Whether something was acknowledged since the last call; *left: what is not yet. */
static bool has_progress(struct transaction *t, int *left)
{
    *left = rd_kafka_outq_len(t->client->rk);
    bool progress = *left < t->queued;
    t->queued = *left;
    if (progress)
        t->moved_ms = transaction_now_ms();
    return progress;
}

bool transaction_stands_still(const struct transaction *t)
{
    return !kafka_client_connected(t->client) || transaction_now_ms() - t->moved_ms >= STILL_MS_MAX;
}

static enum transaction_step stand_still(struct transaction *t, int left)
{
    char reason[80];
    if (!transaction_stands_still(t))
        return TRANSACTION_MORE;
    snprintf(reason, sizeof reason, "%d messages are not acknowledged", left);
    return transaction_wait(t, "sending", reason);
}

static enum transaction_step queue_full(struct transaction *t)
{
    int left;
    t->queued = t->queued ? t->queued : rd_kafka_outq_len(t->client->rk);
    transaction_poll(t, FULL_QUEUE_MS);
    return has_progress(t, &left) ? TRANSACTION_MORE : stand_still(t, left);
}

/* Sends the row; false when the step ends here, with *step. */
static bool send_row(struct transaction *t, enum transaction_step *step)
{
    rd_kafka_resp_err_t error = produce_row(t);
    *step = TRANSACTION_MORE;
    t->row_waits = error == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (!error)
        return true;
    if (t->row_waits)
        *step = queue_full(t);
    else if (!t->cause.code)
        note_refusal(t, error);
    return false;
}

enum transaction_step transaction_produce(struct transaction *t)
{
    enum transaction_step step = TRANSACTION_MORE;
    int64_t until = transaction_now_ms() + SLICE_MS;
    for (uint32_t i = 1; !t->cause.code; i++) {
        int code = t->row_waits ? 0 : kafka_rows_next(&t->reader, &t->row, &t->cause);
        if (code == ERR_NOT_FOUND) {
            t->stage = STAGE_FLUSH;
            t->queued = rd_kafka_outq_len(t->client->rk);
            break;
        }
        t->cause_is_final |= code != 0;
        if (code || !send_row(t, &step))
            break;
        FAILPOINT("kafka.row");
        if (i % CHECK_ROWS == 0) {
            transaction_poll(t, 0);
            if (transaction_now_ms() > until)
                break;
        }
    }
    if (t->cause.code)
        t->stage = STAGE_ABORT;
    return step;
}

enum transaction_step transaction_flush(struct transaction *t)
{
    int left = 0;
    int64_t until = transaction_now_ms() + BLOCK_MS;
    do {
        rd_kafka_flush(t->client->rk, 20);
        transaction_poll(t, 0);
        left = rd_kafka_outq_len(t->client->rk);
    } while (left > 0 && !t->cause.code && transaction_now_ms() < until);
    if (t->cause.code) {
        t->stage = STAGE_ABORT;
        return TRANSACTION_MORE;
    }
    if (left == 0) {
        t->stage = STAGE_OFFSETS;
        return TRANSACTION_MORE;
    }
    return has_progress(t, &left) ? TRANSACTION_MORE : stand_still(t, left);
}
