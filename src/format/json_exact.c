#include "format/json_exact.h"

#include <math.h>

#include "base/utf8.h"
#include "format/json_copy.h"
#include "vec/number.h"
#include "vec/time.h"

static enum json_result fail(struct json_decoder *decoder, enum json_token token)
{
    decoder->nomem |= token == JSON_NOMEM;
    return JSON_FAIL;
}

/* The text of the current string in decoder->text. */
static bool take_text(struct json_decoder *decoder)
{
    struct json_reader *reader = decoder->reader;
    enum json_token token = json_reader_string(reader);
    buf_clear(&decoder->text);
    if (token != JSON_STRING) {
        fail(decoder, token);
        return false;
    }
    json_units_append(&decoder->text, reader->text.p, reader->text.n);
    decoder->nomem |= decoder->text.failed;
    return !decoder->text.failed;
}

/* A value of the wrong type. A string is read all the same: its errors belong to this column. */
static enum json_result wrong_type(struct json_decoder *decoder)
{
    if (decoder->reader->token == JSON_STRING)
        (void)take_text(decoder);
    return JSON_FAIL;
}

static enum json_result keep_text(struct json_decoder *decoder, struct json_column *column,
                                  uint32_t row)
{
    column->str[row] = arena_str(decoder->arena, buf_str(&decoder->text));
    decoder->nomem |= !column->str[row].p || decoder->text.failed;
    return JSON_VALUE;
}

JSON_EXACT(string)
{
    if (decoder->reader->token == JSON_STRING)
        return take_text(decoder) ? keep_text(decoder, column, row) : JSON_FAIL;
    buf_clear(&decoder->text);
    enum json_token token = json_copy_value(decoder->reader, &decoder->text);
    if (token == JSON_ERROR || token == JSON_NOMEM)
        return fail(decoder, token);
    return keep_text(decoder, column, row);
}

JSON_EXACT(binary)
{
    if (decoder->reader->token != JSON_STRING)
        return JSON_FAIL;
    enum json_token token = json_reader_base64(decoder->reader, &decoder->units);
    if (token != JSON_STRING)
        return fail(decoder, token);
    buf_clear(&decoder->text);
    for (size_t i = 0; i < decoder->units.n; i++)
        buf_append_char(&decoder->text, (char)decoder->units.p[i]);
    return keep_text(decoder, column, row);
}

JSON_EXACT(boolean)
{
    enum json_token token = decoder->reader->token;
    if (token != JSON_TRUE && token != JSON_FALSE)
        return wrong_type(decoder);
    column->boolean[row] = token == JSON_TRUE;
    return JSON_VALUE;
}

/* A value that fails leaves the row as a field of the same name before it set it: every exact
 * function writes only what it accepts. */

/* The current token as an integer from low to high. */
static bool take_integer(struct json_decoder *decoder, int64_t low, int64_t high, int64_t *value)
{
    if (decoder->reader->token != JSON_INT) {
        wrong_type(decoder);
        return false;
    }
    struct str text = json_number_text(decoder->reader, &decoder->text);
    return str_to_i64(text, value) && *value >= low && *value <= high;
}

#define EXACT_INTEGER(name, member, low, high)                                                     \
    JSON_EXACT(name)                                                                               \
    {                                                                                              \
        int64_t value;                                                                             \
        if (!take_integer(decoder, (low), (high), &value))                                         \
            return JSON_FAIL;                                                                      \
        column->member[row] = (__typeof__(column->member[row]))value;                              \
        return JSON_VALUE;                                                                         \
    }

EXACT_INTEGER(tinyint, i8, -128, 255) /* Jackson's getByteValue wraps */
EXACT_INTEGER(smallint, i16, INT16_MIN, INT16_MAX)
EXACT_INTEGER(int, i32, INT32_MIN, INT32_MAX)
EXACT_INTEGER(bigint, i64, INT64_MIN, INT64_MAX)

