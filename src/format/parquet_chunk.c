#include "format/parquet_chunk.h"

#include "format/parquet_bloom.h"
#include "format/parquet_page.h"
#include "format/thrift.h"

/* parquet.thrift: ColumnMetaData and Statistics. */
enum {
    META_TYPE = 1,
    META_ENCODINGS = 2,
    META_PATH = 3,
    META_CODEC = 4,
    META_VALUES = 5,
    META_UNCOMPRESSED = 6,
    META_COMPRESSED = 7,
    META_DATA_OFFSET = 9,
    META_DICTIONARY_OFFSET = 11,
    META_STATISTICS = 12,
    META_ENCODING_STATS = 13,
    META_BLOOM_OFFSET = 14,
    META_BLOOM_LENGTH = 15,
    STATISTICS_NULLS = 3,
    STATISTICS_MAX = 5,
    STATISTICS_MIN = 6,
    STATISTICS_MAX_EXACT = 7,
    STATISTICS_MIN_EXACT = 8,
    PAGE_DATA = 0,
    PAGE_DICTIONARY = 2,
};

/* Where a chunk's parts are in the file. */
struct place {
    uint64_t start, data, end;
    uint64_t bloom; /* and its length, 0: none */
    size_t bloom_n;
};

void parquet_footer_fini(struct parquet_footer *footer)
{
    buf_fini(&footer->groups);
    buf_fini(&footer->chunks);
    buf_fini(&footer->metadata);
    buf_fini(&footer->column_indexes);
    buf_fini(&footer->offset_indexes);
}

size_t parquet_footer_memory(const struct parquet_footer *footer)
{
    return footer->groups.capacity + footer->chunks.capacity + footer->metadata.capacity +
           footer->column_indexes.capacity + footer->offset_indexes.capacity;
}

static int32_t codec_number(enum file_compression compression)
{
    static const int32_t numbers[] = {[COMPRESSION_NONE] = 0,
                                      [COMPRESSION_SNAPPY] = 1,
                                      [COMPRESSION_GZIP] = 2,
                                      [COMPRESSION_ZSTD] = 6,
                                      [COMPRESSION_LZ4_RAW] = 7};
    return numbers[compression];
}

static void write_encodings(struct thrift *thrift, const struct parquet_column *column)
{
    const uint32_t *pages = column->encodings;
    bool dictionary = pages[PARQUET_RLE_DICTIONARY] > 0;
    bool present[PARQUET_ENCODING_COUNT] = {
        [PARQUET_PLAIN] = pages[PARQUET_PLAIN] || dictionary,
        [PARQUET_RLE] = true, /* the levels */
        [PARQUET_DELTA_BINARY_PACKED] = pages[PARQUET_DELTA_BINARY_PACKED],
        [PARQUET_RLE_DICTIONARY] = dictionary,
    };
    size_t count = 0;
    for (int i = 0; i < PARQUET_ENCODING_COUNT; i++)
        count += present[i];
    thrift_list(thrift, META_ENCODINGS, THRIFT_I32, count);
    for (int i = 0; i < PARQUET_ENCODING_COUNT; i++) {
        if (present[i])
            thrift_item_i32(thrift, i);
    }
}

static void write_encoding_stat(struct thrift *thrift, int page_type, int encoding, uint32_t pages)
{
    thrift_item_begin(thrift);
    thrift_i32(thrift, 1, page_type);
    thrift_i32(thrift, 2, encoding);
    thrift_i32(thrift, 3, (int32_t)pages);
    thrift_end(thrift);
}

/* From these a reader knows whether the dictionary has all values. */
static void write_encoding_stats(struct thrift *thrift, const struct parquet_column *column)
{
    bool dictionary = column->encodings[PARQUET_RLE_DICTIONARY] > 0;
    size_t count = dictionary;
    for (int i = 0; i < PARQUET_ENCODING_COUNT; i++)
        count += column->encodings[i] > 0;
    thrift_list(thrift, META_ENCODING_STATS, THRIFT_STRUCT, count);
    if (dictionary)
        write_encoding_stat(thrift, PAGE_DICTIONARY, PARQUET_PLAIN, 1);
    for (int i = 0; i < PARQUET_ENCODING_COUNT; i++) {
        if (column->encodings[i])
            write_encoding_stat(thrift, PAGE_DATA, i, column->encodings[i]);
    }
}

static void write_statistics(struct thrift *thrift, const struct parquet_column *column,
                             struct buf *scratch)
{
    thrift_begin(thrift, META_STATISTICS);
    thrift_i64(thrift, STATISTICS_NULLS, (int64_t)column->chunk_nulls);
    if (column->chunk_bounds.set) {
        buf_clear(scratch);
        bool max_exact = parquet_bounds_append_max(&column->chunk_bounds, column->leaf, scratch);
        size_t max_n = scratch->n;
        bool min_exact = parquet_bounds_append_min(&column->chunk_bounds, column->leaf, scratch);
        struct str max = {scratch->p, max_n};
        struct str min = {scratch->p ? scratch->p + max_n : NULL, scratch->n - max_n};
        thrift_binary(thrift, STATISTICS_MAX, max);
        thrift_binary(thrift, STATISTICS_MIN, min);
        thrift_bool(thrift, STATISTICS_MAX_EXACT, max_exact);
        thrift_bool(thrift, STATISTICS_MIN_EXACT, min_exact);
        thrift->out->failed |= scratch->failed;
    }
    thrift_end(thrift);
}

