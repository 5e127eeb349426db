#include "format/json_rows.h"

#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "format/base64.h"
#include "format/json_scan.h"
#include "format/time_text.h"
#include "vec/number.h"
#include "vec/time.h"

/* Jackson's short escapes, else \u00XX in upper case. */
static void append_escape(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char named[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                                    {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        if (named[i][0] == (char)c) {
            char pair[2] = {'\\', named[i][1]};
            buf_append(out, pair, 2);
            return;
        }
    }
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_append(out, text, 6);
}

/* Escapes s; *high as json_scan_string. */
static void append_escaped(struct buf *out, struct str s, unsigned *high)
{
    const char *p = s.p, *end = str_end(s);
    while (p < end) {
        const char *special = json_scan_string(p, end, high);
        buf_append(out, p, (size_t)(special - p));
        if (special < end)
            append_escape(out, (unsigned char)*special++);
        p = special;
    }
}

void json_string_append(struct buf *out, struct str s)
{
    unsigned high = 0;
    buf_append_char(out, '"');
    size_t start = out->n;
    append_escaped(out, s, &high);
    if (high && !utf8_valid(s)) {
        struct buf clean = {0};
        utf8_append_clean(&clean, s);
        out->n = out->failed ? out->n : start;
        append_escaped(out, buf_str(&clean), &high);
        out->failed |= clean.failed;
        buf_fini(&clean);
    }
    buf_append_char(out, '"');
}

static const struct time_text plain_times = {NULL, NULL};
static const struct json_style plain = {false, &plain_times, {"\n", 1}};

static void append_value(struct buf *out, const struct vec *vec, uint32_t row,
                         const struct json_style *style);

static void append_nullable(struct buf *out, const struct vec *vec, uint32_t row,
                            const struct json_style *style)
{
    if (vec->type->kind == TYPE_VOID || vec_is_null(vec, row))
        buf_append(out, "null", 4);
    else
        append_value(out, vec, row, style);
}

static void append_floating(struct buf *out, double value, bool single)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = single ? number_format_float((float)value, text) : number_format_double(value, text);
    bool quoted = !isfinite(value);
    if (quoted)
        buf_append_char(out, '"');
    buf_append(out, text, n);
    if (quoted)
        buf_append_char(out, '"');
}

static void append_integer(struct buf *out, int64_t value)
{
    char text[NUMBER_TEXT_MAX];
    buf_append(out, text, number_format_i64(value, text));
}

/* Texts of patterns may hold anything. */
static void append_by_pattern(struct buf *out, const struct vec *vec, uint32_t row,
                              const struct time_text *times)
{
    struct buf text = {0};
    if (vec->type->kind == TYPE_DATE)
        time_text_date(times, vec->i32[row], &text);
    else
        time_text_timestamp(times, vec->i64[row], &text);
    json_string_append(out, buf_str(&text));
    out->failed |= text.failed;
    buf_fini(&text);
}

static void append_date(struct buf *out, const struct vec *vec, uint32_t row,
                        const struct time_text *times)
{
    char text[TIME_TEXT_MAX + 2] = "\"";
    if (times->date)
        return append_by_pattern(out, vec, row, times);
    size_t n = 1 + time_format_date(vec->i32[row], text + 1);
    text[n++] = '"';
    buf_append(out, text, n);
}

static void append_timestamp(struct buf *out, const struct vec *vec, uint32_t row,
                             const struct time_text *times)
{
    char text[TIME_TEXT_MAX + 2] = "\"";
    if (times->timestamp)
        return append_by_pattern(out, vec, row, times);
    size_t n = 1 + time_format_iso_millis(vec->i64[row], text + 1);
    text[n++] = '"';
    buf_append(out, text, n);
}

static void append_binary(struct buf *out, struct str bytes)
{
    buf_append_char(out, '"');
    base64_append(out, bytes);
    buf_append_char(out, '"');
}

static void append_decimal(struct buf *out, const struct vec *vec, uint32_t row)
{
    char text[NUMBER_TEXT_MAX];
    buf_append(out, text, number_format_decimal_java(vec->decimal[row], vec->type->scale, text));
}

static void append_struct(struct buf *out, const struct vec *vec, uint32_t row,
                          const struct json_style *style)
{
    bool first = true;
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < vec->type->field_count; i++) {
        if (!style->write_nulls && vec_is_null(&vec->children[i], row))
            continue;
        if (!first)
            buf_append_char(out, ',');
        first = false;
        json_string_append(out, vec->type->fields[i].name);
        buf_append_char(out, ':');
        append_nullable(out, &vec->children[i], row, style);
    }
    buf_append_char(out, '}');
}

