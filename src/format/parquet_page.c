/* How a page ends: its values are encoded, compressed, and put behind the pages before. */
#include "format/parquet_page.h"
#include "format/compress.h"
#include "format/parquet_delta.h"
#include "format/thrift.h"

/* parquet.thrift: PageHeader. */
enum {
    PAGE_DATA = 0,
    PAGE_DICTIONARY = 2,
    HEADER_TYPE = 1,
    HEADER_UNCOMPRESSED = 2,
    HEADER_COMPRESSED = 3,
    HEADER_DATA = 5,
    HEADER_DICTIONARY = 7,
    DELTA_TRIAL_PAGES = 16, /* one page in so many is encoded both ways */
};

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for a page");
}

bool parquet_is_integer(const struct parquet_column *column)
{
    return column->leaf->physical == PARQUET_INT32 || column->leaf->physical == PARQUET_INT64;
}

void parquet_append_delta(const struct parquet_column *column, const struct buf *plain,
                          struct buf *out)
{
    if (column->leaf->width == 4)
        delta_append_i32(out, (const int32_t *)(const void *)plain->p, plain->n / 4);
    else
        delta_append_i64(out, (const int64_t *)(const void *)plain->p, plain->n / 8);
}

static void append_header(struct buf *out, int type, size_t uncompressed, size_t compressed,
                          uint32_t values, enum parquet_encoding encoding)
{
    struct thrift thrift = {.out = out};
    thrift_i32(&thrift, HEADER_TYPE, type);
    thrift_i32(&thrift, HEADER_UNCOMPRESSED, (int32_t)uncompressed);
    thrift_i32(&thrift, HEADER_COMPRESSED, (int32_t)compressed);
    thrift_begin(&thrift, type == PAGE_DATA ? HEADER_DATA : HEADER_DICTIONARY);
    thrift_i32(&thrift, 1, (int32_t)values);
    thrift_i32(&thrift, 2, (int32_t)encoding);
    if (type == PAGE_DATA) {
        thrift_i32(&thrift, 3, PARQUET_RLE);
        thrift_i32(&thrift, 4, PARQUET_RLE);
    }
    thrift_end(&thrift);
    thrift_end(&thrift);
}

static void append_levels(struct str levels, struct buf *out)
{
    uint32_t n = (uint32_t)levels.n;
    buf_append(out, &n, sizeof n);
    buf_append_str(out, levels);
}

/* Levels, and then values as `encoding` has them; compressed. `width`: of numbers. */
static int make_candidate(const struct parquet_column *column, struct parquet_candidate *candidate,
                          const struct parquet_parts *parts, enum parquet_encoding encoding,
                          unsigned width, const struct buf *values, struct err *err)
{
    struct buf *page = &candidate->page;
    buf_clear(page);
    buf_clear(&candidate->packed);
    candidate->encoding = encoding;
    if (column->leaf->rep_max)
        append_levels(parts->rep, page);
    append_levels(parts->def, page);
    if (encoding == PARQUET_RLE_DICTIONARY)
        buf_append_char(page, (char)width);
    if (encoding == PARQUET_DELTA_BINARY_PACKED)
        parquet_append_delta(column, values, page);
    else
        buf_append_str(page, buf_str(values));
    if (page->failed || values->failed)
        return nomem(err);
    return compress_block(column->settings->compression, buf_str(page), &candidate->packed, err);
}

static int plain_candidate(struct parquet_column *column, struct parquet_scratch *scratch,
                           const struct parquet_parts *parts, const struct buf *plain,
                           struct parquet_candidate **best, struct err *err)
{
    struct parquet_candidate *as_is = &scratch->candidates[0], *delta = &scratch->candidates[1];
    bool choice = parquet_is_integer(column) && plain->n;
    bool trial = choice && column->delta_trial == 0;
    int code = 0;
    *best = as_is;
    if (!choice || trial || !column->delta)
        code = make_candidate(column, as_is, parts, PARQUET_PLAIN, 0, plain, err);
    if (code || !choice)
        return code;
    if (trial || column->delta)
        code = make_candidate(column, delta, parts, PARQUET_DELTA_BINARY_PACKED, 0, plain, err);
    if (trial) {
        column->delta = delta->packed.n < as_is->packed.n;
        column->delta_trial = DELTA_TRIAL_PAGES;
    }
    column->delta_trial--;
    *best = column->delta ? delta : as_is;
    return code;
}

static int append_page(struct parquet_column *column, const struct parquet_candidate *page,
                       uint32_t levels, struct err *err)
{
    struct buf *out = &column->pages;
    size_t before = out->n;
    append_header(out, PAGE_DATA, page->page.n, page->packed.n, levels, page->encoding);
    column->uncompressed += out->n - before + page->page.n;
    buf_append_str(out, buf_str(&page->packed));
    if (out->failed || column->infos.failed)
        return nomem(err);
    struct parquet_page *info = (struct parquet_page *)(void *)column->infos.p;
    info[column->page_count++].size = (uint32_t)(out->n - before);
    column->encodings[page->encoding]++;
    column->last_raw = page->page.n;
    column->last_packed = page->packed.n;
    return 0;
}

int parquet_page_plain(struct parquet_column *column, struct parquet_scratch *scratch,
                       const struct parquet_parts *parts, const struct buf *plain, struct err *err)
{
    struct parquet_candidate *page;
    int code = plain_candidate(column, scratch, parts, plain, &page, err);
    return code ? code : append_page(column, page, parts->levels, err);
}

