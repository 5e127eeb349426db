/* top.h: `sluice top`: a running sluice at a glance, in the terminal. */
#pragma once

/* argv[0] is "top". Returns the exit code. */
int cli_top(int argc, char **argv);
