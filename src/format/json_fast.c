#include "format/json_fast.h"

#include "base/utf8.h"
#include "format/base64.h"
#include "format/json_scan.h"
#include "format/json_skip.h"
#include "vec/number.h"
#include "vec/time.h"

/* For what runs once per field, in two places: GCC would not inline it by itself. */
#define INLINE static inline __attribute__((always_inline))

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The text of a string without escapes that begins behind its quote at p: valid UTF-8, all ASCII
 * when *high is 0. NULL, or behind the closing quote. */
static const char *plain_string(const char *p, const char *end, struct str *text, unsigned *high)
{
    *high = 0;
    const char *close = json_scan_string(p, end, high);
    if (close == end || *close != '"')
        return NULL;
    *text = (struct str){p, (size_t)(close - p)};
    return close + 1;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hexadecimal digits at p, or -1. */
static int hex_unit(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The escape at p (its backslash) as UTF-8; NULL for lone surrogates as for errors. */
static const char *unescape(const char *p, const char *end, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt'", to[] = "\"\\/\b\f\n\r\t'";
    if (end - p < 2 || !p[1])
        return NULL;
    const char *known = strchr(from, p[1]);
    if (known) {
        buf_append_char(out, to[known - from]);
        return p + 2;
    }
    int unit = p[1] == 'u' ? hex_unit(p + 2, end) : -1;
    if (unit < 0)
        return NULL;
    p += 6;
    uint32_t code = (uint32_t)unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        int low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex_unit(p + 2, end) : -1;
        if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return NULL;
        code = 0x10000 + ((code & 0x3ff) << 10) + ((uint32_t)low & 0x3ff);
        p += 6;
    }
    char text[4];
    buf_append(out, text, utf8_encode(code, text));
    return p;
}

/* A string with escapes, into decoder->text. */
static const char *escaped_string(struct json_decoder *decoder, const char *p, const char *end)
{
    buf_clear(&decoder->text);
    for (;;) {
        unsigned high = 0;
        const char *stop = json_scan_string(p, end, &high);
        if (stop == end || (*stop != '"' && *stop != '\\'))
            return NULL;
        struct str part = {p, (size_t)(stop - p)};
        if (high)
            utf8_append_clean(&decoder->text, part);
        else
            buf_append_str(&decoder->text, part);
        if (*stop == '"')
            return stop + 1;
        p = unescape(stop, end, &decoder->text);
        if (!p)
            return NULL;
    }
}

/* Copies decoder->text into the arena as the row's value. */
static const char *keep_text(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                             const char *p)
{
    struct str copy = {"", 0};
    if (p && column->wanted) {
        copy = arena_str(decoder->arena, buf_str(&decoder->text));
        decoder->nomem |= !copy.p || decoder->text.failed;
    }
    column->str[row] = copy;
    return p;
}

const char *json_fast_string(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                             const char *p, const char *end)
{
    unsigned high;
    if (*p != '"')
        return NULL;
    const char *after = plain_string(p + 1, end, &column->str[row], &high);
    if (!after)
        return keep_text(decoder, column, row, escaped_string(decoder, p + 1, end));
    if (high && !utf8_valid(column->str[row])) {
        buf_clear(&decoder->text);
        utf8_append_clean(&decoder->text, column->str[row]);
        return keep_text(decoder, column, row, after);
    }
    return after;
}

/* A canonical base64 string: groups of four, nothing else. */
static bool decode_base64(struct str s, char *out, size_t *n)
{
    *n = 0;
    if (s.n % 4 != 0)
        return false;
    for (size_t i = 0; i < s.n; i += 4) {
        const char *p = s.p + i;
        int given = i + 4 < s.n || p[3] != '=' ? 4 : p[2] != '=' ? 3 : 2;
        uint32_t bits = 0;
        for (int k = 0; k < 4; k++) {
            int value = k < given ? base64_value((unsigned char)p[k]) : 0;
            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        for (int k = 0; k < given - 1; k++)
            out[(*n)++] = (char)(bits >> (16 - 8 * k));
    }
    return true;
}

const char *json_fast_binary(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                             const char *p, const char *end)
{
    unsigned high;
    struct str text;
    const char *after = *p == '"' ? plain_string(p + 1, end, &text, &high) : NULL;
    if (!after || high)
        return NULL;
    char *bytes = arena_alloc(decoder->arena, text.n / 4 * 3 + 1);
    if (!bytes) {
        decoder->nomem = true;
        return NULL;
    }
    column->str[row].p = bytes;
    return decode_base64(text, bytes, &column->str[row].n) ? after : NULL;
}

const char *json_fast_boolean(struct json_decoder *decoder, struct json_column *column,
                              uint32_t row, const char *p, const char *end)
{
    (void)decoder;
    if (end - p > 4 && memcmp(p, "true", 4) == 0) {
        column->boolean[row] = 1;
        return p + 4;
    }
    if (end - p > 5 && memcmp(p, "false", 5) == 0) {
        column->boolean[row] = 0;
        return p + 5;
    }
    return NULL;
}

/* An integer in the range of int64_t. */
static const char *small_integer(const char *p, const char *end, int64_t *value)
{
    bool negative = *p == '-';
    p += negative;
    const char *digits = p;
    uint64_t sum = 0;
    for (; p < end && is_digit(*p); p++) {
        if (p - digits == 19)
            return NULL;
        sum = sum * 10 + (uint64_t)(*p - '0');
    }
    if (p == digits || p == end || *p == '.' || *p == 'e' || *p == 'E' ||
        (*digits == '0' && p - digits > 1) || sum > (uint64_t)INT64_MAX + negative)
        return NULL;
    *value = (int64_t)(negative ? 0 - sum : sum);
    return p;
}

#define FAST_INTEGER(name, member, low, high)                                                      \
    const char *name(struct json_decoder *decoder, struct json_column *column, uint32_t row,       \
                     const char *p, const char *end)                                               \
    {                                                                                              \
        int64_t value;                                                                             \
        (void)decoder;                                                                             \
        p = small_integer(p, end, &value);                                                         \
        if (!p || value < (low) || value > (high))                                                 \
            return NULL;                                                                           \
        column->member[row] = (__typeof__(column->member[row]))value;                              \
        return p;                                                                                  \
    }

FAST_INTEGER(json_fast_tinyint, i8, -128, 255) /* Jackson's getByteValue wraps */
FAST_INTEGER(json_fast_smallint, i16, INT16_MIN, INT16_MAX)
FAST_INTEGER(json_fast_int, i32, INT32_MIN, INT32_MAX)
FAST_INTEGER(json_fast_bigint, i64, INT64_MIN, INT64_MAX)

/* Digits with a point but without an exponent, at most 19 of them, of which the value is exact by
 * Clinger's rule; NULL leaves it to number_parse_double. */
static const char *short_double(const char *p, const char *end, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    bool negative = *p == '-';
    p += negative;
    const char *start = p;
    uint64_t mantissa = 0;
    while (p < end && is_digit(*p))
        mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
    ptrdiff_t digits = p - start, fraction = 0;
    if (digits == 0 || (*start == '0' && digits > 1))
        return NULL;
    if (p < end && *p == '.') {
        const char *point = p++;
        while (p < end && is_digit(*p))
            mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
        fraction = p - point - 1;
        digits += fraction;
        if (fraction == 0)
            return NULL;
    }
    if (digits > 19 || mantissa > 1ULL << 53 || p == end || *p == 'e' || *p == 'E')
        return NULL;
    /* Jackson reads -0 as an integer, which has no sign; -0.0 keeps it */
    bool minus = negative && !(mantissa == 0 && fraction == 0);
    double magnitude = (double)mantissa / powers[fraction];
    *value = minus ? -magnitude : magnitude;
    return p;
}

const char *json_fast_double(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                             const char *p, const char *end)
{
    (void)decoder;
    const char *after = short_double(p, end, &column->f64[row]);
    if (after)
        return after;
    int integer;
    after = json_skip_number(p, end, &integer);
    if (after && after < end &&
        number_parse_double((struct str){p, (size_t)(after - p)}, &column->f64[row]))
        return after;
    return NULL;
}

const char *json_fast_float(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                            const char *p, const char *end)
{
    int integer;
    (void)decoder;
    const char *after = json_skip_number(p, end, &integer);
    if (!after || after == end ||
        !number_parse_float((struct str){p, (size_t)(after - p)}, &column->f32[row]))
        return NULL;
    if (integer && column->f32[row] == 0)
        column->f32[row] = 0; /* -0 */
    return after;
}

const char *json_fast_timestamp(struct json_decoder *decoder, struct json_column *column,
                                uint32_t row, const char *p, const char *end)
{
    unsigned high;
    struct str text;
    if (*p != '"') {
        int64_t seconds;
        p = small_integer(p, end, &seconds);
        if (p)
            column->i64[row] = (int64_t)((uint64_t)seconds * TIME_MICROS_PER_SECOND);
        return p;
    }
    const char *after = plain_string(p + 1, end, &text, &high);
    return after && !high && json_parse_timestamp(decoder, text, &column->i64[row]) ? after : NULL;
}

const char *json_fast_date(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                           const char *p, const char *end)
{
    unsigned high;
    struct str text;
    const char *after = *p == '"' ? plain_string(p + 1, end, &text, &high) : NULL;
    return after && !high && json_parse_date(decoder, text, &column->i32[row]) ? after : NULL;
}

/* Whether the field that begins at p (behind its quote) is this column's; behind its quote. */
static inline const char *match_key(const struct json_column *column, const char *p,
                                    const char *end)
{
#ifdef __SSE2__
    if (LIKELY(column->key_n && end - p >= 16)) {
        __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i key = _mm_loadu_si128((const __m128i *)(const void *)column->key);
        unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, key));
        unsigned need = (1U << column->key_n) - 1;
        return (same & need) == need ? p + column->key_n : NULL;
    }
#endif
    size_t n = column->name.n;
    bool same = (size_t)(end - p) > n && memcmp(p, column->name.p, n) == 0 && p[n] == '"';
    return same ? p + n + 1 : NULL;
}

