#include "sql/catalogue.h"

#include "sql/catalogue_groups.h"

/* In the order of the documentation. */
const struct function_group catalogue_groups[] = {
    {"conditional", catalogue_conditional, &catalogue_conditional_count},
    {"conversion", catalogue_conversion, &catalogue_conversion_count},
    {"mathematical", catalogue_math, &catalogue_math_count},
    {"bitwise", catalogue_bitwise, &catalogue_bitwise_count},
    {"string", catalogue_string, &catalogue_string_count},
    {"pattern", catalogue_regexp, &catalogue_regexp_count},
    {"date and time", catalogue_time, &catalogue_time_count},
    {"array and struct", catalogue_collection, &catalogue_collection_count},
    {"JSON", catalogue_json, &catalogue_json_count},
    {"hash", catalogue_hash, &catalogue_hash_count},
    {"URL", catalogue_url, &catalogue_url_count},
    {"miscellaneous", catalogue_misc, &catalogue_misc_count},
};
const size_t catalogue_group_count = COUNT_OF(catalogue_groups);

bool catalogue_is_name(struct str word, const char *name, const char *aliases)
{
    if (str_eq_nocase(word, str_of(name)))
        return true;
    for (const char *p = aliases; p && *p;) {
        size_t n = strcspn(p, " ");
        if (str_eq_nocase(word, (struct str){p, n}))
            return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

const struct function *catalogue_find(struct str name)
{
    for (size_t g = 0; g < catalogue_group_count; g++) {
        const struct function_group *group = &catalogue_groups[g];
        for (size_t i = 0; i < *group->count; i++) {
            if (catalogue_is_name(name, group->functions[i].name, group->functions[i].aliases))
                return &group->functions[i];
        }
    }
    return NULL;
}
