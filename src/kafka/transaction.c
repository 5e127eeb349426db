#include "kafka/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kafka/transaction_impl.h"
#include "os/failpoint.h"

enum {
    CANCEL_MS = 800, /* for what is to be ended before a cancel is reported */
    /* 2.0.2 may lose a question to a coordinator that is just being made, and wait a minute. */
    STUCK_MS_MAX = 10000,
};

int64_t transaction_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static rd_kafka_conf_t *make_conf(const struct kafka_writer_options *options, const char *id,
                                  struct err *err)
{
    static const struct kafka_setting defaults[] = {
        {"client.id", "sluice"},
        {"partitioner", "murmur2_random"}, /* Java's */
        {"linger.ms", "5"},
        {"queue.buffering.max.messages", "100000"},
        {"queue.buffering.max.kbytes", "32768"},
        {"transaction.timeout.ms", "60000"},
        {"reconnect.backoff.max.ms", "2000"},
        {"topic.metadata.propagation.max.ms", "10000"},
        {"allow.auto.create.topics", "true"},
        {"log.connection.close", "false"},
        {"log.thread.name", "false"},
    };
    const struct kafka_setting owned[] = {
        {"transactional.id", id},
        {"enable.idempotence", "true"},
        /* Reports of millions of successes would cost as much as sending. */
        {"delivery.report.only.error", "true"},
    };
    return kafka_conf_create(defaults, COUNT_OF(defaults), options->client, options->client_count,
                             owned, COUNT_OF(owned), err);
}

/* Of the consumer that asks; the producer's options mean nothing to it. */
static rd_kafka_conf_t *make_ask_conf(const struct kafka_writer_options *options, const char *id,
                                      struct err *err)
{
    const struct kafka_setting owned[] = {
        {"client.id", "sluice"},           {"group.id", id},
        {"enable.auto.commit", "false"},   {"isolation.level", "read_committed"},
        {"log.connection.close", "false"}, {"reconnect.backoff.max.ms", "2000"},
    };
    return kafka_conf_create(NULL, 0, options->client, options->client_count, owned,
                             COUNT_OF(owned), err);
}

void transaction_end_client(struct kafka_client **client)
{
    if (!*client)
        return;
    kafka_client_detach(*client);
    if (kafka_client_destroy(*client)) { /* else its memory stays, too */
        kafka_client_fini(*client);
        free(*client);
    }
    *client = NULL;
}

static void close_client(struct transaction *t)
{
    if (t->topic)
        rd_kafka_topic_destroy(t->topic);
    t->topic = NULL;
    transaction_end_client(&t->client);
}

static int open_client(struct transaction *t, struct err *err)
{
    close_client(t);
    struct kafka_client *client = calloc(1, sizeof *client);
    if (!client)
        return err_set(err, ERR_NOMEM, "no memory for the Kafka client");
    client->wake_fd = -1;
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(t->conf);
    if (t->batch_bytes) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)t->batch_bytes);
        rd_kafka_conf_set(conf, "batch.size", text, NULL, 0);
    }
    int code = kafka_client_init(client, RD_KAFKA_PRODUCER, conf, RD_KAFKA_EVENT_DR, err);
    if (code) {
        free(client);
        return code;
    }
    char *timeout = kafka_client_property(client, "transaction.timeout.ms");
    t->timeout_ms = timeout ? atoll(timeout) : 0;
    free(timeout);
    t->client = client;
    t->stage = STAGE_INIT;
    return 0;
}

int transaction_create(struct transaction **out, const struct kafka_writer_options *options,
                       struct err *err)
{
    struct transaction *t = calloc(1, sizeof *t);
    if (!t || !(t->id = strndup(options->id.p, options->id.n))) {
        free(t);
        return err_set(err, ERR_NOMEM, "no memory for the Kafka writer");
    }
    struct err local = {0};
    t->committed = -1;
    t->guarded = options->guarded;
    t->conf = make_conf(options, t->id, &local);
    t->ask_conf = t->conf ? make_ask_conf(options, t->id, &local) : NULL;
    int code = t->ask_conf ? open_client(t, &local) : local.code;
    if (code) {
        transaction_destroy(t);
        return err_set(err, code, "%s", local.msg);
    }
    *out = t;
    return 0;
}

