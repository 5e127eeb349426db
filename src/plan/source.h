/* source.h: the object "source" of a document. */
#pragma once

#include "plan/rules.h"

/* Fills view, kafka and value of rules->plan. */
void plan_source_read(struct rules *rules, struct doc_node *node);
