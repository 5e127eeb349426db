#include "format/parquet_levels.h"

static struct parquet_level *entries(const struct buf *buf)
{
    return (struct parquet_level *)(void *)buf->p;
}

static bool resize(struct buf *buf, size_t count)
{
    buf_clear(buf);
    if (!buf_reserve(buf, count * sizeof(struct parquet_level)))
        return false;
    buf->n = count * sizeof(struct parquet_level);
    return true;
}

/* Where the vector has a value the definition goes one deeper, elsewhere it ends here. */
static void enter(struct parquet_levels *levels, const struct vec *vec)
{
    struct parquet_level *entry = entries(&levels->now);
    for (uint32_t i = 0; i < levels->count; i++) {
        if (entry[i].row == PARQUET_NO_VALUE)
            continue;
        if (vec_is_null(vec, entry[i].row))
            entry[i].row = PARQUET_NO_VALUE;
        else
            entry[i].def++;
    }
}

static uint32_t elements_of(const struct vec *vec, const struct parquet_level *entry)
{
    return entry->row == PARQUET_NO_VALUE ? 0 : vec->span[entry->row].count;
}

/* An entry of each element in place of the array's; one stays for an array that has none. */
static bool expand(struct parquet_levels *levels, const struct vec *vec, uint16_t rep)
{
    const struct parquet_level *from = entries(&levels->now);
    uint64_t total = 0;
    for (uint32_t i = 0; i < levels->count; i++) {
        uint32_t count = elements_of(vec, &from[i]);
        total += count ? count : 1;
    }
    if (total >= UINT32_MAX || !resize(&levels->next, total))
        return false;
    struct parquet_level *to = entries(&levels->next);
    for (uint32_t i = 0; i < levels->count; i++) {
        uint32_t count = elements_of(vec, &from[i]);
        if (count == 0)
            *to++ = (struct parquet_level){PARQUET_NO_VALUE, from[i].def, from[i].rep};
        for (uint32_t k = 0; k < count; k++)
            *to++ = (struct parquet_level){vec->span[from[i].row].start + k,
                                           (uint16_t)(from[i].def + 1), k ? rep : from[i].rep};
    }
    struct buf swap = levels->now;
    levels->now = levels->next;
    levels->next = swap;
    levels->count = (uint32_t)total;
    return true;
}

int parquet_levels_shred(struct parquet_levels *levels, const struct parquet_leaf *leaf,
                         const struct block *block, struct err *err)
{
    const struct vec *vec = &block->cols[leaf->steps[0]];
    levels->count = block->rows;
    levels->levels = NULL;
    levels->vec = vec;
    if (leaf->step_count == 1 && !vec->valid)
        return 0;
    if (!resize(&levels->now, block->rows))
        return err_set(err, ERR_NOMEM, "out of memory for levels");
    for (uint32_t i = 0; i < block->rows; i++)
        entries(&levels->now)[i] = (struct parquet_level){.row = i};
    uint16_t rep = 0;
    for (uint32_t step = 1;; step++) {
        enter(levels, vec);
        if (step == leaf->step_count)
            break;
        if (vec->type->kind == TYPE_ARRAY && !expand(levels, vec, ++rep))
            return err_set(err, ERR_NOMEM, "out of memory for levels");
        vec = &vec->children[leaf->steps[step]];
    }
    levels->vec = vec;
    levels->levels = entries(&levels->now);
    return 0;
}

void parquet_levels_fini(struct parquet_levels *levels)
{
    buf_fini(&levels->now);
    buf_fini(&levels->next);
}
