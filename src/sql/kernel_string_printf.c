/* kernel_string_printf.c: format_string, as java.util.Formatter with Locale.US. */
#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "sql/kernel_digits.h"
#include "sql/kernels_text.h"
#include "sql/printf_format.h"
#include "sql/unicode_case.h"
#include "vec/number.h"

/* Text for one item, before it is filled up to its width. */
enum { NUMBER_ROOM = 2 * DIGITS_PLAIN_MAX + 1400 };

static int64_t load_integer(const struct vec *vec, uint32_t i)
{
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        return vec->i8[i];
    case TYPE_SMALLINT:
        return vec->i16[i];
    case TYPE_INT:
    case TYPE_DATE:
        return vec->i32[i];
    default:
        return vec->i64[i];
    }
}

static size_t sign_before(const struct printf_item *item, bool negative, char *out)
{
    if (negative)
        out[0] = item->flags & PRINTF_PAREN ? '(' : '-';
    else if (item->flags & (PRINTF_PLUS | PRINTF_SPACE))
        out[0] = item->flags & PRINTF_PLUS ? '+' : ' ';
    else
        return 0;
    return 1;
}

/* Sign, zeros up to the width, digits in groups, the rest. `whole`: of the digits. */
static size_t write_decimal(const struct printf_item *item, bool negative, struct str number,
                            size_t whole, char *out)
{
    size_t n = sign_before(item, negative, out), width = item->width > 0 ? (size_t)item->width : 0;
    bool group = item->flags & PRINTF_GROUP, close = negative && item->flags & PRINTF_PAREN;
    size_t length = n + number.n + (group && whole ? (whole - 1) / 3 : 0) + close;
    for (; item->flags & PRINTF_ZERO && length < width; length++)
        out[n++] = '0';
    for (size_t i = 0; i < number.n; i++) {
        out[n++] = number.p[i];
        if (group && i + 1 < whole && (whole - i - 1) % 3 == 0)
            out[n++] = ',';
    }
    if (close)
        out[n++] = ')';
    return n;
}

static size_t write_integer(const struct printf_item *item, int64_t value, char *out)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = number_format_i64(value, text), sign = value < 0;
    return write_decimal(item, value < 0, (struct str){text + sign, n - sign}, n - sign, out);
}

/* %x and %o show negative numbers as Java's two's complement of the type's width. */
static size_t write_bits(const struct printf_item *item, const struct vec *vec, int64_t value,
                         char *out)
{
    char text[32];
    size_t bytes = type_width(vec->type), n = 0;
    uint64_t bits = (uint64_t)value;
    if (bytes < 8)
        bits &= (1ULL << bytes * 8) - 1;
    bool hex = item->conversion == 'x';
    int length = snprintf(text, sizeof text, hex ? item->upper ? "%llX" : "%llx" : "%llo",
                          (unsigned long long)bits);
    if (item->flags & PRINTF_ALT)
        n = string_put(out, 0, hex ? item->upper ? STR("0X") : STR("0x") : STR("0"));
    for (size_t filled = n + (size_t)length;
         item->flags & PRINTF_ZERO && filled < (size_t)item->width; filled++)
        out[n++] = '0';
    return string_put(out, n, (struct str){text, (size_t)length});
}

static size_t write_special(const struct printf_item *item, double value, char *out)
{
    if (isnan(value))
        return string_put(out, 0, STR("NaN"));
    size_t n = string_put(out, sign_before(item, value < 0, out), STR("Infinity"));
    if (value < 0 && item->flags & PRINTF_PAREN)
        out[n++] = ')';
    return n;
}

static size_t write_fixed(const struct printf_item *item, struct digits *digits, int precision,
                          char *out)
{
    char text[DIGITS_PLAIN_MAX + 1001];
    size_t whole;
    int shown = precision < DIGITS_FRACTION_MAX ? precision : DIGITS_FRACTION_MAX;
    digits_round(digits, digits->point + precision, false);
    size_t n = digits_plain(digits, shown, text, &whole);
    for (; shown < precision; shown++)
        text[n++] = '0';
    if (precision == 0 && item->flags & PRINTF_ALT)
        text[n++] = '.';
    return write_decimal(item, digits->negative, (struct str){text, n}, whole, out);
}

