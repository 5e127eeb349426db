/* rows.h: comparing the rows a query gave with the rows a conformance case expects: multisets, one
 * to one; key order free, absent is not null, FLOAT and DOUBLE within a relative 1e-9, all else
 * exact (PIPELINE.md 6). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "vec/type.h"

struct rows;

/* Parses JSON lines; an empty line is no row. The schema says which numbers may differ. `file`
 * names the text in errors: ERR_INVALID for a line that is not a JSON object. Lives in the arena,
 * as views into `text`. */
int rows_parse(struct rows **out, struct str text, const struct type *schema, const char *file,
               struct arena *arena, struct err *err) MUST_CHECK;

/* Whether both hold the same rows. If not, appends a diff: "- row" for each that is missing, "+
 * row" for each that should not be there. */
bool rows_compare(const struct rows *expected, const struct rows *actual, struct buf *diff);
