/* pipeline.h: the document's top level. */
#pragma once

#include "plan/rules.h"

/* Fills rules->plan from the whole tree. */
void plan_pipeline_read(struct rules *rules, struct doc_node *root);
