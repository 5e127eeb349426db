/* state_impl.h: what the files state*.c and session*.c share; see state.h for what it does.
 *
 * state.c: making, figures · state_window.c: open windows by start · state_fold.c: rows into the
 * batch · state_seal.c: the stages of a seal · state_merge.c: the batch into the state ·
 * state_give.c: what is given out · state_close.c: what leaves · state_accumulators.c: loops over a
 * row's accumulators · state_save.c, state_load.c: bytes · session*.c: the same for sessions. */
#pragma once

#include "engine/state_parts.h"

struct sessions;

enum { STATE_EVENT_KEY_BUCKET_US = 1000000 };

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
