#include "sink/parts.h"

#include <stdlib.h>

void parts_fini(struct parts *parts)
{
    while (parts->first)
        parts_drop_first(parts);
    buf_fini(&parts->filling);
}

bool parts_cut(struct parts *parts)
{
    if (parts->filling.n == 0) {
        buf_fini(&parts->filling);
        return true;
    }
    struct part *part = calloc(1, sizeof *part);
    if (!part)
        return false;
    part->bytes = parts->filling;
    parts->filling = (struct buf){0};
    parts->queued_bytes += sizeof *part + part->bytes.capacity;
    if (parts->last)
        parts->last->next = part;
    else
        parts->first = part;
    parts->last = part;
    return true;
}

bool parts_fill(struct parts *parts, struct buf *bytes, size_t part_bytes)
{
    INVARIANT(parts->filling.n == 0);
    buf_fini(&parts->filling);
    parts->filling = *bytes;
    *bytes = (struct buf){0};
    if (parts->filling.failed)
        return false;
    return parts->filling.n < part_bytes || parts_cut(parts);
}

void parts_drop_first(struct parts *parts)
{
    struct part *part = parts->first;
    parts->first = part->next;
    if (!parts->first)
        parts->last = NULL;
    parts->queued_bytes -= sizeof *part + part->bytes.capacity;
    buf_fini(&part->bytes);
    free(part);
}

size_t parts_bytes(const struct parts *parts)
{
    return parts->filling.capacity + parts->queued_bytes;
}
