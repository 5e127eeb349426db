/* state_impl.h: what the files state*.c and session*.c share; see state.h for what it does.
 *
 * state.c: making, figures · state_window.c: open windows by start · state_fold.c: rows into the
 * batch · state_seal.c: the stages of a seal · state_merge.c: the batch into the state ·
 * state_give.c: what is given out · state_close.c: what leaves · state_accumulators.c: loops over a
 * row's accumulators · state_save.c, state_load.c: bytes · session*.c: the same for sessions. */
#pragma once

#include "engine/group_table.h"
#include "engine/lows.h"
#include "engine/row_sort.h"
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
    bool in_batch;    /* is in state->filling */
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

/* A table on its way out, with what hangs on its rows. */
struct table_end {
    struct group_table *table; /* NULL: none */
    size_t accumulators;       /* where they begin in a row; 0: nothing hangs on it */
    size_t lows;               /* where a struct lows is; 0: nowhere */
    uint32_t row;              /* rows before it are done */
};

/* What a seal gives out: windows in order, the rows of each in order, made into blocks. */
struct state_output {
    struct row_sort windows;
    struct row_sort rows;  /* of the window (or of all: event key, sessions) under way */
    struct window *window; /* whose rows are going into `rows`; NULL: none */
    uint32_t row;          /* the next of them */
    bool taking;           /* `rows` is complete */
    int64_t start;         /* of the window that is taken from */
    char **block;          /* BLOCK_ROWS_MAX rows of the block under way; NULL: nothing is given */
    int64_t *starts;       /* of their windows */
    uint32_t count;
};

/* Where the rows of a bucket go when those up to the closing time leave. */
struct state_cut {
    struct window *window; /* NULL: none is cut */
    struct group_table *table;
    uint32_t *ids; /* by old number; GROUP_NONE: left */
    size_t ids_bytes;
    int64_t first_key;
    uint32_t row;                   /* the next to decide about */
    uint32_t touched, touched_left; /* done of window->touched, and that stay */
};

/* The stages of a seal, in this order. */
enum state_stage {
    STAGE_FORGET, /* what the batch before changed */
    STAGE_MERGE,  /* the batch into the state */
    STAGE_CLOSE,  /* which windows or sessions leave */
    STAGE_LIST,   /* what is given out */
    STAGE_GIVE,
    STAGE_CUT,    /* the bucket that the watermark is in */
    STAGE_LEAVE,  /* what closed */
    STAGE_SHRINK, /* sessions: those that are left move together */
    STAGE_DONE,
};

struct state_seal {
    enum state_stage stage;
    bool takes_part; /* else only what the batch before changed is forgotten */
    bool silent;     /* nothing is given out: of a delta that is loaded */
    int64_t closing_us;
    struct state_counts *counts;
    uint32_t item, left; /* where the stage is in its list, and how many of it stay */
    uint32_t row;        /* and in the rows of the item */
    struct table_end end;
};

/* One step of a seal. */
struct state_step {
    uint32_t *work; /* groups that may still be worked on */
    struct arena *arena;
    struct block *groups; /* out: rows 0: none yet */
    bool over;            /* out: the stage is */
    struct err *err;
};

/* Where saving is. */
struct state_saving {
    enum state_extent extent;
    uint32_t item;         /* of the windows or of the keys, all of them or those touched */
    struct window *window; /* under way; NULL: none */
    uint32_t row;          /* the next of the window */
    uint32_t next;         /* sessions: the next of the key's, number + 1; 0: the key is done */
    size_t count_at;       /* where the count of the piece stands in the chunk; 0: no piece */
    uint32_t count;        /* rows of the piece so far */
};

/* Where loading is. */
struct state_loading {
    bool snapshot;
    struct window *window; /* of the piece */
    uint32_t left;         /* groups of the piece */
    uint32_t key;          /* sessions: of the entry before; GROUP_NONE: none */
    uint32_t last;         /* and its last session */
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
    bool hangs;  /* accumulators have memory of their own */
    bool closes; /* groups leave */
    struct window_map windows;
    struct window *endless;
    struct time_heap due;       /* windows that can close */
    struct window_list filling; /* that the batch under way has rows of */
    struct window_list touched; /* that the sealed batch changed */
    struct window_list closing; /* that leave */
    struct sessions *sessions;  /* NULL unless SQL_WINDOW_SESSION */
    struct state_seal seal;
    struct state_output output;
    struct state_cut cut;
    struct state_saving saving;
    struct state_loading loading;
    uint64_t rows;
    uint64_t folds;
    int64_t closing_us; /* of the last seal; INT64_MIN: nothing could leave */
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

/* ---- state_seal.c ---- */

/* What a delta that was loaded says: all up to this time leaves. Then state_seal_step. */
void state_close_begin(struct state *state, int64_t closing_us);
/* A table leaves, in steps. */
void table_end_begin(struct table_end *end, const struct state *state, struct group_table *table);
/* false: it is done. */
bool table_end_step(struct state *state, struct table_end *end, uint32_t *work);
/* At once. */
void table_end_fini(struct state *state, struct table_end *end);

/* ---- the stages: for groups, and for sessions ---- */

int windows_forget(struct state *state, struct state_step *step) MUST_CHECK;
int windows_merge(struct state *state, struct state_step *step) MUST_CHECK;
int windows_close(struct state *state, struct state_step *step) MUST_CHECK;
int windows_list(struct state *state, struct state_step *step) MUST_CHECK;
int windows_give(struct state *state, struct state_step *step) MUST_CHECK;
int windows_cut(struct state *state, struct state_step *step) MUST_CHECK;
int windows_leave(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_forget(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_merge(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_close(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_list(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_give(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_leave(struct state *state, struct state_step *step) MUST_CHECK;
int sessions_shrink(struct state *state, struct state_step *step) MUST_CHECK;

/* ---- state_close.c ---- */

void state_cut_fini(struct state *state);

/* ---- state_give.c ---- */

/* Orders rows by their keys. */
struct row_order group_order(const struct group_keys *keys);
int state_output_init(struct state *state) MUST_CHECK;
void state_output_fini(struct state *state);

/* ---- session*.c ---- */

int sessions_create(struct state *state) MUST_CHECK;
void sessions_destroy(struct state *state);
int sessions_fold(struct state *state, const struct block *inputs,
                  const struct state_origin *origin, int64_t late_us, uint8_t *fates,
                  struct state_counts *counts, struct err *err) MUST_CHECK;
int64_t sessions_low_offset(const struct state *state, uint32_t partition);
int sessions_save_step(struct state *state, struct buf *out, uint32_t *rows, uint32_t *work,
                       bool *done) MUST_CHECK;
int sessions_load_step(struct state *state, struct state_reader *in, uint32_t *rows,
                       uint32_t *work) MUST_CHECK;

/* ---- group_codec.c ---- */

void group_keys_encode(const struct group_keys *keys, const char *row, struct buf *out);
/* Room for n rows of keys; ERR_NOMEM. */
int group_keys_decode_begin(const struct group_keys *keys, uint32_t n, struct arena *arena,
                            struct key_block *out) MUST_CHECK;
/* The keys of row i; false: damaged. When all are there: group_keys_hash. */
bool group_keys_decode(const struct group_keys *keys, struct state_reader *in,
                       struct key_block *out, uint32_t i);
