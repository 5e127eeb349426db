/* dedup_impl.h: what dedup*.c share. */
#pragma once

#include "engine/dedup.h"
#include "engine/state_impl.h"

/* The stages of a seal, in this order. */
enum dedup_stage {
    DEDUP_EVICT,    /* keys whose time is over */
    DEDUP_DROP,     /* keys that were added and have left again: they need not be saved */
    DEDUP_MOVE,     /* after a crowd left, the others move together: the rows */
    DEDUP_NUMBER,   /* their numbers in `due` */
    DEDUP_RENUMBER, /* and in `added` */
    DEDUP_FREE,     /* the old table */
    DEDUP_DONE,
};

struct dedup_seal {
    enum dedup_stage stage;
    int64_t closing_us;
    size_t item; /* where the stage is in its list */
    uint32_t left;
    /* While rows move. */
    struct group_table *table; /* the new one; then the old one */
    uint32_t *numbers;         /* by old number */
    size_t numbers_bytes;
};

struct dedup {
    struct state_heap heap;
    struct arena fixed, scratch;
    struct group_keys keys;
    struct group_table *seen; /* a row: the keys, then when they leave (int64, microseconds) */
    size_t expiry;            /* where that is in a row; INT64_MIN there: the row was removed */
    struct time_heap due;
    int64_t delay_us;
    uint32_t *added; /* rows that the batch added */
    uint32_t added_count, added_room;
    int64_t closing_us; /* of the last seal */
    bool sealed;        /* no fold since */
    bool snapshot;      /* what is saved, or loaded */
    uint32_t row;       /* the next to be saved */
    struct dedup_seal seal;
};

static inline int64_t *dedup_expiry_of(const struct dedup *dedup, uint32_t id)
{
    return (int64_t *)(void *)(group_table_row(dedup->seen, id) + dedup->expiry);
}

int dedup_table_create(struct dedup *dedup, struct group_table **out) MUST_CHECK;
int dedup_set_expiry(struct dedup *dedup, uint32_t id, int64_t expiry) MUST_CHECK;
/* What the batch added. */
void dedup_forget(struct dedup *dedup);
void dedup_moving_fini(struct dedup *dedup);
