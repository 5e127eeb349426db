/* kernel_compare.c: comparisons, into one byte per row. */
#include "sql/kernel.h"
#include "sql/kernels_nested.h"

/* X(name, member of struct vec, C type) */
#define PLAIN_TYPES(X)                                                                             \
    X(boolean, uint8_t)                                                                            \
    X(i8, int8_t)                                                                                  \
    X(i16, int16_t)                                                                                \
    X(i32, int32_t)                                                                                \
    X(i64, int64_t)                                                                                \
    X(decimal, i128)

typedef __int128 i128; /* DECIMALs of one scale */

#define COMPARE(name, member, type, test)                                                          \
    static int name##_##member(struct eval *eval, const struct expr *expr,                         \
                               const struct value *args, struct value *out)                        \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        uint8_t *result = out->vec.boolean;                                                        \
        KERNEL_BINARY(type, member, result[i] = (uint8_t)(test));                                  \
        return 0;                                                                                  \
    }

#define COMPARE_PLAIN(member, type)                                                                \
    COMPARE(eq, member, type, x == y)                                                              \
    COMPARE(lt, member, type, x < y)                                                               \
    COMPARE(le, member, type, x <= y)                                                              \
    COMPARE(gt, member, type, x > y)                                                               \
    COMPARE(ge, member, type, x >= y)
PLAIN_TYPES(COMPARE_PLAIN)

/* NaN equals NaN and is greater than everything else (Spark's SQLOrderingUtil). */
#define COMPARE_FLOAT(member, type)                                                                \
    COMPARE(eq, member, type, (x == y) | ((x != x) & (y != y)))                                    \
    COMPARE(lt, member, type, (x < y) | ((x == x) & (y != y)))                                     \
    COMPARE(le, member, type, (x <= y) | (y != y))                                                 \
    COMPARE(gt, member, type, (x > y) | ((x != x) & (y == y)))                                     \
    COMPARE(ge, member, type, (x >= y) | (x != x))
COMPARE_FLOAT(f32, float)
COMPARE_FLOAT(f64, double)

typedef struct str text;
COMPARE(eq, str, text, x.n == y.n && memcmp(x.p ? x.p : "", y.p ? y.p : "", x.n) == 0)
COMPARE(lt, str, text, str_cmp(x, y) < 0)
COMPARE(le, str, text, str_cmp(x, y) <= 0)
COMPARE(gt, str, text, str_cmp(x, y) > 0)
COMPARE(ge, str, text, str_cmp(x, y) >= 0)

#define ROW(member)                                                                                \
    {                                                                                              \
        eq_##member, lt_##member, le_##member, gt_##member, ge_##member                            \
    }

kernel_fn kernel_compare(enum compare_op op, enum type_kind kind)
{
    static const kernel_fn table[TYPE_KIND_COUNT][COMPARE_OP_COUNT] = {
        [TYPE_BOOLEAN] = ROW(boolean),
        [TYPE_TINYINT] = ROW(i8),
        [TYPE_SMALLINT] = ROW(i16),
        [TYPE_INT] = ROW(i32),
        [TYPE_BIGINT] = ROW(i64),
        [TYPE_FLOAT] = ROW(f32),
        [TYPE_DOUBLE] = ROW(f64),
        [TYPE_STRING] = ROW(str),
        [TYPE_BINARY] = ROW(str),
        [TYPE_DATE] = ROW(i32),
        [TYPE_TIMESTAMP] = ROW(i64),
        [TYPE_DECIMAL] = ROW(decimal),
        [TYPE_INTERVAL_YEAR_MONTH] = ROW(i32),
        [TYPE_INTERVAL_DAY_TIME] = ROW(i64),
    };
    return type_is_nested(kind) ? kernel_compare_nested(op) : table[kind][op];
}