static void append_array(struct buf *out, const struct vec *vec, uint32_t row,
                         const struct json_style *style)
{
    struct vec_span span = vec->span[row];
    buf_append_char(out, '[');
    for (uint32_t i = span.start; i < span.start + span.count; i++) {
        if (i > span.start)
            buf_append_char(out, ',');
        append_nullable(out, &vec->children[0], i, style);
    }
    buf_append_char(out, ']');
}

/* A value that is not NULL. */
static void append_value(struct buf *out, const struct vec *vec, uint32_t row,
                         const struct json_style *style)
{
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        return buf_append_str(out, vec->boolean[row] ? STR("true") : STR("false"));
    case TYPE_TINYINT:
        return append_integer(out, vec->i8[row]);
    case TYPE_SMALLINT:
        return append_integer(out, vec->i16[row]);
    case TYPE_INT:
        return append_integer(out, vec->i32[row]);
    case TYPE_BIGINT:
        return append_integer(out, vec->i64[row]);
    case TYPE_FLOAT:
        return append_floating(out, (double)vec->f32[row], true);
    case TYPE_DOUBLE:
        return append_floating(out, vec->f64[row], false);
    case TYPE_DECIMAL:
        return append_decimal(out, vec, row);
    case TYPE_STRING:
        return json_string_append(out, vec->str[row]);
    case TYPE_BINARY:
        return append_binary(out, vec->str[row]);
    case TYPE_DATE:
        return append_date(out, vec, row, style->times);
    case TYPE_TIMESTAMP:
        return append_timestamp(out, vec, row, style->times);
    case TYPE_STRUCT:
        return append_struct(out, vec, row, style);
    case TYPE_ARRAY:
        return append_array(out, vec, row, style);
    default: /* VOID; no column is an interval */
        break;
    }
    buf_append(out, "null", 4);
}

void json_value_append(struct buf *out, const struct vec *vec, uint32_t row)
{
    append_nullable(out, vec, row, &plain);
}

/* `"name":` of every column in one text: where each one starts, and behind the last its end. */
struct keys {
    struct buf text;
    size_t *starts;
};

static bool keys_init(struct keys *keys, const struct type *schema)
{
    *keys = (struct keys){.starts = malloc((schema->field_count + 1) * sizeof(size_t))};
    for (uint32_t i = 0; keys->starts && i < schema->field_count; i++) {
        keys->starts[i] = keys->text.n;
        json_string_append(&keys->text, schema->fields[i].name);
        buf_append_char(&keys->text, ':');
    }
    if (!keys->starts || keys->text.failed)
        return false;
    keys->starts[schema->field_count] = keys->text.n;
    return true;
}

static void keys_fini(struct keys *keys)
{
    free(keys->starts);
    buf_fini(&keys->text);
}

static void append_row(struct buf *out, const struct keys *keys, const struct block *block,
                       uint32_t row, const struct json_style *style)
{
    char before = '{';
    for (uint32_t i = 0; i < block->col_count; i++) {
        if (!style->write_nulls && vec_is_null(&block->cols[i], row))
            continue;
        buf_append_char(out, before);
        before = ',';
        buf_append(out, keys->text.p + keys->starts[i], keys->starts[i + 1] - keys->starts[i]);
        append_nullable(out, &block->cols[i], row, style);
    }
    if (before == '{')
        buf_append_char(out, before);
    buf_append_char(out, '}');
}

void json_rows_append_styled(struct buf *out, const struct type *schema, const struct block *block,
                             uint32_t first, uint32_t count, const struct json_style *style)
{
    struct keys keys;
    REQUIRE(schema->field_count == block->col_count && first + count <= block->rows);
    if (!keys_init(&keys, schema))
        out->failed = true;
    for (uint32_t row = first; !out->failed && row < first + count; row++) {
        append_row(out, &keys, block, row, style);
        buf_append_str(out, style->line_separator);
    }
    keys_fini(&keys);
}

void json_rows_append(struct buf *out, const struct type *schema, const struct block *block,
                      uint32_t first, uint32_t count)
{
    json_rows_append_styled(out, schema, block, first, count, &plain);
}

void json_row_append(struct buf *out, const struct type *schema, const struct block *block,
                     uint32_t row)
{
    size_t start = out->n;
    json_rows_append(out, schema, block, row, 1);
    if (!out->failed && out->n > start)
        out->n--; /* the newline */
}
