#include "format/json_copy.h"

#include <math.h>

#include "base/utf8.h"
#include "vec/number.h"

static bool is_surrogate(uint16_t unit)
{
    return unit >= 0xd800 && unit <= 0xdfff;
}

void json_units_append(struct buf *out, const uint16_t *units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t code = units[i];
        char text[4];
        if (is_surrogate(units[i])) {
            bool pair = code < 0xdc00 && i + 1 < n && (units[i + 1] & 0xfc00) == 0xdc00;
            code = pair ? 0x10000 + ((code & 0x3ff) << 10) + (units[i + 1] & 0x3ff) : '?';
            i += pair;
        }
        buf_append(out, text, utf8_encode(code, text));
    }
}

static void append_escape(struct buf *out, uint16_t unit)
{
    static const char hex[] = "0123456789ABCDEF";
    char text[6] = {'\\',          'u', hex[unit >> 12], hex[unit >> 8 & 15], hex[unit >> 4 & 15],
                    hex[unit & 15]};
    buf_append(out, text, sizeof text);
}

/* False: half of a character where that cannot be written. */
static bool append_quoted(struct buf *out, enum json_pairs pairs, const uint16_t *units, size_t n)
{
    static const char names[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    buf_append_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        uint16_t unit = units[i];
        char text[4];
        if (unit < sizeof names && names[unit]) {
            buf_append_char(out, '\\');
            buf_append_char(out, names[unit]);
        } else if (pairs == JSON_PAIRS_PLAIN && is_surrogate(unit)) {
            bool pair = unit < 0xdc00 && i + 1 < n && (units[i + 1] & 0xfc00) == 0xdc00;
            if (!pair)
                return false;
            json_units_append(out, units + i++, 2);
        } else if (unit < ' ' || is_surrogate(unit)) {
            append_escape(out, unit);
        } else {
            buf_append(out, text, utf8_encode(unit, text));
        }
    }
    buf_append_char(out, '"');
    return true;
}

struct str json_number_text(const struct json_reader *reader, struct buf *scratch)
{
    buf_clear(scratch);
    json_units_append(scratch, reader->in.p + reader->number_start, reader->number_n);
    return buf_str(scratch);
}

/* The value of NaN, INF, -Infinity and so on. */
static double special_value(const char *name)
{
    return *name == 'N' ? (double)NAN : *name == '-' ? -(double)INFINITY : (double)INFINITY;
}

static enum json_token append_number(const struct json_reader *reader, struct buf *out)
{
    struct buf scratch = {0};
    char text[NUMBER_TEXT_MAX];
    double value = 0;
    struct str digits = {0};
    if (reader->special)
        value = special_value(reader->special);
    else
        digits = json_number_text(reader, &scratch);
    if (reader->token == JSON_INT) {
        buf_append_str(out, str_is(digits, "-0") ? STR("0") : digits);
    } else {
        if (!reader->special && !number_parse_double(digits, &value))
            value = (double)NAN;
        bool quoted = !isfinite(value);
        buf_append(out, "\"", quoted);
        buf_append(out, text, number_format_double(value, text));
        buf_append(out, "\"", quoted);
    }
    out->failed |= scratch.failed;
    buf_fini(&scratch);
    return reader->token;
}

/* Appends what the current token is by itself; *comma: whether the next one needs a comma. */
static enum json_token append_token(struct json_reader *reader, enum json_pairs pairs,
                                    struct buf *out, bool *comma)
{
    enum json_token token = reader->token;
    bool closing = token == JSON_END_OBJECT || token == JSON_END_ARRAY;
    if (*comma && !closing)
        buf_append_char(out, ',');
    *comma = token != JSON_START_OBJECT && token != JSON_START_ARRAY && token != JSON_FIELD_NAME;
    size_t n;
    const uint16_t *name;
    switch (token) {
    case JSON_START_OBJECT:
    case JSON_START_ARRAY:
        buf_append_char(out, token == JSON_START_OBJECT ? '{' : '[');
        return token;
    case JSON_END_OBJECT:
    case JSON_END_ARRAY:
        buf_append_char(out, token == JSON_END_OBJECT ? '}' : ']');
        return token;
    case JSON_FIELD_NAME:
        name = json_reader_name(reader, &n);
        if (!append_quoted(out, pairs, name, n))
            return JSON_ERROR;
        buf_append_char(out, ':');
        return token;
    case JSON_STRING:
        token = json_reader_string(reader);
        if (!append_quoted(out, pairs, reader->text.p, reader->text.n))
            return JSON_ERROR;
        return token;
    case JSON_INT:
    case JSON_FLOAT:
        return append_number(reader, out);
    default:
        buf_append_str(out, token == JSON_TRUE    ? STR("true")
                            : token == JSON_FALSE ? STR("false")
                                                  : STR("null"));
        return token;
    }
}

enum json_token json_copy_value(struct json_reader *reader, enum json_pairs pairs, struct buf *out)
{
    int open = 0;
    bool comma = false;
    enum json_token token = reader->token;
    if (token == JSON_END_ARRAY || token == JSON_END_OBJECT)
        return JSON_ERROR; /* what an error inside the value before can leave: nothing to copy */
    for (;;) {
        token = append_token(reader, pairs, out, &comma);
        if (out->failed)
            return JSON_NOMEM;
        open += token == JSON_START_OBJECT || token == JSON_START_ARRAY;
        open -= token == JSON_END_OBJECT || token == JSON_END_ARRAY;
        if (open == 0 || token == JSON_ERROR || token == JSON_NOMEM)
            return token;
        token = json_reader_next(reader);
        if (token == JSON_ERROR || token == JSON_NOMEM || token == JSON_NONE)
            return token;
    }
}
