/* location.h: where files go: a directory, or s3://bucket[/prefix]. */
#pragma once

#include "plan/rules.h"

/* Checks the string under key `name`; S3 buckets by the rules of AWS's general purpose buckets,
 * prefixes so that no client rewrites them. False after an error. */
bool plan_location_check(struct rules *rules, const struct doc_node *node, const char *name);

/* The same for a location of the command line, which messages call "NAME". ERR_INVALID says what is
 * wrong; ERR_NOMEM. */
int plan_location_parse(struct str location, const char *name, struct err *err) MUST_CHECK;

enum location_relation {
    LOCATION_APART,
    LOCATION_SAME,
    LOCATION_INSIDE, /* the first is inside of the second */
    LOCATION_AROUND, /* the other way round */
};

/* How two locations stand to each other, by their names: symbolic links are not followed, and a
 * directory from '/' is apart from one that is relative. *hidden: what is inside is below a
 * directory that readers of files skip, whose name begins with '.', or with '_' and has no '='.
 * ERR_NOMEM. */
int plan_location_compare(struct str a, struct str b, enum location_relation *out,
                          bool *hidden) MUST_CHECK;

bool plan_location_is_s3(struct str location);
