/* catalogue_groups.h: the tables that catalogue.c joins. */
#pragma once

#include "sql/catalogue.h"
#include "sql/function_rules.h"

extern const struct function catalogue_bitwise[];
extern const size_t catalogue_bitwise_count;
extern const struct function catalogue_collection[];
extern const size_t catalogue_collection_count;
extern const struct function catalogue_conditional[];
extern const size_t catalogue_conditional_count;
extern const struct function catalogue_conversion[];
extern const size_t catalogue_conversion_count;
extern const struct function catalogue_hash[];
extern const size_t catalogue_hash_count;
extern const struct function catalogue_json[];
extern const size_t catalogue_json_count;
extern const struct function catalogue_math[];
extern const size_t catalogue_math_count;
extern const struct function catalogue_misc[];
extern const size_t catalogue_misc_count;
extern const struct function catalogue_regexp[];
extern const size_t catalogue_regexp_count;
extern const struct function catalogue_string[];
extern const size_t catalogue_string_count;
extern const struct function catalogue_time[];
extern const size_t catalogue_time_count;
extern const struct function catalogue_url[];
extern const size_t catalogue_url_count;
