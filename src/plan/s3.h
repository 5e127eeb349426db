/* s3.h: the document's `s3`: which object store is behind s3:// locations. */
#pragma once

#include "plan/rules.h"

/* Fills the plan's s3; NULL: nothing is given. */
void plan_s3_read(struct rules *rules, struct doc_node *node);
