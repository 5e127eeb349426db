/* The page index: where each page is, and between which bounds its values are.
 *
 * https://parquet.apache.org/docs/file-format/pageindex/ */
#include "format/parquet_chunk.h"
#include "format/thrift.h"

enum boundary_order { UNORDERED = 0, ASCENDING = 1, DESCENDING = 2 };

static const struct parquet_page *pages_of(const struct parquet_column *column, size_t *n)
{
    *n = column->infos.n / sizeof(struct parquet_page);
    return (const struct parquet_page *)(const void *)column->infos.p;
}

static void append_offsets(struct buf *out, const struct parquet_column *column, uint64_t offset)
{
    size_t n;
    const struct parquet_page *pages = pages_of(column, &n);
    struct thrift thrift = {.out = out};
    int64_t row = 0;
    thrift_list(&thrift, 1, THRIFT_STRUCT, n);
    for (size_t i = 0; i < n; i++) {
        thrift_item_begin(&thrift);
        thrift_i64(&thrift, 1, (int64_t)offset);
        thrift_i32(&thrift, 2, (int32_t)pages[i].size);
        thrift_i64(&thrift, 3, row);
        thrift_end(&thrift);
        offset += pages[i].size;
        row += pages[i].rows;
    }
    thrift_end(&thrift);
}

/* Pages whose values have no bounds (all are NaN) cannot be in an index: then there is none. */
static bool indexable(const struct parquet_column *column)
{
    size_t n;
    const struct parquet_page *pages = pages_of(column, &n);
    for (size_t i = 0; i < n; i++) {
        if (!pages[i].empty && !pages[i].bounded)
            return false;
    }
    return n > 0;
}

static struct str min_of(const struct parquet_column *column, const struct parquet_page *page)
{
    return page->bounded ? (struct str){column->bound_bytes.p + page->min_at, page->min_n}
                         : (struct str){0};
}

static struct str max_of(const struct parquet_column *column, const struct parquet_page *page)
{
    return page->bounded ? (struct str){column->bound_bytes.p + page->max_at, page->max_n}
                         : (struct str){0};
}

static enum boundary_order order_of(const struct parquet_column *column)
{
    size_t n;
    const struct parquet_page *pages = pages_of(column, &n), *before = NULL;
    bool rising = true, falling = true;
    for (size_t i = 0; i < n; i++) {
        if (pages[i].empty)
            continue;
        if (before) {
            int min = parquet_bound_order(column->leaf, min_of(column, before),
                                          min_of(column, &pages[i]));
            int max = parquet_bound_order(column->leaf, max_of(column, before),
                                          max_of(column, &pages[i]));
            rising &= min <= 0 && max <= 0;
            falling &= min >= 0 && max >= 0;
        }
        before = &pages[i];
    }
    return rising ? ASCENDING : falling ? DESCENDING : UNORDERED;
}

static void append_bounds(struct buf *out, const struct parquet_column *column)
{
    size_t n;
    const struct parquet_page *pages = pages_of(column, &n);
    struct thrift thrift = {.out = out};
    thrift_list(&thrift, 1, THRIFT_TRUE, n);
    for (size_t i = 0; i < n; i++)
        thrift_item_bool(&thrift, pages[i].empty);
    thrift_list(&thrift, 2, THRIFT_BINARY, n);
    for (size_t i = 0; i < n; i++)
        thrift_item_binary(&thrift, min_of(column, &pages[i]));
    thrift_list(&thrift, 3, THRIFT_BINARY, n);
    for (size_t i = 0; i < n; i++)
        thrift_item_binary(&thrift, max_of(column, &pages[i]));
    thrift_i32(&thrift, 4, order_of(column));
    thrift_list(&thrift, 5, THRIFT_I64, n);
    for (size_t i = 0; i < n; i++)
        thrift_item_i64(&thrift, (int64_t)pages[i].nulls);
    thrift_end(&thrift);
}

void parquet_index_append(struct parquet_footer *footer, struct parquet_chunk *chunk,
                          const struct parquet_column *column, uint64_t first_page)
{
    size_t before = footer->offset_indexes.n;
    append_offsets(&footer->offset_indexes, column, first_page);
    chunk->offset_index_n = footer->offset_indexes.n - before;
    before = footer->column_indexes.n;
    if (indexable(column))
        append_bounds(&footer->column_indexes, column);
    chunk->column_index_n = footer->column_indexes.n - before;
}
