/* print_sink.h: where rows go, in words, for `sluice validate`. No secrets. */
#pragma once

#include "base/buf.h"
#include "plan/plan.h"

/* "  WHAT NAME: ..." and a line end. */
void print_sink(struct buf *out, const char *what, const struct plan_sink *sink);

/* The object store, when some sink of the plan or its checkpoint is in S3. */
void print_s3(struct buf *out, const struct plan *plan);
