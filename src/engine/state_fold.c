/* state_fold.c: rows of a block into the tables of the batch.
 *
 * Windows are Spark's TimeWindowing: the last one that begins at or before the time, and those
 * before it that still hold it, ceil(size / slide) at most. They are folded in as many passes, each
 * over windows whose number has the same remainder: a row is in one of them at most, so each group
 * gets its rows in their order (first, collect_list and sums of doubles depend on it). */
#include "engine/state_impl.h"

enum { ROW_ACCEPTED = 1, ROW_LATE = 2 };

struct fold {
    struct state *state;
    const struct state_origin *origin;
    int64_t late_us;
    uint32_t rows;
    struct key_block keys;
    const struct vec *times; /* of the window or the event key; NULL: neither */
    int64_t *lasts;          /* the start of each row's last window; event key: its bucket */
    const uint32_t *windows; /* a row stands for its window so many back from the last; or NULL */
    uint32_t *remainders;    /* of the last window's number by passes */
    uint32_t passes;
    char **groups;
    uint8_t *fates; /* while folding: bits of ROW_* */
    uint64_t late_pairs;
    struct window *window; /* of the row before */
};

/* The start of the last window (or bucket) of each row with a time. */
static void find_lasts(struct fold *fold, int64_t slide, int64_t offset)
{
    int64_t start = 0;
    uint64_t remainder = 0;
    bool known = false;
    for (uint32_t i = 0; i < fold->rows; i++) {
        int64_t time = fold->times->i64[i];
        if (!known || (uint64_t)time - (uint64_t)start >= (uint64_t)slide || time < start) {
            int64_t past = time_add(time, -offset) % slide;
            start = (int64_t)((uint64_t)time - (uint64_t)(past < 0 ? past + slide : past));
            int64_t number = time_add(start, -offset) / slide;
            int64_t rest = number % (int64_t)fold->passes;
            remainder = (uint64_t)(rest < 0 ? rest + fold->passes : rest);
            known = true;
        }
        fold->lasts[i] = start;
        if (fold->remainders)
            fold->remainders[i] = (uint32_t)remainder;
    }
}

/* A window that the batch changes: its table, and what of it is older than the batch. */
static int open_window(struct fold *fold, struct window *window, uint32_t row)
{
    struct state *state = fold->state;
    if (!window->in_batch) {
        if (window_list_add(state, &state->filling, window) != 0)
            return ERR_NOMEM;
        window->in_batch = true;
    }
    if (!window->batch && state_table_create(state, &window->batch) != 0)
        return ERR_NOMEM;
    if (window->seen != state->folds && fold->origin) {
        struct low low = {fold->origin->partition, fold->origin->offsets[row]};
        if (lows_add(&window->lows, &state->heap, low) != 0)
            return ERR_NOMEM;
        window->seen = state->folds;
    }
    fold->window = window;
    return 0;
}

static inline int put_row(struct fold *fold, int64_t start, bool endless, uint32_t row)
{
    struct window *window = fold->window;
    if (!window || window->start != start || window->endless != endless) {
        window = window_get(fold->state, start, endless);
        if (!window || open_window(fold, window, row) != 0)
            return ERR_NOMEM;
    }
    char *group = group_table_get_row(window->batch, &fold->keys, row);
    if (UNLIKELY(!group))
        return ERR_NOMEM;
    fold->groups[row] = group;
    fold->fates[row] |= ROW_ACCEPTED;
    return 0;
}

static int pass_windows(struct fold *fold, uint32_t pass)
{
    const struct sql_grouping *grouping = fold->state->grouping;
    bool can_be_late = fold->state->closes;
    for (uint32_t i = 0; i < fold->rows; i++) {
        fold->groups[i] = NULL;
        if (vec_is_null(fold->times, i))
            continue;
        int64_t start = fold->lasts[i];
        if (fold->windows) {
            uint64_t back = fold->windows[i];
            start = (int64_t)((uint64_t)start - back * (uint64_t)grouping->slide_us);
        } else if (fold->passes > 1) {
            int64_t time = fold->times->i64[i];
            uint64_t back = fold->remainders[i] >= pass
                                ? fold->remainders[i] - pass
                                : (uint64_t)fold->remainders[i] + fold->passes - pass;
            start = (int64_t)((uint64_t)start - back * (uint64_t)grouping->slide_us);
            if (start > time || time_add(start, grouping->size_us) <= time)
                continue;
        }
        if (can_be_late && time_add(start, grouping->size_us) <= fold->late_us) {
            fold->fates[i] |= ROW_LATE;
            fold->late_pairs++;
        } else if (put_row(fold, start, false, i) != 0) {
            return ERR_NOMEM;
        }
    }
    return 0;
}