void transaction_destroy(struct transaction *t)
{
    if (!t)
        return;
    if (t->client)
        rd_kafka_purge(t->client->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    close_client(t);
    transaction_end_client(&t->asker);
    if (t->conf)
        rd_kafka_conf_destroy(t->conf);
    if (t->ask_conf)
        rd_kafka_conf_destroy(t->ask_conf);
    free(t->first_topic);
    free(t->id);
    free(t);
}

bool transaction_error_is_final(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_INVALID_RECORD: /* a compacted topic wants keys */
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
        return true;
    default:
        break;
    }
    enum kafka_condition condition = kafka_condition_of(error);
    return condition == KAFKA_UNKNOWN_TOPIC || condition == KAFKA_DENIED ||
           condition == KAFKA_FATAL || condition == KAFKA_CORRUPT;
}

int transaction_error_code(rd_kafka_resp_err_t error)
{
    if (kafka_condition_of(error) == KAFKA_UNKNOWN_TOPIC)
        return ERR_NOT_FOUND;
    return error == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT ||
                   error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
                   error == RD_KAFKA_RESP_ERR_INVALID_RECORD
               ? ERR_INVALID
               : ERR_IO;
}

void transaction_note(struct transaction *t, rd_kafka_resp_err_t error, const char *what,
                      const char *reason)
{
    if (t->cause.code)
        return;
    err_set(&t->cause, transaction_error_code(error), "%s: %s", what, reason);
    /* What a fatal error is, the call that aborts says: on_fatal decides. */
    t->cause_is_final = error != RD_KAFKA_RESP_ERR__FATAL && transaction_error_is_final(error);
}

enum transaction_step transaction_wait(struct transaction *t, const char *what, const char *reason)
{
    transaction_poll(t, 0);
    const struct kafka_trouble *trouble = kafka_client_trouble(t->client);
    err_set(&t->err, ERR_IO, "%s: %s", what, trouble ? trouble->text : reason);
    /* Wrong credentials are told at the first contact; later they may be in the course of change.
     */
    return trouble && trouble->condition == KAFKA_DENIED && !t->ready ? TRANSACTION_FAILED
                                                                      : TRANSACTION_WAIT;
}

static enum transaction_step fail(struct transaction *t, int code, const char *what,
                                  const char *reason)
{
    err_set(&t->err, code, "%s: %s", what, reason);
    return TRANSACTION_FAILED;
}

