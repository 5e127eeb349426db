/* rules.h: what the checks of all parts of a document share: reporting, objects with known keys,
 * values in either of their forms. */
#pragma once

#include "plan/doc.h"
#include "plan/errors.h"

struct rules {
    struct plan *plan;
    struct arena *arena; /* the plan's */
    struct plan_errors *errors;
    struct arena *error_arena;
    bool conformance_case;
    bool out_of_memory;
};

/* Forms a value may have. A string that spells a boolean or an integer has that form too. */
enum {
    FORM_STRING = 1, /* a JSON string */
    FORM_BOOLEAN = 2,
    FORM_INTEGER = 4,
    FORM_SCALAR = 8, /* string, number or boolean: an option's value */
    FORM_ARRAY = 16,
    FORM_OBJECT = 32,
};

struct rule_key {
    const char *name;
    unsigned forms;
    bool required;
    const char *expected; /* completes "must be ..." */
};

/* A key that is not taken, with a sentence of its own. */
struct rule_hint {
    const char *name, *sentence;
    int code; /* ERR_INVALID or ERR_UNSUPPORTED */
};

struct rule_object {
    const char *name; /* "the pipeline" */
    const struct rule_key *keys;
    const struct rule_hint *hints;
    size_t key_count, hint_count;
};

#define RULE_OBJECT(title, key_table, hint_table)                                                  \
    {                                                                                              \
        title, key_table, hint_table, COUNT_OF(key_table), COUNT_OF(hint_table)                    \
    }

/* Errors at a value, at its key, at byte `offset` of a string, at any place. Values whose error was
 * reported already (broken) are passed over in silence. */
void rules_error(struct rules *rules, const struct doc_node *node, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void rules_error_key(struct rules *rules, const struct doc_node *node, int code, const char *fmt,
                     ...) PRINTF_LIKE(4, 5);
void rules_error_in(struct rules *rules, const struct doc_node *node, size_t offset,
                    const char *fmt, ...) PRINTF_LIKE(4, 5);
void rules_unsupported(struct rules *rules, const struct doc_node *node, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The text in double quotes, cut when long; for messages. */
const char *rules_quote(struct rules *rules, struct str text);
/* ": did you mean "x"?" or, without a near one, "" (for a word among the candidates). */
const char *rules_did_you_mean(struct rules *rules, struct str word, const char *const *candidates,
                               size_t n);

/* Checks that the node is an object with these keys. found[i] is the value of keys[i], NULL when it
 * is absent or of a wrong form. False when the node is not an object. */
bool rules_object(struct rules *rules, struct doc_node *node, const struct rule_object *object,
                  struct doc_node **found);
/* Reports a key that is in no table. */
void rules_unknown_key(struct rules *rules, const struct doc_node *node,
                       const struct rule_object *object);
/* Whether the value has one of the forms; else reports what it must be. */
bool rules_form(struct rules *rules, const struct doc_node *node, const char *name, unsigned forms,
                const char *expected);

/* Takes an option that is in no table; false leaves it to be reported as unknown. */
typedef bool (*rules_option_hook)(void *user, struct doc_node *option);

/* The members of an options object, whose names do not depend on case, as in Spark; `found` is
 * filled as by rules_object. `other` may be NULL. */
void rules_options(struct rules *rules, struct doc_node *options, const struct rule_object *rule,
                   rules_option_hook other, void *user, struct doc_node **found);

/* Values that already have the form. False (and an error) when out of range or not one of them. */
bool rules_boolean(const struct doc_node *node);
bool rules_integer(struct rules *rules, const struct doc_node *node, int64_t min, int64_t max,
                   int64_t *out);
/* Index in `words` without regard to case, or -1 and an error. */
int rules_enum(struct rules *rules, const struct doc_node *node, const char *name,
               const char *const *words, size_t n);
/* [a-z0-9][a-z0-9_-]* */
bool rules_name(struct rules *rules, const struct doc_node *node, const char *what);
/* A length of time in milliseconds, not negative. */
bool rules_interval(struct rules *rules, const struct doc_node *node, int64_t *out_ms);
/* The same for a delay, in which a month has 31 days, as in Spark. */
bool rules_delay(struct rules *rules, const struct doc_node *node, int64_t *out_ms);
/* A number of bytes as size_parse reads it (base/size.h), from min to max. */
bool rules_size(struct rules *rules, const struct doc_node *node, const char *name, int64_t min,
                int64_t max, int64_t *out);
/* A datetime pattern that can be compiled, for parsing or for formatting (vec/time_pattern.h);
 * empty after an error, or for NULL. */
struct str rules_time_pattern(struct rules *rules, const struct doc_node *node, bool parsing);
/* A string that is not empty. */
bool rules_not_empty(struct rules *rules, const struct doc_node *node, const char *name);
/* Every element is a string that is not empty. */
bool rules_string_array(struct rules *rules, const struct doc_node *node, const char *name);
/* Zeroed array in the plan's arena; NULL notes that memory is out. */
void *rules_array(struct rules *rules, size_t count, size_t size);
#define RULES_ARRAY(rules, type, count) ((type *)rules_array((rules), (count), sizeof(type)))
