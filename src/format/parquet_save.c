/* What a Parquet file's footer will say of its finished row groups, as saved bytes. */
#include "format/parquet_save.h"

static uint64_t get_number(struct bytes_reader *in)
{
    return bytes_get_number(in, UINT64_MAX);
}

void parquet_footer_save(const struct parquet_footer *footer, struct buf *out)
{
    const struct parquet_group *group = (const void *)footer->groups.p;
    const struct parquet_chunk *chunk = (const void *)footer->chunks.p;
    size_t groups = footer->groups.n / sizeof *group, chunks = footer->chunks.n / sizeof *chunk;
    bytes_put_number(out, groups);
    for (size_t i = 0; i < groups; i++, group++) {
        bytes_put_number(out, group->rows);
        bytes_put_number(out, group->offset);
        bytes_put_number(out, group->uncompressed);
        bytes_put_number(out, group->compressed);
    }
    for (size_t i = 0; i < chunks; i++, chunk++) {
        bytes_put_number(out, chunk->metadata_n);
        bytes_put_number(out, chunk->column_index_n);
        bytes_put_number(out, chunk->offset_index_n);
    }
    bytes_put_str(out, buf_str(&footer->metadata));
    bytes_put_str(out, buf_str(&footer->column_indexes));
    bytes_put_str(out, buf_str(&footer->offset_indexes));
}

/* Adds a part's length; false when there cannot be so much. */
static bool add(size_t *sum, uint64_t n)
{
    if (n > SIZE_MAX / 2 - *sum)
        return false;
    *sum += n;
    return true;
}

void parquet_footer_load(struct parquet_footer *footer, uint32_t leaf_count,
                         struct bytes_reader *in)
{
    size_t metadata_n = 0, columns_n = 0, offsets_n = 0;
    bool sound = true;
    uint64_t groups = bytes_get_number(in, bytes_left(in));
    for (uint64_t i = 0; i < groups && !in->failed; i++) {
        struct parquet_group group = {.rows = get_number(in)};
        group.offset = get_number(in);
        group.uncompressed = get_number(in);
        group.compressed = get_number(in);
        buf_append(&footer->groups, &group, sizeof group);
    }
    for (uint64_t i = 0; i < groups * leaf_count && !in->failed; i++) {
        struct parquet_chunk chunk = {.metadata_n = get_number(in)};
        chunk.column_index_n = get_number(in);
        chunk.offset_index_n = get_number(in);
        sound &= add(&metadata_n, chunk.metadata_n) && add(&columns_n, chunk.column_index_n) &&
                 add(&offsets_n, chunk.offset_index_n);
        buf_append(&footer->chunks, &chunk, sizeof chunk);
    }
    struct str metadata = bytes_get_str(in), columns = bytes_get_str(in),
               offsets = bytes_get_str(in);
    sound &= metadata.n == metadata_n && columns.n == columns_n && offsets.n == offsets_n;
    buf_append_str(&footer->metadata, metadata);
    buf_append_str(&footer->column_indexes, columns);
    buf_append_str(&footer->offset_indexes, offsets);
    in->failed |= !sound;
}

bool parquet_footer_failed(const struct parquet_footer *footer)
{
    return footer->groups.failed || footer->chunks.failed || footer->metadata.failed ||
           footer->column_indexes.failed || footer->offset_indexes.failed;
}
