/* state_impl.h: what the files state*.c and session*.c share; see state.h for what it does.
 *
 * state.c: making, figures · state_window.c: open windows by start · state_fold.c: rows into the
 * batch · state_seal.c: the batch into the state, what closes · state_next.c: what is given out ·
 * state_accumulators.c: loops over a row's accumulators · session*.c: the same for sessions ·
 * state_codec*.c: bytes. */
#pragma once

#include "engine/group_table.h"
#include "engine/lows.h"
#include "engine/state.h"
#include "engine/time_heap.h"

struct sessions;

enum { STATE_EVENT_KEY_BUCKET_US = 1000000 };

/* A time window; for an event key the keys of one second; or, without either, all there is. */
struct window {
    int64_t start;             /* microseconds */
    int64_t first_key;         /* event key: the lowest in `kept` or `batch` */
    struct group_table *kept;  /* the state; NULL: the batch made the window */
    struct group_table *batch; /* the batch under way; NULL: not touched */
    uint32_t *touched;         /* rows of `kept` that the sealed batch changed */
    uint32_t touched_count, touched_room;
    bool touched_all; /* instead: all of them */
    bool in_batch;    /* is in state->touched */
    bool closing;     /* leaves when the groups have been read */
    bool endless;     /* has no time: never closes */
    uint64_t seen;    /* the last fold whose origin is in `lows` */
    struct lows lows;
};

/* Windows by start. */
struct window_map {
    struct window **slots;
    uint32_t slot_count, count;
};

struct window_list {
    struct window **items;
    uint32_t count, capacity;
};

/* What a seal gives out. */
struct state_output {
    struct window **windows; /* in the order of start */
    uint32_t window_count, window_at;
    char **rows; /* of the window (or of all: event key, sessions) under way, sorted */
    size_t row_count, row_at;
    int64_t start; /* of that window */
    bool pending;  /* sealed, and not read to its end */
};

struct state {
    const struct sql_grouping *grouping;
    enum plan_output_mode mode;
    struct state_heap heap;
    struct arena fixed;   /* layouts */
    struct arena scratch; /* of one call */
    struct group_keys keys;
    size_t accumulators; /* where they begin in a row of a group table */
    size_t *offsets;     /* of each from there */
    size_t accumulator_bytes;
    bool closes; /* groups leave */
    struct window_map windows;
    struct window *endless;
    struct time_heap due; /* windows that can close */
    struct window *last;  /* that was looked up */
    struct window_list touched, closing;
    struct sessions *sessions; /* NULL unless SQL_WINDOW_SESSION */
    struct state_output output;
    uint64_t rows;
    uint64_t folds;
    int64_t closing_us; /* of the last seal; INT64_MIN: nothing could leave */
    bool sealed;        /* no fold since */
};

static inline size_t state_align(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Adding without overflow trouble: wraps, as Spark's does. */
static inline int64_t time_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

int state_nomem(struct err *err);

/* ---- state_accumulators.c: `base` is where a row's accumulators begin ---- */

/* first: the column of the first aggregate's first argument. */
int state_update(struct state *state, char *const *groups, size_t base, const struct block *inputs,
                 uint32_t first, struct err *err) MUST_CHECK;
int state_merge(struct state *state, char *into, const char *from, struct err *err) MUST_CHECK;
/* Moves them from one row to a new one; the old ones are zero then. Pointers to accumulators. */
void state_move(const struct state *state, char *into, char *from);
void state_free_row(struct state *state, char *accumulators);
int state_results(struct state *state, char *const *groups, size_t base, uint32_t n,
                  struct arena *arena, struct vec *out, struct err *err) MUST_CHECK;
void state_encode_row(const struct state *state, const char *accumulators, struct buf *out);
int state_decode_row(struct state *state, struct state_reader *in, char *accumulators) MUST_CHECK;

/* ---- state_window.c ---- */

struct window *window_find(const struct state *state, int64_t start);
/* Made if it is not there; NULL without memory. endless: the one without time. */
struct window *window_get(struct state *state, int64_t start, bool endless);
/* Out of the map (not out of `due`), and freed with all its groups. */
void window_remove(struct state *state, struct window *window);
/* All of them. */
void windows_fini(struct state *state);
/* A table for groups of this state. */
int state_table_create(struct state *state, struct group_table **out) MUST_CHECK;
/* With the accumulators of its rows. */
void state_table_destroy(struct state *state, struct group_table *table);
int window_list_add(struct state *state, struct window_list *list,
                    struct window *window) MUST_CHECK;
void window_list_fini(struct state *state, struct window_list *list);
/* All windows in the order of start, the endless one first; in the arena; NULL without memory. */
struct window **windows_sorted(const struct state *state, struct arena *arena, uint32_t *count);
void window_sort(struct window **windows, uint32_t count);

/* ---- state_seal.c ---- */

/* Frees what closed, keeps what the batch changed for state_encode. */
int state_finish(struct state *state, struct err *err) MUST_CHECK;
/* Finishes, and forgets what the last batch changed. */
int state_begin(struct state *state, struct err *err) MUST_CHECK;
/* Windows (or buckets) whose time is over move to state->closing. */
int state_close(struct state *state, int64_t closing_us) MUST_CHECK;

/* ---- state_next.c ---- */

/* Sorts rows by their keys. ERR_NOMEM. */
int state_sort(const struct group_keys *keys, char **rows, size_t count) MUST_CHECK;
void state_output_fini(struct state *state);

/* ---- session*.c ---- */

int sessions_create(struct state *state) MUST_CHECK;
void sessions_destroy(struct state *state);
int sessions_fold(struct state *state, const struct block *inputs,
                  const struct state_origin *origin, int64_t late_us, uint8_t *fates,
                  struct state_counts *counts, struct err *err) MUST_CHECK;
int sessions_seal(struct state *state, int64_t closing_us, struct state_counts *counts,
                  struct err *err) MUST_CHECK;
int sessions_next(struct state *state, struct arena *arena, struct block *groups,
                  struct err *err) MUST_CHECK;
int sessions_finish(struct state *state, struct err *err) MUST_CHECK;
void sessions_begin(struct state *state);
int64_t sessions_low_offset(const struct state *state, uint32_t partition);
int sessions_encode(const struct state *state, enum state_extent extent, struct buf *out,
                    struct arena *arena) MUST_CHECK;
int sessions_decode(struct state *state, struct state_reader *in) MUST_CHECK;

/* ---- group_codec.c ---- */

void group_keys_encode(const struct group_keys *keys, const char *row, struct buf *out);
/* n rows of keys, ready for lookup. ERR_CORRUPT, ERR_NOMEM. */
int group_keys_decode(const struct group_keys *keys, struct state_reader *in, uint32_t n,
                      struct arena *arena, struct key_block *out) MUST_CHECK;