/* NaN and the infinities by the names that a token (INF too) or a string may have. */
static bool special_double(struct str name, bool token, double *value)
{
    bool plus = str_is(name, "+INF") || str_is(name, "+Infinity") || str_is(name, "Infinity");
    bool minus = str_is(name, "-INF") || str_is(name, "-Infinity");
    *value = plus ? (double)INFINITY : minus ? -(double)INFINITY : (double)NAN;
    return plus || minus || str_is(name, "NaN") || (token && str_is(name, "INF"));
}

/* JSON_IS_NULL: a number by its digits, which are in decoder->text. */
static enum json_result take_special(struct json_decoder *decoder, double *value)
{
    struct json_reader *reader = decoder->reader;
    *value = 0;
    if (reader->token == JSON_STRING)
        return take_text(decoder) && special_double(buf_str(&decoder->text), false, value)
                   ? JSON_VALUE
                   : JSON_FAIL;
    if (reader->token == JSON_FLOAT && reader->special)
        return special_double(str_of(reader->special), true, value) ? JSON_VALUE : JSON_FAIL;
    if (reader->token != JSON_INT && reader->token != JSON_FLOAT)
        return wrong_type(decoder);
    json_number_text(reader, &decoder->text);
    return JSON_IS_NULL;
}

JSON_EXACT(double)
{
    double value;
    enum json_result result = take_special(decoder, &value);
    if (result == JSON_IS_NULL && number_parse_double(buf_str(&decoder->text), &value))
        result = JSON_VALUE;
    if (decoder->reader->token == JSON_INT && value == 0)
        value = 0; /* -0 is an integer, which has no sign */
    if (result == JSON_VALUE)
        column->f64[row] = value;
    return result == JSON_VALUE ? JSON_VALUE : JSON_FAIL;
}

JSON_EXACT(float)
{
    double special;
    enum json_result result = take_special(decoder, &special);
    float value = (float)special;
    if (result == JSON_IS_NULL && number_parse_float(buf_str(&decoder->text), &value))
        result = JSON_VALUE;
    if (decoder->reader->token == JSON_INT && value == 0)
        value = 0;
    if (result == JSON_VALUE)
        column->f32[row] = value;
    return result == JSON_VALUE ? JSON_VALUE : JSON_FAIL;
}

/* DateTimeUtils.cleanLegacyTimestampStr: without every "GMT". */
static void remove_gmt(struct buf *text)
{
    size_t to = 0;
    for (size_t i = 0; i < text->n;) {
        if (text->n - i >= 3 && memcmp(text->p + i, "GMT", 3) == 0)
            i += 3;
        else
            text->p[to++] = text->p[i++];
    }
    text->n = to;
}

JSON_EXACT(timestamp)
{
    int64_t *value = &column->i64[row];
    if (decoder->reader->token == JSON_STRING) {
        if (!take_text(decoder))
            return JSON_FAIL;
        if (time_parse_timestamp(buf_str(&decoder->text), value))
            return JSON_VALUE;
        remove_gmt(&decoder->text);
        return time_parse_timestamp(buf_str(&decoder->text), value) ? JSON_VALUE : JSON_FAIL;
    }
    int64_t seconds;
    if (!take_integer(decoder, INT64_MIN, INT64_MAX, &seconds))
        return JSON_FAIL;
    *value = (int64_t)((uint64_t)seconds * TIME_MICROS_PER_SECOND);
    return JSON_VALUE;
}

/* RebaseDateTime.rebaseJulianToGregorianDays: before October 15th 1582 the days count in the Julian
 * calendar, and the date keeps its name. */
