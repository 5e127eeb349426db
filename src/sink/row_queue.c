#include "sink/row_queue.h"

#include "base/err.h"

void row_queue_fini(struct row_queue *queue)
{
    arena_fini(&queue->arena);
    *queue = (struct row_queue){0};
}

/* Blocks are copied a whole at a time or by picks; both are a gather. */
static const uint32_t *all_rows(struct row_queue *queue, uint32_t count)
{
    uint32_t *picks = ARENA_ARRAY(&queue->arena, uint32_t, count);
    for (uint32_t i = 0; picks && i < count; i++)
        picks[i] = i;
    return picks;
}

int row_queue_add(struct row_queue *queue, const struct block *rows, const uint32_t *picks,
                  uint32_t count)
{
    struct row_run *run = ARENA_NEW(&queue->arena, struct row_run);
    struct vec *cols = ARENA_ARRAY(&queue->arena, struct vec, rows->col_count + 1);
    if (!picks)
        picks = all_rows(queue, count);
    if (!run || !cols || (!picks && count))
        return ERR_NOMEM;
    for (uint32_t c = 0; c < rows->col_count; c++) {
        if (vec_copy(&cols[c], &rows->cols[c], picks, count, &queue->arena) != 0)
            return ERR_NOMEM;
        queue->row_bytes += vec_value_bytes(&cols[c]);
    }
    run->rows = (struct block){.cols = cols, .col_count = rows->col_count, .rows = count};
    if (queue->last)
        queue->last->next = run;
    else
        queue->first = run;
    queue->last = run;
    return 0;
}
