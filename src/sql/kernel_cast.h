/* kernel_cast.h: what the files of CAST share. */
#pragma once

#include "sql/kernel.h"
#include "sql/kernels.h"
#include "sql/types.h"

/* A loop: `compute` is the value for x of the type `from`. */
#define KERNEL_CAST(name, from_member, from_type, to_member, to_type, compute)                     \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)eval, (void)expr;                                                                    \
        const struct type *from = args[0].vec.type;                                                \
        const from_type *in = args[0].vec.from_member;                                             \
        to_type *result = out->vec.to_member;                                                      \
        (void)from;                                                                                \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const from_type x = in[i];                                                             \
            result[i] = (to_type)(compute);                                                        \
        }                                                                                          \
        return 0;                                                                                  \
    }

/* The same where not every value has one of the type `to`: `convert` stores it in y, or is false
 * for NULL. */
#define KERNEL_CAST_CHECKED(name, from_member, from_type, to_member, to_type, convert)             \
    static int name(struct eval *eval, const struct expr *expr, const struct value *args,          \
                    struct value *out)                                                             \
    {                                                                                              \
        (void)expr;                                                                                \
        const struct type *from = args[0].vec.type, *to = out->vec.type;                           \
        uint8_t *bad = kernel_flags(eval, out->vec.rows);                                          \
        if (!bad)                                                                                  \
            return ERR_NOMEM;                                                                      \
        uint8_t any = 0;                                                                           \
        (void)from, (void)to;                                                                      \
        for (uint32_t i = 0; i < out->vec.rows; i++) {                                             \
            const from_type x = args[0].vec.from_member[i];                                        \
            to_type y = 0;                                                                         \
            bad[i] = !(convert);                                                                   \
            any |= bad[i];                                                                         \
            out->vec.to_member[i] = y;                                                             \
        }                                                                                          \
        return any ? kernel_null_where(eval, out, bad) : 0;                                        \
    }

/* Each NULL where there is no such cast. `exact`: as TRY_CAST does it. */
kernel_fn kernel_cast_from_string(enum type_kind to, bool exact);
kernel_fn kernel_cast_to_string(enum type_kind from, bool exact);
kernel_fn kernel_cast_from_decimal(enum type_kind to, bool exact);
kernel_fn kernel_cast_to_decimal(const struct type *from, const struct type *to);
/* TRY_CAST between numbers, BOOLEAN, DATE and TIMESTAMP where it is not the same as CAST. *refused:
 * CAST does it, but TRY_CAST does not. */
kernel_fn kernel_try_cast(enum type_kind from, enum type_kind to, bool *refused);
