#include "format/parquet_rows.h"

#include <zstd.h>

#include "format/compress.h"
#include "vec/block_codec.h"

enum { SAVED_BLOCK_MAX = 1 << 30 }; /* bytes, as compress_block has it */

struct parquet_run {
    struct parquet_run *next;
    struct block rows;
};

void parquet_waiting_fini(struct parquet_waiting *waiting)
{
    arena_fini(&waiting->memory);
    *waiting = (struct parquet_waiting){0};
}

void parquet_waiting_clear(struct parquet_waiting *waiting)
{
    struct arena memory = waiting->memory;
    arena_reset(&memory);
    *waiting = (struct parquet_waiting){.memory = memory};
}

int parquet_waiting_add(struct parquet_waiting *waiting, const struct block *rows, uint32_t first,
                        uint32_t n)
{
    struct parquet_run *run = ARENA_NEW(&waiting->memory, struct parquet_run);
    struct vec *cols = ARENA_ARRAY(&waiting->memory, struct vec, rows->col_count + 1);
    uint32_t picks[PARQUET_BLOCK_ROWS];
    REQUIRE(n <= PARQUET_BLOCK_ROWS - waiting->rows);
    for (uint32_t i = 0; i < n; i++)
        picks[i] = first + i;
    if (!run || !cols)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < rows->col_count; c++) {
        if (vec_copy(&cols[c], &rows->cols[c], picks, n, &waiting->memory) != 0)
            return ERR_NOMEM;
        waiting->bytes += vec_value_bytes(&cols[c]);
    }
    run->rows = (struct block){.cols = cols, .col_count = rows->col_count, .rows = n};
    if (waiting->last)
        waiting->last->next = run;
    else
        waiting->first = run;
    waiting->last = run;
    waiting->rows += n;
    waiting->runs++;
    return 0;
}

int parquet_waiting_block(struct parquet_waiting *waiting, const struct type *schema,
                          struct block *out)
{
    struct arena *memory = &waiting->memory;
    const struct vec **sources = ARENA_ARRAY(memory, const struct vec *, waiting->runs);
    struct vec_pick *picks = ARENA_ARRAY(memory, struct vec_pick, waiting->rows);
    struct vec *cols = ARENA_ARRAY(memory, struct vec, schema->field_count);
    uint32_t source = 0, n = 0;
    if (waiting->runs == 1) {
        *out = waiting->first->rows;
        return 0;
    }
    if (!sources || !picks || !cols)
        return ERR_NOMEM;
    for (const struct parquet_run *run = waiting->first; run; run = run->next, source++) {
        for (uint32_t i = 0; i < run->rows.rows; i++)
            picks[n++] = (struct vec_pick){source, i};
    }
    for (uint32_t c = 0; c < schema->field_count; c++) {
        source = 0;
        for (const struct parquet_run *run = waiting->first; run; run = run->next)
            sources[source++] = &run->rows.cols[c];
        if (vec_compose(&cols[c], schema->fields[c].type, sources, source, picks, n, memory) != 0)
            return ERR_NOMEM;
    }
    *out = (struct block){.cols = cols, .col_count = schema->field_count, .rows = n};
    return 0;
}

int parquet_rows_slice(struct block *out, const struct block *rows, uint32_t first, uint32_t n,
                       struct arena *arena)
{
    struct vec *cols = ARENA_ARRAY(arena, struct vec, rows->col_count);
    if (!cols)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < rows->col_count; c++) {
        if (vec_slice(&cols[c], &rows->cols[c], first, n, arena) != 0)
            return ERR_NOMEM;
    }
    *out = (struct block){.cols = cols, .col_count = rows->col_count, .rows = n};
    return 0;
}

int parquet_rows_put(struct buf *out, const struct type *schema, const struct block *rows,
                     struct err *err)
{
    struct buf plain = {0}, packed = {0};
    block_encode(&plain, schema, rows);
    int code = plain.failed ? err_set(err, ERR_NOMEM, "out of memory for rows that are kept")
                            : compress_block(COMPRESSION_ZSTD, buf_str(&plain), &packed, err);
    if (!code)
        bytes_put_str(out, buf_str(&packed));
    if (!code && out->failed)
        code = err_set(err, ERR_NOMEM, "out of memory for rows that are kept");
    buf_fini(&plain);
    buf_fini(&packed);
    return code;
}

int parquet_rows_get(struct block *out, const struct type *schema, struct bytes_reader *in,
                     struct arena *arena, struct err *err)
{
    struct str packed = bytes_get_str(in);
    unsigned long long n = ZSTD_getFrameContentSize(packed.p, packed.n);
    struct buf plain = {0};
    if (in->failed || n > SAVED_BLOCK_MAX) /* also its two errors */
        return err_set(err, ERR_CORRUPT, "the saved rows of a file are damaged");
    if (!buf_reserve(&plain, n + 1))
        return err_set(err, ERR_NOMEM, "out of memory for saved rows");
    size_t got = ZSTD_decompress(plain.p, n, packed.p, packed.n);
    struct bytes_reader rows = bytes_read((struct str){plain.p, n});
    int code = got == n ? block_decode(out, schema, &rows, arena, err)
                        : err_set(err, ERR_CORRUPT, "the saved rows of a file are damaged");
    if (!code && bytes_left(&rows) > 0)
        code = err_set(err, ERR_CORRUPT, "the saved rows of a file are damaged");
    buf_fini(&plain);
    return code;
}