/* The column of the field whose name begins at *p, which moves behind its quote: first the expected
 * one, else by its name; NULL with *p set: unknown; with *p NULL: not plain. */
INLINE struct json_column *field_column(const struct json_object *object, uint32_t *expected,
                                        const char **p, const char *end)
{
    if (*expected < object->column_count) {
        struct json_column *column = &object->columns[*expected];
        const char *after = match_key(column, *p, end);
        if (LIKELY(after != NULL)) {
            *p = after;
            return column;
        }
    }
    struct str name;
    unsigned high;
    *p = plain_string(*p, end, &name, &high);
    if (!*p || (high && !utf8_valid(name))) {
        *p = NULL;
        return NULL;
    }
    int found = json_column_find(object, name);
    if (found < 0)
        return NULL;
    *expected = (uint32_t)found;
    return &object->columns[found];
}

/* The value at p into the column (NULL: none). */
INLINE const char *field_value(struct json_decoder *decoder, struct json_column *column,
                               uint32_t row, const char *p, const char *end)
{
    if (!column)
        return json_skip_value(p, end, decoder->depth);
    if (UNLIKELY(*p == 'n')) {
        json_set_null(column, row);
        return end - p > 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
    }
    p = column->ops->fast(decoder, column, row, p, end);
    json_set_valid(column, row);
    return p;
}

