#include "sink/parts.h"

#include <stdlib.h>

#include "format/json_rows.h"

enum { ENCODE_ROWS = 256 }; /* between two looks at the size of the part */

void parts_fini(struct parts *parts)
{
    while (parts->first)
        parts_drop_first(parts, false);
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

bool parts_add_json(struct parts *parts, const struct type *schema, const struct block *rows)
{
    for (uint32_t first = 0; first < rows->rows; first += ENCODE_ROWS) {
        uint32_t count = rows->rows - first < ENCODE_ROWS ? rows->rows - first : ENCODE_ROWS;
        json_rows_append(&parts->filling, schema, rows, first, count);
        if (parts->filling.failed)
            return false;
        if (parts->filling.n >= parts->part_bytes && !parts_cut(parts))
            return false;
    }
    return true;
}

void parts_drop_first(struct parts *parts, bool more)
{
    struct part *part = parts->first;
    parts->first = part->next;
    if (!parts->first)
        parts->last = NULL;
    parts->queued_bytes -= sizeof *part + part->bytes.capacity;
    if (more && parts->filling.capacity == 0 && part->bytes.capacity <= 4 * parts->part_bytes) {
        parts->filling = part->bytes;
        buf_clear(&parts->filling);
    } else {
        buf_fini(&part->bytes);
    }
    free(part);
}

size_t parts_bytes(const struct parts *parts)
{
    return parts->filling.capacity + parts->queued_bytes;
}
