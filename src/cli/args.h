/* args.h: command lines from a table: `--name value`, `--name=value`, `--flag`, operands. Usage
 * errors say what was expected and suggest the nearest option. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

enum arg_kind {
    ARG_FLAG,     /* bool; no value */
    ARG_STRING,   /* const char *, into argv */
    ARG_I64,      /* int64_t, whole number */
    ARG_COUNT,    /* int64_t, whole number from 1; 1k, 5m, 2g are thousands, millions, ... */
    ARG_RATE,     /* double > 0; 1k, 1.5m */
    ARG_DURATION, /* int64_t milliseconds: 500ms, 2s, 1.5m, 1h; at least 1 ms */
    ARG_SIZE,     /* int64_t bytes: 65536, 64k, 128m, 128MB, 1g (powers of 1024) */
    ARG_LIST,     /* struct arg_list; may be given again and again */
};

/* Pointers into argv; the array is freed by arg_list_fini. */
struct arg_list {
    const char **items;
    uint32_t count;
};

struct arg_option {
    const char *name; /* with dashes: "--rate" */
    enum arg_kind kind;
    void *dest;        /* keeps its value when the option is absent */
    const char *value; /* what help calls the value: "N"; NULL for flags */
    const char *help;
    bool *given; /* set when present; may be NULL */
};

struct arg_spec {
    const char *command; /* "sluice produce" */
    const char *summary; /* one line */
    const char *operand; /* "PIPELINE", "CASE_DIR..."; NULL: none */
    uint32_t operands_min, operands_max;
    const struct arg_option *options; /* --help is always there */
    uint32_t option_count;
    const char *epilogue; /* examples, printed at the end of the help; may be NULL */
};

enum { ARGS_HELP = 1 };

/* Reads argv[1..argc). 0, ARGS_HELP (--help or -h was given, the help is printed to stdout: exit
 * 0), or ERR_INVALID (print the message and exit 2) or ERR_NOMEM. `--` ends the options. operands
 * may be NULL when there are none. --help=FORMAT prints the command's part of cli/reference.h. */
int args_parse(const struct arg_spec *spec, int argc, char **argv, struct arg_list *operands,
               struct err *err) MUST_CHECK;
void arg_list_fini(struct arg_list *list);

/* The help text. */
void args_help(const struct arg_spec *spec, FILE *out);

/* Prints "command: message" and where to find help to stderr; returns 2. */
int args_usage_error(const struct arg_spec *spec, const struct err *err);

bool arg_to_duration_ms(struct str text, int64_t *ms);
