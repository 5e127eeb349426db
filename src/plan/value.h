/* value.h: source.value, how the bytes of a message become columns. */
#pragma once

#include "plan/rules.h"

/* Fills rules->plan->value; its schema stays NULL when it could not be read. */
void plan_value_read(struct rules *rules, struct doc_node *node);
