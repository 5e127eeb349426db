/* row_queue.h: copies of rows that wait to be encoded. */
#pragma once

#include "vec/vec.h"

struct row_run {
    struct row_run *next;
    struct block rows;
};

/* All zero is a valid empty queue. */
struct row_queue {
    struct arena arena; /* the runs and their rows */
    struct row_run *first, *last;
    uint64_t row_bytes; /* of the values */
};

void row_queue_fini(struct row_queue *queue);
/* Copies the picked rows (picks NULL: all). ERR_NOMEM. */
int row_queue_add(struct row_queue *queue, const struct block *rows, const uint32_t *picks,
                  uint32_t count) MUST_CHECK;
/* Memory held. */
static inline size_t row_queue_bytes(const struct row_queue *queue)
{
    return queue->arena.bytes;
}
