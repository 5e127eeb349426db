#include "format/parquet_column.h"

#include <stdlib.h>

#include "format/parquet_bloom.h"
#include "format/parquet_page.h"

enum { STEP_LEVELS = 1024 }; /* a page may end behind each step */

void parquet_scratch_fini(struct parquet_scratch *scratch)
{
    parquet_levels_fini(&scratch->levels);
    parquet_gather_fini(&scratch->gather);
    buf_fini(&scratch->indices);
    for (size_t i = 0; i < COUNT_OF(scratch->candidates); i++) {
        buf_fini(&scratch->candidates[i].page);
        buf_fini(&scratch->candidates[i].packed);
    }
    buf_fini(&scratch->dictionary);
    *scratch = (struct parquet_scratch){0};
}

size_t parquet_scratch_memory(const struct parquet_scratch *scratch)
{
    size_t bytes = scratch->levels.now.capacity + scratch->levels.next.capacity +
                   parquet_gather_memory(&scratch->gather) + scratch->indices.capacity +
                   scratch->dictionary.capacity;
    for (size_t i = 0; i < COUNT_OF(scratch->candidates); i++)
        bytes += scratch->candidates[i].page.capacity + scratch->candidates[i].packed.capacity;
    return bytes;
}

void parquet_column_init(struct parquet_column *column, const struct parquet_leaf *leaf,
                         const struct parquet_settings *settings)
{
    *column = (struct parquet_column){.leaf = leaf, .settings = settings};
    column->dictionary.width = leaf->width;
    column->numbered = settings->dictionary && leaf->physical != PARQUET_BOOLEAN;
    rle_reset(&column->def, rle_width(leaf->def_max));
    rle_reset(&column->rep, rle_width(leaf->rep_max));
}

void parquet_column_fini(struct parquet_column *column)
{
    parquet_bloom_destroy(column->bloom);
    rle_fini(&column->def);
    rle_fini(&column->rep);
    rle_fini(&column->packed);
    buf_fini(&column->raw);
    buf_fini(&column->held);
    buf_fini(&column->plain);
    parquet_bounds_fini(&column->bounds);
    dictionary_fini(&column->dictionary);
    buf_fini(&column->pages);
    buf_fini(&column->infos);
    buf_fini(&column->bound_bytes);
    parquet_bounds_fini(&column->chunk_bounds);
}

void parquet_column_go_on(struct parquet_column *column, size_t last_raw, size_t last_packed)
{
    column->last_raw = column->start_raw = last_raw;
    column->last_packed = column->start_packed = last_packed;
}

void parquet_column_reset(struct parquet_column *column)
{
    struct parquet_column before = *column;
    column->bloom = NULL;
    parquet_column_fini(column);
    parquet_column_init(column, column->leaf, column->settings);
    column->bloom = before.bloom;
    parquet_column_go_on(column, before.last_raw, before.last_packed);
}

size_t parquet_column_memory(const struct parquet_column *column)
{
    return parquet_bloom_memory(column->bloom) + column->def.out.capacity +
           column->rep.out.capacity + column->packed.out.capacity + column->raw.capacity +
           column->held.capacity + column->plain.capacity + parquet_bounds_memory(&column->bounds) +
           dictionary_memory(&column->dictionary) + column->pages.capacity +
           column->infos.capacity + column->bound_bytes.capacity +
           parquet_bounds_memory(&column->chunk_bounds);
}

size_t parquet_column_page_bytes(const struct parquet_column *column)
{
    size_t raw = column->raw.n / sizeof(uint32_t);
    return column->def.out.n + column->rep.out.n + column->packed.out.n + column->plain.n +
           raw * rle_width(column->dictionary.count) / 8;
}

static bool failed(const struct parquet_column *column)
{
    return column->def.out.failed || column->rep.out.failed || column->packed.out.failed ||
           column->raw.failed || column->plain.failed || column->bounds.min_bytes.failed ||
           column->bounds.max_bytes.failed || column->dictionary.failed ||
           column->dictionary.values.failed;
}

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for a page");
}

