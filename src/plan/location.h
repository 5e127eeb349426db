/* location.h: where files go: a directory, or s3://bucket[/prefix]. */
#pragma once

#include "plan/rules.h"

/* Checks the string under key `name`; S3 buckets by the rules of AWS's general purpose buckets,
 * prefixes so that no client rewrites them. False after an error. */
bool plan_location_check(struct rules *rules, const struct doc_node *node, const char *name);

bool plan_location_is_s3(struct str location);
