#define _GNU_SOURCE /* qsort_r */
#include "engine/row_sort.h"

#include <stdlib.h>

#include "base/err.h"

enum { RUN_ROWS = 2048 };

void row_sort_init(struct row_sort *sort, struct state_heap *heap, struct row_order order)
{
    *sort = (struct row_sort){.heap = heap, .order = order};
}

static void free_rows(struct row_sort *sort, struct row_run *run)
{
    state_free(sort->heap, run->rows, run->room * sizeof *run->rows);
    *run = (struct row_run){0};
}

void row_sort_fini(struct row_sort *sort)
{
    for (uint32_t i = 0; i < sort->run_count; i++)
        free_rows(sort, &sort->runs[i]);
    if (sort->runs)
        state_free(sort->heap, sort->runs, sort->run_room * sizeof *sort->runs);
    if (sort->heads)
        state_free(sort->heap, sort->heads, sort->head_room * sizeof *sort->heads);
    *sort = (struct row_sort){0};
}

/* ---- runs ---- */

static int compare_heads(const void *a, const void *b, void *user)
{
    const struct row_head *x = a, *y = b;
    const struct row_order *order = user;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    return order->compare(order->user, x->row, y->row);
}

static int sort_run(struct row_sort *sort, struct row_run *run)
{
    size_t bytes = run->count * sizeof(struct row_head);
    struct row_head *sorted = state_alloc(sort->heap, bytes);
    if (!sorted)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < run->count; i++)
        sorted[i] = (struct row_head){.prefix = sort->order.prefix(sort->order.user, run->rows[i]),
                                      .row = run->rows[i]};
    qsort_r(sorted, run->count, sizeof *sorted, compare_heads, &sort->order);
    for (uint32_t i = 0; i < run->count; i++)
        run->rows[i] = sorted[i].row;
    state_free(sort->heap, sorted, bytes);
    return 0;
}

int row_sort_add(struct row_sort *sort, char *row)
{
    struct row_run *run = sort->run_count ? &sort->runs[sort->run_count - 1] : NULL;
    if (!run || run->count == RUN_ROWS) {
        struct row_run *runs =
            state_grow(sort->heap, sort->runs, sort->run_count, &sort->run_room, sizeof *runs);
        if (!runs)
            return ERR_NOMEM;
        sort->runs = runs;
        run = &runs[sort->run_count++];
        *run = (struct row_run){0};
    }
    char **rows = state_grow(sort->heap, run->rows, run->count, &run->room, sizeof *rows);
    if (!rows)
        return ERR_NOMEM;
    run->rows = rows;
    run->rows[run->count++] = row;
    return run->count == RUN_ROWS ? sort_run(sort, run) : 0;
}

/* ---- merging ---- */

static bool is_before(const struct row_sort *sort, const struct row_head *a,
                      const struct row_head *b)
{
    return compare_heads(a, b, (void *)&sort->order) < 0;
}

/* Lets the head find its place from `at` downwards. */
static void sift(struct row_sort *sort, uint32_t at, struct row_head head)
{
    struct row_head *heads = sort->heads;
    for (uint32_t child; (child = 2 * at + 1) < sort->head_count; at = child) {
        if (child + 1 < sort->head_count && is_before(sort, &heads[child + 1], &heads[child]))
            child++;
        if (!is_before(sort, &heads[child], &head))
            break;
        heads[at] = heads[child];
    }
    heads[at] = head;
}

static struct row_head next_head(const struct row_sort *sort, uint32_t run_number)
{
    struct row_run *run = &sort->runs[run_number];
    char *row = run->rows[run->next++];
    if (run->next < run->count)
        __builtin_prefetch(run->rows[run->next]);
    return (struct row_head){sort->order.prefix(sort->order.user, row), row, run_number};
}

int row_sort_end(struct row_sort *sort)
{
    if (sort->run_count == 0)
        return 0;
    struct row_run *last = &sort->runs[sort->run_count - 1];
    if (last->count < RUN_ROWS && sort_run(sort, last) != 0)
        return ERR_NOMEM;
    sort->heads = state_alloc(sort->heap, sort->run_count * sizeof *sort->heads);
    if (!sort->heads)
        return ERR_NOMEM;
    sort->head_count = sort->head_room = sort->run_count;
    for (uint32_t i = 0; i < sort->run_count; i++)
        sort->heads[i] = next_head(sort, i);
    for (uint32_t i = sort->head_count / 2; i-- > 0;)
        sift(sort, i, sort->heads[i]);
    return 0;
}

char *row_sort_take(struct row_sort *sort)
{
    if (sort->head_count == 0)
        return NULL;
    struct row_head top = sort->heads[0];
    struct row_run *run = &sort->runs[top.run];
    if (run->next < run->count) {
        sift(sort, 0, next_head(sort, top.run));
    } else {
        free_rows(sort, run);
        sort->head_count--;
        if (sort->head_count)
            sift(sort, 0, sort->heads[sort->head_count]);
    }
    return top.row;
}
