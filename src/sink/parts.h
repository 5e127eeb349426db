/* parts.h: encoded rows on their way to a store: a queue of parts of about the same size, and the
 * one that is being filled. */
#pragma once

#include "base/buf.h"
#include "vec/vec.h"

struct part {
    struct part *next;
    struct buf bytes;
};

/* All zero but for part_bytes is a valid empty queue. */
struct parts {
    size_t part_bytes;         /* a part is cut when it has reached this */
    struct buf filling;        /* less than a part */
    struct part *first, *last; /* complete, oldest first */
    size_t queued_bytes;       /* memory of those */
};

void parts_fini(struct parts *parts);
/* Encodes rows as JSON lines; false without memory, then what was added is incomplete. */
bool parts_add_json(struct parts *parts, const struct type *schema,
                    const struct block *rows) MUST_CHECK;
/* Queues what is being filled, however little it is; false without memory. */
bool parts_cut(struct parts *parts) MUST_CHECK;
/* Drops the oldest part. With `more` to come its memory serves for the rows that follow. */
void parts_drop_first(struct parts *parts, bool more);
/* Memory held. */
size_t parts_bytes(const struct parts *parts);
