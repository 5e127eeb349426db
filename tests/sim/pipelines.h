/* pipelines.h: the pipelines of the matrix, and what of their outputs must hold whatever happened
 * on the way. */
#pragma once

#include "sim/records.h"

enum sim_kind { SIM_PLAIN, SIM_WINDOWS, SIM_SESSIONS, SIM_DEDUP, SIM_ROLLED, SIM_KINDS };

enum sim_law {
    SIM_EACH_ONCE,    /* in every output */
    SIM_ONCE_OR_LATE, /* in the output once, or in lateRows once */
    SIM_DISTINCT,     /* the same, but of copies one is enough, and all are late or none */
};

enum { SIM_OUTPUTS_MAX = 4, SESSION_GAP_S = 5, WINDOW_S = 10 };

struct sim_pipeline {
    const char *name;
    const char *document;                     /* of all lives but the last */
    const char *last_document;                /* NULL: the same; this one closes rolled files */
    const char *outputs[SIM_OUTPUTS_MAX + 1]; /* directories below the root */
    enum sim_law law;
    bool copies, malformed;
};

extern const struct sim_pipeline sim_pipelines[SIM_KINDS];