static bool is_fenced(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__FENCED || error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* The client is at its end; the batch is so only for reasons that a new one would meet again. */
static enum transaction_step on_fatal(struct transaction *t, rd_kafka_resp_err_t error,
                                      const char *what, const char *reason)
{
    char text[400];
    rd_kafka_resp_err_t first = rd_kafka_fatal_error(t->client->rk, text, sizeof text);
    bool open_too_long =
        t->stage >= STAGE_PRODUCE && transaction_now_ms() - t->begun_ms >= t->timeout_ms;
    if (first) {
        error = first;
        reason = text;
    }
    t->stage = STAGE_OPEN;
    if (is_fenced(error) && !open_too_long && !t->guarded) {
        err_set(&t->err, ERR_IO,
                "%s: fenced: another writer has taken over the transactional id \"%s\" (%s)", what,
                t->id, reason);
        return TRANSACTION_FAILED;
    }
    if (t->cause.code && t->cause_is_final) {
        t->err = t->cause;
        return TRANSACTION_FAILED;
    }
    if (transaction_error_is_final(error) && !is_fenced(error))
        return fail(t, transaction_error_code(error), what, reason);
    err_set(&t->err, ERR_IO, "%s: %s", what, reason);
    return TRANSACTION_WAIT;
}

/* What to do about a failed call. Takes the error. */
static enum transaction_step on_error(struct transaction *t, rd_kafka_error_t *take_error,
                                      const char *what)
{
    rd_kafka_resp_err_t error = rd_kafka_error_code(take_error);
    bool fatal = rd_kafka_error_is_fatal(take_error);
    bool abortable = rd_kafka_error_txn_requires_abort(take_error);
    bool retriable = rd_kafka_error_is_retriable(take_error);
    char reason[400];
    snprintf(reason, sizeof reason, "%s", rd_kafka_error_string(take_error));
    rd_kafka_error_destroy(take_error);
    if (fatal)
        return on_fatal(t, error, what, reason);
    if (abortable && t->stage != STAGE_ABORT) {
        transaction_note(t, error, what, reason);
        t->stage = STAGE_ABORT;
        return TRANSACTION_MORE;
    }
    if (error == RD_KAFKA_RESP_ERR__TIMED_OUT && retriable && !transaction_stands_still(t))
        return TRANSACTION_MORE;
    if (retriable)
        return transaction_wait(t, what, reason);
    if (transaction_error_is_final(error)) {
        t->stage = STAGE_OPEN;
        return fail(t, transaction_error_code(error), what, reason);
    }
    /* A state that cannot be explained: a new client has none. */
    t->stage = STAGE_OPEN;
    err_set(&t->err, ERR_IO, "%s: %s", what, reason);
    return TRANSACTION_WAIT;
}

static enum transaction_step step_open(struct transaction *t)
{
    return open_client(t, &t->err) ? TRANSACTION_FAILED : TRANSACTION_MORE;
}

static enum transaction_step step_init(struct transaction *t)
{
    rd_kafka_error_t *error = rd_kafka_init_transactions(t->client->rk, BLOCK_MS);
    if (error)
        return on_error(t, error, "starting transactions");
    FAILPOINT("kafka.initialized");
    t->ready = true;
    t->stage = STAGE_ASK;
    return TRANSACTION_MORE;
}

/* The topic of the first row. */
static int find_first_topic(struct transaction *t)
{
    struct kafka_row row;
    int code = kafka_rows_read(&t->reader, t->rows, &t->err);
    if (!code)
        code = kafka_rows_next(&t->reader, &row, &t->err);
    if (!code) {
        free(t->first_topic);
        t->first_topic = strndup(row.topic.p, row.topic.n);
        code = t->first_topic ? 0 : err_set(&t->err, ERR_NOMEM, "no memory for a topic's name");
    }
    return code;
}

static enum transaction_step step_ask(struct transaction *t)
{
    char reason[300] = "";
    if (!t->asks && find_first_topic(t))
        return TRANSACTION_FAILED;
    rd_kafka_resp_err_t error = transaction_ask_committed(t, reason);
    if (error && transaction_error_is_final(error))
        return fail(t, transaction_error_code(error), "asking for the last batch", reason);
    if (error)
        return transaction_stands_still(t)
                   ? transaction_wait(t, "asking for the last batch", reason)
                   : TRANSACTION_MORE;
    FAILPOINT("kafka.asked");
    t->stage = STAGE_BEGIN;
    return t->asks || t->committed >= t->batch_id ? TRANSACTION_DONE : TRANSACTION_MORE;
}

static enum transaction_step step_begin(struct transaction *t)
{
    t->cause = (struct err){0};
    if (t->batch_id <= t->committed)
        return TRANSACTION_DONE;
    if (find_first_topic(t) || kafka_rows_read(&t->reader, t->rows, &t->err))
        return TRANSACTION_FAILED;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(t->client->rk);
    if (error)
        return on_error(t, error, "beginning a transaction");
    FAILPOINT("kafka.begun");
    t->row_waits = false;
    t->queued = 0;
    t->begun_ms = transaction_now_ms();
    t->stage = STAGE_PRODUCE;
    return TRANSACTION_MORE;
}

static enum transaction_step step_offsets(struct transaction *t)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(t->id);
    rd_kafka_topic_partition_t *offset =
        rd_kafka_topic_partition_list_add(offsets, t->first_topic, 0);
    char text[64];
    snprintf(text, sizeof text, "sluice batch %lld", (long long)t->batch_id);
    offset->offset = t->batch_id + 1;
    offset->metadata = strdup(text); /* the list's */
    offset->metadata_size = offset->metadata ? strlen(text) : 0;
    FAILPOINT("kafka.sent");
    rd_kafka_error_t *error =
        rd_kafka_send_offsets_to_transaction(t->client->rk, offsets, group, BLOCK_MS);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (error)
        return on_error(t, error, "committing the batch's id");
    t->stage = STAGE_COMMIT;
    return TRANSACTION_MORE;
}

static enum transaction_step step_commit(struct transaction *t)
{
    FAILPOINT("kafka.commit");
    rd_kafka_error_t *error = rd_kafka_commit_transaction(t->client->rk, BLOCK_MS);
    transaction_poll(t, 0);
    if (error)
        return on_error(t, error, "committing the transaction");
    FAILPOINT("kafka.committed");
    t->committed = t->batch_id;
    t->stage = STAGE_BEGIN;
    return TRANSACTION_DONE;
}