static bool rebase_julian(int64_t days, int32_t *out)
{
    enum { SWITCH = -141427, JULIAN_0000_03_01 = -719470 };
    if (days < SWITCH) {
        int64_t from_march = days - JULIAN_0000_03_01;
        int64_t cycle = from_march / 1461 - (from_march % 1461 < 0);
        int64_t day = from_march - cycle * 1461;
        int64_t year = (day - day / 1460) / 365, in_year = day - year * 365;
        int64_t month = (5 * in_year + 2) / 153;
        struct civil_date date = {
            .year = cycle * 4 + year + (month >= 10),
            .month = (int32_t)(month < 10 ? month + 3 : month - 9),
            .day = 1,
        };
        days = time_days_from_civil(date) + in_year - (153 * month + 2) / 5;
    }
    if (days < INT32_MIN)
        return false;
    *out = (int32_t)days;
    return true;
}

JSON_EXACT(date)
{
    int32_t *value = &column->i32[row];
    int64_t days;
    if (decoder->reader->token != JSON_STRING || !take_text(decoder))
        return JSON_FAIL;
    if (time_parse_date(buf_str(&decoder->text), value))
        return JSON_VALUE;
    struct str text = buf_str(&decoder->text);
    bool number = str_to_i64(text, &days) && days >= INT32_MIN && days <= INT32_MAX;
    remove_gmt(&decoder->text);
    if (time_parse_date(buf_str(&decoder->text), value))
        return JSON_VALUE;
    return number && rebase_julian(days, value) ? JSON_VALUE : JSON_FAIL;
}

static struct json_column *current_column(struct json_decoder *decoder)
{
    size_t n;
    const uint16_t *name = json_reader_name(decoder->reader, &n);
    if (!name)
        return NULL;
    buf_clear(&decoder->text);
    json_units_append(&decoder->text, name, n);
    int found = json_column_find(decoder, buf_str(&decoder->text));
    return found < 0 ? NULL : &decoder->columns[found];
}

/* JacksonParser.parseJsonToken: steps over the field's name. */
static enum json_result convert(struct json_decoder *decoder, struct json_column *column,
                                uint32_t row)
{
    struct json_reader *reader = decoder->reader;
    while (reader->token == JSON_FIELD_NAME) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return fail(decoder, token);
    }
    if (reader->token == JSON_NULL || reader->token == JSON_NONE)
        return JSON_IS_NULL;
    return column->ops->exact(decoder, column, row);
}

static void clear_row(struct json_decoder *decoder, uint32_t row)
{
    for (uint32_t i = 0; i < decoder->column_count; i++)
        json_set_null(&decoder->columns[i], row);
}

/* JacksonParser.convertObject of the root. False: the whole record is bad. */
static bool convert_fields(struct json_decoder *decoder, uint32_t row, bool *partial)
{
    struct json_reader *reader = decoder->reader;
    for (;;) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_NONE || token == JSON_END_OBJECT)
            return true;
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return fail(decoder, token) != JSON_FAIL;
        struct json_column *column = current_column(decoder);
        enum json_result result = column ? convert(decoder, column, row) : JSON_VALUE;
        if (column && result == JSON_VALUE)
            json_set_valid(column, row);
        else if (column && result == JSON_IS_NULL)
            json_set_null(column, row);
        *partial |= result == JSON_FAIL;
        if (!column || result == JSON_FAIL) {
            token = json_reader_skip_children(reader);
            if (token == JSON_ERROR || token == JSON_NOMEM)
                return fail(decoder, token) != JSON_FAIL;
        }
    }
}

bool json_decode_exact(struct json_decoder *decoder, uint32_t row, struct str text)
{
    clear_row(decoder, row);
    if (!decoder->reader)
        decoder->reader = calloc(1, sizeof *decoder->reader);
    if (!decoder->reader || !json_reader_open(decoder->reader, text)) {
        decoder->nomem = true;
        return true;
    }
    enum json_token token = json_reader_next(decoder->reader);
    if (token == JSON_NONE)
        return false;
    bool partial = false;
    if (token == JSON_START_OBJECT && convert_fields(decoder, row, &partial))
        return partial;
    clear_row(decoder, row);
    return true;
}
