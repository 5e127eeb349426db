#include "format/value_text.h"

#include "base/utf8.h"
#include "vec/number.h"
#include "vec/time.h"

static void append_hex(struct buf *out, struct str bytes)
{
    static const char hex[] = "0123456789ABCDEF";
    buf_append_char(out, '[');
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (i > 0)
            buf_append_char(out, ' ');
        buf_append_char(out, hex[c >> 4]);
        buf_append_char(out, hex[c & 15]);
    }
    buf_append_char(out, ']');
}

static void append_struct(struct buf *out, const struct vec *vec, uint32_t row,
                          enum value_text_style style)
{
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < vec->type->field_count; i++) {
        if (i > 0)
            buf_append(out, ", ", 2);
        value_text_append(out, &vec->children[i], row, style);
    }
    buf_append_char(out, '}');
}

static void append_array(struct buf *out, const struct vec *vec, uint32_t row,
                         enum value_text_style style)
{
    struct vec_span span = vec->span[row];
    buf_append_char(out, '[');
    for (uint32_t i = span.start; i < span.start + span.count; i++) {
        if (i > span.start)
            buf_append(out, ", ", 2);
        value_text_append(out, &vec->children[0], i, style);
    }
    buf_append_char(out, ']');
}

/* Types whose text is short; returns its length. */
static size_t format_scalar(const struct vec *vec, uint32_t row, enum value_text_style style,
                            char text[NUMBER_TEXT_MAX])
{
    _Static_assert((int)NUMBER_TEXT_MAX >= (int)TIME_TEXT_MAX, "one buffer for both");
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        return number_format_i64(vec->i8[row], text);
    case TYPE_SMALLINT:
        return number_format_i64(vec->i16[row], text);
    case TYPE_INT:
        return number_format_i64(vec->i32[row], text);
    case TYPE_BIGINT:
        return number_format_i64(vec->i64[row], text);
    case TYPE_FLOAT:
        return number_format_float(vec->f32[row], text);
    case TYPE_DOUBLE:
        return number_format_double(vec->f64[row], text);
    case TYPE_DECIMAL:
        return style == VALUE_TEXT_CAST
                   ? number_format_decimal_java(vec->decimal[row], vec->type->scale, text)
                   : number_format_decimal(vec->decimal[row], vec->type->scale, text);
    case TYPE_DATE:
        return time_format_date(vec->i32[row], text);
    case TYPE_TIMESTAMP:
        return time_format_timestamp(vec->i64[row], text);
    default:
        return 0;
    }
}

void value_text_append(struct buf *out, const struct vec *vec, uint32_t row,
                       enum value_text_style style)
{
    bool pretty = style == VALUE_TEXT_PRETTY;
    if (vec->type->kind == TYPE_VOID || vec_is_null(vec, row))
        return buf_append(out, pretty ? "NULL" : "null", 4);
    char text[NUMBER_TEXT_MAX];
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        return buf_append_str(out, vec->boolean[row] ? STR("true") : STR("false"));
    case TYPE_STRING:
        return pretty ? utf8_append_clean(out, vec->str[row]) : buf_append_str(out, vec->str[row]);
    case TYPE_BINARY:
        return pretty ? append_hex(out, vec->str[row]) : buf_append_str(out, vec->str[row]);
    case TYPE_STRUCT:
        return append_struct(out, vec, row, style);
    case TYPE_ARRAY:
        return append_array(out, vec, row, style);
    default:
        return buf_append(out, text, format_scalar(vec, row, style, text));
    }
}
