#include "base/size.h"

#include <stdlib.h>

#include "base/check.h"

struct unit {
    const char *name;
    int shift;
};

static const struct unit units[] = {{"", 0},     {"b", 0},   {"k", 10},  {"kb", 10},
                                    {"kib", 10}, {"m", 20},  {"mb", 20}, {"mib", 20},
                                    {"g", 30},   {"gb", 30}, {"gib", 30}};

bool size_take_decimal(struct str text, double *number, struct str *rest)
{
    char digits[40];
    size_t n = 0;
    bool digit = false;
    while (n < text.n && n < sizeof digits - 1 &&
           ((text.p[n] >= '0' && text.p[n] <= '9') || text.p[n] == '.')) {
        digit |= text.p[n] != '.';
        digits[n] = text.p[n];
        n++;
    }
    digits[n] = '\0';
    char *end;
    *number = strtod(digits, &end);
    *rest = (struct str){text.p + n, text.n - n};
    return digit && *end == '\0';
}

bool size_parse(struct str text, int64_t *bytes)
{
    double number;
    struct str unit;
    if (!size_take_decimal(str_trim(text), &number, &unit))
        return false;
    while (unit.n && unit.p[0] == ' ')
        unit = (struct str){unit.p + 1, unit.n - 1};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_eq_nocase(unit, str_of(units[i].name)))
            continue;
        number *= (double)(INT64_C(1) << units[i].shift);
        *bytes = number >= 1 && number < 9e15 ? (int64_t)number : 0; /* exact in a double */
        return *bytes > 0;
    }
    return false;
}
