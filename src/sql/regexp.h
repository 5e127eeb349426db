/* regexp.h: regular expressions as java.util.regex has them (JDK 17, the default flags), run by
 * PCRE2. A pattern is translated; what PCRE2 cannot do alike is refused. The known difference:
 * after an empty match the search goes on behind a whole character, in Java behind half of one
 * where it takes two UTF-16 units. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct regexp;

enum { REGEXP_UNSET = -1 };

/* ERR_INVALID: Java refuses the pattern too. ERR_UNSUPPORTED: it means something that is not
 * built. ERR_NOMEM. The message names the pattern. */
int regexp_create(struct regexp **out, struct str pattern, struct err *err) MUST_CHECK;
void regexp_destroy(struct regexp *regexp);

/* Groups in the pattern, without the whole match. */
uint32_t regexp_group_count(const struct regexp *regexp);
/* Whether Java may give other values for groups: captures inside look-arounds, atomic groups and
 * possessive repetitions, which it forgets to undo, and in repetitions of what may be empty. The
 * whole match is the same. */
bool regexp_is_loose(const struct regexp *regexp);
/* The group of a name, or REGEXP_UNSET. */
int regexp_group_named(const struct regexp *regexp, struct str name);

/* Looks for the first match at or behind `start` (bytes; the subject is valid UTF-8). Returns 1 or
 * 0, ERR_INVALID when it takes too many steps, ERR_NOMEM. */
int regexp_find(struct regexp *regexp, struct str subject, size_t start,
                struct err *err) MUST_CHECK;
/* Group i (at most regexp_group_count) of the last match found; false: it took no part. */
bool regexp_group(const struct regexp *regexp, struct str subject, uint32_t i, struct str *out);

/* Where to look for the next match after one that spans [from, to): behind a character if it was
 * empty. More than subject.n: there is none. */
size_t regexp_next(struct str subject, size_t from, size_t to);

/* A pattern per row: compiled patterns of the last rows. All zero is empty. */
enum { REGEXP_CACHE_SIZE = 16 };
struct regexp_cache {
    struct regexp *items[REGEXP_CACHE_SIZE];
    struct str patterns[REGEXP_CACHE_SIZE]; /* heap */
    uint32_t next;
};
void regexp_cache_destroy(void *cache); /* of one from the heap */
int regexp_cache_get(struct regexp_cache *cache, struct str pattern, struct regexp **out,
                     struct err *err) MUST_CHECK;

/* regexp_java.c. Java's syntax → PCRE2's, for PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY. */
struct regexp_name {
    char text[64];
    uint32_t group;
};
struct regexp_names {
    struct regexp_name *items; /* heap */
    uint32_t count, group_count;
    bool loose;
};
int regexp_translate(struct str pattern, struct buf *out, struct regexp_names *names,
                     struct err *err) MUST_CHECK;
