#include "format/json_exact.h"

#include <math.h>

#include "base/utf8.h"
#include "format/json_copy.h"
#include "vec/number.h"
#include "vec/time.h"

enum json_result json_exact_fail(struct json_decoder *decoder, enum json_token token)
{
    decoder->nomem |= token == JSON_NOMEM;
    return JSON_FAIL;
}

bool json_exact_text(struct json_decoder *decoder)
{
    struct json_reader *reader = decoder->reader;
    enum json_token token = json_reader_string(reader);
    buf_clear(&decoder->text);
    if (token != JSON_STRING) {
        json_exact_fail(decoder, token);
        return false;
    }
    json_units_append(&decoder->text, reader->text.p, reader->text.n);
    decoder->nomem |= decoder->text.failed;
    return !decoder->text.failed;
}

/* A value of the wrong type. A string is read all the same: its errors belong to this column. */
enum json_result json_exact_wrong_type(struct json_decoder *decoder)
{
    if (decoder->reader->token == JSON_STRING)
        (void)json_exact_text(decoder);
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
        return json_exact_text(decoder) ? keep_text(decoder, column, row) : JSON_FAIL;
    buf_clear(&decoder->text);
    enum json_token token = json_copy_value(decoder->reader, JSON_PAIRS_ESCAPED, &decoder->text);
    if (token == JSON_ERROR || token == JSON_NOMEM)
        return json_exact_fail(decoder, token);
    return keep_text(decoder, column, row);
}

JSON_EXACT(binary)
{
    if (decoder->reader->token != JSON_STRING)
        return JSON_FAIL;
    enum json_token token = json_reader_base64(decoder->reader, &decoder->units);
    if (token != JSON_STRING)
        return json_exact_fail(decoder, token);
    buf_clear(&decoder->text);
    for (size_t i = 0; i < decoder->units.n; i++)
        buf_append_char(&decoder->text, (char)decoder->units.p[i]);
    return keep_text(decoder, column, row);
}

JSON_EXACT(boolean)
{
    enum json_token token = decoder->reader->token;
    if (token != JSON_TRUE && token != JSON_FALSE)
        return json_exact_wrong_type(decoder);
    column->boolean[row] = token == JSON_TRUE;
    return JSON_VALUE;
}

/* A value that fails leaves the row as a field of the same name before it set it: every exact
 * function writes only what it accepts. */

