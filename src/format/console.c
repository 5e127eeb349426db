#include "format/console.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "format/value_text.h"

enum { WIDTH_MIN = 3, TRUNCATE_MAX = INT32_MAX };
enum { ROWS_MAX = INT32_MAX - 16 }; /* ByteArrayMethods.MAX_ROUNDED_ARRAY_LENGTH - 1 */

struct console_cell {
    size_t start, n; /* in console_table.text */
    size_t width;    /* console columns */
};

void console_value_append(struct buf *out, const struct vec *vec, uint32_t row)
{
    value_text_append(out, vec, row, VALUE_TEXT_PRETTY);
}

/* SchemaUtils.escapeMetaCharacters, on the text from `start` to the end of *text. */
static void escape_meta(struct buf *text, size_t start)
{
    static const char names[] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\f'] = 'f',
                                 ['\b'] = 'b', ['\v'] = 'v', ['\a'] = 'a'};
    size_t extra = 0;
    for (size_t i = start; i < text->n; i++)
        extra += (unsigned char)text->p[i] < sizeof names && names[(unsigned char)text->p[i]];
    if (extra == 0 || !buf_reserve(text, extra))
        return;
    size_t from = text->n, to = text->n + extra;
    text->n = to;
    while (to > from) {
        unsigned char c = (unsigned char)text->p[--from];
        bool meta = c < sizeof names && names[c];
        text->p[--to] = meta ? names[c] : (char)c;
        if (meta)
            text->p[--to] = '\\';
    }
}

/* Cuts the text from `start` on to `units` UTF-16 units; half of a character that is cut in two
 * becomes '?', as Java's encoder writes a lone surrogate. */
static void cut_units(struct buf *text, size_t start, size_t units)
{
    size_t i = start;
    while (i < text->n && units > 0) {
        uint32_t code;
        size_t n = utf8_decode((struct str){text->p + i, text->n - i}, &code);
        if (code > 0xffff && units == 1) {
            text->p[i++] = '?';
            break;
        }
        units -= code > 0xffff ? 2 : 1;
        i += n;
    }
    text->n = i;
}

static void truncate_cell(struct buf *text, size_t start, size_t units_max)
{
    struct str cell = {text->p + start, text->n - start};
    if (cell.n <= units_max || utf8_count_utf16(cell) <= units_max)
        return;
    if (units_max < 4)
        return cut_units(text, start, units_max);
    cut_units(text, start, units_max - 3);
    buf_append(text, "...", 3);
}

static bool reserve_cells(struct console_table *table, size_t extra)
{
    size_t need = table->cell_count + extra;
    if (need <= table->cell_capacity)
        return true;
    size_t capacity = table->cell_capacity * 2 < need ? need : table->cell_capacity * 2;
    struct console_cell *cells = reallocarray(table->cells, capacity, sizeof *cells);
    if (!cells)
        return false;
    table->cells = cells;
    table->cell_capacity = capacity;
    return true;
}

/* The text behind `start` becomes the next cell. */
static void add_cell(struct console_table *table, size_t start)
{
    size_t n = table->text.n - start;
    struct str text = {n ? table->text.p + start : NULL, n};
    size_t width = utf8_width(text), column = table->cell_count % table->col_count;
    table->cells[table->cell_count++] = (struct console_cell){start, text.n, width};
    if (table->widths[column] < width)
        table->widths[column] = width;
}

static int add_header(struct console_table *table, const struct type *schema)
{
    if (!reserve_cells(table, table->col_count))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < table->col_count && !table->text.failed; i++) {
        size_t start = table->text.n;
        utf8_append_clean(&table->text, schema->fields[i].name);
        escape_meta(&table->text, start);
        add_cell(table, start);
    }
    return table->text.failed ? ERR_NOMEM : 0;
}

