/* state_window.c: the open windows, by start. */
#include "engine/state_impl.h"

enum { SLOTS_FIRST = 8 };

static uint32_t slot_of(const struct window_map *map, int64_t start)
{
    uint64_t hash = (uint64_t)start * 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(hash >> 32) & (map->slot_count - 1);
}

static uint32_t next_slot(const struct window_map *map, uint32_t slot)
{
    return (slot + 1) & (map->slot_count - 1);
}

struct window *window_find(const struct state *state, int64_t start)
{
    const struct window_map *map = &state->windows;
    if (map->slot_count == 0)
        return NULL;
    uint32_t slot = slot_of(map, start);
    while (map->slots[slot] && map->slots[slot]->start != start)
        slot = next_slot(map, slot);
    return map->slots[slot];
}

static void map_put(struct window_map *map, struct window *window)
{
    uint32_t slot = slot_of(map, window->start);
    while (map->slots[slot])
        slot = next_slot(map, slot);
    map->slots[slot] = window;
}

static int map_resize(struct state *state, uint32_t slot_count)
{
    struct window_map *map = &state->windows, old = *map;
    struct window **slots = NULL;
    if (slot_count) {
        slots = state_alloc(&state->heap, slot_count * sizeof *slots);
        if (!slots)
            return ERR_NOMEM;
        memset(slots, 0, slot_count * sizeof *slots);
    }
    map->slots = slots;
    map->slot_count = slot_count;
    for (uint32_t i = 0; i < old.slot_count; i++) {
        if (old.slots[i])
            map_put(map, old.slots[i]);
    }
    state_free(&state->heap, old.slots, old.slot_count * sizeof *old.slots);
    return 0;
}

/* Open addressing without marks of removal: what follows in the same run moves up. */
static void map_remove(struct window_map *map, int64_t start)
{
    uint32_t hole = slot_of(map, start);
    while (map->slots[hole]->start != start)
        hole = next_slot(map, hole);
    for (uint32_t at = next_slot(map, hole); map->slots[at]; at = next_slot(map, at)) {
        uint32_t home = slot_of(map, map->slots[at]->start), mask = map->slot_count - 1;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole] = NULL;
    map->count--;
}

static int map_add(struct state *state, struct window *window)
{
    struct window_map *map = &state->windows;
    if ((map->count + 1) * 4 > map->slot_count * 3) {
        if (map->slot_count > UINT32_MAX / 8 ||
            map_resize(state, map->slot_count ? map->slot_count * 2 : SLOTS_FIRST) != 0)
            return ERR_NOMEM;
    }
    map_put(map, window);
    map->count++;
    return 0;
}

static int64_t due_time(const struct state *state, const struct window *window)
{
    bool timed = state->grouping->window == SQL_WINDOW_TIME;
    return timed ? time_add(window->start, state->grouping->size_us) : window->start;
}

struct window *window_get(struct state *state, int64_t start, bool endless)
{
    struct window *window = endless ? state->endless : window_find(state, start);
    if (window)
        return window;
    window = state_alloc(&state->heap, sizeof *window);
    if (!window)
        return NULL;
    *window = (struct window){.start = start, .first_key = INT64_MAX, .endless = endless};
    if (endless) {
        state->endless = window;
        return window;
    }
    struct time_entry due = {.time_us = due_time(state, window), .item = window};
    if (map_add(state, window) != 0) {
        state_free(&state->heap, window, sizeof *window);
        return NULL;
    }
    if (state->closes && time_heap_push(&state->due, due) != 0) {
        window_remove(state, window);
        return NULL;
    }
    return window;
}

int state_table_create(struct state *state, struct group_table **out)
{
    size_t row_size = state->accumulators + state->accumulator_bytes;
    return group_table_create(out, &state->keys, &state->heap, row_size, false);
}

void state_table_destroy(struct state *state, struct group_table *table)
{
    if (!table)
        return;
    for (uint32_t i = 0; state->hangs && i < table->rows.used; i++)
        state_free_row(state, group_table_row(table, i) + state->accumulators);
    group_table_destroy(table);
}

static void window_free(struct state *state, struct window *window)
{
    state_table_destroy(state, window->kept);
    state_table_destroy(state, window->batch);
    state_free(&state->heap, window->touched, window->touched_room * sizeof *window->touched);
    lows_fini(&window->lows, &state->heap);
    state_free(&state->heap, window, sizeof *window);
}

void window_remove(struct state *state, struct window *window)
{
    struct window_map *map = &state->windows;
    map_remove(map, window->start);
    window_free(state, window);
    if (map->count == 0 || (map->slot_count > SLOTS_FIRST && map->count < map->slot_count / 8)) {
        if (map_resize(state, map->count == 0 ? 0 : map->slot_count / 4) != 0)
            return; /* stays larger than it must be */
    }
}

void windows_fini(struct state *state)
{
    for (uint32_t i = 0; i < state->windows.slot_count; i++) {
        if (state->windows.slots[i])
            window_free(state, state->windows.slots[i]);
    }
    state_free(&state->heap, state->windows.slots,
               state->windows.slot_count * sizeof *state->windows.slots);
    if (state->endless)
        window_free(state, state->endless);
    time_heap_fini(&state->due);
    window_list_fini(state, &state->filling);
    window_list_fini(state, &state->touched);
    window_list_fini(state, &state->closing);
    state->windows = (struct window_map){0};
    state->endless = NULL;
}

int window_list_add(struct state *state, struct window_list *list, struct window *window)
{
    struct window **items =
        state_grow(&state->heap, list->items, list->count, &list->capacity, sizeof *items);
    if (!items)
        return ERR_NOMEM;
    list->items = items;
    list->items[list->count++] = window;
    return 0;
}

void window_list_fini(struct state *state, struct window_list *list)
{
    state_free(&state->heap, list->items, list->capacity * sizeof *list->items);
    *list = (struct window_list){0};
}
