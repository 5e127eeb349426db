/* catalogue.h: THE table of functions: one row per name. The binder reads it to type a call, the
 * documentation lists it, `validate` suggests from it. */
#pragma once

#include "sql/kernels.h"

struct binder;
struct function;

enum { FUNCTION_PARAMS_MAX = 3, FUNCTION_ANY = 255 };

/* What an argument is converted to (TypeCoercion.implicitCast). */
enum function_param {
    PARAM_ANY,     /* as it is */
    PARAM_STRING,  /* everything becomes STRING */
    PARAM_INT,     /* numbers and STRING become INT */
    PARAM_NUMERIC, /* numbers as they are, STRING becomes DOUBLE */
};

/* Types a call whose result or kernel depends on its arguments: may change arguments, type, kernel,
 * strict and form of `call`, which begins with the row's values. */
typedef int (*function_rule)(struct binder *binder, const struct function *function,
                             struct expr *call);

struct function {
    const char *name;                    /* lower case */
    uint8_t args_min, args_max;          /* FUNCTION_ANY: no limit */
    uint8_t params[FUNCTION_PARAMS_MAX]; /* enum function_param; the last repeats */
    uint8_t result;                      /* enum type_kind, when there is no rule */
    bool strict; /* NULL when an argument is NULL; else the kernel sees NULLs */
    bool varies; /* another value in each batch */
    kernel_fn kernel;
    function_rule rule;
    const char *doc; /* one line: NAME(arguments): what it gives */
};

extern const struct function catalogue[];
extern const size_t catalogue_count;

/* By name, without regard to case; NULL: not here. */
const struct function *catalogue_find(struct str name);

enum spark_function { SPARK_UNKNOWN, SPARK_SCALAR, SPARK_AGGREGATE, SPARK_NONDETERMINISTIC };
/* What Spark 3.5 has under this name. */
enum spark_function catalogue_spark(struct str name);

/* The name of a Spark function that may have been meant, or NULL. */
const char *catalogue_suggest(struct str name);
