#include "sql/types.h"

#include <stdio.h>

#include "sql/unicode_case.h"
#include "vec/decimal.h"

enum { MINIMUM_ADJUSTED_SCALE = 6 }; /* DecimalType.MINIMUM_ADJUSTED_SCALE */

static int greater(int a, int b)
{
    return a > b ? a : b;
}

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

static int whole_digits(const struct type *decimal)
{
    return decimal->precision - decimal->scale;
}

const struct type *types_as_decimal(const struct type *type)
{
    static const uint8_t precisions[] = {
        [TYPE_TINYINT] = 3, [TYPE_SMALLINT] = 5, [TYPE_INT] = 10, [TYPE_BIGINT] = 20};
    return type_is_integral(type->kind) ? decimal_type(precisions[type->kind], 0) : type;
}

/* DecimalType.bounded. */
static const struct type *bounded(int precision, int scale)
{
    return decimal_type(lesser(precision, DECIMAL_DIGITS_MAX), lesser(scale, DECIMAL_DIGITS_MAX));
}

const struct type *types_wider_decimal(const struct type *a, const struct type *b)
{
    int scale = greater(a->scale, b->scale);
    return bounded(greater(whole_digits(a), whole_digits(b)) + scale, scale);
}

/* DecimalType.adjustPrecisionScale: what does not fit is taken from the fraction, but for six
 * digits of it. */
static const struct type *adjusted(int precision, int scale)
{
    if (precision <= DECIMAL_DIGITS_MAX)
        return decimal_type(precision, scale);
    int whole = precision - scale;
    return decimal_type(DECIMAL_DIGITS_MAX,
                        greater(DECIMAL_DIGITS_MAX - whole, lesser(scale, MINIMUM_ADJUSTED_SCALE)));
}

const struct type *types_decimal_result(enum decimal_op op, const struct type *a,
                                        const struct type *b)
{
    int scale = greater(a->scale, b->scale);
    switch (op) {
    case DECIMAL_MULTIPLY:
        return adjusted(a->precision + b->precision + 1, a->scale + b->scale);
    case DECIMAL_DIVIDE:
        scale = greater(MINIMUM_ADJUSTED_SCALE, a->scale + b->precision + 1);
        return adjusted(whole_digits(a) + b->scale + scale, scale);
    case DECIMAL_QUOTIENT:
        return bounded(greater(whole_digits(a) + b->scale, 1), 0);
    case DECIMAL_REMAINDER:
    case DECIMAL_PMOD:
        return adjusted(lesser(whole_digits(a), whole_digits(b)) + scale, scale);
    default:
        return adjusted(greater(whole_digits(a), whole_digits(b)) + scale + 1, scale);
    }
}

/* DecimalType.isWiderThan. */
static bool holds(const struct type *decimal, const struct type *integer)
{
    return whole_digits(decimal) >= types_as_decimal(integer)->precision;
}

#define FIELDS(k, first)                                                                           \
    {                                                                                              \
        {.kind = (k), .precision = (first)}, {.kind = (k), .precision = (first), .scale = 1},      \
            {.kind = (k), .precision = (first), .scale = 2},                                       \
        {                                                                                          \
            .kind = (k), .precision = (first), .scale = 3                                          \
        }                                                                                          \
    }
#define INTERVALS(k)                                                                               \
    {                                                                                              \
        FIELDS(k, 0), FIELDS(k, 1), FIELDS(k, 2), FIELDS(k, 3)                                     \
    }

/* Intervals of one kind meet at all the fields from the first to the last of both. */
static const struct type *tightest_interval(const struct type *a, const struct type *b)
{
    static const struct type year_month[4][4] = INTERVALS(TYPE_INTERVAL_YEAR_MONTH);
    static const struct type day_time[4][4] = INTERVALS(TYPE_INTERVAL_DAY_TIME);
    if (a->kind != b->kind)
        return NULL;
    if (a->kind == TYPE_INTERVAL)
        return a;
    int first = lesser(a->precision, b->precision), last = greater(a->scale, b->scale);
    return a->kind == TYPE_INTERVAL_YEAR_MONTH ? &year_month[first][last] : &day_time[first][last];
}

const struct type *types_tightest(const struct type *a, const struct type *b)
{
    if (type_is_interval(a->kind))
        return b->kind == TYPE_VOID ? a : tightest_interval(a, b);
    if (type_eq(a, b))
        return a;
    if (a->kind == TYPE_VOID)
        return b;
    if (b->kind == TYPE_VOID)
        return a;
    if (a->kind == TYPE_DECIMAL && type_is_integral(b->kind))
        return holds(a, b) ? a : NULL;
    if (b->kind == TYPE_DECIMAL && type_is_integral(a->kind))
        return holds(b, a) ? b : NULL;
    if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL)
        return NULL;
    if (type_is_numeric(a->kind) && type_is_numeric(b->kind))
        return a->kind > b->kind ? a : b; /* enum type_kind is in the order of precedence */
    if (type_is_time(a->kind) && type_is_time(b->kind))
        return type_simple(TYPE_TIMESTAMP);
    return NULL;
}

/* findWiderTypeForDecimal. */
static const struct type *wider_decimal(const struct type *a, const struct type *b)
{
    bool decimal = a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL;
    if (!decimal || !type_is_numeric(a->kind) || !type_is_numeric(b->kind))
        return NULL;
    if (type_is_floating(a->kind) || type_is_floating(b->kind))
        return type_simple(TYPE_DOUBLE);
    return types_wider_decimal(types_as_decimal(a), types_as_decimal(b));
}

static bool promotes_to_string(const struct type *type)
{
    return type_is_numeric(type->kind) || type_is_time(type->kind) ||
           type->kind == TYPE_INTERVAL_YEAR_MONTH || type->kind == TYPE_INTERVAL_DAY_TIME;
}

