/* The question which batch was committed last. It is a consumer's: the admin call for it
 * (ListConsumerGroupOffsets) ends the process in 2.0.2 when the coordinator is still loading. */
#include <stdio.h>
#include <stdlib.h>

#include "kafka/transaction_impl.h"

static bool open_asker(struct transaction *t, char text[300])
{
    struct err err = {0};
    t->asker = calloc(1, sizeof *t->asker);
    if (t->asker)
        t->asker->wake_fd = -1;
    if (t->asker &&
        !kafka_client_init(t->asker, RD_KAFKA_CONSUMER, rd_kafka_conf_dup(t->ask_conf), 0, &err))
        return true;
    free(t->asker);
    t->asker = NULL;
    snprintf(text, 300, "%.299s", err.code ? err.msg : "out of memory");
    return false;
}

/* Log lines and errors; the producer reports the same trouble. */
static void drop_events(struct kafka_client *client)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(client->events, 0)))
        rd_kafka_event_destroy(event);
}

/* The offset is the batch that comes next. */
static rd_kafka_resp_err_t read_offset(struct transaction *t)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *partition =
        rd_kafka_topic_partition_list_add(list, t->first_topic, 0);
    rd_kafka_resp_err_t error = rd_kafka_committed(t->asker->rk, list, BLOCK_MS);
    if (!error)
        error = partition->err;
    if (kafka_condition_of(error) == KAFKA_UNKNOWN_TOPIC) /* then nothing was committed there */
        error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!error)
        t->committed = partition->offset > 0 ? partition->offset - 1 : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

rd_kafka_resp_err_t transaction_ask_committed(struct transaction *t, char text[300])
{
    if (!t->asker && !open_asker(t, text))
        return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
    rd_kafka_resp_err_t error = read_offset(t);
    drop_events(t->asker);
    if (error)
        snprintf(text, 300, "%s", rd_kafka_err2str(error));
    else
        transaction_end_client(&t->asker);
    return error;
}
