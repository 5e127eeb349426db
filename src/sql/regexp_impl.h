/* regexp_impl.h: what the translator's files share. */
#pragma once

#include "sql/regexp.h"

/* Java's inline flags. */
enum {
    REGEXP_NOCASE = 1,
    REGEXP_UNIX = 2,
    REGEXP_MULTI = 4,
    REGEXP_DOTALL = 8,
    REGEXP_UNICODE_CASE = 16,
    REGEXP_COMMENTS = 32,
};

struct regexp_parser {
    const uint32_t *p; /* the pattern's characters, with a 0 behind the last */
    size_t n, at;
    uint32_t flags;
    uint32_t depth;
    uint32_t back_reference; /* the highest */
    uint32_t fixed;          /* depth of groups whose captures Java does not undo */
    bool sets, properties;   /* of the class under way: \W and the like, \p */
    bool empty;              /* what was parsed last may match nothing */
    struct buf *out;
    struct regexp_names *names;
    struct err *err;
};

static inline int regexp_invalid(struct regexp_parser *r, const char *what)
{
    return err_set(r->err, ERR_INVALID, "%s", what);
}
static inline int regexp_refuse(struct regexp_parser *r, const char *what)
{
    return err_set(r->err, ERR_UNSUPPORTED, "%s", what);
}

/* In comments mode, moves behind white space and comments. */
void regexp_skip(struct regexp_parser *r);
/* The next character, or 0 at the end (regexp_at_end tells it from a NUL). */
uint32_t regexp_peek(struct regexp_parser *r);
bool regexp_at_end(struct regexp_parser *r);

/* Behind a backslash: a character that is written as an escape. *found: whether it is one. */
int regexp_escaped_char(struct regexp_parser *r, uint32_t *code, bool *found) MUST_CHECK;
/* One character that stands for itself outside of a class, by the flags. */
void regexp_put_char(struct regexp_parser *r, uint32_t code);
/* The same inside of a class: no case. */
void regexp_put_class_char(struct buf *out, uint32_t code);
/* Behind \p or \P; writes what stands for it, in a class or outside. */
int regexp_property(struct regexp_parser *r, bool negated, bool in_class) MUST_CHECK;
/* From a [ on. */
int regexp_class(struct regexp_parser *r) MUST_CHECK;
