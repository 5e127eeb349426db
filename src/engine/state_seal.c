/* state_seal.c: the end of a batch, in steps: one stage after the other, each as far as the work
 * allows. */
#include "engine/state_impl.h"

/* ---- tables that leave ---- */

void table_end_begin(struct table_end *end, const struct state *state, struct group_table *table)
{
    *end = (struct table_end){.table = table, .accumulators = state->accumulators};
}

bool table_end_step(struct state *state, struct table_end *end, uint32_t *work)
{
    if (!end->table)
        return false;
    if (state->hangs || end->lows) {
        for (; *work && end->row < end->table->rows.used; --*work) {
            char *row = group_table_row(end->table, end->row++);
            if (end->lows)
                lows_fini((struct lows *)(void *)(row + end->lows), &state->heap);
            state_free_row(state, row + end->accumulators);
        }
        if (end->row < end->table->rows.used)
            return true;
    }
    if (group_table_destroy_step(end->table, work))
        return true;
    *end = (struct table_end){0};
    return false;
}

void table_end_fini(struct state *state, struct table_end *end)
{
    for (uint32_t work = UINT32_MAX; table_end_step(state, end, &work);)
        work = UINT32_MAX;
}

/* ---- the stages ---- */

static int shrink_nothing(struct state *state, struct state_step *step)
{
    (void)state;
    step->over = true; /* a window's memory leaves with it */
    return 0;
}

static int cut_nothing(struct state *state, struct state_step *step)
{
    (void)state;
    step->over = true;
    return 0;
}

typedef int (*stage_function)(struct state *state, struct state_step *step);

static const stage_function of_windows[STAGE_DONE] = {
    [STAGE_FORGET] = windows_forget, [STAGE_MERGE] = windows_merge,   [STAGE_CLOSE] = windows_close,
    [STAGE_LIST] = windows_list,     [STAGE_GIVE] = windows_give,     [STAGE_CUT] = windows_cut,
    [STAGE_LEAVE] = windows_leave,   [STAGE_SHRINK] = shrink_nothing,
};

static const stage_function of_sessions[STAGE_DONE] = {
    [STAGE_FORGET] = sessions_forget, [STAGE_MERGE] = sessions_merge,
    [STAGE_CLOSE] = sessions_close,   [STAGE_LIST] = sessions_list,
    [STAGE_GIVE] = sessions_give,     [STAGE_CUT] = cut_nothing,
    [STAGE_LEAVE] = sessions_leave,   [STAGE_SHRINK] = sessions_shrink,
};

void state_seal_begin(struct state *state, int64_t closing_us, struct state_counts *counts)
{
    REQUIRE(state->seal.stage == STAGE_DONE);
    state->seal = (struct state_seal){
        .stage = STAGE_FORGET, .takes_part = true, .closing_us = closing_us, .counts = counts};
    state->closing_us = state->closes ? closing_us : INT64_MIN;
}

void state_pass_begin(struct state *state)
{
    REQUIRE(state->seal.stage == STAGE_DONE);
    state->seal = (struct state_seal){.stage = STAGE_FORGET};
    state->closing_us = INT64_MIN;
}

void state_load_close(struct state *state, int64_t closing_us)
{
    REQUIRE(state->seal.stage == STAGE_DONE);
    bool closes = state->closes && closing_us != INT64_MIN;
    state->seal = (struct state_seal){.stage = closes ? STAGE_CLOSE : STAGE_DONE,
                                      .takes_part = true,
                                      .silent = true,
                                      .closing_us = closing_us};
    state->closing_us = closes ? closing_us : INT64_MIN;
}

static void next_stage(struct state *state)
{
    struct state_seal *seal = &state->seal;
    seal->stage++;
    if (seal->stage == STAGE_MERGE && !seal->takes_part)
        seal->stage = STAGE_DONE;
    if (seal->stage == STAGE_LIST && seal->silent)
        seal->stage = STAGE_CUT;
    seal->item = seal->left = seal->row = 0;
}

int state_seal_step(struct state *state, uint32_t *work, struct arena *arena, struct block *groups,
                    bool *done, struct err *err)
{
    const stage_function *stages = state->sessions ? of_sessions : of_windows;
    struct state_step step = {.work = work, .arena = arena, .groups = groups, .err = err};
    *groups = (struct block){0};
    while (*work && state->seal.stage != STAGE_DONE && groups->rows == 0) {
        step.over = false;
        int code = stages[state->seal.stage](state, &step);
        if (code)
            return code == ERR_NOMEM ? state_nomem(err) : code;
        if (step.over)
            next_stage(state);
    }
    *done = state->seal.stage == STAGE_DONE;
    if (*done)
        arena_fini(&state->scratch);
    return 0;
}
