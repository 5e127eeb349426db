/* kernel_string_format.c: format_number, as java.text.DecimalFormat with Locale.US. */
#include <math.h>
#include <stdio.h>

#include "sql/kernel_digits.h"
#include "sql/kernels_text.h"
#include "sql/number_pattern.h"

int number_pattern_parse(struct str text, struct number_pattern *out)
{
    *out = (struct number_pattern){0};
    size_t point = text.n;
    bool zero = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && point == text.n) {
            point = i;
            zero = false;
        } else if (c == '0' && i < point) {
            zero = true;
            out->whole_min++;
            out->group++;
        } else if (c == '#' && i < point && !zero) {
            out->group++;
        } else if (c == ',' && i < point) {
            out->grouped = true;
            out->group = 0;
        } else if (c == '0' && i > point && !zero) {
            out->fraction_min++;
            out->fraction_max++;
        } else if (c == '#' && i > point) {
            zero = true; /* no 0 behind a # */
            out->fraction_max++;
        } else {
            return ERR_UNSUPPORTED;
        }
    }
    bool valid = text.n && out->fraction_max <= DIGITS_FRACTION_MAX && out->whole_min <= 300 &&
                 (!out->grouped || out->group);
    out->group = out->grouped ? out->group : 0;
    return valid ? 0 : ERR_UNSUPPORTED;
}

/* Text of a number that is not finite, or p == NULL. */
static struct str special(double value)
{
    if (isnan(value))
        return STR("NaN");
    if (isinf(value))
        return value < 0 ? STR("-\xe2\x88\x9e") : STR("\xe2\x88\x9e");
    return (struct str){NULL, 0};
}

/* The digits, rounded to `fraction` of them behind the point. DecimalFormat rounds a double by its
 * exact value, but takes the shortest digits where they are few enough. */
static void round_double(struct digits *digits, double value, int fraction)
{
    char exact[DIGITS_PLAIN_MAX + 16];
    digits_of_double(digits, value);
    if (digits->count - digits->point <= fraction)
        return;
    if (digits->count == 1 && digits->text[0] == '5' && digits->point == -fraction &&
        fraction >= 3) { /* JDK 17 sees 50, and does not take that for a half or more */
        digits->count = digits->point = 0;
        return;
    }
    int n = snprintf(exact, sizeof exact, "%.*f", fraction, fabs(value));
    struct digits rounded = {.negative = signbit(value)};
    int whole = n - (fraction > 0 ? fraction + 1 : 0), i = 0;
    while (i < n && (exact[i] == '0' || exact[i] == '.'))
        i++;
    rounded.point = i < whole ? whole - i : whole - i + 1;
    for (; i < n && rounded.count < (int)sizeof rounded.text; i++) {
        if (exact[i] != '.')
            rounded.text[rounded.count++] = exact[i];
    }
    while (rounded.count && rounded.text[rounded.count - 1] == '0')
        rounded.count--;
    rounded.point = rounded.count ? rounded.point : 0;
    *digits = rounded;
}

/* Writes the number; `out` has room for twice DIGITS_PLAIN_MAX and 300 digits more. */
static size_t write_number(const struct digits *digits, const struct number_pattern *pattern,
                           char *out)
{
    char plain[DIGITS_PLAIN_MAX];
    size_t whole, n = 0, length = digits_plain(digits, pattern->fraction_max, plain, &whole);
    size_t fraction = length > whole ? length - whole - 1 : 0;
    while (fraction > (size_t)pattern->fraction_min && plain[whole + fraction] == '0')
        fraction--;
    size_t shown = whole == 1 && plain[0] == '0' ? 0 : whole;
    size_t wanted = shown > (size_t)pattern->whole_min ? shown : (size_t)pattern->whole_min;
    if (wanted == 0 && fraction == 0)
        wanted = 1;
    if (digits->negative)
        out[n++] = '-';
    for (size_t left = wanted; left > 0; left--) {
        out[n++] = left > shown ? '0' : plain[whole - left];
        if (pattern->group && left > 1 && (left - 1) % (size_t)pattern->group == 0)
            out[n++] = ',';
    }
    if (fraction)
        n = string_put(out, n, (struct str){plain + whole, fraction + 1});
    return n;
}

static struct str load(struct digits *digits, const struct value *arg, uint32_t row, int fraction)
{
    const struct vec *vec = &arg->vec;
    uint32_t i = kernel_row(arg, row);
    struct str other = {NULL, 0};
    double value = 0;
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        digits_of_i64(digits, vec->i8[i]);
        return other;
    case TYPE_SMALLINT:
        digits_of_i64(digits, vec->i16[i]);
        return other;
    case TYPE_INT:
        digits_of_i64(digits, vec->i32[i]);
        return other;
    case TYPE_BIGINT:
        digits_of_i64(digits, vec->i64[i]);
        return other;
    case TYPE_DECIMAL:
        digits_of_decimal(digits, vec->decimal[i], vec->type->scale);
        digits_round(digits, digits->point + fraction, true);
        return other;
    case TYPE_FLOAT:
        value = (double)vec->f32[i];
        break;
    default:
        value = vec->f64[i];
        break;
    }
    other = special(value);
    if (!other.p)
        round_double(digits, value, fraction);
    return other;
}

int kernel_format_number(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct number_pattern pattern = {.whole_min = 1, .group = 3};
        struct digits digits;
        char *text = kernel_text(eval, 2 * DIGITS_PLAIN_MAX + 400);
        nulls[i] = 0;
        if (!text)
            return ERR_NOMEM;
        if (string_skip(out, i))
            continue;
        if (expr->prepared) {
            pattern = *(const struct number_pattern *)expr->prepared;
        } else {
            int32_t places = arg_int(&args[1], i);
            nulls[i] = places < 0;
            places = places < 0 ? 0 : places > DIGITS_FRACTION_MAX ? DIGITS_FRACTION_MAX : places;
            pattern.fraction_min = pattern.fraction_max = places;
        }
        struct str other = load(&digits, &args[0], i, pattern.fraction_max);
        size_t n = other.p ? string_put(text, 0, other) : write_number(&digits, &pattern, text);
        string_end(eval, out, i, text, n);
    }
    return kernel_null_where(eval, out, nulls);
}
