/* produce.h: `sluice produce`: sends the lab's messages to a topic (PIPELINE.md 6). */
#pragma once

/* argv[0] is "produce". Returns the exit code: 0 done or stopped by a signal, 1 failed, 2 usage. */
int cli_produce(int argc, char **argv);
