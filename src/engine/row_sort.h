/* row_sort.h: rows put in order a little at a time: runs of some thousand are sorted as they fill
 * up, and merged by a heap as the rows are taken. */
#pragma once

#include "sql/aggregate.h"

/* An order without equals. */
struct row_order {
    const void *user;
    /* Rows whose prefixes differ are in their order. */
    uint64_t (*prefix)(const void *user, const char *row);
    int (*compare)(const void *user, const char *a, const char *b);
};

struct row_run {
    char **rows;
    uint32_t count, room;
    uint32_t next; /* to be taken */
};

/* The next row of a run. */
struct row_head {
    uint64_t prefix;
    char *row;
    uint32_t run;
};

struct row_sort {
    struct state_heap *heap;
    struct row_order order;
    struct row_run *runs;
    uint32_t run_count, run_room;
    struct row_head *heads; /* a heap, the first row on top */
    uint32_t head_count, head_room;
};

/* All zero is empty, too. */
void row_sort_init(struct row_sort *sort, struct state_heap *heap, struct row_order order);
void row_sort_fini(struct row_sort *sort);
/* ERR_NOMEM. One call in some thousand sorts as many rows. */
int row_sort_add(struct row_sort *sort, char *row) MUST_CHECK;
/* After the last row; ERR_NOMEM. */
int row_sort_end(struct row_sort *sort) MUST_CHECK;
/* The next row in order; NULL: that were all. */
char *row_sort_take(struct row_sort *sort);