int console_table_init(struct console_table *table, const struct type *schema, int64_t num_rows,
                       int64_t truncate, struct err *err)
{
    *table = (struct console_table){
        .col_count = schema->field_count,
        .rows_max = num_rows < 0          ? 0
                    : num_rows > ROWS_MAX ? ROWS_MAX
                                          : num_rows,
        .truncate = (int32_t)(truncate < 0              ? 0
                              : truncate > TRUNCATE_MAX ? TRUNCATE_MAX
                                                        : truncate),
        .widths = calloc(schema->field_count + 1, sizeof(size_t)),
    };
    for (uint32_t i = 0; table->widths && i < table->col_count; i++)
        table->widths[i] = WIDTH_MIN;
    if (table->widths && add_header(table, schema) == 0)
        return 0;
    console_table_fini(table);
    return err_set(err, ERR_NOMEM, "out of memory for a console table");
}

void console_table_fini(struct console_table *table)
{
    buf_fini(&table->text);
    free(table->cells);
    free(table->widths);
    *table = (struct console_table){0};
}

static void add_row(struct console_table *table, const struct block *block, uint32_t row)
{
    for (uint32_t i = 0; i < table->col_count && !table->text.failed; i++) {
        size_t start = table->text.n;
        console_value_append(&table->text, &block->cols[i], row);
        escape_meta(&table->text, start);
        if (table->truncate > 0)
            truncate_cell(&table->text, start, (size_t)table->truncate);
        add_cell(table, start);
    }
    table->rows_kept++;
}

int console_table_add(struct console_table *table, const struct block *block, struct err *err)
{
    REQUIRE(block->col_count == table->col_count);
    uint32_t row = 0;
    for (; row < block->rows && table->rows_kept < table->rows_max; row++) {
        if (!reserve_cells(table, table->col_count))
            return err_set(err, ERR_NOMEM, "out of memory for a console table");
        add_row(table, block, row);
        if (table->text.failed)
            return err_set(err, ERR_NOMEM, "out of memory for a console table");
    }
    table->more |= row < block->rows;
    return 0;
}

size_t console_table_bytes(const struct console_table *table)
{
    return table->text.capacity + table->cell_capacity * sizeof(struct console_cell) +
           table->col_count * sizeof(size_t);
}

static void print_separator(const struct console_table *table, struct buf *out)
{
    buf_append_char(out, '+');
    for (uint32_t i = 0; i < table->col_count; i++) {
        if (i > 0)
            buf_append_char(out, '+');
        buf_append_repeat(out, '-', table->widths[i]);
    }
    buf_append(out, "+\n", 2);
}

static void print_row(const struct console_table *table, int64_t index, struct buf *out)
{
    const struct console_cell *cells = table->cells + (size_t)index * table->col_count;
    buf_append_char(out, '|');
    for (uint32_t i = 0; i < table->col_count; i++) {
        size_t padding = table->widths[i] - cells[i].width;
        if (i > 0)
            buf_append_char(out, '|');
        if (table->truncate > 0)
            buf_append_repeat(out, ' ', padding);
        buf_append(out, table->text.p + cells[i].start, cells[i].n);
        if (table->truncate == 0)
            buf_append_repeat(out, ' ', padding);
    }
    buf_append(out, "|\n", 2);
}

void console_table_print(const struct console_table *table, struct buf *out)
{
    print_separator(table, out);
    print_row(table, 0, out);
    print_separator(table, out);
    for (int64_t i = 1; i <= table->rows_kept; i++)
        print_row(table, i, out);
    print_separator(table, out);
    if (table->more)
        buf_printf(out, "only showing top %lld %s\n", (long long)table->rows_max,
                   table->rows_max == 1 ? "row" : "rows");
}

void console_batch_print(const struct console_table *table, int64_t batch_id, struct buf *out)
{
    for (int i = 0; i < 2; i++) {
        if (i > 0)
            buf_printf(out, "Batch: %lld\n", (long long)batch_id);
        buf_append_repeat(out, '-', 43);
        buf_append_char(out, '\n');
    }
    console_table_print(table, out);
    buf_append_char(out, '\n');
}
