/* env.h: what every value of a document goes through before it is looked at: `${NAME}` and
 * `${NAME:-default}` are replaced, duplicate keys are reported. */
#pragma once

#include "plan/rules.h"

/* Walks the whole tree. Strings that cannot be expanded are marked broken. */
void env_expand(struct rules *rules, struct doc_node *node, plan_getenv get, void *user);

/* Reports the duplicate keys of one object, for JSON inside a string. */
void env_check_duplicates(struct rules *rules, struct doc_node *object);
