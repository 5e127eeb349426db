/* transaction_impl.h: what the files of transaction.h share. Private to them. */
#pragma once

#include "format/kafka_rows.h"
#include "kafka/client.h"
#include "kafka/transaction.h"

enum transaction_stage {
    STAGE_OPEN, /* there is no client, or one to be replaced */
    STAGE_INIT,
    STAGE_ASK,
    STAGE_BEGIN,
    /* From here on a transaction is open. */
    STAGE_PRODUCE,
    STAGE_FLUSH,
    STAGE_OFFSETS,
    STAGE_COMMIT,
    STAGE_ABORT,
};

enum { BLOCK_MS = 500 /* one blocking call */ };

struct transaction {
    rd_kafka_conf_t *conf; /* copied for each client */
    rd_kafka_conf_t *ask_conf;
    char *id;
    struct kafka_client *client; /* NULL: none */
    struct kafka_client *asker;  /* a consumer of the private group, while it is asked for */
    rd_kafka_topic_t *topic;     /* of the last row sent */
    char *first_topic;           /* of the batch */
    enum transaction_stage stage;
    bool asks, ready; /* ready: some client was initialised */
    bool guarded;     /* kafka_writer_options */
    struct str rows;
    int64_t batch_id, committed;
    struct kafka_rows_reader reader;
    struct kafka_row row;
    bool row_waits;      /* `row` was read and is not sent: the queue is full */
    int64_t moved_ms;    /* when a stage ended, or something was acknowledged */
    int queued;          /* messages not acknowledged at the last step */
    int64_t batch_bytes; /* batch.size of the next client; 0: as configured */
    int64_t timeout_ms;  /* transaction.timeout.ms */
    int64_t begun_ms;

    /* Why the transaction is to be aborted; code 0: it is not. */
    struct err cause;
    bool cause_is_final;

    struct err err;
};

int64_t transaction_now_ms(void);
/* Ends a client, if there is one, within about 2 s, and sets it NULL. */
void transaction_end_client(struct kafka_client **client);
/* Serves delivery reports, waiting up to wait_ms for one. The first failure becomes the cause. */
void transaction_poll(struct transaction *transaction, int wait_ms);
/* Notes why to abort, unless that is known. */
void transaction_note(struct transaction *transaction, rd_kafka_resp_err_t error, const char *what,
                      const char *reason);
/* Makes the client's word for what is wrong the error, or `reason` when it has none. */
enum transaction_step transaction_wait(struct transaction *transaction, const char *what,
                                       const char *reason);
/* Nothing moves: for a while that is nothing to tell, unless there is no connection. */
bool transaction_stands_still(const struct transaction *transaction);
/* Whether another attempt cannot cure it. */
bool transaction_error_is_final(rd_kafka_resp_err_t error);
int transaction_error_code(rd_kafka_resp_err_t error);

/* The steps of sending. They leave the stage, or stay in it for another call. */
enum transaction_step transaction_produce(struct transaction *transaction);
enum transaction_step transaction_flush(struct transaction *transaction);
/* The step that asks for the last batch: 0 or the error, with its reason in *text. */
rd_kafka_resp_err_t transaction_ask_committed(struct transaction *transaction, char text[300]);
