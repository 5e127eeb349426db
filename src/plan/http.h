/* http.h: the "http" part of a document. */
#pragma once

#include "plan/rules.h"

/* node NULL: the defaults. */
void plan_http_read(struct rules *rules, struct doc_node *node);
