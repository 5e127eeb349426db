/* demo.h: `sluice demo`: a whole pipeline without any server, on an in-process Kafka. */
#pragma once

/* argv[0] is "demo". Returns the exit code. */
int cli_demo(int argc, char **argv);
