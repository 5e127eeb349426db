#include "base/err.h"
#include "vec/vec.h"

/* Text in memory of the copy's own: one allocation for all values. */
static int own_strings(struct vec *vec, struct arena *arena)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < vec->rows; i++)
        bytes += vec_is_null(vec, i) ? 0 : vec->str[i].n;
    char *p = arena_alloc(arena, bytes);
    if (!p)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < vec->rows; i++) {
        struct str s = vec_is_null(vec, i) ? (struct str){0} : vec->str[i];
        if (s.n)
            memcpy(p, s.p, s.n);
        vec->str[i] = (struct str){p, s.n};
        p += s.n;
    }
    return 0;
}

static int own(struct vec *vec, struct arena *arena);

/* Only the elements that the rows point at, in their order. */
static int own_elements(struct vec *vec, struct arena *arena)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < vec->rows; i++)
        total += vec_is_null(vec, i) ? 0 : vec->span[i].count;
    if (total > UINT32_MAX)
        return ERR_NOMEM;
    const struct vec *elements = vec->children;
    uint32_t *picks = ARENA_ARRAY(arena, uint32_t, total + 1);
    struct vec *copy = ARENA_NEW(arena, struct vec);
    uint32_t n = 0;
    if (!picks || !copy)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < vec->rows; i++) {
        struct vec_span span = vec_is_null(vec, i) ? (struct vec_span){0} : vec->span[i];
        vec->span[i] = (struct vec_span){n, span.count};
        for (uint32_t k = 0; k < span.count; k++)
            picks[n++] = span.start + k;
    }
    if (vec_gather(copy, elements, picks, n, arena) != 0)
        return ERR_NOMEM;
    vec->children = copy;
    return own(copy, arena);
}

/* What stands where the struct is NULL means nothing: it must not be followed. */
static int own_fields(struct vec *vec, struct arena *arena)
{
    for (uint32_t f = 0; f < vec->type->field_count; f++) {
        struct vec *child = &vec->children[f];
        if (vec->valid && vec_ensure_valid(child, arena) != 0)
            return ERR_NOMEM;
        for (size_t w = 0; vec->valid && w < vec_valid_words(vec->rows); w++)
            child->valid[w] &= vec->valid[w];
        if (own(child, arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* Replaces what a gathered vector still shares with its source. */
static int own(struct vec *vec, struct arena *arena)
{
    switch (vec->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        return own_strings(vec, arena);
    case TYPE_ARRAY:
        return own_elements(vec, arena);
    case TYPE_STRUCT:
        return own_fields(vec, arena);
    default:
        return 0;
    }
}

uint64_t vec_value_bytes(const struct vec *vec)
{
    uint64_t bytes = (uint64_t)type_width(vec->type) * vec->rows;
    if (vec->type->kind == TYPE_STRING || vec->type->kind == TYPE_BINARY) {
        bytes = 0;
        for (uint32_t i = 0; i < vec->rows; i++)
            bytes += 4 + (vec_is_null(vec, i) ? 0 : vec->str[i].n);
    }
    for (uint32_t f = 0; vec->type->kind == TYPE_STRUCT && f < vec->type->field_count; f++)
        bytes += vec_value_bytes(&vec->children[f]);
    if (vec->type->kind == TYPE_ARRAY)
        bytes += vec_value_bytes(vec->children);
    return bytes;
}

int vec_copy(struct vec *out, const struct vec *in, const uint32_t *picks, uint32_t n,
             struct arena *arena)
{
    return vec_gather(out, in, picks, n, arena) != 0 ? ERR_NOMEM : own(out, arena);
}
