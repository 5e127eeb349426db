/* life.h: one life of the app over a fake source, from its start to its end. */
#pragma once

#include "sim/fake_source.h"

struct sim_life {
    const char *root;     /* paths of the document are below it */
    const char *document; /* "$R" in it stands for root */
    const struct local_os *os;
    struct fake_source_options source;
    const struct log *log;
    void (*begin)(void); /* called before the product's first step; may be NULL */
};

/* The app's exit code; -1: the document is wrong. Ends the process when something is left open on
 * the loop. A source that is not available_now is read until all is committed, then the app is
 * stopped. */
int sim_live(const struct sim_life *life);
