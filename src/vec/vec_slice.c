#include "base/err.h"
#include "vec/vec.h"

static int slice_valid(struct vec *vec, const struct vec *in, uint32_t first, struct arena *arena)
{
    size_t words = vec_valid_words(vec->rows), last = vec_valid_words(in->rows);
    uint32_t shift = first % 64;
    vec->valid = arena_alloc(arena, words * sizeof *vec->valid);
    if (!vec->valid)
        return ERR_NOMEM;
    for (size_t i = 0, at = first / 64; i < words; i++, at++) {
        vec->valid[i] = in->valid[at] >> shift;
        if (shift && at + 1 < last)
            vec->valid[i] |= in->valid[at + 1] << (64 - shift);
    }
    return 0;
}

int vec_slice(struct vec *out, const struct vec *in, uint32_t first, uint32_t n,
              struct arena *arena)
{
    REQUIRE(first <= in->rows && n <= in->rows - first);
    *out = *in;
    out->rows = n;
    if (in->data)
        out->data = (char *)in->data + type_width(in->type) * first;
    if (in->type->kind == TYPE_STRUCT) {
        out->children = ARENA_ARRAY(arena, struct vec, in->type->field_count);
        for (uint32_t f = 0; out->children && f < in->type->field_count; f++) {
            if (vec_slice(&out->children[f], &in->children[f], first, n, arena) != 0)
                return ERR_NOMEM;
        }
        if (!out->children)
            return ERR_NOMEM;
    }
    return in->valid ? slice_valid(out, in, first, arena) : 0;
}
