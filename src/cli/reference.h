/* reference.h: the man page and the completions of shells, from the tables of the commands: each
 * command gives its part when it is run with --help=FORMAT (args.h). */
#pragma once

#include <stddef.h>

struct cli_command {
    const char *name, *operands, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

/* `sluice help --format man|bash|zsh|fish`; argv[0] is "help". Returns the exit code. */
int cli_reference(const struct cli_command *commands, size_t count, int argc, char **argv);
