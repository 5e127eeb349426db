/* sql_errors.h: problems inside a query's text, reported where they stand in the document. */
#pragma once

#include "plan/plan.h"

struct doc_node;

/* Makes the text of a query from a JSON string, or an array of strings (its lines). The tree must
 * live as long as the plan. Returns 0 or ERR_NOMEM. */
int plan_sql_init(struct plan_sql *sql, const struct doc_node *node,
                  struct arena *arena) MUST_CHECK;

/* Adds an error at a line and column (both from 1, code points) of the query's text, with the line
 * and a caret as its excerpt; the message names the line when the query has several. */
void plan_sql_error(struct plan_errors *errors, struct arena *error_arena,
                    const struct plan_sql *sql, uint32_t sql_line, uint32_t sql_column, int code,
                    const char *message);
