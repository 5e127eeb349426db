/* catalogue.h: THE tables of functions: one row per function, in groups. The binder reads them to
 * type a call, the documentation lists them, `validate` suggests from them. Aggregate functions
 * have their own table (aggregate.h). */
#pragma once

#include "sql/kernels.h"

struct binder;
struct function;

enum { FUNCTION_PARAMS_MAX = 4, FUNCTION_ANY = 255 };

/* What an argument is converted to, as Spark's implicit casts do (TypeCoercion.implicitCast);
 * arguments that cannot be converted are an error. An untyped NULL becomes a NULL of the first type
 * named here. */
enum function_param {
    PARAM_REPEAT,    /* what the one before takes (0: the rest of a row) */
    PARAM_ANY,       /* as it is */
    PARAM_STRING,    /* everything simple becomes STRING */
    PARAM_BINARY,    /* STRING becomes BINARY */
    PARAM_TEXT,      /* STRING and BINARY as they are, all else simple becomes STRING */
    PARAM_BOOLEAN,   /* STRING becomes BOOLEAN */
    PARAM_INT,       /* numbers and STRING become INT */
    PARAM_BIGINT,    /* numbers and STRING become BIGINT */
    PARAM_DOUBLE,    /* numbers and STRING become DOUBLE */
    PARAM_NUMERIC,   /* numbers as they are, STRING becomes DOUBLE */
    PARAM_INTEGRAL,  /* integers as they are, other numbers and STRING become BIGINT */
    PARAM_DATE,      /* TIMESTAMP and STRING become DATE */
    PARAM_TIMESTAMP, /* DATE and STRING become TIMESTAMP */
    PARAM_ARRAY,     /* only arrays */
};

/* Types a call whose result or kernel depends on its arguments: may change arguments, type, kernel,
 * strict, prepared and form of `call`, which begins with the row's values. */
typedef int (*function_rule)(struct binder *binder, const struct function *function,
                             struct expr *call);

enum function_flags {
    FUNCTION_STRICT = 1, /* NULL when an argument is NULL; else the kernel sees NULLs */
    FUNCTION_VARIES = 2, /* another value in each batch */
    FUNCTION_LOOSE =
        4, /* not NullIntolerant in Spark: a value does not say that arguments have one */
};

struct function {
    const char *name;                    /* lower case */
    const char *aliases;                 /* other names, parted by spaces; or NULL */
    uint8_t args_min, args_max;          /* FUNCTION_ANY: no limit */
    uint8_t params[FUNCTION_PARAMS_MAX]; /* enum function_param */
    uint8_t result;                      /* enum type_kind; a rule may set another type */
    uint8_t flags;                       /* enum function_flags */
    kernel_fn kernel;
    function_rule rule; /* or NULL */
    const char *usage;  /* one line: NAME(arguments): what it gives */
};

struct function_group {
    const char *title; /* "string" */
    const struct function *functions;
    const size_t *count;
};

/* Each group is a table of its own, in catalogue_TITLE.c, in alphabetical order. */
extern const struct function_group catalogue_groups[];
extern const size_t catalogue_group_count;

/* By name or alias, without regard to case; NULL: not here. */
const struct function *catalogue_find(struct str name);

/* Whether a word is the name or one of the aliases, without regard to case. */
bool catalogue_is_name(struct str word, const char *name, const char *aliases);

enum spark_function { SPARK_UNKNOWN, SPARK_SCALAR, SPARK_AGGREGATE, SPARK_NONDETERMINISTIC };
/* What Spark 3.5 has under this name. */
enum spark_function catalogue_spark(struct str name);

/* The name of a Spark function that may have been meant, or NULL. */
const char *catalogue_suggest(struct str name);