/* One step over the usual single space, or any white space. */
static inline const char *skip_space(const char *p, const char *end)
{
    if (LIKELY(p < end && *p == ' '))
        p++;
    return UNLIKELY(p < end && (unsigned char)*p <= ' ') ? json_skip_space(p, end) : p;
}

/* The fields of an object, from behind its brace to behind the closing one. */
static inline __attribute__((always_inline)) const char *read_fields(struct json_decoder *decoder,
                                                                     struct json_object *object,
                                                                     uint32_t row, const char *p,
                                                                     const char *end)
{
    uint32_t *expected = &object->first;
    p = skip_space(p, end);
    if (p < end && *p == '}')
        return p + 1;
    for (;;) {
        if (p == end || *p++ != '"')
            return NULL;
        struct json_column *column = field_column(object, expected, &p, end);
        if (!p)
            return NULL;
        p = p < end && *p == ':' ? p : json_skip_space(p, end);
        if (p == end || *p != ':')
            return NULL;
        p = skip_space(p + 1, end);
        p = p < end ? field_value(decoder, column, row, p, end) : NULL;
        if (!p)
            return NULL;
        p = p < end && *p == ',' ? p : json_skip_space(p, end);
        if (p == end)
            return NULL;
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return NULL;
        p = skip_space(p + 1, end);
        if (column)
            expected = &column->follows;
    }
}

bool json_decode_fast(struct json_decoder *decoder, uint32_t row, struct str text)
{
    const char *p = json_skip_space(text.p, str_end(text)), *end = str_end(text);
    if (p == end || *p != '{')
        return false;
    decoder->depth = 1;
    return read_fields(decoder, &decoder->root, row, p + 1, end) != NULL;
}

/* A field that comes twice is left to the exact functions: the first may have to stay. */
JSON_FAST(struct)
{
    if (*p != '{' || (column->wanted && json_is_valid(column, row)))
        return NULL;
    decoder->depth++;
    p = read_fields(decoder, &column->object, row, p + 1, end);
    decoder->depth--;
    return p;
}

/* One element at p. */
static const char *read_element(struct json_decoder *decoder, struct json_column *element,
                                const char *p, const char *end)
{
    uint32_t row = json_element_add(decoder, element);
    if (row == UINT32_MAX || p == end)
        return NULL;
    if (*p == 'n')
        return end - p > 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
    p = element->ops->fast(decoder, element, row, p, end);
    json_set_valid(element, row);
    return p;
}

JSON_FAST(array)
{
    struct vec_span span = {column->element->used, 0};
    if (*p != '[')
        return NULL;
    p = skip_space(p + 1, end);
    bool empty = p < end && *p == ']';
    decoder->depth++;
    while (!empty) {
        p = read_element(decoder, column->element, p, end);
        p = p ? json_skip_space(p, end) : end;
        span.count++;
        if (p == end)
            return NULL;
        if (*p == ']')
            break;
        if (*p != ',')
            return NULL;
        p = skip_space(p + 1, end);
    }
    decoder->depth--;
    column->span[row] = span;
    return p + 1;
}