int parquet_page_numbered(struct parquet_column *column, struct parquet_scratch *scratch,
                          const struct parquet_parts *parts, const struct rle *packed,
                          struct err *err)
{
    struct parquet_candidate *page = &scratch->candidates[0];
    int code = make_candidate(column, page, parts, PARQUET_RLE_DICTIONARY, packed->width,
                              &packed->out, err);
    return code ? code : append_page(column, page, parts->levels, err);
}

int parquet_page_only(struct parquet_column *column, struct parquet_scratch *scratch,
                      const struct parquet_parts *parts, const struct buf *plain,
                      const struct rle *packed, struct err *err)
{
    enum { DICTIONARY_HEADER = 20 };
    struct parquet_candidate *best;
    int code = plain_candidate(column, scratch, parts, plain, &best, err);
    if (code)
        return code;
    struct parquet_candidate *other = &scratch->candidates[best == scratch->candidates];
    code = make_candidate(column, other, parts, PARQUET_RLE_DICTIONARY, packed->width, &packed->out,
                          err);
    buf_clear(&scratch->dictionary);
    if (!code)
        code = compress_block(column->settings->compression, buf_str(&column->dictionary.values),
                              &scratch->dictionary, err);
    if (other->packed.n + scratch->dictionary.n + DICTIONARY_HEADER < best->packed.n)
        best = other;
    return code ? code : append_page(column, best, parts->levels, err);
}

/* What the indexes say of the page; its size comes with the page. */
static void append_info(struct parquet_column *column)
{
    struct buf *bytes = &column->bound_bytes;
    struct parquet_page info = {.rows = column->page_rows,
                                .nulls = column->page_levels - column->page_values,
                                .empty = column->page_values == 0,
                                .bounded = column->bounds.set};
    if (info.bounded) {
        info.min_at = bytes->n;
        parquet_bounds_append_min(&column->bounds, column->leaf, bytes);
        info.min_n = bytes->n - info.min_at;
        info.max_at = bytes->n;
        parquet_bounds_append_max(&column->bounds, column->leaf, bytes);
        info.max_n = bytes->n - info.max_at;
    }
    buf_append(&column->infos, &info, sizeof info);
    column->chunk_levels += column->page_levels;
    column->chunk_nulls += info.nulls;
    parquet_bounds_merge(&column->chunk_bounds, column->leaf, &column->bounds);
}

static void start_page(struct parquet_column *column)
{
    rle_reset(&column->def, column->def.width);
    rle_reset(&column->rep, column->rep.width);
    rle_reset(&column->packed, 0);
    buf_clear(&column->raw);
    buf_clear(&column->plain);
    parquet_bounds_clear(&column->bounds);
    column->packed_count = 0;
    column->page_rows = column->page_levels = column->page_values = 0;
    column->page_plain = 0;
}

/* Writes or holds the page being filled. */
static int end_filled(struct parquet_column *column, struct parquet_scratch *scratch,
                      struct err *err)
{
    struct parquet_parts parts = {.rep = buf_str(&column->rep.out),
                                  .def = buf_str(&column->def.out),
                                  .levels = column->page_levels};
    if (column->def.out.failed || column->rep.out.failed)
        return nomem(err);
    if (column->numbered && !column->judged) {
        parquet_hold(column);
        return column->held.failed ? nomem(err) : 0;
    }
    if (!column->numbered || column->page_values == 0)
        return parquet_page_plain(column, scratch, &parts, &column->plain, err);
    parquet_pack_raw(column);
    rle_finish(&column->packed);
    return parquet_page_numbered(column, scratch, &parts, &column->packed, err);
}

int parquet_page_end(struct parquet_column *column, struct parquet_scratch *scratch, bool last,
                     struct err *err)
{
    int code = 0;
    if (column->page_rows) {
        rle_finish(&column->def);
        rle_finish(&column->rep);
        append_info(column);
        code = end_filled(column, scratch, err);
        start_page(column);
    }
    if (!code && column->numbered && !column->judged)
        code = parquet_judge_held(column, scratch, last, err);
    if (!code && (column->infos.failed || column->bound_bytes.failed ||
                  column->chunk_bounds.min_bytes.failed || column->chunk_bounds.max_bytes.failed))
        code = nomem(err);
    return code;
}

int parquet_page_probe(struct parquet_column *column, struct parquet_scratch *scratch,
                       struct err *err)
{
    struct buf *packed = &scratch->candidates[0].packed;
    struct str values = column->packed_count ? buf_str(&column->packed.out)
                        : column->numbered   ? buf_str(&column->raw)
                                             : buf_str(&column->plain);
    buf_clear(packed);
    int code = compress_block(column->settings->compression, values, packed, err);
    column->last_raw = values.n;
    column->last_packed = packed->n;
    return code;
}

int parquet_page_dictionary(struct parquet_column *column, struct parquet_scratch *scratch,
                            struct buf *out, struct err *err)
{
    const struct dictionary *dictionary = &column->dictionary;
    size_t before = out->n;
    buf_clear(&scratch->dictionary);
    int code = compress_block(column->settings->compression, buf_str(&dictionary->values),
                              &scratch->dictionary, err);
    if (code)
        return code;
    append_header(out, PAGE_DICTIONARY, dictionary->values.n, scratch->dictionary.n,
                  dictionary->count, PARQUET_PLAIN);
    column->uncompressed += out->n - before + dictionary->values.n;
    buf_append_str(out, buf_str(&scratch->dictionary));
    return out->failed ? nomem(err) : 0;
}
