/* parts.h: encoded bytes on their way to a store: a queue of parts of about the same size, and the
 * one that is being filled. */
#pragma once

#include "base/buf.h"
#include "base/check.h"

struct part {
    struct part *next;
    struct buf bytes;
};

/* All zero is a valid empty queue. */
struct parts {
    struct buf filling;        /* less than a part */
    struct part *first, *last; /* complete, oldest first */
    size_t queued_bytes;       /* memory of those */
};

void parts_fini(struct parts *parts);
/* What is being filled is now `bytes`, which are taken; a part is cut when they are at least
 * part_bytes. False without memory. */
bool parts_fill(struct parts *parts, struct buf *bytes, size_t part_bytes) MUST_CHECK;
/* Queues what is being filled, however little it is; false without memory. */
bool parts_cut(struct parts *parts) MUST_CHECK;
void parts_drop_first(struct parts *parts);
/* Memory held. */
size_t parts_bytes(const struct parts *parts);
