#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vec/number.h"

enum { RANDOM_VALUES = 100000 };

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static const char *text_of(double value)
{
    static char text[NUMBER_TEXT_MAX + 1];
    text[number_format_double(value, text)] = '\0';
    return text;
}

static const char *text_of_float(float value)
{
    static char text[NUMBER_TEXT_MAX + 1];
    text[number_format_float(value, text)] = '\0';
    return text;
}

static void expect_double(double value, const char *want)
{
    cr_expect_str_eq(text_of(value), want);
}

static void expect_float(float value, const char *want)
{
    cr_expect_str_eq(text_of_float(value), want);
}

/* What JDK 19 and later print. */
Test(number, doubles_as_java_prints_them)
{
    expect_double(0.0, "0.0");
    expect_double(-0.0, "-0.0");
    expect_double(1, "1.0");
    expect_double(-100, "-100.0");
    expect_double(421.47, "421.47");
    expect_double(0.001, "0.001");
    expect_double(0.00099, "9.9E-4");
    expect_double(1e-5, "1.0E-5");
    expect_double(9999999, "9999999.0");
    expect_double(9999999.999, "9999999.999");
    expect_double(1e7, "1.0E7");
    expect_double(12345678.9, "1.23456789E7");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1e23, "1.0E23");
    expect_double(2e23, "2.0E23");
    expect_double(9007199254740992.0, "9.007199254740992E15");
    expect_double(0x1p-44,
                  "5.684341886080802E-14"); /* the lower neighbour is nearer than the upper */
    expect_double(DBL_MAX, "1.7976931348623157E308");
    expect_double(DBL_MIN, "2.2250738585072014E-308");
    expect_double(0x1p-1074, "4.9E-324");
    expect_double(0x1p-1073, "9.9E-324");
    expect_double((double)NAN, "NaN");
    expect_double((double)INFINITY, "Infinity");
    expect_double(-(double)INFINITY, "-Infinity");
}

Test(number, floats_as_java_prints_them)
{
    expect_float(0.1F, "0.1");
    expect_float(-0.0F, "-0.0");
    expect_float(1e10F, "1.0E10");
    expect_float(16777216.0F, "1.6777216E7");
    expect_float(3.4028235e38F, "3.4028235E38");
    expect_float(0x1p-149F, "1.4E-45");
    expect_float(1.17549435e-38F, "1.1754944E-38");
    expect_float(123456.79F, "123456.79");
    expect_float((float)INFINITY, "Infinity");
}

/* Digits of Java's text without sign, point, exponent and the zeros around them. */
static int count_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text && *text != 'E'; text++) {
        if (*text == '0')
            zeros++;
        else if (*text >= '1' && *text <= '9')
            count += (count ? zeros : 0) + 1, zeros = 0;
    }
    return count;
}

/* The fewest digits with which printf's text reads back as the value. */
static int fewest_digits(double value, bool single)
{
    char text[40];
    for (int n = 1; n < 17; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            return n;
    }
    return 17;
}

static void check_double(double value)
{
    const char *text = text_of(value);
    cr_assert(strtod(text, NULL) == value, "%s is not %.17g", text, value);
    int want = fewest_digits(value, false), got = count_digits(text);
    cr_assert(got <= (want < 2 ? 2 : want), "%s has more digits than %.17g needs", text, value);
    if (got == want && want > 1 && frexp(fabs(value), &want) != 0.5) { /* the closest, then */
        char closest[40];
        snprintf(closest, sizeof closest, "%.*e", got - 1, value);
        cr_assert(strtold(text, NULL) == strtold(closest, NULL), "%s is not %s", text, closest);
    }
}

Test(number, shortest_digits_of_random_doubles)
{
    uint64_t seed = 42;
    for (int i = 0; i < RANDOM_VALUES; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_double(value);
        check_double((double)(int64_t)(bits >> 40) / 100);
        check_double((double)(int64_t)(bits >> 30) / 1000 * 1.1);
    }
    for (int e = -1074; e < 1024; e++)
        check_double(ldexp(1, e));
}

Test(number, shortest_digits_of_random_floats)
{
    uint64_t seed = 43;
    for (int i = 0; i < RANDOM_VALUES; i++) {
        uint32_t bits = (uint32_t)next_random(&seed);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        const char *text = text_of_float(value);
        int want = fewest_digits((double)value, true);
        cr_assert(strtof(text, NULL) == value, "%s is not %.9g", text, (double)value);
        cr_assert(count_digits(text) <= (want < 2 ? 2 : want), "%s", text);
    }
}

