/* json_decimal.c: DECIMAL from JSON numbers, and from strings as java.math.BigDecimal reads them
 * once their commas are gone. */
#include "base/utf8.h"
#include "format/json_copy.h"
#include "format/json_exact.h"
#include "format/json_fast.h"
#include "vec/decimal.h"

/* digits × 10^-scale */
struct big_number {
    bool negative;
    struct str digits; /* without zeros in front */
    int64_t scale;
};

/* Takes the commas out, and makes all digits ASCII. */
static void normalise(struct buf *text)
{
    size_t to = 0;
    for (size_t i = 0; i < text->n;) {
        uint32_t code;
        size_t n = utf8_decode((struct str){text->p + i, text->n - i}, &code);
        int digit = utf8_digit(code);
        if (code == ',')
            n = 1;
        else if (digit >= 0)
            text->p[to++] = (char)('0' + digit);
        else
            for (size_t k = 0; k < n; k++)
                text->p[to++] = text->p[i + k];
        i += n;
    }
    text->n = to;
}

static bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* BigDecimal.parseExp: at most ten digits behind leading zeros, in the range of int. */
static bool parse_exponent(const char *p, const char *end, int64_t *exponent)
{
    int64_t value = 0;
    bool negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    if (p == end)
        return false;
    while (end - p > 10 && *p == '0')
        p++;
    if (end - p > 10)
        return false;
    for (; is_digit(p, end); p++)
        value = value * 10 + (*p - '0');
    *exponent = negative ? -value : value;
    return p == end && *exponent >= INT32_MIN && *exponent <= INT32_MAX;
}

/* Reads a number and moves its digits together, where its text was. */
static bool parse_big(struct buf *text, struct big_number *out)
{
    if (text->n == 0)
        return false;
    char *to = text->p;
    const char *p = text->p, *end = text->p + text->n;
    int64_t exponent = 0, fraction = 0;
    bool point = false, any = false;
    out->negative = *p == '-';
    p += *p == '-' || *p == '+';
    for (; is_digit(p, end) || (p < end && *p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        fraction += point;
        if (to > text->p || *p != '0')
            *to++ = *p;
    }
    if (!any || (p < end && *p != 'e' && *p != 'E'))
        return false;
    if (p < end && !parse_exponent(p + 1, end, &exponent))
        return false;
    out->digits = (struct str){text->p, (size_t)(to - text->p)};
    out->scale = fraction - exponent;
    return out->scale >= INT32_MIN && out->scale <= INT32_MAX;
}

/* Rounded half up to the type's scale; false: more digits than its precision. */
static bool fit(const struct big_number *number, const struct type *type, __int128 *out)
{
    int64_t shift = type->scale - number->scale;
    int64_t n = (int64_t)number->digits.n, kept = n + (shift < 0 ? shift : 0);
    __int128 value = 0;
    if (n == 0 || kept < 0) {
        *out = 0;
        return true;
    }
    if (n + shift > DECIMAL_DIGITS_MAX)
        return false;
    for (int64_t i = 0; i < kept; i++)
        value = value * 10 + (number->digits.p[i] - '0');
    if (shift < 0)
        value += number->digits.p[kept] >= '5';
    else
        value *= decimal_power((int)shift);
    *out = number->negative ? -value : value;
    return decimal_fits(value, type->precision);
}

JSON_EXACT(decimal)
{
    struct json_reader *reader = decoder->reader;
    struct big_number number;
    if (reader->token == JSON_STRING) {
        if (!json_exact_text(decoder))
            return JSON_FAIL;
        normalise(&decoder->text);
    } else if (reader->token == JSON_INT || (reader->token == JSON_FLOAT && !reader->special)) {
        json_number_text(reader, &decoder->text);
    } else {
        return json_exact_wrong_type(decoder);
    }
    __int128 value;
    if (!parse_big(&decoder->text, &number) || !fit(&number, column->type, &value))
        return JSON_FAIL;
    column->decimal[row] = value;
    return JSON_VALUE;
}

/* Digits with a point but without an exponent, at most 18 of them. */
JSON_FAST(decimal)
{
    bool negative = *p == '-';
    uint64_t mantissa = 0;
    int digits = 0, fraction = 0;
    (void)decoder;
    p += negative;
    const char *start = p;
    for (; is_digit(p, end) && digits < 19; p++, digits++)
        mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    if (digits == 0 || (*start == '0' && digits > 1))
        return NULL;
    if (p < end && *p == '.') {
        for (p++; is_digit(p, end) && digits < 19; p++, digits++, fraction++)
            mantissa = mantissa * 10 + (uint64_t)(*p - '0');
        if (fraction == 0)
            return NULL;
    }
    if (digits > 18 || p == end || *p == 'e' || *p == 'E')
        return NULL;
    __int128 value = negative ? -(__int128)mantissa : (__int128)mantissa;
    if (!decimal_rescale(value, fraction, column->type, &column->decimal[row]))
        return NULL;
    return p;
}
