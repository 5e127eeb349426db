/* state_model.h: the same as engine/state.h in the simplest way: a list of groups that is searched
 * from its beginning, with the values that each got. */
#pragma once

#include "state_fixture.h"

struct model_values {
    int64_t items[4000];
    uint32_t count, rows; /* rows: with and without a value */
};

struct model_group {
    char *key; /* as text; window and session apart */
    bool timed;
    int64_t start, end; /* of the window or session; event key: of its second and the key itself */
    struct model_values *state, *batch;
    bool touched;
    int64_t lows[4];
};

struct model {
    const struct test_grouping *grouping;
    enum test_kind kind;
    enum plan_output_mode mode;
    struct model_group *groups; /* of the state */
    uint32_t count;
    struct model_group *parts; /* sessions: of the batch */
    uint32_t part_count;
    struct {
        int64_t start;
        bool timed;
        int64_t lows[4];
    } windows[4000];
    uint32_t window_count;
};

void model_fini(struct model *model);
void model_fold(struct model *model, const struct test_row *rows, uint32_t n, uint32_t partition,
                const int64_t *offsets, int64_t late_us, uint8_t *fates,
                struct state_counts *counts);
/* Appends a line per group given out, as test_drain prints it. */
void model_seal(struct model *model, int64_t closing_us, struct state_counts *counts,
                struct buf *out);
int64_t model_low(const struct model *model, uint32_t partition);
