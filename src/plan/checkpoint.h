/* checkpoint.h: the document's `checkpointLocation`, and what stands against a place for a
 * checkpoint. */
#pragma once

#include "plan/rules.h"

/* Checks it against itself and against where the sinks write, and fills the plan's checkpoint; the
 * plan has its sinks. */
void plan_checkpoint_read(struct rules *rules, const struct doc_node *node);

/* Whether the plan's checkpoint may go on in `location`, as by `--recover-to`: a place that is
 * apart from its own and from where the sinks write. Messages call it "NAME". ERR_INVALID says what
 * is wrong; ERR_NOMEM. */
int plan_checkpoint_check(const struct plan *plan, struct str location, const char *name,
                          struct err *err) MUST_CHECK;

/* What `validate` and `run` warn of; NULL: nothing. Static. */
const char *plan_checkpoint_warning(const struct plan *plan);