static void write_metadata(struct buf *out, const struct parquet_column *column,
                           const struct place *place, struct buf *scratch)
{
    const struct parquet_leaf *leaf = column->leaf;
    struct thrift thrift = {.out = out};
    thrift_i32(&thrift, META_TYPE, leaf->physical);
    write_encodings(&thrift, column);
    thrift_list(&thrift, META_PATH, THRIFT_BINARY, leaf->name_count);
    for (uint32_t i = 0; i < leaf->name_count; i++)
        thrift_item_binary(&thrift, leaf->names[i]);
    thrift_i32(&thrift, META_CODEC, codec_number(column->settings->compression));
    thrift_i64(&thrift, META_VALUES, (int64_t)column->chunk_levels);
    thrift_i64(&thrift, META_UNCOMPRESSED, (int64_t)column->uncompressed);
    thrift_i64(&thrift, META_COMPRESSED, (int64_t)(place->end - place->start));
    thrift_i64(&thrift, META_DATA_OFFSET, (int64_t)place->data);
    if (place->data > place->start)
        thrift_i64(&thrift, META_DICTIONARY_OFFSET, (int64_t)place->start);
    write_statistics(&thrift, column, scratch);
    write_encoding_stats(&thrift, column);
    if (place->bloom_n) {
        thrift_i64(&thrift, META_BLOOM_OFFSET, (int64_t)place->bloom);
        thrift_i32(&thrift, META_BLOOM_LENGTH, (int32_t)place->bloom_n);
    }
    thrift_end(&thrift);
}

static int write_pages(struct parquet_column *column, struct parquet_scratch *scratch,
                       uint64_t offset, struct buf *out, struct place *place, struct err *err)
{
    size_t before = out->n;
    int code = parquet_page_end(column, scratch, true, err);
    if (!code && column->encodings[PARQUET_RLE_DICTIONARY])
        code = parquet_page_dictionary(column, scratch, out, err);
    if (code)
        return code;
    *place = (struct place){.start = offset, .data = offset + (out->n - before)};
    buf_append_str(out, buf_str(&column->pages));
    place->end = offset + (out->n - before);
    buf_fini(&column->pages); /* what it held is held by `out` now */
    return out->failed ? err_set(err, ERR_NOMEM, "out of memory for a row group") : 0;
}

static int write_chunks(struct parquet_column *columns, uint32_t column_count,
                        struct parquet_scratch *scratch, uint64_t offset, struct buf *out,
                        struct place *places, struct err *err)
{
    size_t before = out->n;
    for (uint32_t i = 0; i < column_count; i++) {
        int code =
            write_pages(&columns[i], scratch, offset + (out->n - before), out, &places[i], err);
        if (code)
            return code;
    }
    for (uint32_t i = 0; i < column_count; i++) {
        size_t start = out->n;
        if (!columns[i].bloom)
            continue;
        if (!parquet_bloom_write(columns[i].bloom, out))
            return err_set(err, ERR_NOMEM, "out of memory for a Bloom filter");
        places[i].bloom = offset + (start - before);
        places[i].bloom_n = out->n - start;
    }
    return 0;
}

static int note_chunks(struct parquet_footer *footer, const struct parquet_column *columns,
                       uint32_t column_count, struct parquet_scratch *scratch, uint64_t rows,
                       const struct place *places, struct err *err)
{
    struct parquet_group group = {.rows = rows, .offset = places[0].start};
    for (uint32_t i = 0; i < column_count; i++) {
        struct parquet_chunk chunk = {0};
        size_t before = footer->metadata.n;
        write_metadata(&footer->metadata, &columns[i], &places[i], &scratch->dictionary);
        chunk.metadata_n = footer->metadata.n - before;
        parquet_index_append(footer, &chunk, &columns[i], places[i].data);
        buf_append(&footer->chunks, &chunk, sizeof chunk);
        group.uncompressed += columns[i].uncompressed;
        group.compressed += places[i].end - places[i].start;
    }
    buf_append(&footer->groups, &group, sizeof group);
    if (footer->metadata.failed || footer->column_indexes.failed || footer->offset_indexes.failed ||
        footer->chunks.failed || footer->groups.failed)
        return err_set(err, ERR_NOMEM, "out of memory for a file's footer");
    return 0;
}

int parquet_group_end(struct parquet_footer *footer, struct parquet_column *columns,
                      uint32_t column_count, struct parquet_scratch *scratch, uint64_t rows,
                      uint64_t offset, struct buf *out, struct err *err)
{
    struct arena memory = {0};
    struct place *places = ARENA_ARRAY(&memory, struct place, column_count);
    int code = places ? 0 : err_set(err, ERR_NOMEM, "out of memory for a row group");
    if (!code)
        code = write_chunks(columns, column_count, scratch, offset, out, places, err);
    if (!code)
        code = note_chunks(footer, columns, column_count, scratch, rows, places, err);
    for (uint32_t i = 0; i < column_count; i++)
        parquet_column_reset(&columns[i]);
    arena_fini(&memory);
    return code;
}