const struct type *types_wider(const struct type *a, const struct type *b)
{
    const struct type *common = types_tightest(a, b);
    if (!common)
        common = wider_decimal(a, b);
    if (!common && a->kind == TYPE_STRING && promotes_to_string(b))
        common = a;
    if (!common && b->kind == TYPE_STRING && promotes_to_string(a))
        common = b;
    return common;
}

/* A STRING, or an ARRAY of such: the order of types matters only for them. */
static bool has_string(const struct type *type)
{
    while (type->kind == TYPE_ARRAY)
        type = type->element;
    return type->kind == TYPE_STRING;
}

typedef const struct type *(*simple_rule)(const struct type *a, const struct type *b);

static int common_parts(struct arena *arena, simple_rule rule, const struct type *a,
                        const struct type *b, const struct type **out);

static int common_array(struct arena *arena, simple_rule rule, const struct type *a,
                        const struct type *b, const struct type **out)
{
    const struct type *element;
    int code = common_parts(arena, rule, a->element, b->element, &element);
    if (code != 0 || !element)
        return code;
    struct type *made = ARENA_NEW(arena, struct type);
    if (!made)
        return ERR_NOMEM;
    *made = (struct type){.kind = TYPE_ARRAY, .element = element};
    *out = made;
    return 0;
}

/* Fields meet by place; their names must be the same but for case, and the first's are kept. */
static int common_struct(struct arena *arena, simple_rule rule, const struct type *a,
                         const struct type *b, const struct type **out)
{
    struct type *made = ARENA_NEW(arena, struct type);
    struct field *fields = ARENA_ARRAY(arena, struct field, a->field_count);
    if (!made || !fields)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < a->field_count; i++) {
        if (!unicode_eq_nocase(a->fields[i].name, b->fields[i].name))
            return 0;
        fields[i].name = a->fields[i].name;
        int code = common_parts(arena, rule, a->fields[i].type, b->fields[i].type, &fields[i].type);
        if (code != 0 || !fields[i].type)
            return code;
    }
    *made = (struct type){.kind = TYPE_STRUCT, .field_count = a->field_count, .fields = fields};
    *out = made;
    return 0;
}

/* findTypeForComplex, once the types themselves do not meet. Types are as deep as a schema or an
 * expression was written, which have their limits. */
static int common_parts(struct arena *arena, simple_rule rule, const struct type *a,
                        const struct type *b, const struct type **out)
{
    *out = rule(a, b);
    if (*out)
        return 0;
    if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY)
        return common_array(arena, rule, a, b, out);
    if (a->kind == TYPE_STRUCT && b->kind == TYPE_STRUCT && a->field_count == b->field_count)
        return common_struct(arena, rule, a, b, out);
    return 0;
}

int types_common_tightest(struct arena *arena, const struct type *a, const struct type *b,
                          const struct type **out)
{
    return common_parts(arena, types_tightest, a, b, out);
}

int types_common(struct arena *arena, const struct type *a, const struct type *b,
                 const struct type **out)
{
    return common_parts(arena, types_wider, a, b, out);
}

int types_common_all(struct arena *arena, const struct type *const *types, uint32_t n,
                     const struct type **out)
{
    *out = type_simple(TYPE_VOID);
    for (int strings = 1; strings >= 0; strings--) {
        for (uint32_t i = 0; *out && i < n; i++) {
            const struct type *before = *out;
            int code =
                has_string(types[i]) == strings ? types_common(arena, before, types[i], out) : 0;
            if (code != 0)
                return code;
        }
    }
    return 0;
}

const struct type *types_comparison(const struct type *a, const struct type *b)
{
    if (a->kind != TYPE_STRING && b->kind != TYPE_STRING)
        return NULL;
    const struct type *other = a->kind == TYPE_STRING ? b : a;
    switch (other->kind) {
    case TYPE_VOID:
        return type_simple(TYPE_STRING);
    case TYPE_DECIMAL:
        return type_simple(TYPE_DOUBLE);
    case TYPE_STRUCT:
    case TYPE_ARRAY:
    case TYPE_INTERVAL:
        return NULL;
    default:
        return other;
    }
}

static const struct field *copy_fields(struct arena *arena, const struct type *type)
{
    struct field *fields = ARENA_ARRAY(arena, struct field, type->field_count);
    for (uint32_t i = 0; fields && i < type->field_count; i++) {
        fields[i].name = arena_str(arena, type->fields[i].name);
        fields[i].type = types_copy(arena, type->fields[i].type);
        if (!fields[i].name.p || !fields[i].type)
            return NULL;
    }
    return fields;
}

const struct type *types_copy(struct arena *arena, const struct type *type)
{
    if (type->kind == TYPE_DECIMAL)
        return decimal_type(type->precision, type->scale);
    if (type_is_interval(type->kind))
        return tightest_interval(type, type);
    if (type->kind != TYPE_STRUCT && type->kind != TYPE_ARRAY)
        return type_simple(type->kind);
    struct type *copy = ARENA_NEW(arena, struct type);
    if (!copy)
        return NULL;
    *copy = *type;
    if (type->kind == TYPE_ARRAY)
        copy->element = types_copy(arena, type->element);
    else
        copy->fields = copy_fields(arena, type);
    bool whole = type->kind == TYPE_ARRAY ? copy->element != NULL : copy->fields != NULL;
    return whole ? copy : NULL;
}

const char *types_name(const struct type *type, char buffer[120])
{
    struct buf name = {0};
    type_print(type, &name);
    snprintf(buffer, 120, "%s", buf_cstr(&name));
    buf_fini(&name);
    return buffer;
}
