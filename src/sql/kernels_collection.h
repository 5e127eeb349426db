/* kernels_collection.h: the kernels of functions on arrays and JSON. */
#pragma once

#include "sql/kernels_nested.h"

/* On one array, or an array and one element of its type. */
KERNEL_DECLARE(kernel_size); /* not strict: -1 for NULL */
KERNEL_DECLARE(kernel_array_size);
KERNEL_DECLARE(kernel_element_at); /* INT from 1 on, negative from the end */
KERNEL_DECLARE(kernel_array_contains);
KERNEL_DECLARE(kernel_array_position);
KERNEL_DECLARE(kernel_array_min);
KERNEL_DECLARE(kernel_array_max);
KERNEL_DECLARE(kernel_array_join);

/* To another array. */
KERNEL_DECLARE(kernel_array_compact);
KERNEL_DECLARE(kernel_array_remove);
KERNEL_DECLARE(kernel_array_append);
KERNEL_DECLARE(kernel_array_prepend);
KERNEL_DECLARE(kernel_array_insert);
KERNEL_DECLARE(kernel_array_repeat);
KERNEL_DECLARE(kernel_slice);
KERNEL_DECLARE(kernel_sort_array); /* expr->column: 0, 1: descending, 2: NULLs last */
KERNEL_DECLARE(kernel_reverse_array);
KERNEL_DECLARE(kernel_concat_arrays);
KERNEL_DECLARE(kernel_flatten);
KERNEL_DECLARE(kernel_arrays_zip);
/* INTs or BIGINTs and so on, all of the element's type; the step may be left out. */
KERNEL_DECLARE(kernel_sequence);

/* Arrays as sets. */
KERNEL_DECLARE(kernel_array_distinct);
KERNEL_DECLARE(kernel_array_union);
KERNEL_DECLARE(kernel_array_intersect);
KERNEL_DECLARE(kernel_array_except);
KERNEL_DECLARE(kernel_arrays_overlap);

/* JSON. */
KERNEL_DECLARE(kernel_get_json_object); /* expr->prepared: the path, or NULL: by row */
KERNEL_DECLARE(kernel_json_array_length);
KERNEL_DECLARE(kernel_json_object_keys);
KERNEL_DECLARE(kernel_to_json);
KERNEL_DECLARE(kernel_from_json); /* expr->prepared: struct json_decoder */
