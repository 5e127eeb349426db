#include "engine/time_heap.h"

#include "base/err.h"

enum { CAPACITY_FIRST = 16 };

void time_heap_fini(struct time_heap *times)
{
    state_free(times->heap, times->entries, times->capacity * sizeof *times->entries);
    *times = (struct time_heap){.heap = times->heap};
}

static int resize(struct time_heap *times, size_t capacity)
{
    struct time_entry *entries = state_realloc(
        times->heap, times->entries, times->capacity * sizeof *entries, capacity * sizeof *entries);
    if (!entries)
        return ERR_NOMEM;
    times->entries = entries;
    times->capacity = capacity;
    return 0;
}

int time_heap_push(struct time_heap *times, struct time_entry entry)
{
    if (times->count == times->capacity &&
        resize(times, times->capacity ? times->capacity * 2 : CAPACITY_FIRST) != 0)
        return ERR_NOMEM;
    size_t at = times->count++;
    while (at > 0 && times->entries[(at - 1) / 2].time_us > entry.time_us) {
        times->entries[at] = times->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    times->entries[at] = entry;
    return 0;
}

struct time_entry time_heap_pop(struct time_heap *times)
{
    struct time_entry *entries = times->entries, first = entries[0], last = entries[--times->count];
    size_t n = times->count, at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && entries[child + 1].time_us < entries[child].time_us)
            child++;
        if (entries[child].time_us >= last.time_us)
            break;
        entries[at] = entries[child];
    }
    entries[at] = last;
    if (n == 0)
        time_heap_fini(times);
    else if (times->capacity > CAPACITY_FIRST && n < times->capacity / 4 &&
             resize(times, times->capacity / 2) != 0)
        return first; /* stays larger than it must be */
    return first;
}
