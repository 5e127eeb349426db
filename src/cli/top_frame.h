/* top_frame.h: one frame of `sluice top`: /status (docs/status.schema.json) as lines. Fields that a
 * server of another version lacks are shown as nothing. */
#pragma once

#include <cjson/cJSON.h>

#include "cli/top_canvas.h"

enum { TOP_BATCHES_MAX = 60 };

/* What frames before have shown. All zero is a good start. */
struct top_history {
    int64_t sampled_us; /* 0: never */
    double read;        /* sum of the positions of the sources */
    double records_per_s;
    bool rated; /* records_per_s means something */
    int64_t batch_id;
    double durations_s[TOP_BATCHES_MAX]; /* of the last batches, in a ring */
    uint32_t durations;                  /* seen so far */
};

/* A new answer; now_us is monotonic. */
void top_history_add(struct top_history *history, const cJSON *status, int64_t now_us);

struct top_view {
    const char *address;
    const cJSON *status; /* the last answer; NULL: none yet */
    const struct top_history *history;
    const char *trouble; /* why there is no newer one; NULL: all is well */
    double trouble_s;    /* for how long */
    int64_t now_ms;      /* wall clock */
    bool keys;           /* keys are read */
};

/* Fills the canvas; a terminal of few rows shows fewer partitions, queries and sinks. */
void top_draw(struct top_canvas *canvas, const struct top_view *view);
