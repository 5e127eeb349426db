/* plan_help.h: parsing a document in a test and looking at its errors as text. */
#pragma once

#include "plan/plan.h"

/* A parsed document. Fill `input` (text may come from help_parse's argument), parse, look, fini. */
struct help {
    struct plan_input input;
    struct plan_override overrides[4];
    struct arena arena;
    struct plan_errors errors;
    struct plan *plan;
    struct buf printed; /* "line:column: message" per error, the place before it when it has one */
    int code;
};

/* An environment with HOST=broker, EMPTY= and BAD=<invalid UTF-8>. */
const char *help_getenv(void *user, const char *name);

/* Parses; what was set in help->input stays. */
void help_parse(struct help *help, const char *text);
void help_fini(struct help *help);
/* The errors of a text, as in `printed`. */
void help_expect(const char *text, const char *errors);

/* A small document with one part put in: source options, value, query, or the top level ("" adds
 * nothing; otherwise it starts with a comma or is complete). The result is static. */
const char *help_document(const char *options, const char *value, const char *query,
                          const char *top);
