/* engine_describe.c: what is in a file of saved state, without an engine. */
#include "engine/engine.h"
#include "engine/saved.h"
#include "sql/aggregate.h"

static bool is_same(const struct saved_section *section, const struct saved_chunk *chunk)
{
    return !(chunk->flags & SAVED_BEGINS) && section->extent == (enum state_extent)chunk->extent &&
           (section->query.p ? chunk->kind == SAVED_QUERY && str_eq(section->query, chunk->name)
                             : chunk->kind == SAVED_SOURCE);
}

static int begin(struct saved_section *section, const struct saved_chunk *chunk, struct str file,
                 size_t at, struct err *err)
{
    *section = (struct saved_section){.extent = (enum state_extent)chunk->extent,
                                      .begins = chunk->flags & SAVED_BEGINS};
    if (chunk->kind == SAVED_QUERY)
        section->query = chunk->name;
    if (!section->begins)
        return 0;
    struct state_reader in = {file.p + at + chunk->content, file.p + at + chunk->bytes - 4, false};
    section->watermark_us = (int64_t)state_read_u64(&in); /* which the content begins with */
    return in.failed ? saved_damaged(err, at, "is too short") : 0;
}

int engine_saved_describe(struct str file,
                          void (*section)(void *user, const struct saved_section *section),
                          void *user, struct err *err)
{
    struct saved_section now;
    bool open = false;
    for (size_t at = 0; at < file.n;) {
        struct saved_chunk chunk;
        int code = saved_chunk_read(file, at, &chunk, err);
        if (code)
            return code;
        if (open && !is_same(&now, &chunk)) {
            section(user, &now);
            open = false;
        }
        code = open ? 0 : begin(&now, &chunk, file, at, err);
        if (code)
            return code;
        open = true;
        now.rows += chunk.rows;
        now.bytes += chunk.bytes;
        now.ends = chunk.flags & SAVED_ENDS;
        at += chunk.bytes;
    }
    if (open)
        section(user, &now);
    return 0;
}
