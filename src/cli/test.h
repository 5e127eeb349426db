/* test.h: `sluice test`: runs conformance cases (PIPELINE.md 6). */
#pragma once

/* argv[0] is "test". Returns 0 all pass, 1 a difference, 2 a bad case or usage. */
int cli_test(int argc, char **argv);
