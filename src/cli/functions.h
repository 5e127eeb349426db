/* functions.h: `sluice help functions`: the tables of functions as text or as docs/functions.md. */
#pragma once

#include "base/buf.h"

/* Appends every function and aggregate function, by group. */
void functions_print(struct buf *out, bool markdown);

/* argv[0] is "functions". Returns 0, or 2 for a wrong command line. */
int cli_functions(int argc, char **argv);