static void add_levels(struct parquet_column *column, const struct parquet_levels *levels,
                       uint32_t first, uint32_t count)
{
    const struct parquet_level *level = levels->levels;
    column->page_levels += count;
    if (!level) {
        rle_put_run(&column->def, column->leaf->def_max, count);
        column->page_rows += count;
        return;
    }
    for (uint32_t i = first; i < first + count; i++)
        rle_put(&column->def, level[i].def);
    if (!column->leaf->rep_max) {
        column->page_rows += count;
        return;
    }
    for (uint32_t i = first; i < first + count; i++) {
        rle_put(&column->rep, level[i].rep);
        column->page_rows += level[i].rep == 0;
    }
}

static void add_booleans(struct parquet_column *column, const uint8_t *values, size_t n)
{
    size_t bits = column->page_values;
    for (size_t i = 0; i < n; i++, bits++) {
        if (bits % 8 == 0)
            buf_append_char(&column->plain, 0);
        if (!column->plain.failed)
            column->plain.p[bits / 8] |= (char)(values[i] << bits % 8);
    }
}

static void add_strs(struct buf *out, const struct str *values, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += values[i].n + sizeof(uint32_t);
    if (!buf_reserve(out, bytes))
        return;
    char *to = out->p + out->n;
    for (size_t i = 0; i < n; i++) {
        uint32_t length = (uint32_t)values[i].n;
        memcpy(to, &length, sizeof length);
        if (length)
            memcpy(to + sizeof length, values[i].p, length);
        to += sizeof length + length;
    }
    out->n += bytes;
}

static void add_plain(struct parquet_column *column, const struct parquet_values *values)
{
    switch (column->leaf->physical) {
    case PARQUET_BOOLEAN:
        return add_booleans(column, values->boolean, values->count);
    case PARQUET_BYTES:
        return add_strs(&column->plain, values->str, values->count);
    case PARQUET_FIXED:
        for (size_t i = 0; i < values->count; i++)
            buf_append_str(&column->plain, values->str[i]);
        return;
    default:
        buf_append(&column->plain, values->data, values->count * column->leaf->width);
    }
}

/* Numbers of the values, into scratch->indices. Fewer than all: the dictionary is full. */
static size_t number(struct parquet_column *column, const struct parquet_values *values,
                     struct buf *indices)
{
    struct dictionary *dictionary = &column->dictionary;
    buf_clear(indices);
    if (!buf_reserve(indices, values->count * sizeof(uint32_t) + 1)) {
        dictionary->failed = true;
        return 0;
    }
    uint32_t *to = (uint32_t *)(void *)indices->p;
    indices->n = values->count * sizeof *to;
    if (!column->leaf->width || column->leaf->physical == PARQUET_FIXED)
        return dictionary_put_str(dictionary, values->str, values->count, to);
    return column->leaf->width == 4
               ? dictionary_put_32(dictionary, values->data, values->count, to)
               : dictionary_put_64(dictionary, values->data, values->count, to);
}

/* The values of this step cannot be numbered: what was numbered before ends its page. */
static int stop_numbering(struct parquet_column *column, struct parquet_scratch *scratch,
                          struct err *err)
{
    int code = column->dictionary.failed ? nomem(err) : 0;
    if (!code && column->page_values)
        code = parquet_page_end(column, scratch, true, err);
    else if (!code && !column->judged)
        code = parquet_judge_held(column, scratch, true, err);
    column->numbered = false;
    return code;
}

/* Numbers the values where that goes, and makes sure that they fit into the current page. */
static int prepare(struct parquet_column *column, struct parquet_scratch *scratch,
                   const struct parquet_values *values, struct err *err)
{
    if (!column->numbered)
        return 0;
    if (number(column, values, &scratch->indices) < values->count)
        return stop_numbering(column, scratch, err);
    if (column->packed_count && parquet_index_width(column) > column->packed.width)
        return parquet_page_end(column, scratch, false, err);
    return 0;
}

