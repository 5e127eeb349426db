/* kafka_table.h: every property name of librdkafka 2.0.2 (as rd_kafka_conf_properties_show prints
 * them), and the names of the Java client that librdkafka does not have. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum kafka_scope { KAFKA_CONSUMER = 1, KAFKA_PRODUCER = 2, KAFKA_BOTH = 3 };

enum kafka_kind {
    KAFKA_STRING,
    KAFKA_SECRET,  /* a string that is never shown */
    KAFKA_INTEGER, /* or a decimal number, for the two that take milliseconds as a float */
    KAFKA_BOOLEAN,
    KAFKA_WORD,    /* one of `words` */
    KAFKA_POINTER, /* a callback or object of the program: not a text */
};

struct kafka_property {
    const char *name;
    enum kafka_scope scope;
    enum kafka_kind kind;
    int64_t min, max;  /* KAFKA_INTEGER */
    const char *words; /* KAFKA_WORD: separated by ", " */
};

extern const struct kafka_property plan_kafka_properties[];
extern const size_t plan_kafka_property_count;

/* Names that are refused, each with its own sentence. */
struct kafka_refusal {
    const char *name, *sentence;
    enum kafka_scope scope; /* whom the sentence is for */
};

extern const struct kafka_refusal plan_kafka_engine_names[]; /* sluice sets these itself */
extern const size_t plan_kafka_engine_name_count;
extern const struct kafka_refusal plan_kafka_java_names[]; /* the Java client's */
extern const size_t plan_kafka_java_name_count;
