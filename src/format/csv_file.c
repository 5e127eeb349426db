#include "format/csv_file.h"

#include <stdlib.h>

#include "format/csv_text.h"
#include "format/time_text.h"
#include "format/value_text.h"

struct csv_encoder {
    struct file_encoder base;
    struct csv_rules rules;
    struct time_text times;
    struct buf value; /* one field before it is quoted */
    bool header_due;
};

struct csv_options csv_options_default(void)
{
    return (struct csv_options){
        .separator = STR(","),
        .line_separator = STR("\n"),
        .quote = '"',
        .escape = '\\',
        .comment = '#',
        .null_value = STR(""),
        .empty_value = STR("\"\""),
        .escape_quotes = true,
    };
}

static struct csv_encoder *csv_of(struct file_encoder *encoder)
{
    return (struct csv_encoder *)(void *)encoder;
}

/* Ends the line that begins at `start`, unless there is none. */
static void end_line(const struct csv_encoder *csv, struct buf *out, size_t start)
{
    if (out->n > start)
        buf_append_str(out, csv->rules.line_separator);
}

static void append_header(struct csv_encoder *csv, struct buf *out)
{
    const struct type *schema = csv->base.schema;
    size_t start = out->n;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (i > 0)
            buf_append_str(out, csv->rules.separator);
        csv_field_append(out, &csv->rules, schema->fields[i].name, i == 0);
    }
    end_line(csv, out, start);
    csv->header_due = false;
}

static void append_field(struct csv_encoder *csv, struct buf *out, const struct vec *vec,
                         uint32_t row, bool first)
{
    if (vec_is_null(vec, row))
        return csv_null_append(out, &csv->rules, first);
    if (vec->type->kind == TYPE_STRING)
        return csv_field_append(out, &csv->rules, vec->str[row], first);
    buf_clear(&csv->value);
    if (vec->type->kind == TYPE_DATE)
        time_text_date(&csv->times, vec->i32[row], &csv->value);
    else if (vec->type->kind == TYPE_TIMESTAMP)
        time_text_timestamp(&csv->times, vec->i64[row], &csv->value);
    else
        value_text_append(&csv->value, vec, row, VALUE_TEXT_CAST);
    out->failed |= csv->value.failed;
    csv_field_append(out, &csv->rules, buf_str(&csv->value), first);
}

static void append_row(struct csv_encoder *csv, struct buf *out, const struct block *rows,
                       uint32_t row)
{
    size_t start = out->n;
    for (uint32_t i = 0; i < rows->col_count; i++) {
        if (i > 0)
            buf_append_str(out, csv->rules.separator);
        append_field(csv, out, &rows->cols[i], row, i == 0);
    }
    end_line(csv, out, start);
}

static int result(const struct buf *out, struct err *err)
{
    return out->failed ? err_set(err, ERR_NOMEM, "out of memory for encoded rows") : 0;
}

static int csv_write(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                     struct err *err)
{
    struct csv_encoder *csv = csv_of(encoder);
    REQUIRE(rows->col_count == encoder->schema->field_count);
    if (csv->header_due)
        append_header(csv, out);
    for (uint32_t row = 0; row < rows->rows && !out->failed; row++)
        append_row(csv, out, rows, row);
    return result(out, err);
}

static int csv_finish(struct file_encoder *encoder, struct buf *out, struct err *err)
{
    struct csv_encoder *csv = csv_of(encoder);
    if (csv->header_due)
        append_header(csv, out);
    return result(out, err);
}

static int csv_save(struct file_encoder *encoder, size_t state_max, struct buf *out,
                    struct buf *state, struct err *err)
{
    (void)state_max, (void)out, (void)err;
    buf_append_char(state, csv_of(encoder)->header_due);
    return 0;
}

static int csv_load(struct file_encoder *encoder, struct bytes_reader *state, struct err *err)
{
    (void)err;
    csv_of(encoder)->header_due = bytes_get_number(state, 1) != 0;
    return 0;
}

static size_t csv_memory(const struct file_encoder *encoder)
{
    const struct csv_encoder *csv = (const struct csv_encoder *)(const void *)encoder;
    return sizeof *csv + csv->value.capacity;
}

static uint64_t csv_pending(const struct file_encoder *encoder)
{
    (void)encoder;
    return 0;
}

static void csv_destroy(struct file_encoder *encoder)
{
    struct csv_encoder *csv = csv_of(encoder);
    time_text_fini(&csv->times);
    buf_fini(&csv->value);
    free(csv);
}

static const struct file_encoder_ops csv_ops = {
    .write = csv_write,
    .finish = csv_finish,
    .save = csv_save,
    .load = csv_load,
    .memory = csv_memory,
    .pending = csv_pending,
    .destroy = csv_destroy,
};

/* As toSQLId: in backticks, those inside doubled. */
static void append_identifier(struct buf *out, struct str name)
{
    buf_append_char(out, '`');
    for (size_t i = 0; i < name.n; i++)
        buf_append_repeat(out, name.p[i], name.p[i] == '`' ? 2 : 1);
    buf_append_char(out, '`');
}

static int refuse_column(const struct field *field, struct err *err)
{
    struct buf name = {0}, type = {0};
    append_identifier(&name, field->name);
    type_print(field->type, &type);
    int code = err_set(err, ERR_UNSUPPORTED,
                       "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The CSV datasource doesn't support "
                       "the column %s of the type \"%s\".",
                       buf_cstr(&name), buf_cstr(&type));
    buf_fini(&name);
    buf_fini(&type);
    return code;
}

static bool is_supported(enum type_kind kind)
{
    return kind != TYPE_VOID && kind != TYPE_BINARY && kind <= TYPE_TIMESTAMP;
}

static int check_columns(const struct type *schema, struct err *err)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (!is_supported(schema->fields[i].type->kind))
            return refuse_column(&schema->fields[i], err);
    return 0;
}

int csv_check(const struct csv_options *options, const struct type *schema, struct err *err)
{
    struct time_text times;
    int code = check_columns(schema, err);
    if (!code)
        code = time_text_init(&times, options->date_format, options->timestamp_format, err);
    if (code)
        return code;
    time_text_fini(&times);
    if (options->separator.n == 0)
        return err_set(err, ERR_INVALID,
                       "[INVALID_DELIMITER_VALUE.EMPTY_STRING] Invalid value for "
                       "delimiter. Delimiter cannot be empty string.");
    return 0;
}

int csv_encoder_create(struct file_encoder **out, const struct file_format *format,
                       const struct type *schema, struct err *err)
{
    int code = csv_check(&format->csv, schema, err);
    if (code)
        return code;
    struct csv_encoder *csv = calloc(1, sizeof *csv);
    if (!csv)
        return err_set(err, ERR_NOMEM, "out of memory");
    code = time_text_init(&csv->times, format->csv.date_format, format->csv.timestamp_format, err);
    if (code) {
        free(csv);
        return code;
    }
    csv->base.ops = &csv_ops;
    csv->base.schema = schema;
    csv->header_due = format->csv.header;
    csv_rules_init(&csv->rules, &format->csv);
    *out = &csv->base;
    return 0;
}
