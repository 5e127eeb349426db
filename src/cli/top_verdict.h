/* top_verdict.h: how a running sluice is, in a word and why, from /status. The live page
 * (http/page.html) says the same by the same rules. */
#pragma once

#include <cjson/cJSON.h>

#include "cli/top_canvas.h"

struct top_verdict {
    enum top_style style;
    char word[32];
    char why[1200]; /* may be empty */
};

/* now_s: wall clock, seconds since 1970. status may be NULL, or lack anything. */
void top_judge(const cJSON *status, double now_s, struct top_verdict *out);