/* Reports of what is purged keep the call from ending until they are served. */
static enum transaction_step step_abort(struct transaction *t)
{
    enum { ABORT_MS = 200 };
    transaction_poll(t, 0);
    rd_kafka_error_t *error = rd_kafka_abort_transaction(t->client->rk, ABORT_MS);
    transaction_poll(t, 0);
    if (error)
        return on_error(t, error, "aborting the transaction");
    if (t->cause.code == ERR_AGAIN) {
        t->stage = STAGE_OPEN;
        return TRANSACTION_MORE;
    }
    t->stage = STAGE_ASK; /* a commit that failed may have happened */
    t->err = t->cause;
    return t->cause_is_final ? TRANSACTION_FAILED : TRANSACTION_WAIT;
}

static enum transaction_step run_stage(struct transaction *t)
{
    switch (t->stage) {
    case STAGE_OPEN:
        return step_open(t);
    case STAGE_INIT:
        return step_init(t);
    case STAGE_ASK:
        return step_ask(t);
    case STAGE_BEGIN:
        return step_begin(t);
    case STAGE_PRODUCE:
        return transaction_produce(t);
    case STAGE_FLUSH:
        return transaction_flush(t);
    case STAGE_OFFSETS:
        return step_offsets(t);
    case STAGE_COMMIT:
        return step_commit(t);
    case STAGE_ABORT:
        return step_abort(t);
    }
    return fail(t, ERR_IO, "transaction", "no such stage");
}

static bool is_question(enum transaction_stage stage)
{
    return stage != STAGE_OPEN && stage != STAGE_PRODUCE && stage != STAGE_FLUSH;
}

enum transaction_step transaction_step(struct transaction *t)
{
    if (!t->asks && t->rows.n == 0)
        return TRANSACTION_DONE; /* nothing to send: no broker is needed */
    enum transaction_stage before = t->stage;
    enum transaction_step step = run_stage(t);
    if (t->stage != before)
        t->moved_ms = transaction_now_ms();
    else if (is_question(before) && t->client && kafka_client_connected(t->client) &&
             transaction_now_ms() - t->moved_ms > STUCK_MS_MAX)
        t->stage = STAGE_OPEN; /* whatever came of it, the next client asks */
    return step;
}

void transaction_send(struct transaction *t, struct str rows, int64_t batch_id)
{
    t->asks = false;
    t->cause = (struct err){0};
    t->cause_is_final = false;
    t->moved_ms = transaction_now_ms();
    t->rows = rows;
    t->batch_id = batch_id;
    /* What the last operation left open is not known any more. */
    if (t->stage >= STAGE_PRODUCE)
        t->stage = STAGE_OPEN;
}

int transaction_ask(struct transaction *t, struct str topic, struct err *err)
{
    char *copy = strndup(topic.p, topic.n);
    if (!copy)
        return err_set(err, ERR_NOMEM, "no memory for a topic's name");
    transaction_send(t, (struct str){0}, 0);
    free(t->first_topic);
    t->first_topic = copy;
    t->asks = true;
    if (t->stage == STAGE_BEGIN)
        t->stage = STAGE_ASK;
    return 0;
}

enum transaction_step transaction_cancel(struct transaction *t)
{
    int64_t until = transaction_now_ms() + CANCEL_MS;
    enum transaction_step step = TRANSACTION_MORE;
    if (t->stage >= STAGE_PRODUCE && t->stage < STAGE_COMMIT) {
        t->stage = STAGE_ABORT;
        t->cause_is_final = true;
    }
    while (t->stage >= STAGE_COMMIT && step != TRANSACTION_DONE && transaction_now_ms() < until)
        step = transaction_step(t);
    if (t->stage >= STAGE_PRODUCE)
        t->stage = STAGE_OPEN; /* the next client ends what this one leaves */
    if (step == TRANSACTION_DONE)
        return step;
    err_set(&t->err, ERR_CANCELLED, "cancelled while sending batch %lld to Kafka",
            (long long)t->batch_id);
    return TRANSACTION_FAILED;
}

const struct err *transaction_error(const struct transaction *t)
{
    return &t->err;
}

int64_t transaction_committed(const struct transaction *t)
{
    return t->committed;
}
