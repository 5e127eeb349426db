/* validate.h: `sluice validate`: checks a pipeline without network and prints its plan. */
#pragma once

/* argv[0] is "validate". Returns 0 valid, 2 invalid. */
int cli_validate(int argc, char **argv);
