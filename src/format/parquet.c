#include "format/parquet.h"

#include <stdlib.h>

#include "format/parquet_bloom.h"
#include "format/parquet_chunk.h"
#include "format/parquet_rows.h"
#include "format/parquet_save.h"

/* A row group is what must be held, so it is small: 8 MiB of pages as they will be in the file.
 * Smaller ones would repeat dictionaries more often than they cost less memory; larger ones save
 * little. Dictionaries and open pages come on top, so a file of many columns ends its row groups
 * earlier, at MEMORY_FACTOR times that. */
enum {
    GROUP_BYTES = 8 << 20,
    GROUP_ROWS = 1 << 20,
    PAGE_BYTES = 1 << 20,
    MEMORY_FACTOR = 4,
    SCRATCH_KEPT = 256 << 10, /* between blocks: hundreds of files may be open */
    ROWS_KEPT = 4 << 20,      /* bytes of a row group's rows that are worth saving as rows */
};

struct parquet_encoder {
    struct file_encoder base;
    struct parquet_schema schema;
    struct parquet_settings settings;
    size_t group_bytes;
    struct parquet_column *columns;
    struct parquet_scratch scratch;
    struct parquet_footer footer;
    uint64_t offset;     /* in the file, of what is appended next */
    uint64_t group_rows; /* rows of the open row group, without those that wait */
    struct parquet_waiting waiting;
    struct buf kept; /* the rows of the open row group, if the encoder is savable: */
    bool kept_all;   /* unless they were too many */
    bool loading;    /* no row group ends, as none has when these rows were saved */
};

static struct parquet_encoder *parquet_of(struct file_encoder *encoder)
{
    return CONTAINER_OF(encoder, struct parquet_encoder, base);
}

static const struct parquet_encoder *parquet_of_const(const struct file_encoder *encoder)
{
    return CONTAINER_OF(encoder, struct parquet_encoder, base);
}

/* The file begins; again after a failure, which loses the file anyway. */
static void write_magic(struct parquet_encoder *parquet, struct buf *out)
{
    if (parquet->offset == 0) {
        buf_append_str(out, STR("PAR1"));
        parquet->offset = 4;
    }
}

static size_t parquet_memory(const struct file_encoder *encoder)
{
    const struct parquet_encoder *parquet = parquet_of_const(encoder);
    size_t bytes = sizeof *parquet + parquet->schema.memory.bytes +
                   parquet->schema.leaf_count * sizeof *parquet->columns +
                   parquet_scratch_memory(&parquet->scratch) +
                   parquet_footer_memory(&parquet->footer) + parquet->waiting.memory.bytes +
                   parquet->kept.capacity;
    for (uint32_t i = 0; i < parquet->schema.leaf_count; i++)
        bytes += parquet_column_memory(&parquet->columns[i]);
    return bytes;
}

static uint64_t parquet_pending(const struct file_encoder *encoder)
{
    enum { PER_COLUMN = 150, PER_FILE = 300 }; /* of metadata, roughly */
    const struct parquet_encoder *parquet = parquet_of_const(encoder);
    const struct parquet_footer *footer = &parquet->footer;
    uint64_t bytes = PER_FILE + footer->metadata.n + footer->column_indexes.n +
                     footer->offset_indexes.n + parquet->waiting.bytes;
    for (uint32_t i = 0; i < parquet->schema.leaf_count; i++) {
        const struct parquet_column *column = &parquet->columns[i];
        bytes += PER_COLUMN + column->pages.n + column->dictionary.values.n + column->held.n / 2 +
                 parquet_column_page_bytes(column);
    }
    return bytes;
}

static bool group_full(const struct parquet_encoder *parquet)
{
    size_t pages = 0, memory = 0; /* of this group: the footer only grows */
    for (uint32_t i = 0; i < parquet->schema.leaf_count; i++) {
        pages += parquet->columns[i].pages.n;
        memory += parquet_column_memory(&parquet->columns[i]);
    }
    return pages >= parquet->group_bytes || parquet->group_rows >= GROUP_ROWS ||
           memory / MEMORY_FACTOR >= parquet->group_bytes;
}

static int end_group(struct parquet_encoder *parquet, struct buf *out, struct err *err)
{
    size_t before = out->n;
    if (parquet->group_rows == 0)
        return 0;
    int code = parquet_group_end(&parquet->footer, parquet->columns, parquet->schema.leaf_count,
                                 &parquet->scratch, parquet->group_rows, parquet->offset, out, err);
    parquet->offset += out->n - before;
    parquet->group_rows = 0;
    parquet->kept_all = true;
    buf_fini(&parquet->kept);
    parquet_scratch_fini(&parquet->scratch); /* it has grown with the pages */
    return code;
}

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for a file");
}

