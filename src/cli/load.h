/* load.h: from a file name on the command line to a checked plan. */
#pragma once

#include "cli/args.h"
#include "engine/engine.h"
#include "plan/plan.h"

struct load_options {
    const char *file;
    const struct arg_list *overrides; /* PATH=VALUE each; NULL: none */
    bool conformance_case;            /* as `sluice test` reads it */
};

/* Reads, parses and binds. Prints every problem to stderr and returns ERR_INVALID; ERR_IO for a
 * file that cannot be read (printed too). *engine may be NULL: then the queries are checked only.
 */
int load_plan(struct plan **plan, struct engine **engine,
              const struct load_options *options) MUST_CHECK;

/* The same for a document in memory, as the demo has one. `file` names it in messages. */
int load_plan_text(struct plan **plan, struct engine **engine, struct str text,
                   const struct load_options *options) MUST_CHECK;

/* A whole file; at most bytes_max. */
int load_file(const char *path, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;

/* A value given by --set may be a secret: afterwards the process's title shows it no longer. */
void load_hide_values(const struct arg_list *overrides);
