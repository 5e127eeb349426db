/* Whether a dictionary pays, and the pages that wait for the answer. */
#include "format/parquet_page.h"

/* In column->held, followed by the numbers and the levels. */
struct held_page {
    uint32_t levels, values;
    size_t rep_n, def_n;
};

enum { HELD_ALIGN = 8 };

unsigned parquet_index_width(const struct parquet_column *column)
{
    uint32_t count = column->dictionary.count;
    return count > 2 ? rle_width(count - 1) : 1;
}

static const uint32_t *raw_numbers(const struct parquet_column *column, size_t *n)
{
    *n = column->raw.n / sizeof(uint32_t);
    return (const uint32_t *)(const void *)column->raw.p;
}

static void pack(struct rle *rle, const uint32_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rle_put(rle, numbers[i]);
}

void parquet_pack_raw(struct parquet_column *column)
{
    size_t n;
    const uint32_t *numbers = raw_numbers(column, &n);
    if (!column->packed_count)
        rle_reset(&column->packed, parquet_index_width(column));
    parquet_pack(column, numbers, n);
    buf_fini(&column->raw); /* of the most use while a file is small, and there are many */
}

void parquet_pack(struct parquet_column *column, const uint32_t *numbers, size_t n)
{
    pack(&column->packed, numbers, n);
    column->packed_count += (uint32_t)n;
}

/* Sequences and long runs are shorter as differences. */
static bool differences_win(const struct parquet_column *column)
{
    struct buf plain = {0}, delta = {0};
    struct rle packed = {.width = parquet_index_width(column)};
    size_t n;
    const uint32_t *numbers = raw_numbers(column, &n);
    dictionary_expand(&column->dictionary, numbers, n, &plain);
    if (!plain.failed)
        parquet_append_delta(column, &plain, &delta);
    pack(&packed, numbers, n);
    rle_finish(&packed);
    bool win = !delta.failed && !plain.failed && delta.n < packed.out.n;
    rle_fini(&packed);
    buf_fini(&plain);
    buf_fini(&delta);
    return win;
}

void parquet_judge_early(struct parquet_column *column)
{
    size_t n;
    const uint32_t *numbers = raw_numbers(column, &n);
    if (parquet_is_integer(column) && differences_win(column)) {
        buf_clear(&column->plain);
        dictionary_expand(&column->dictionary, numbers, n, &column->plain);
        buf_clear(&column->raw);
        dictionary_fini(&column->dictionary);
        column->numbered = false;
    } else {
        column->judged = n >= 2 * (size_t)column->dictionary.count;
    }
}

void parquet_hold(struct parquet_column *column)
{
    struct buf *held = &column->held;
    struct held_page page = {.levels = column->page_levels,
                             .values = column->page_values,
                             .rep_n = column->rep.out.n,
                             .def_n = column->def.out.n};
    buf_append(held, &page, sizeof page);
    buf_append_str(held, buf_str(&column->raw));
    buf_append_str(held, buf_str(&column->rep.out));
    buf_append_str(held, buf_str(&column->def.out));
    buf_append_repeat(held, 0, -held->n % HELD_ALIGN);
    held->failed |= column->rep.out.failed || column->def.out.failed || column->raw.failed;
    column->held_values += column->page_values;
    column->held_plain += column->page_plain;
}

/* What to write held pages as. Values that are not numbered never come before numbered ones of a
 * chunk: Spark 3.5's vectorised reader takes the former for numbers, too (VectorizedColumnReader,
 * readBatch). */
enum verdict { AS_NUMBERS, AS_PLAIN, AS_SHORTEST };

/* Writes one page of n numbers. */
static int write_held(struct parquet_column *column, struct parquet_scratch *scratch,
                      const struct parquet_parts *parts, const uint32_t *numbers, size_t n,
                      enum verdict verdict, struct err *err)
{
    bool only = verdict == AS_SHORTEST && n, paid = verdict == AS_NUMBERS;
    struct buf plain = {0};
    struct rle packed = {.width = parquet_index_width(column)};
    int code;
    if (only || !paid)
        dictionary_expand(&column->dictionary, numbers, n, &plain);
    if (only || paid)
        pack(&packed, numbers, n);
    rle_finish(&packed);
    if (only)
        code = parquet_page_only(column, scratch, parts, &plain, &packed, err);
    else if (paid && n)
        code = parquet_page_numbered(column, scratch, parts, &packed, err);
    else
        code = parquet_page_plain(column, scratch, parts, &plain, err);
    buf_fini(&plain);
    rle_fini(&packed);
    return code;
}

static int write_all_held(struct parquet_column *column, struct parquet_scratch *scratch,
                          enum verdict verdict, struct err *err)
{
    int code = column->held.failed ? err_set(err, ERR_NOMEM, "out of memory for a page") : 0;
    for (const char *p = column->held.p, *end = p + column->held.n; !code && p < end;) {
        struct held_page page;
        memcpy(&page, p, sizeof page);
        const uint32_t *numbers = (const void *)(p + sizeof page);
        const char *levels = (const char *)(numbers + page.values);
        struct parquet_parts parts = {.rep = {levels, page.rep_n},
                                      .def = {levels + page.rep_n, page.def_n},
                                      .levels = page.levels};
        code = write_held(column, scratch, &parts, numbers, page.values, verdict, err);
        size_t n = (size_t)(levels - p) + page.rep_n + page.def_n;
        p += (n + HELD_ALIGN - 1) / HELD_ALIGN * HELD_ALIGN;
    }
    buf_fini(&column->held);
    return code;
}

int parquet_judge_held(struct parquet_column *column, struct parquet_scratch *scratch, bool end,
                       struct err *err)
{
    const struct dictionary *dictionary = &column->dictionary;
    uint64_t bits = (uint64_t)column->held_values * parquet_index_width(column);
    bool paid = column->held_values >= 2 * (uint64_t)dictionary->count;
    if (end)
        paid = dictionary->values.n + bits / 8 < column->held_plain;
    if (!paid && !end)
        return 0;
    bool only = end && column->infos.n == sizeof(struct parquet_page);
    enum verdict verdict = only ? AS_SHORTEST : paid ? AS_NUMBERS : AS_PLAIN;
    int code = write_all_held(column, scratch, verdict, err);
    if (!column->encodings[PARQUET_RLE_DICTIONARY])
        dictionary_fini(&column->dictionary);
    column->judged = paid;
    column->numbered = paid;
    return code;
}
