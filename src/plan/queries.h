/* queries.h: the list "queries": name, SQL text, output mode and sinks of each. */
#pragma once

#include "plan/rules.h"

/* Fills rules->plan->queries from the array. */
void plan_queries_read(struct rules *rules, struct doc_node *array);