static void expect_parsed(const char *text)
{
    double value;
    float single;
    cr_assert(number_parse_double(str_of(text), &value), "%s", text);
    cr_assert(value == strtod(text, NULL) && signbit(value) == (text[0] == '-'), "%s gives %a",
              text, value);
    cr_assert(number_parse_float(str_of(text), &single), "%s", text);
    cr_assert(single == strtof(text, NULL), "%s gives %a", text, (double)single);
}

Test(number, reads_correctly_rounded)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "-0.0",
        "1",
        "421.47",
        "0.1",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.5",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "-1e400",
        "1e-400",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1.00000005960464477539062499",
        "1.00000005960464477539062500",
        "1.00000005960464477539062501",
        "0.000000000000000000000000000001234",
        "16777217",
        "7.038531e-26",
        "1e0000000000000000000001",
        "1e99999999999999999999",
        "0e99999999999999",
        "123456789012345678901234567890e-30",
        "3.4028235677973366e38",
        "3.4028235677973367e38",
        "8.5e-46",
        "7e-46",
        "1.1754943e-38",
        "00012.5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_parsed(texts[i]);
}

Test(number, reads_random_decimals)
{
    uint64_t seed = 44;
    char text[64];
    for (int i = 0; i < RANDOM_VALUES; i++) {
        uint64_t bits = next_random(&seed), more = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        snprintf(text, sizeof text, "%.*e", (int)(more % 20), isfinite(value) ? value : 1.0);
        expect_parsed(text);
        snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)(bits >> more % 64),
                 (unsigned long long)(more >> bits % 64));
        expect_parsed(text);
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)bits, (int)(more % 80) - 50);
        expect_parsed(text);
    }
}

/* The middle between two doubles, then with a digit far behind it that decides. */
Test(number, reads_long_texts_to_the_last_digit)
{
    char text[1200];
    int n = snprintf(text, sizeof text, "1.00000000000000011102230246251565404236316680908203125");
    expect_parsed(text);
    for (int zeros = 0; zeros < 1100; zeros += 99) {
        memset(text + n, '0', (size_t)zeros);
        strcpy(text + n + zeros, "1");
        expect_parsed(text);
    }
    memset(text, '0', 1000);
    text[1] = '.';
    strcpy(text + 1000, "17e990");
    expect_parsed(text);
    memset(text, '9', 1100);
    strcpy(text + 1100, "e-900");
    expect_parsed(text);
}

Test(number, refuses_what_is_not_a_number)
{
    static const char *const texts[] = {"",      "-",     "+1",  ".",  "e5",  "1e",  "1e+",
                                        "1.2.3", "0x10",  " 1",  "1 ", "1f",  "NaN", "inf",
                                        "--1",   "1e5.0", "1,5", "-.", "1e5x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value;
        float single;
        cr_expect_not(number_parse_double(str_of(texts[i]), &value), "%s", texts[i]);
        cr_expect_not(number_parse_float(str_of(texts[i]), &single), "%s", texts[i]);
    }
}

static void expect_decimal(__int128 value, uint8_t scale, const char *plain, const char *java)
{
    char text[NUMBER_TEXT_MAX + 1];
    text[number_format_decimal(value, scale, text)] = '\0';
    cr_expect_str_eq(text, plain);
    text[number_format_decimal_java(value, scale, text)] = '\0';
    cr_expect_str_eq(text, java);
}

Test(number, integers_and_decimals)
{
    char text[NUMBER_TEXT_MAX + 1];
    text[number_format_i64(INT64_MIN, text)] = '\0';
    cr_expect_str_eq(text, "-9223372036854775808");
    text[number_format_i64(0, text)] = '\0';
    cr_expect_str_eq(text, "0");
    expect_decimal(1230, 2, "12.30", "12.30");
    expect_decimal(-5, 2, "-0.05", "-0.05");
    expect_decimal(-7, 0, "-7", "-7");
    expect_decimal(1, 7, "0.0000001", "1E-7");
    expect_decimal(-12, 8, "-0.00000012", "-1.2E-7");
    expect_decimal(0, 18, "0.000000000000000000", "0E-18");
    expect_decimal(1, 6, "0.000001", "0.000001");
    __int128 big = 1;
    for (int i = 0; i < 38; i++)
        big *= 10;
    expect_decimal(-(big - 1), 38, "-0.99999999999999999999999999999999999999",
                   "-0.99999999999999999999999999999999999999");
}