/* The current token as an integer from low to high. */
static bool take_integer(struct json_decoder *decoder, int64_t low, int64_t high, int64_t *value)
{
    if (decoder->reader->token != JSON_INT) {
        json_exact_wrong_type(decoder);
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
        return json_exact_text(decoder) && special_double(buf_str(&decoder->text), false, value)
                   ? JSON_VALUE
                   : JSON_FAIL;
    if (reader->token == JSON_FLOAT && reader->special)
        return special_double(str_of(reader->special), true, value) ? JSON_VALUE : JSON_FAIL;
    if (reader->token != JSON_INT && reader->token != JSON_FLOAT)
        return json_exact_wrong_type(decoder);
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

static bool parse_timestamp(struct json_decoder *decoder, int64_t *value)
{
    struct str text = buf_str(&decoder->text);
    if (json_parse_timestamp(decoder, text, value))
        return true;
    if (decoder->timestamp_pattern)
        return false;
    bool today = time_parse_of_today(text, decoder->now, value);
    decoder->used_now |= today;
    return today;
}

JSON_EXACT(timestamp)
{
    int64_t *value = &column->i64[row];
    if (decoder->reader->token == JSON_STRING) {
        if (!json_exact_text(decoder))
            return JSON_FAIL;
        if (parse_timestamp(decoder, value))
            return JSON_VALUE;
        if (decoder->timestamp_pattern)
            return JSON_FAIL;
        remove_gmt(&decoder->text);
        return parse_timestamp(decoder, value) ? JSON_VALUE : JSON_FAIL;
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

bool json_parse_date_by_pattern(const struct json_decoder *decoder, struct str text, int32_t *out)
{
    int64_t micros;
    if (!time_pattern_parse(decoder->date_pattern, text, &micros))
        return false;
    *out = (int32_t)(micros / TIME_MICROS_PER_DAY - (micros % TIME_MICROS_PER_DAY < 0));
    return true;
}

JSON_EXACT(date)
{
    int32_t *value = &column->i32[row];
    int64_t days;
    if (decoder->reader->token != JSON_STRING || !json_exact_text(decoder))
        return JSON_FAIL;
    if (json_parse_date(decoder, buf_str(&decoder->text), value))
        return JSON_VALUE;
    if (decoder->date_pattern)
        return JSON_FAIL;
    struct str text = buf_str(&decoder->text);
    bool number = str_to_i64(text, &days) && days >= INT32_MIN && days <= INT32_MAX;
    remove_gmt(&decoder->text);
    if (time_parse_date(buf_str(&decoder->text), value))
        return JSON_VALUE;
    return number && rebase_julian(days, value) ? JSON_VALUE : JSON_FAIL;
}

static struct json_column *current_column(struct json_decoder *decoder,
                                          const struct json_object *object)
{
    size_t n;
    const uint16_t *name = json_reader_name(decoder->reader, &n);
    if (!name)
        return NULL;
    buf_clear(&decoder->text);
    json_units_append(&decoder->text, name, n);
    int found = json_column_find(object, buf_str(&decoder->text));
    return found < 0 ? NULL : &object->columns[found];
}

/* Steps over the field's name. */
enum json_result json_exact_value(struct json_decoder *decoder, struct json_column *column,
                                  uint32_t row)
{
    struct json_reader *reader = decoder->reader;
    while (reader->token == JSON_FIELD_NAME) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return json_exact_fail(decoder, token);
    }
    if (reader->token == JSON_NULL || reader->token == JSON_NONE)
        return JSON_IS_NULL;
    return column->ops->exact(decoder, column, row);
}

void json_exact_clear(struct json_object *object, uint32_t row)
{
    for (uint32_t i = 0; i < object->column_count; i++)
        json_set_null(&object->columns[i], row);
}

bool json_exact_fields(struct json_decoder *decoder, struct json_object *object, uint32_t row,
                       bool *partial)
{
    struct json_reader *reader = decoder->reader;
    for (;;) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_NONE || token == JSON_END_OBJECT)
            return true;
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return json_exact_fail(decoder, token) != JSON_FAIL;
        struct json_column *column = current_column(decoder, object);
        enum json_result result = column ? json_exact_value(decoder, column, row) : JSON_VALUE;
        if (column && (result == JSON_VALUE || result == JSON_PARTIAL))
            json_set_valid(column, row);
        else if (column && result == JSON_IS_NULL)
            json_set_null(column, row);
        *partial |= result == JSON_FAIL || result == JSON_PARTIAL;
        if (!column || result == JSON_FAIL) {
            token = json_reader_skip_children(reader);
            if (token == JSON_ERROR || token == JSON_NOMEM)
                return json_exact_fail(decoder, token) != JSON_FAIL;
        }
    }
}

/* Starts on a record; false without memory. */
static bool open_record(struct json_decoder *decoder, uint32_t row, struct str text)
{
    json_exact_clear(&decoder->root, row);
    if (!decoder->reader)
        decoder->reader = calloc(1, sizeof *decoder->reader);
    if (decoder->reader && json_reader_open(decoder->reader, text))
        return true;
    decoder->nomem = true;
    return false;
}

bool json_decode_exact(struct json_decoder *decoder, uint32_t row, struct str text)
{
    if (!open_record(decoder, row, text))
        return true;
    enum json_token token = json_reader_next(decoder->reader);
    if (token == JSON_NONE)
        return false;
    bool partial = false;
    if (token == JSON_START_OBJECT && json_exact_fields(decoder, &decoder->root, row, &partial))
        return partial;
    json_exact_clear(&decoder->root, row);
    return true;
}

/* An object where an array of structs is wanted is an array of one. */
static enum json_result one_struct(struct json_decoder *decoder, struct json_column *column,
                                   uint32_t row)
{
    struct json_column *element = column->element;
    uint32_t at = json_element_add(decoder, element);
    enum json_result result = at == UINT32_MAX ? JSON_FAIL : json_exact_value(decoder, element, at);
    if (result != JSON_VALUE && result != JSON_PARTIAL)
        return result;
    json_set_valid(element, at);
    column->span[row] = (struct vec_span){at, 1};
    return result;
}

bool json_decode_whole(struct json_decoder *decoder, uint32_t row, struct str text)
{
    struct json_column *column = &decoder->root.columns[0];
    if (!open_record(decoder, row, text))
        return true;
    enum json_token token = json_reader_next(decoder->reader);
    if (token == JSON_NONE)
        return false;
    bool object = token == JSON_START_OBJECT && column->element->type->kind == TYPE_STRUCT;
    enum json_result result = object                      ? one_struct(decoder, column, row)
                              : token == JSON_START_ARRAY ? column->ops->exact(decoder, column, row)
                                                          : JSON_FAIL;
    if (result == JSON_VALUE || result == JSON_PARTIAL)
        json_set_valid(column, row);
    return result != JSON_VALUE;
}
