#include "vec/vec.h"

#include "base/err.h"

static int init_children(struct vec *vec, struct arena *arena)
{
    const struct type *type = vec->type;
    vec->children = ARENA_ARRAY(arena, struct vec, type->field_count);
    if (!vec->children)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (vec_init(&vec->children[i], type->fields[i].type, vec->rows, arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int init_elements(struct vec *vec, struct arena *arena)
{
    vec->children = ARENA_NEW(arena, struct vec);
    return vec->children ? vec_init(vec->children, vec->type->element, 0, arena) : ERR_NOMEM;
}

int vec_init(struct vec *vec, const struct type *type, uint32_t rows, struct arena *arena)
{
    *vec = (struct vec){.type = type, .rows = rows};
    if (type->kind == TYPE_VOID)
        return vec_init_null(vec, type, rows, arena);
    if (type->kind == TYPE_STRUCT)
        return init_children(vec, arena);
    vec->data = arena_alloc(arena, type_width(type) * rows);
    if (!vec->data)
        return ERR_NOMEM;
    return type->kind == TYPE_ARRAY ? init_elements(vec, arena) : 0;
}

int vec_ensure_valid(struct vec *vec, struct arena *arena)
{
    if (vec->valid)
        return 0;
    size_t bytes = vec_valid_words(vec->rows) * sizeof(uint64_t);
    vec->valid = arena_alloc(arena, bytes);
    if (!vec->valid)
        return ERR_NOMEM;
    memset(vec->valid, 0xff, bytes);
    return 0;
}

int vec_init_null(struct vec *vec, const struct type *type, uint32_t rows, struct arena *arena)
{
    *vec = (struct vec){.type = type, .rows = rows};
    if (type->kind == TYPE_STRUCT) {
        vec->children = ARENA_ARRAY(arena, struct vec, type->field_count);
        for (uint32_t i = 0; vec->children && i < type->field_count; i++) {
            if (vec_init_null(&vec->children[i], type->fields[i].type, rows, arena) != 0)
                return ERR_NOMEM;
        }
    } else {
        vec->data = arena_calloc(arena, rows, type_width(type));
        if (type->kind == TYPE_ARRAY && init_elements(vec, arena) != 0)
            return ERR_NOMEM;
    }
    vec->valid = arena_calloc(arena, vec_valid_words(rows), sizeof(uint64_t));
    return vec->valid && (vec->data || vec->children) ? 0 : ERR_NOMEM;
}

#define GATHER(member)                                                                             \
    for (uint32_t i = 0; i < n; i++)                                                               \
    out->member[i] = in->member[picks[i]]

static void gather_data(struct vec *out, const struct vec *in, const uint32_t *picks, uint32_t n)
{
    switch (type_width(in->type)) {
    case 1:
        GATHER(i8);
        break;
    case 2:
        GATHER(i16);
        break;
    case 4:
        GATHER(i32);
        break;
    case 8:
        GATHER(i64);
        break;
    case 16:
        GATHER(decimal);
        break;
    default:
        break;
    }
}

int vec_gather(struct vec *out, const struct vec *in, const uint32_t *picks, uint32_t n,
               struct arena *arena)
{
    if (in->type->kind == TYPE_VOID)
        return vec_init_null(out, in->type, n, arena);
    if (vec_init(out, in->type, n, arena) != 0)
        return ERR_NOMEM;
    if (in->type->kind == TYPE_STRUCT) {
        for (uint32_t i = 0; i < in->type->field_count; i++) {
            if (vec_gather(&out->children[i], &in->children[i], picks, n, arena) != 0)
                return ERR_NOMEM;
        }
    } else {
        gather_data(out, in, picks, n);
        out->children = in->children; /* ARRAY: spans keep pointing into the same elements */
    }
    if (!in->valid)
        return 0;
    if (vec_ensure_valid(out, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (vec_is_null(in, picks[i]))
            vec_set_null(out, i);
    }
    return 0;
}