/* Keeps a copy of rows that were added to the open row group. */
static int keep_rows(struct parquet_encoder *parquet, const struct block *rows, struct err *err)
{
    if (!parquet->base.savable || !parquet->kept_all)
        return 0;
    int code = parquet_rows_put(&parquet->kept, parquet->base.schema, rows, err);
    if (parquet->kept.n > ROWS_KEPT) {
        parquet->kept_all = false;
        buf_fini(&parquet->kept);
    }
    return code;
}

static int write_block(struct parquet_encoder *parquet, const struct block *rows, struct buf *out,
                       struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < parquet->schema.leaf_count && !code; i++) {
        struct parquet_column *column = &parquet->columns[i];
        code = parquet_levels_shred(&parquet->scratch.levels, column->leaf, rows, err);
        if (!code)
            code = parquet_column_add(column, &parquet->scratch, err);
    }
    if (!code)
        code = keep_rows(parquet, rows, err);
    if (code)
        return code;
    parquet->group_rows += rows->rows;
    if (parquet_scratch_memory(&parquet->scratch) > SCRATCH_KEPT)
        parquet_scratch_fini(&parquet->scratch);
    return !parquet->loading && group_full(parquet) ? end_group(parquet, out, err) : 0;
}

static int write_waiting(struct parquet_encoder *parquet, struct buf *out, struct err *err)
{
    struct block rows;
    if (parquet->waiting.rows == 0)
        return 0;
    int code = parquet_waiting_block(&parquet->waiting, parquet->base.schema, &rows);
    code = code ? nomem(err) : write_block(parquet, &rows, out, err);
    parquet_waiting_fini(&parquet->waiting);
    return code;
}

static int parquet_write(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                         struct err *err)
{
    struct parquet_encoder *parquet = parquet_of(encoder);
    struct arena memory = {0};
    int code = 0;
    write_magic(parquet, out);
    for (uint32_t at = 0, n; at < rows->rows && !code; at += n) {
        struct block slice;
        n = PARQUET_BLOCK_ROWS - parquet->waiting.rows;
        n = n < rows->rows - at ? n : rows->rows - at;
        if (n < PARQUET_BLOCK_ROWS) {
            code = parquet_waiting_add(&parquet->waiting, rows, at, n) ? nomem(err) : 0;
            if (!code && parquet->waiting.rows == PARQUET_BLOCK_ROWS)
                code = write_waiting(parquet, out, err);
        } else if (parquet_rows_slice(&slice, rows, at, n, &memory) != 0) {
            code = nomem(err);
        } else {
            code = write_block(parquet, &slice, out, err);
        }
        arena_reset(&memory);
    }
    arena_fini(&memory);
    return !code && out->failed ? nomem(err) : code;
}

static int parquet_finish(struct file_encoder *encoder, struct buf *out, struct err *err)
{
    struct parquet_encoder *parquet = parquet_of(encoder);
    write_magic(parquet, out);
    int code = write_waiting(parquet, out, err);
    if (!code)
        code = end_group(parquet, out, err);
    if (!code)
        code = parquet_footer_write(&parquet->footer, &parquet->schema, parquet->offset, out, err);
    return code;
}

/* ---- saving ---- */

/* The offset; how far pages shrank before the row group; the footer so far; the group's rows. */
static int append_state(struct parquet_encoder *parquet, struct buf *state, struct err *err)
{
    struct block rows;
    bytes_put_number(state, parquet->offset);
    for (uint32_t i = 0; i < parquet->schema.leaf_count; i++) {
        bytes_put_number(state, parquet->columns[i].start_raw);
        bytes_put_number(state, parquet->columns[i].start_packed);
    }
    parquet_footer_save(&parquet->footer, state);
    buf_append_str(state, buf_str(&parquet->kept));
    if (parquet->waiting.rows == 0)
        return 0;
    if (parquet_waiting_block(&parquet->waiting, parquet->base.schema, &rows) != 0)
        return nomem(err);
    return parquet_rows_put(state, parquet->base.schema, &rows, err);
}

static int parquet_save(struct file_encoder *encoder, size_t state_max, struct buf *out,
                        struct buf *state, struct err *err)
{
    struct parquet_encoder *parquet = parquet_of(encoder);
    size_t start = state->n;
    bool kept = parquet->group_rows == 0 || (encoder->savable && parquet->kept_all);
    int code = kept ? append_state(parquet, state, err) : 0;
    bool no_rows = parquet->group_rows + parquet->waiting.rows == 0;
    if (code || (kept && (no_rows || state->n - start <= state_max)))
        return code;
    if (!state->failed)
        state->n = start;
    code = write_waiting(parquet, out, err);
    if (!code)
        code = end_group(parquet, out, err);
    return code ? code : append_state(parquet, state, err);
}

