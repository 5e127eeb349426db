/* doc.h: the text of a pipeline document as a tree of JSON values that know where they stand.
 * Strict JSON (RFC 8259) plus comments; numbers keep their text, so that 64 bits stay exact. */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

enum {
    DOC_BYTES_MAX = 16 << 20,
    DOC_DEPTH_MAX = 64,
    DOC_VALUES_MAX = 100000, /* bounds memory: a value takes about 20 times its text */
};

enum doc_kind { DOC_NULL, DOC_BOOLEAN, DOC_NUMBER, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

struct doc_node;

/* Where the text comes from. */
struct doc_source {
    struct str place;              /* empty: the document; else for example `--set name` */
    uint32_t column;               /* of the text's first character, from 1 */
    bool nul_allowed;              /* strings may hold U+0000: the text is data */
    bool unbounded;                /* the text is our own: of any length */
    const struct doc_node *inside; /* the text is this string's value; else NULL */
};

/* A part of a string that the environment replaced: text[text_start..text_end) stands for
 * decoded[decoded_start..decoded_end), the string before the replacement. */
struct doc_expansion {
    size_t text_start, text_end;
    size_t decoded_start, decoded_end;
};

struct doc_node {
    enum doc_kind kind;
    bool boolean;
    bool verbatim; /* STRING: `raw` is the value as it is, without quotes and escapes */
    bool broken;   /* its error was reported; further checks keep quiet about it */
    const struct doc_source *source;
    size_t offset;         /* of the value's first byte in the source's text */
    uint32_t line, column; /* of the same */
    struct str raw;        /* STRING: between the quotes, as written */
    struct str text;       /* STRING: the value; NUMBER: as written; BOOLEAN and NULL: the word */
    const struct doc_expansion *expansions; /* STRING, in order */
    uint32_t expansion_count;

    const struct doc_node *parent; /* NULL at the top */
    struct str key;                /* member of an object: its name, decoded */
    const struct doc_source *key_source;
    size_t key_offset;
    uint32_t key_line, key_column;

    struct doc_node *first, *next; /* ARRAY and OBJECT: members in order */
    uint32_t count;
};

/* The one syntax error. */
struct doc_error {
    size_t offset;
    uint32_t line, column;
    char message[300];
};

/* Parses one JSON text. `text` and `source` must live as long as the tree, which lives in `arena`.
 * Returns 0, ERR_NOMEM, or ERR_INVALID and the error. */
int doc_parse(struct doc_node **out, struct str text, const struct doc_source *source,
              struct arena *arena, struct doc_error *error) MUST_CHECK;

/* The first member with this name, or NULL. */
struct doc_node *doc_member(const struct doc_node *object, struct str key);

/* Whether bytes are valid UTF-8: 0 when they are, else the offset of the first bad byte + 1. */
size_t doc_utf8_invalid(struct str s);
/* Bytes of the well-formed UTF-8 sequence at s.p[0], or 0. */
size_t doc_utf8_length(struct str s);

/* Places for messages: of a value, of its key, and of byte `offset` of a string's value. */
struct plan_where doc_where(const struct doc_node *node);
struct plan_where doc_where_key(const struct doc_node *node);
struct plan_where doc_where_in(const struct doc_node *string, size_t offset);

/* "an object", "a string", ... */
const char *doc_kind_name(enum doc_kind kind);
