/* overrides.h: `--set PATH=VALUE` applied to the tree before it is checked. */
#pragma once

#include "plan/rules.h"

/* Replaces or adds one value. A problem with the path is reported at its place in PATH=VALUE;
 * whether the key is legal is found by the checks that follow. */
void override_apply(struct rules *rules, struct doc_node *root,
                    const struct plan_override *override);
