#include "sql/name_index.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "sql/unicode_case.h"

/* Equal for all that unicode_eq_nocase takes for equal. */
static uint64_t hash_of(struct str name)
{
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a, a code point at a time */
    while (name.n) {
        uint32_t code;
        size_t n = utf8_decode(name, &code);
        name = (struct str){name.p + n, name.n - n};
        int32_t folded = utf8proc_tolower(utf8proc_toupper((int32_t)code));
        hash = (hash ^ (uint32_t)folded) * 0x100000001b3ULL;
    }
    return hash ^ hash >> 32;
}

int name_index_init(struct name_index *index, const struct str *names, uint32_t count,
                    struct arena *arena)
{
    *index = (struct name_index){.names = names};
    int code = 0;
    for (uint32_t i = 0; i < count && code == 0; i++)
        code = hash_index_add(&index->hashes, names[i].p ? hash_of(names[i]) : i, arena);
    return code;
}

int32_t name_index_find(const struct name_index *index, struct str name, int32_t after)
{
    uint64_t hash = hash_of(name);
    int32_t place = after;
    do {
        place = hash_index_find(&index->hashes, hash, place);
    } while (place != HASH_INDEX_END &&
             (!index->names[place].p || !unicode_eq_nocase(index->names[place], name)));
    return place;
}