static size_t write_scientific(const struct printf_item *item, struct digits *digits, int precision,
                               char *out)
{
    char text[1100];
    size_t n = 0;
    digits_round(digits, precision + 1, false);
    int exponent = digits->count ? digits->point - 1 : 0;
    for (int i = 0; i <= precision; i++) {
        if (i == 1)
            text[n++] = '.';
        text[n++] = i < digits->count ? digits->text[i] : '0';
    }
    if (precision == 0 && item->flags & PRINTF_ALT)
        text[n++] = '.';
    n += (size_t)snprintf(text + n, sizeof text - n, "%c%c%02d", item->upper ? 'E' : 'e',
                          exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
    return write_decimal(item, digits->negative, (struct str){text, n}, 0, out);
}

static size_t write_double(const struct printf_item *item, double value, char *out)
{
    struct digits digits;
    int precision = item->precision < 0 ? 6 : item->precision;
    if (!isfinite(value))
        return write_special(item, value, out);
    digits_of_double(&digits, value);
    return item->conversion == 'e' ? write_scientific(item, &digits, precision, out)
                                   : write_fixed(item, &digits, precision, out);
}

/* What %s shows of a value that is no text. */
static size_t show_value(const struct vec *vec, uint32_t i, char out[NUMBER_TEXT_MAX])
{
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        return string_put(out, 0, vec->boolean[i] ? STR("true") : STR("false"));
    case TYPE_FLOAT:
        return number_format_float(vec->f32[i], out);
    case TYPE_DOUBLE:
        return number_format_double(vec->f64[i], out);
    case TYPE_DECIMAL:
        return number_format_decimal_java(vec->decimal[i], vec->type->scale, out);
    default:
        return number_format_i64(load_integer(vec, i), out);
    }
}

/* The first UTF-16 units of a text; a character cut in half is a question mark, as in Java. */
static void append_units(struct buf *out, struct str s, size_t units)
{
    for (size_t i = 0; i < s.n && units > 0;) {
        uint32_t code;
        size_t n = utf8_decode((struct str){s.p + i, s.n - i}, &code);
        char text[4];
        if (code >= 0x10000 && units == 1)
            buf_append_char(out, '?');
        else
            buf_append(out, text, utf8_encode(code, text));
        units -= code >= 0x10000 && units > 1 ? 2 : 1;
        i += n;
    }
}

/* Fills the text up to the width; it may be cut and put in upper case before. */
static void append_filled(struct buf *out, const struct printf_item *item, struct str s)
{
    struct buf upper = {0};
    if (item->upper && buf_reserve(&upper, s.n * UNICODE_CASE_GROWTH + 1))
        s = (struct str){upper.p, unicode_convert(s, true, upper.p)};
    size_t units = utf8_count_utf16(s), width = item->width > 0 ? (size_t)item->width : 0;
    size_t fill = units < width ? width - units : 0;
    out->failed |= upper.failed;
    if (!(item->flags & PRINTF_LEFT))
        buf_append_repeat(out, ' ', fill);
    append_units(out, s, units);
    if (item->flags & PRINTF_LEFT)
        buf_append_repeat(out, ' ', fill);
    buf_fini(&upper);
}

static void append_text(struct buf *out, const struct printf_item *item, struct str s)
{
    struct buf cut = {0};
    if (item->precision >= 0 && utf8_count_utf16(s) > (size_t)item->precision) {
        append_units(&cut, s, (size_t)item->precision);
        out->failed |= cut.failed;
        s = buf_str(&cut);
    }
    append_filled(out, item, s);
    buf_fini(&cut);
}

static int append_char(struct buf *out, const struct printf_item *item, int64_t code,
                       struct err *err)
{
    char text[4];
    if (code < 0 || code > 0x10FFFF)
        return err_set(err, ERR_INVALID, "format_string: %lld is no character for %%c",
                       (long long)code);
    uint32_t c = code >= 0xD800 && code < 0xE000 ? '?' : (uint32_t)code;
    append_filled(out, item, (struct str){text, utf8_encode(c, text)});
    return 0;
}

