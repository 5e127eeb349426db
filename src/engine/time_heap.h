/* time_heap.h: what is due by time: a binary heap of (time, item), the earliest first. */
#pragma once

#include "sql/aggregate.h"

struct time_entry {
    int64_t time_us;
    union {
        void *item;
        uint64_t id;
    };
};

/* All zero but for the heap is a valid empty one. */
struct time_heap {
    struct state_heap *heap;
    struct time_entry *entries;
    size_t count, capacity;
};

void time_heap_fini(struct time_heap *times);
/* ERR_NOMEM. */
int time_heap_push(struct time_heap *times, struct time_entry entry) MUST_CHECK;
/* The earliest is entries[0], when count > 0. */
struct time_entry time_heap_pop(struct time_heap *times);
