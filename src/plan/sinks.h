/* sinks.h: where rows go: the sinks of a query, and the extra ones of the source. */
#pragma once

#include "plan/rules.h"

/* Reads one element of "sinks" into *sink. `mode` is the query's. */
void plan_sink_read(struct rules *rules, struct doc_node *node, uint32_t index,
                    enum plan_output_mode mode, struct plan_sink *sink);

/* Reads "deadLetter" or "lateRows" (`name`): a file sink or the console. NULL when it is wrong. */
struct plan_sink *plan_sink_read_extra(struct rules *rules, struct doc_node *node,
                                       const char *name);