static void add_numbers(struct parquet_column *column, const struct buf *indices)
{
    if (column->packed_count) {
        parquet_pack(column, (const uint32_t *)(const void *)indices->p,
                     indices->n / sizeof(uint32_t));
        return;
    }
    size_t before = column->raw.n / sizeof(uint32_t);
    buf_append(&column->raw, indices->p, indices->n);
    size_t raw = column->raw.n / sizeof(uint32_t);
    if (raw < COLUMN_RAW_MAX || column->raw.failed)
        return;
    if (!column->judged && column->infos.n == 0 && before < COLUMN_RAW_MAX)
        parquet_judge_early(column);
    if (column->numbered && column->judged)
        parquet_pack_raw(column);
}

/* Bytes of the page being filled, as they would be written. */
static size_t written_bytes(const struct parquet_column *column)
{
    size_t bytes = parquet_column_page_bytes(column);
    if (column->numbered && !column->judged && column->page_plain > bytes)
        return column->page_plain; /* it may become that */
    return bytes;
}

static int end_full_page(struct parquet_column *column, struct parquet_scratch *scratch,
                         struct err *err)
{
    size_t bytes = written_bytes(column);
    bool full = bytes >= column->settings->page_bytes || column->page_levels >= INT32_MAX / 2;
    if (!full && bytes >= COLUMN_PAGE_BYTES && column->page_rows >= COLUMN_PAGE_ROWS) {
        int code = column->last_raw ? 0 : parquet_page_probe(column, scratch, err);
        if (code)
            return code;
        uint64_t packed = bytes * (uint64_t)column->last_packed;
        full = packed >= COLUMN_PAGE_PACKED * (uint64_t)column->last_raw;
    }
    return full ? parquet_page_end(column, scratch, false, err) : 0;
}

static size_t plain_bytes(const struct parquet_column *column, const struct parquet_values *values)
{
    if (column->leaf->physical != PARQUET_BYTES)
        return values->count * column->leaf->width;
    size_t bytes = values->count * sizeof(uint32_t);
    for (size_t i = 0; i < values->count; i++)
        bytes += values->str[i].n;
    return bytes;
}

static int add_step(struct parquet_column *column, struct parquet_scratch *scratch, uint32_t first,
                    uint32_t count, struct err *err)
{
    struct parquet_values values;
    int code = parquet_gather(&scratch->gather, column->leaf, &scratch->levels, first, count,
                              &values, err);
    if (!code)
        code = prepare(column, scratch, &values, err);
    if (code)
        return code;
    add_levels(column, &scratch->levels, first, count);
    if (!column->numbered)
        add_plain(column, &values);
    column->page_values += (uint32_t)values.count;
    column->page_plain += plain_bytes(column, &values);
    if (column->numbered)
        add_numbers(column, &scratch->indices);
    parquet_bounds_add(&column->bounds, column->leaf, &values);
    if (column->bloom && !parquet_bloom_add(column->bloom, column->leaf, &values))
        return nomem(err);
    if (failed(column))
        return nomem(err);
    return end_full_page(column, scratch, err);
}

static size_t value_bytes(const struct parquet_levels *levels, uint32_t i)
{
    uint32_t row = levels->levels ? levels->levels[i].row : i;
    return row == PARQUET_NO_VALUE ? 0 : levels->vec->str[row].n;
}

/* How many levels from `first` on are added at once: whole rows, and of long values few. */
static uint32_t step_length(const struct parquet_column *column,
                            const struct parquet_levels *levels, uint32_t first)
{
    bool bytes = column->leaf->physical == PARQUET_BYTES;
    bool nested = column->leaf->rep_max > 0;
    size_t left = column->settings->page_bytes;
    uint32_t i = first;
    if (!bytes && !nested)
        return levels->count - first < STEP_LEVELS ? levels->count - first : STEP_LEVELS;
    for (; i < levels->count; i++) {
        bool row = !nested || levels->levels[i].rep == 0;
        if (i > first && row && (i - first >= STEP_LEVELS || left == 0))
            break;
        size_t n = bytes ? value_bytes(levels, i) : 0;
        left = n < left ? left - n : 0;
    }
    return i - first;
}

int parquet_column_add(struct parquet_column *column, struct parquet_scratch *scratch,
                       struct err *err)
{
    for (uint32_t i = 0, n; i < scratch->levels.count; i += n) {
        n = step_length(column, &scratch->levels, i);
        int code = add_step(column, scratch, i, n, err);
        if (code)
            return code;
    }
    return 0;
}
