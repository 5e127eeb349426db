/* kernels_nested.h: kernels on STRUCT and ARRAY. */
#pragma once

#include "sql/kernels.h"

static inline bool type_is_nested(enum type_kind kind)
{
    return kind == TYPE_STRUCT || kind == TYPE_ARRAY;
}

/* value.field: the field expr->column of a STRUCT; NULL where the struct is. */
KERNEL_DECLARE(kernel_struct_field);
/* The field expr->column of the structs in an ARRAY, as an ARRAY. */
KERNEL_DECLARE(kernel_array_field);
/* array[i], with an INT from 0 on; NULL outside of the array. */
KERNEL_DECLARE(kernel_array_item);
/* A STRUCT of the arguments; an ARRAY of them. */
KERNEL_DECLARE(kernel_make_struct);
KERNEL_DECLARE(kernel_make_array);

/* CASTs from one STRUCT or ARRAY to another: expr->prepared holds one expression per field or for
 * the elements, each over one column that stands for it. */
KERNEL_DECLARE(kernel_cast_struct);
KERNEL_DECLARE(kernel_cast_array);
KERNEL_DECLARE(kernel_cast_nested_text);

/* Comparisons of two values of one type, which may be nested: vec_order. */
kernel_fn kernel_compare_nested(enum compare_op op);
/* kernel_case and kernel_coalesce for them. */
KERNEL_DECLARE(kernel_case_nested);
KERNEL_DECLARE(kernel_coalesce_nested);
