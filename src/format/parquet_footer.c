/* The end of a file: page indexes, then FileMetaData of parquet.thrift. */
#include "format/parquet_chunk.h"
#include "format/thrift.h"
#include "version.h"

enum {
    FILE_VERSION = 1,
    FILE_SCHEMA = 2,
    FILE_ROWS = 3,
    FILE_GROUPS = 4,
    FILE_KEY_VALUES = 5,
    FILE_CREATED_BY = 6,
    FILE_COLUMN_ORDERS = 7,
    GROUP_COLUMNS = 1,
    GROUP_BYTES = 2,
    GROUP_ROWS = 3,
    GROUP_OFFSET = 5,
    GROUP_COMPRESSED = 6,
    GROUP_ORDINAL = 7,
    CHUNK_OFFSET = 2,
    CHUNK_METADATA = 3,
    CHUNK_OFFSET_INDEX = 4,
    CHUNK_OFFSET_INDEX_N = 5,
    CHUNK_COLUMN_INDEX = 6,
    CHUNK_COLUMN_INDEX_N = 7,
};

/* In the form that readers parse to know of writers' bugs: parquet-mr would distrust statistics of
 * texts otherwise. */
static const char CREATED_BY[] = "sluice version " SLUICE_VERSION " (build unknown)";

/* The Spark whose types and values the file has: at 3.0 and later readers take dates as they are.
 */
static const char SPARK_VERSION[] = "3.5.3";

/* How far the footer has been written. */
struct cursor {
    const struct parquet_chunk *chunk;
    const char *metadata;
    uint64_t column_index, offset_index; /* where the next ones are in the file */
};

static void write_chunk(struct thrift *thrift, struct cursor *at)
{
    const struct parquet_chunk *chunk = at->chunk++;
    thrift_item_begin(thrift);
    thrift_i64(thrift, CHUNK_OFFSET, 0); /* deprecated; 0 says that metadata is here only */
    thrift_copy(thrift, CHUNK_METADATA, (struct str){at->metadata, chunk->metadata_n});
    thrift_i64(thrift, CHUNK_OFFSET_INDEX, (int64_t)at->offset_index);
    thrift_i32(thrift, CHUNK_OFFSET_INDEX_N, (int32_t)chunk->offset_index_n);
    if (chunk->column_index_n) {
        thrift_i64(thrift, CHUNK_COLUMN_INDEX, (int64_t)at->column_index);
        thrift_i32(thrift, CHUNK_COLUMN_INDEX_N, (int32_t)chunk->column_index_n);
    }
    thrift_end(thrift);
    at->metadata += chunk->metadata_n;
    at->offset_index += chunk->offset_index_n;
    at->column_index += chunk->column_index_n;
}

static void write_groups(struct thrift *thrift, const struct parquet_footer *footer,
                         uint32_t leaf_count, struct cursor *at)
{
    const struct parquet_group *group = (const void *)footer->groups.p;
    size_t count = footer->groups.n / sizeof *group;
    thrift_list(thrift, FILE_GROUPS, THRIFT_STRUCT, count);
    for (size_t i = 0; i < count; i++, group++) {
        thrift_item_begin(thrift);
        thrift_list(thrift, GROUP_COLUMNS, THRIFT_STRUCT, leaf_count);
        for (uint32_t k = 0; k < leaf_count; k++)
            write_chunk(thrift, at);
        thrift_i64(thrift, GROUP_BYTES, (int64_t)group->uncompressed);
        thrift_i64(thrift, GROUP_ROWS, (int64_t)group->rows);
        thrift_i64(thrift, GROUP_OFFSET, (int64_t)group->offset);
        thrift_i64(thrift, GROUP_COMPRESSED, (int64_t)group->compressed);
        if (i <= INT16_MAX)
            thrift_i16(thrift, GROUP_ORDINAL, (int16_t)i);
        thrift_end(thrift);
    }
}

static void write_key_value(struct thrift *thrift, struct str key, struct str value)
{
    thrift_item_begin(thrift);
    thrift_binary(thrift, 1, key);
    thrift_binary(thrift, 2, value);
    thrift_end(thrift);
}

static int64_t count_rows(const struct parquet_footer *footer)
{
    const struct parquet_group *group = (const void *)footer->groups.p;
    int64_t rows = 0;
    for (size_t i = 0; i < footer->groups.n / sizeof *group; i++)
        rows += (int64_t)group[i].rows;
    return rows;
}

static void write_metadata(struct parquet_footer *footer, const struct parquet_schema *schema,
                           struct cursor *at, struct buf *out)
{
    struct thrift thrift = {.out = out};
    struct buf spark = {0};
    parquet_spark_schema(schema->type, &spark);
    thrift_i32(&thrift, FILE_VERSION, 1);
    parquet_schema_write(schema->type, &thrift, FILE_SCHEMA);
    thrift_i64(&thrift, FILE_ROWS, count_rows(footer));
    write_groups(&thrift, footer, schema->leaf_count, at);
    thrift_list(&thrift, FILE_KEY_VALUES, THRIFT_STRUCT, 2);
    write_key_value(&thrift, STR("org.apache.spark.version"), str_of(SPARK_VERSION));
    write_key_value(&thrift, STR("org.apache.spark.sql.parquet.row.metadata"), buf_str(&spark));
    thrift_binary(&thrift, FILE_CREATED_BY, str_of(CREATED_BY));
    thrift_list(&thrift, FILE_COLUMN_ORDERS, THRIFT_STRUCT, schema->leaf_count);
    for (uint32_t i = 0; i < schema->leaf_count; i++) {
        thrift_item_begin(&thrift);
        thrift_empty(&thrift, 1); /* TYPE_ORDER */
        thrift_end(&thrift);
    }
    thrift_end(&thrift);
    out->failed |= spark.failed;
    buf_fini(&spark);
}

int parquet_footer_write(struct parquet_footer *footer, const struct parquet_schema *schema,
                         uint64_t offset, struct buf *out, struct err *err)
{
    struct cursor at = {.chunk = (const void *)footer->chunks.p,
                        .metadata = footer->metadata.p,
                        .column_index = offset,
                        .offset_index = offset + footer->column_indexes.n};
    buf_append_str(out, buf_str(&footer->column_indexes));
    buf_append_str(out, buf_str(&footer->offset_indexes));
    size_t start = out->n;
    write_metadata(footer, schema, &at, out);
    if (!out->failed && out->n - start > INT32_MAX)
        return err_set(err, ERR_UNSUPPORTED, "the metadata of a file passes 2 GiB");
    uint32_t length = (uint32_t)(out->n - start);
    buf_append(out, &length, sizeof length);
    buf_append_str(out, STR("PAR1"));
    return out->failed ? err_set(err, ERR_NOMEM, "out of memory for a file's footer") : 0;
}