/* GROUP BY the time itself: a NULL is never late and never leaves, as in Spark. */
static int pass_event_keys(struct fold *fold)
{
    bool can_be_late = fold->state->closes;
    for (uint32_t i = 0; i < fold->rows; i++) {
        bool null = vec_is_null(fold->times, i);
        int64_t time = fold->times->i64[i];
        fold->groups[i] = NULL;
        if (!null && can_be_late && time <= fold->late_us) {
            fold->fates[i] |= ROW_LATE;
            fold->late_pairs++;
            continue;
        }
        if (put_row(fold, null ? 0 : fold->lasts[i], null, i) != 0)
            return ERR_NOMEM;
        if (!null && time < fold->window->first_key)
            fold->window->first_key = time;
    }
    return 0;
}

static int pass_all(struct fold *fold)
{
    for (uint32_t i = 0; i < fold->rows; i++) {
        if (put_row(fold, 0, true, i) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int prepare(struct fold *fold, const struct block *inputs)
{
    struct state *state = fold->state;
    const struct sql_grouping *grouping = state->grouping;
    struct arena *arena = &state->scratch;
    bool windowed = grouping->window == SQL_WINDOW_TIME;
    fold->passes = 1;
    if (windowed) {
        fold->times = &inputs->cols[0];
        if (!fold->windows)
            fold->passes = (uint32_t)((grouping->size_us - 1) / grouping->slide_us) + 1;
    } else if (grouping->event_key >= 0) {
        fold->times = &inputs->cols[grouping->event_key];
    }
    fold->groups = arena_alloc(arena, fold->rows * sizeof *fold->groups);
    fold->lasts = arena_alloc(arena, fold->rows * sizeof *fold->lasts);
    if (fold->passes > 1)
        fold->remainders = arena_alloc(arena, fold->rows * sizeof *fold->remainders);
    if (!fold->groups || !fold->lasts || (fold->passes > 1 && !fold->remainders))
        return ERR_NOMEM;
    if (fold->times)
        find_lasts(fold, windowed ? grouping->slide_us : STATE_EVENT_KEY_BUCKET_US,
                   windowed ? grouping->start_us : 0);
    return group_keys_prepare(&state->keys, inputs->cols + windowed, fold->rows, arena,
                              &fold->keys);
}

static void set_fates(struct fold *fold)
{
    static const uint8_t fates[] = {
        [0] = STATE_NO_EVENT_TIME,
        [ROW_ACCEPTED] = STATE_ACCEPTED,
        [ROW_LATE] = STATE_LATE,
        [ROW_ACCEPTED | ROW_LATE] = STATE_LATE_SOME,
    };
    for (uint32_t i = 0; i < fold->rows; i++)
        fold->fates[i] = fates[fold->fates[i]];
}

static int fold_block(struct fold *fold, const struct block *inputs, struct err *err)
{
    struct state *state = fold->state;
    bool windowed = state->grouping->window == SQL_WINDOW_TIME;
    if (prepare(fold, inputs) != 0)
        return state_nomem(err);
    for (uint32_t pass = 0; pass < fold->passes; pass++) {
        int code = windowed      ? pass_windows(fold, pass)
                   : fold->times ? pass_event_keys(fold)
                                 : pass_all(fold);
        if (code)
            return state_nomem(err);
        code = state_update(state, fold->groups, state->accumulators, inputs,
                            windowed + state->grouping->key_count, err);
        if (code)
            return code;
    }
    return 0;
}

int state_fold(struct state *state, const struct block *inputs, const uint32_t *windows,
               const struct state_origin *origin, int64_t late_us, uint8_t *fates,
               struct state_counts *counts, struct err *err)
{
    REQUIRE(state->seal.stage == STAGE_DONE);
    if (inputs->rows == 0)
        return 0;
    state->folds++;
    arena_reset(&state->scratch);
    memset(fates, 0, inputs->rows);
    if (state->sessions)
        return sessions_fold(state, inputs, origin, late_us, fates, counts, err);
    struct fold fold = {.state = state,
                        .origin = origin,
                        .late_us = late_us,
                        .rows = inputs->rows,
                        .windows = windows,
                        .fates = fates};
    int code = fold_block(&fold, inputs, err);
    set_fates(&fold);
    counts->late_pairs += fold.late_pairs;
    return code;
}
