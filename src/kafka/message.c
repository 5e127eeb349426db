#include "kafka/message.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "vec/vec.h"

int kafka_batch_init(struct kafka_batch *batch, uint32_t capacity, struct err *err)
{
    REQUIRE(capacity > 0 && capacity <= BLOCK_ROWS_MAX);
    *batch = (struct kafka_batch){.capacity = capacity};
    batch->records = calloc(capacity, sizeof(*batch->records));
    batch->messages = calloc(capacity, sizeof(*batch->messages));
    if (batch->records && batch->messages)
        return 0;
    kafka_batch_fini(batch);
    return err_set(err, ERR_NOMEM, "no memory for a batch of %u messages", capacity);
}

void kafka_batch_release(struct kafka_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        rd_kafka_message_destroy(batch->messages[i]);
    if (batch->outstanding)
        *batch->outstanding -= batch->count;
    batch->outstanding = NULL;
    batch->count = 0;
    batch->bytes = 0;
    batch->at_target = false;
    batch->more = false;
    batch->condition = KAFKA_NONE;
    batch->text[0] = '\0';
}

void kafka_batch_fini(struct kafka_batch *batch)
{
    kafka_batch_release(batch);
    free(batch->records);
    free(batch->messages);
    *batch = (struct kafka_batch){0};
}

enum kafka_timestamp_type kafka_batch_timestamp_type(const struct kafka_batch *batch,
                                                     uint32_t record)
{
    REQUIRE(record < batch->count);
    rd_kafka_timestamp_type_t type;
    rd_kafka_message_timestamp(batch->messages[record], &type);
    switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME:
        return KAFKA_TIMESTAMP_CREATE;
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
        return KAFKA_TIMESTAMP_APPEND;
    default:
        return KAFKA_TIMESTAMP_NONE;
    }
}

static rd_kafka_headers_t *headers_of(const struct kafka_batch *batch, uint32_t record)
{
    rd_kafka_headers_t *headers = NULL;
    return rd_kafka_message_headers(batch->messages[record], &headers) ? NULL : headers;
}

int kafka_batch_headers(const struct kafka_batch *batch, struct arena *arena,
                        struct record_block *block)
{
    size_t total = 0;
    uint32_t *starts = ARENA_ARRAY(arena, uint32_t, batch->count + 1);
    for (uint32_t i = 0; starts && i < batch->count; i++) {
        const rd_kafka_headers_t *headers = headers_of(batch, i);
        starts[i] = (uint32_t)total;
        total += headers ? rd_kafka_header_cnt(headers) : 0;
    }
    struct record_header *array = ARENA_ARRAY(arena, struct record_header, total);
    if (!starts || !array || total > UINT32_MAX)
        return ERR_NOMEM;
    starts[batch->count] = (uint32_t)total;
    for (uint32_t i = 0; i < batch->count; i++) {
        const rd_kafka_headers_t *headers = headers_of(batch, i);
        for (uint32_t k = starts[i]; k < starts[i + 1]; k++) {
            const char *name;
            const void *value;
            size_t size;
            if (rd_kafka_header_get_all(headers, k - starts[i], &name, &value, &size))
                continue; /* cannot be: it was counted */
            array[k] = (struct record_header){str_of(name), {value, value ? size : 0}};
        }
    }
    block->headers = array;
    block->header_starts = starts;
    return 0;
}