static void append_number(struct buf *out, const struct printf_item *item, const struct vec *vec,
                          uint32_t i)
{
    char text[NUMBER_ROOM];
    struct printf_item plain = *item;
    struct buf wide = {0};
    char *room = text;
    size_t n, need = NUMBER_ROOM + (size_t)(item->width > 0 ? item->width : 0);
    if (need > sizeof text) {
        if (!buf_reserve(&wide, need)) {
            out->failed = true;
            return;
        }
        room = wide.p;
    }
    if (item->conversion == 'd')
        n = write_integer(item, load_integer(vec, i), room);
    else if (item->conversion == 'x' || item->conversion == 'o')
        n = write_bits(item, vec, load_integer(vec, i), room);
    else
        n = write_double(item, vec->type->kind == TYPE_FLOAT ? (double)vec->f32[i] : vec->f64[i],
                         room);
    append_filled(out, &plain, (struct str){room, n});
    buf_fini(&wide);
}

static int append_item(struct buf *out, const struct printf_item *item, const struct value *args,
                       uint32_t row, struct err *err)
{
    if (!item->conversion) {
        buf_append_str(out, item->text);
        return 0;
    }
    if (item->conversion == '%') {
        append_filled(out, item, STR("%"));
        return 0;
    }
    const struct vec *vec = &args[item->arg + 1].vec;
    uint32_t i = kernel_row(&args[item->arg + 1], row);
    bool null = vec->type->kind == TYPE_VOID || vec_is_null(vec, i);
    char text[NUMBER_TEXT_MAX];
    if (item->conversion == 'b') {
        bool yes = !null && (vec->type->kind != TYPE_BOOLEAN || vec->boolean[i]);
        append_text(out, item, yes ? STR("true") : STR("false"));
    } else if (null) {
        append_text(out, item, STR("null"));
    } else if (item->conversion == 's') {
        append_text(out, item,
                    vec->type->kind == TYPE_STRING ? vec->str[i]
                                                   : (struct str){text, show_value(vec, i, text)});
    } else if (item->conversion == 'c') {
        return append_char(out, item, load_integer(vec, i), err);
    } else {
        append_number(out, item, vec, i);
    }
    return 0;
}

static int format_row(struct eval *eval, const struct printf_format *format, struct buf *text,
                      const struct value *args, struct value *out, uint32_t row)
{
    char *room;
    int code = 0;
    buf_clear(text);
    for (uint32_t k = 0; k < format->count && code == 0; k++) {
        code = append_item(text, &format->items[k], args, row, eval->err);
        if (code == 0 && text->n > STRING_RESULT_MAX)
            break;
    }
    if (code == 0 && text->failed)
        code = ERR_NOMEM;
    if (code == 0)
        code = string_room(eval, "format_string", text->n, &room);
    if (code == 0)
        string_end(eval, out, row, room, string_put(room, 0, buf_str(text)));
    return code;
}

/* A format that is not constant is read for every row. */
static int row_format(struct eval *eval, const struct expr *expr, const struct value *args,
                      uint32_t row, struct printf_format *out)
{
    const struct type **types = ARENA_ARRAY(eval->arena, const struct type *, expr->arg_count);
    if (!types)
        return ERR_NOMEM;
    for (uint32_t k = 1; k < expr->arg_count; k++)
        types[k - 1] = args[k].vec.type;
    int code = printf_parse(out, arg_str(&args[0], row), types, expr->arg_count - 1, eval->arena,
                            eval->err);
    return code == ERR_UNSUPPORTED ? ERR_INVALID : code;
}

int kernel_format_string(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    struct buf text = {0};
    int code = 0;
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        const struct printf_format *format = expr->prepared;
        struct printf_format own;
        out->vec.str[i] = (struct str){"", 0};
        nulls[i] = arg_null(&args[0], i);
        if (nulls[i])
            continue;
        if (!format) {
            code = row_format(eval, expr, args, i, &own);
            format = &own;
        }
        if (code == 0)
            code = format_row(eval, format, &text, args, out, i);
    }
    buf_fini(&text);
    return code == 0 ? kernel_null_where(eval, out, nulls) : code;
}
