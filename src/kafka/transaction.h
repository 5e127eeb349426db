/* transaction.h: one batch of rows in one Kafka transaction, in steps that block. Private to
 * src/kafka: writer.h runs them on its helper thread.
 *
 * Beside the rows a transaction commits the batch's id as an offset of a private group (the
 * transactional id is its name): batch id + 1 on partition 0 of the first row's topic. So whether a
 * batch is in Kafka can be asked for (stable offsets only), and a batch that is there
 * is never sent again: it is asked for whenever a client is made, after init_transactions has
 * fenced earlier producers of the same id and ended what they left.
 *
 *   open → init → ask → begin → produce → flush → offsets → commit → done
 *                          ↑        └───────┴────────┴────────┴→ abort
 *                          └── (again) ───────────────────────────┘
 *
 * What a failed call means is librdkafka's word: retriable, the call is repeated; abortable, the
 * transaction is aborted and the batch sent anew, unless the reason is a permanent one; fatal, the
 * client is at its end. A producer that was fenced is final, except when its own transaction was
 * open for longer than transaction.timeout.ms: then it was the broker that ended it, and a new
 * client goes on. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "kafka/writer.h"

struct transaction;

enum transaction_step {
    TRANSACTION_MORE,   /* it goes on: call again */
    TRANSACTION_WAIT,   /* something is wrong that may pass: call again after a pause */
    TRANSACTION_DONE,   /* committed, or asked */
    TRANSACTION_FAILED, /* final; nothing of the batch can be read */
};

/* Checks the options as far as that goes without a broker. ERR_INVALID, ERR_NOMEM. */
int transaction_create(struct transaction **out, const struct kafka_writer_options *options,
                       struct err *err) MUST_CHECK;
/* Blocks for up to some seconds; what is open is left to the broker to end. */
void transaction_destroy(struct transaction *transaction);

/* The next steps send these rows (kafka_rows.h; they outlive the steps) as this batch. */
void transaction_send(struct transaction *transaction, struct str rows, int64_t batch_id);
/* The next steps ask which batch was committed last, of those whose first row went to `topic`.
 * ERR_NOMEM. */
int transaction_ask(struct transaction *transaction, struct str topic, struct err *err) MUST_CHECK;

/* Blocks for about a second at most. */
enum transaction_step transaction_step(struct transaction *transaction);
/* Ends the steps early, within about a second: DONE when it was too late, else FAILED with
 * ERR_CANCELLED, and then the batch is not committed unless the connection was lost during its
 * commit. */
enum transaction_step transaction_cancel(struct transaction *transaction);

/* Of the last WAIT or FAILED. */
const struct err *transaction_error(const struct transaction *transaction);
/* Of the last DONE: the batch committed last, -1 when there is none. */
int64_t transaction_committed(const struct transaction *transaction);