static int parquet_load(struct file_encoder *encoder, struct bytes_reader *state, struct err *err)
{
    struct parquet_encoder *parquet = parquet_of(encoder);
    struct buf none = {0};
    struct arena memory = {0};
    int code = 0;
    parquet->offset = bytes_get_number(state, INT64_MAX);
    for (uint32_t i = 0; i < parquet->schema.leaf_count; i++) {
        size_t raw = bytes_get_number(state, SIZE_MAX), packed = bytes_get_number(state, SIZE_MAX);
        parquet_column_go_on(&parquet->columns[i], raw, packed);
    }
    parquet_footer_load(&parquet->footer, parquet->schema.leaf_count, state);
    if (parquet_footer_failed(&parquet->footer))
        return nomem(err);
    state->failed |= parquet->offset == 0 && bytes_left(state) > 0; /* "PAR1" comes before rows */
    parquet->loading = true;
    while (!code && !state->failed && bytes_left(state) > 0) {
        struct block rows;
        code = parquet_rows_get(&rows, encoder->schema, state, &memory, err);
        if (!code)
            code = parquet_write(encoder, &rows, &none, err);
        arena_reset(&memory);
    }
    parquet->loading = false;
    arena_fini(&memory);
    buf_fini(&none);
    return code;
}

static void parquet_destroy(struct file_encoder *encoder)
{
    struct parquet_encoder *parquet = parquet_of(encoder);
    for (uint32_t i = 0; parquet->columns && i < parquet->schema.leaf_count; i++)
        parquet_column_fini(&parquet->columns[i]);
    free(parquet->columns);
    parquet_schema_fini(&parquet->schema);
    parquet_scratch_fini(&parquet->scratch);
    parquet_footer_fini(&parquet->footer);
    parquet_waiting_fini(&parquet->waiting);
    buf_fini(&parquet->kept);
    free(parquet);
}

static const struct file_encoder_ops parquet_ops = {
    .write = parquet_write,
    .finish = parquet_finish,
    .save = parquet_save,
    .load = parquet_load,
    .memory = parquet_memory,
    .pending = parquet_pending,
    .destroy = parquet_destroy,
};

/* A leaf's name is its path with dots, as in Spark's option; `list.element` included. */
static bool path_is(const struct parquet_leaf *leaf, struct str path)
{
    for (uint32_t i = 0; i < leaf->name_count; i++) {
        struct str name = leaf->names[i];
        if (i && (path.n == 0 || path.p[0] != '.'))
            return false;
        size_t dot = i ? 1 : 0;
        path = (struct str){path.p + dot, path.n - dot};
        if (!str_starts_with(path, name))
            return false;
        path = (struct str){path.p + name.n, path.n - name.n};
    }
    return path.n == 0;
}

static bool wants_bloom(const struct parquet_options *options, const struct parquet_leaf *leaf)
{
    if (leaf->physical == PARQUET_BOOLEAN) /* the format has none for it */
        return false;
    for (uint32_t i = 0; i < options->bloom_count; i++) {
        if (path_is(leaf, options->bloom[i]))
            return true;
    }
    return false;
}

static bool create_columns(struct parquet_encoder *parquet, const struct parquet_options *options)
{
    parquet->columns = calloc(parquet->schema.leaf_count, sizeof *parquet->columns);
    for (uint32_t i = 0; parquet->columns && i < parquet->schema.leaf_count; i++) {
        const struct parquet_leaf *leaf = &parquet->schema.leaves[i];
        parquet_column_init(&parquet->columns[i], leaf, &parquet->settings);
        if (wants_bloom(options, leaf) && !(parquet->columns[i].bloom = parquet_bloom_create()))
            return false;
    }
    return parquet->columns;
}

int parquet_encoder_create(struct file_encoder **out, const struct file_format *format,
                           const struct type *schema, struct err *err)
{
    const struct parquet_options *options = &format->parquet;
    struct parquet_encoder *parquet = calloc(1, sizeof *parquet);
    if (!parquet)
        return err_set(err, ERR_NOMEM, "out of memory");
    parquet->base = (struct file_encoder){.ops = &parquet_ops, .schema = schema};
    parquet->kept_all = true;
    parquet->group_bytes = options->row_group_bytes ? options->row_group_bytes : GROUP_BYTES;
    parquet->settings = (struct parquet_settings){
        .compression = format->compression,
        .page_bytes = options->page_bytes ? options->page_bytes : PAGE_BYTES,
        .dictionary = !options->no_dictionary,
    };
    int code = parquet_schema_init(&parquet->schema, schema, err);
    if (!code && !create_columns(parquet, options))
        code = err_set(err, ERR_NOMEM, "out of memory");
    if (code) {
        parquet_destroy(&parquet->base);
        return code;
    }
    *out = &parquet->base;
    return 0;
}
