/* decimal.h against decimal_vectors.tsv, which write_decimal_vectors.py computed. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vec/decimal.h"
#include "vec/number.h"

static __int128 parse_128(const char *text)
{
    unsigned __int128 value = 0;
    bool negative = *text == '-';
    for (text += negative; *text; text++)
        value = value * 10 + (unsigned __int128)(*text - '0');
    return (__int128)(negative ? 0 - value : value);
}

static const char *show(bool there, __int128 value)
{
    static char text[NUMBER_TEXT_MAX + 1];
    if (!there)
        return "\\N";
    text[number_format_decimal(value, 0, text)] = '\0';
    return text;
}

typedef bool (*operation)(__int128 a, int a_scale, __int128 b, int b_scale, const struct type *to,
                          __int128 *out);

static operation find_operation(const char *name)
{
    static const struct {
        const char *name;
        operation run;
    } operations[] = {
        {"add", decimal_add},
        {"subtract", decimal_subtract},
        {"multiply", decimal_multiply},
        {"divide", decimal_divide},
        {"remainder", decimal_remainder},
        {"quotient", decimal_quotient},
    };
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (strcmp(operations[i].name, name) == 0)
            return operations[i].run;
    }
    return NULL;
}

static void check_line(char *line)
{
    char *fields[8];
    for (int i = 0; i < 8; i++) {
        fields[i] = strsep(&line, "\t");
        cr_assert(fields[i]);
    }
    const char *op = fields[0], *want = fields[7];
    int a_scale = atoi(fields[2]), b_scale = atoi(fields[4]);
    const struct type *to = decimal_type(atoi(fields[5]), atoi(fields[6]));
    operation run = find_operation(op);
    __int128 out = 0;
    bool there = false;
    if (run) {
        there = run(parse_128(fields[1]), a_scale, parse_128(fields[3]), b_scale, to, &out);
    } else if (strcmp(op, "rescale") == 0) {
        there = decimal_rescale(parse_128(fields[1]), a_scale, to, &out);
    } else if (strcmp(op, "text") == 0) {
        there = decimal_from_text(str_of(fields[1]), to, &out);
    } else if (strcmp(op, "double") == 0) {
        there = decimal_from_double(strtod(fields[1], NULL), to, &out);
    } else {
        cr_assert_str_eq(op, "to_double");
        __int128 value = parse_128(fields[1]);
        double got = decimal_to_double(value, a_scale), single = strtod(want, NULL);
        cr_expect_eq(got, single, "%s e-%d: %a, not %s", fields[1], a_scale, got, want);
        return;
    }
    cr_expect_str_eq(show(there, out), want, "%s %s e-%d, %s e-%d to (%s,%s): %s, not %s", op,
                     fields[1], a_scale, fields[3], b_scale, fields[5], fields[6], show(there, out),
                     want);
}

Test(decimal, vectors)
{
    FILE *file = fopen(DECIMAL_VECTORS, "rb");
    cr_assert(file);
    char line[512];
    unsigned count = 0;
    for (; fgets(line, sizeof line, file); count++) {
        line[strcspn(line, "\n")] = '\0';
        check_line(line);
    }
    fclose(file);
    cr_expect_gt(count, 2000);
}

Test(decimal, text_that_is_no_number)
{
    static const char *const texts[] = {
        "",
        " ",
        ".",
        "+",
        "-.",
        "e5",
        "1e",
        "1e+",
        "1.2.3",
        "1 2",
        "x",
        "0x10",
        "1e5.0",
        "--1",
        "1_000",
        "1,5",
        "NaN",
        "inf",
        "1d",
        "1e99999999999",
        "€",
        "1e2147483648",
        "0e400",
        "1e38",
        "99999999999999999999999999999999999999.5",
    };
    const struct type *to = decimal_type(38, 0);
    __int128 out;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        cr_expect_not(decimal_from_text(str_of(texts[i]), to, &out), "%s", texts[i]);
}

static void expect_text(const char *text, int precision, int scale, const char *want)
{
    __int128 out = 0;
    bool there = decimal_from_text(str_of(text), decimal_type(precision, scale), &out);
    cr_expect_str_eq(show(there, out), want, "%s: %s", text, show(there, out));
}

Test(decimal, text)
{
    expect_text(" \t1.5\n", 3, 1, "15");
    expect_text("1.", 3, 1, "10");
    expect_text(".5", 3, 0, "1");
    expect_text("-.5", 3, 0, "-1");
    expect_text("0.49999999999999999999999999999999999999999999999999999", 3, 0, "0");
    expect_text("1e-2147483647", 3, 1, "0");
    expect_text("0e37", 1, 1, "0");
    expect_text("000000000000000000000000000000000000000000000000012", 2, 0, "12");
    expect_text("99.95", 3, 1, "\\N");
    expect_text("99.94", 3, 1, "999");
    expect_text("1e0000000000002", 3, 0, "100");
}

Test(decimal, compare)
{
    __int128 most = decimal_power(38) - 1;
    cr_expect_eq(decimal_compare(15, 1, 150, 2), 0);
    cr_expect_eq(decimal_compare(-15, 1, 150, 2), -1);
    cr_expect_eq(decimal_compare(most, 0, most, 38), 1);
    cr_expect_eq(decimal_compare(-most, 0, most, 38), -1);
    cr_expect_eq(decimal_compare(most, 38, most, 0), -1);
    cr_expect_eq(decimal_compare(0, 0, 1, 38), -1);
    cr_expect_eq(decimal_compare(0, 0, 0, 38), 0);
}

Test(decimal, limits)
{
    __int128 most = decimal_power(38) - 1, out;
    cr_expect_eq(decimal_digits(0), 1);
    for (int i = 1; i <= 38; i++) {
        cr_expect_eq(decimal_digits(decimal_power(i) - 1), i);
        cr_expect_eq(decimal_digits(-(decimal_power(i) - 1)), i);
        cr_expect_eq(decimal_digits(decimal_power(i - 1)), i);
        cr_expect(decimal_fits(1 - decimal_power(i), i) && !decimal_fits(-decimal_power(i), i));
    }
    cr_expect_eq(decimal_low_bits(most, 0), (int64_t)(uint64_t)most);
    cr_expect_eq(decimal_low_bits(-19, 1), -1);
    int64_t whole;
    cr_expect_not(decimal_to_i64(most, 0, &whole));
    cr_expect(decimal_to_i64(most, 20, &whole) && whole == 999999999999999999);
    cr_expect(decimal_from_i64(INT64_MIN, decimal_type(20, 0), &out) && out == INT64_MIN);
    cr_expect_not(decimal_from_i64(INT64_MIN, decimal_type(20, 2), &out));
    cr_expect_not(decimal_from_double(NAN, decimal_type(20, 2), &out));
    cr_expect_not(decimal_from_double(-INFINITY, decimal_type(20, 2), &out));
    cr_expect_eq(decimal_to_float(16777217, 0), 16777216.0F);
    cr_expect_eq(decimal_to_float(1, 1), 0.1F);
    cr_expect_eq(decimal_to_float(most, 0), 1e38F);
}
