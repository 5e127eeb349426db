/* checkpoint.h: `sluice checkpoint show|verify`: what is in a checkpoint, without a run. */
#pragma once

/* argv[0] is "checkpoint". Returns 0 done, 1 it could not be read or is damaged, 2 usage. */
int cli_checkpoint(int argc, char **argv);
