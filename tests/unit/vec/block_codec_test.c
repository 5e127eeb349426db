/* Rows of every type as bytes and back, and what damage does. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "vec/block_codec.h"

#define SIMPLE(k) (&(const struct type){.kind = (k)})

static const struct type decimal = {.kind = TYPE_DECIMAL, .precision = 38, .scale = 10};
static const struct field inner_fields[] = {
    {{"a", 1}, SIMPLE(TYPE_STRING)},
    {{"b", 1}, &(const struct type){.kind = TYPE_ARRAY, .element = SIMPLE(TYPE_SMALLINT)}}};
static const struct type inner = {.kind = TYPE_STRUCT, .field_count = 2, .fields = inner_fields};
static const struct field fields[] = {
    {{"v", 1}, SIMPLE(TYPE_VOID)},
    {{"bool", 4}, SIMPLE(TYPE_BOOLEAN)},
    {{"i8", 2}, SIMPLE(TYPE_TINYINT)},
    {{"i16", 3}, SIMPLE(TYPE_SMALLINT)},
    {{"i32", 3}, SIMPLE(TYPE_INT)},
    {{"i64", 3}, SIMPLE(TYPE_BIGINT)},
    {{"f32", 3}, SIMPLE(TYPE_FLOAT)},
    {{"f64", 3}, SIMPLE(TYPE_DOUBLE)},
    {{"dec", 3}, &decimal},
    {{"str", 3}, SIMPLE(TYPE_STRING)},
    {{"bin", 3}, SIMPLE(TYPE_BINARY)},
    {{"date", 4}, SIMPLE(TYPE_DATE)},
    {{"ts", 2}, SIMPLE(TYPE_TIMESTAMP)},
    {{"st", 2}, &inner},
    {{"arr", 3}, &(const struct type){.kind = TYPE_ARRAY, .element = &inner}},
    {{"months", 6}, SIMPLE(TYPE_INTERVAL_YEAR_MONTH)},
    {{"time", 4}, SIMPLE(TYPE_INTERVAL_DAY_TIME)},
    {{"mixed", 5}, SIMPLE(TYPE_INTERVAL)},
};
static const struct type schema = {
    .kind = TYPE_STRUCT, .field_count = COUNT_OF(fields), .fields = fields};

/* Random values; where `nulls`, a third of them NULL with garbage underneath. */
static void fill(struct vec *vec, const struct type *type, uint32_t n, bool nulls,
                 struct arena *arena)
{
    cr_assert_eq(vec_init(vec, type, n, arena), 0);
    for (uint32_t i = 0; i < n * type_width(type); i++)
        ((char *)vec->data)[i] = (char)(rand() >> 7);
    for (uint32_t i = 0; i < n && type->kind == TYPE_BOOLEAN; i++)
        vec->boolean[i] &= 1;
    for (uint32_t f = 0; type->kind == TYPE_STRUCT && f < type->field_count; f++)
        fill(&vec->children[f], type->fields[f].type, n, nulls, arena);
    if (type->kind == TYPE_ARRAY)
        fill(&vec->children[0], type->element, 3 * n, nulls, arena);
    if (nulls && type->kind != TYPE_VOID)
        cr_assert_eq(vec_ensure_valid(vec, arena), 0);
    for (uint32_t i = 0; i < n && type->kind != TYPE_VOID; i++) {
        if (nulls && rand() % 3 == 0)
            vec_set_null(vec, i);
        else if (type->kind == TYPE_STRING || type->kind == TYPE_BINARY)
            vec->str[i] = (struct str){"text of some bytes", (size_t)(rand() % 18)};
        else if (type->kind == TYPE_ARRAY)
            vec->span[i] = (struct vec_span){(uint32_t)rand() % (3 * n - 2), (uint32_t)rand() % 3};
    }
}

static struct block make(uint32_t n, bool nulls, struct arena *arena)
{
    struct block block = {ARENA_ARRAY(arena, struct vec, schema.field_count), schema.field_count,
                          n};
    for (uint32_t c = 0; c < schema.field_count; c++)
        fill(&block.cols[c], fields[c].type, n, nulls, arena);
    return block;
}

static bool is_same(const struct vec *a, uint32_t i, const struct vec *b, uint32_t k)
{
    const struct type *type = a->type;
    if (vec_is_null(a, i) || vec_is_null(b, k))
        return vec_is_null(a, i) && vec_is_null(b, k);
    if (type->kind == TYPE_STRING || type->kind == TYPE_BINARY)
        return str_eq(a->str[i], b->str[k]);
    if (type->kind == TYPE_ARRAY) {
        bool same = a->span[i].count == b->span[k].count;
        for (uint32_t e = 0; same && e < a->span[i].count; e++)
            same = is_same(a->children, a->span[i].start + e, b->children, b->span[k].start + e);
        return same;
    }
    for (uint32_t f = 0; type->kind == TYPE_STRUCT && f < type->field_count; f++) {
        if (!is_same(&a->children[f], i, &b->children[f], k))
            return false;
    }
    size_t width = type_width(type);
    return width == 0 ||
           memcmp((char *)a->data + i * width, (char *)b->data + k * width, width) == 0;
}

static void expect_same(const struct block *a, uint32_t first, const struct block *b)
{
    cr_assert_eq(a->col_count, b->col_count);
    for (uint32_t c = 0; c < a->col_count; c++) {
        cr_assert_eq(b->cols[c].rows, b->rows);
        for (uint32_t i = 0; i < b->rows; i++)
            cr_assert(is_same(&a->cols[c], first + i, &b->cols[c], i), "column %s row %u",
                      fields[c].name.p, i);
    }
}

Test(block_codec, every_type_comes_back)
{
    static const uint32_t counts[] = {0, 1, 7, 8, 9, 64, 65, 1000};
    struct arena arena = {0};
    struct err err = {0};
    for (uint32_t i = 0; i < 2 * COUNT_OF(counts); i++) {
        struct buf bytes = {0};
        struct block block = make(counts[i / 2], i % 2, &arena), back;
        if (counts[i / 2] == 0)
            block.cols[14].children[0].rows = 0;
        block_encode(&bytes, &schema, &block);
        cr_assert(!bytes.failed);
        struct bytes_reader in = bytes_read(buf_str(&bytes));
        cr_assert_eq(block_decode(&back, &schema, &in, &arena, &err), 0, "%s", err.msg);
        cr_assert_eq(bytes_left(&in), 0);
        cr_assert_eq(back.rows, block.rows);
        expect_same(&block, 0, &back);
        buf_fini(&bytes);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

Test(block_codec, damage_is_an_error_or_other_rows)
{
    struct arena arena = {0}, scratch = {0};
    struct buf bytes = {0};
    struct err err = {0};
    struct block block = make(20, true, &arena), back;
    block_encode(&bytes, &schema, &block);
    for (size_t n = 0; n < bytes.n; n++) {
        char *copy = malloc(n + 1); /* so that a sanitizer sees every read behind the end */
        memcpy(copy, bytes.p, n);
        struct bytes_reader in = {copy, copy + n, false};
        cr_assert_eq(block_decode(&back, &schema, &in, &scratch, &err), ERR_CORRUPT, "%zu", n);
        arena_reset(&scratch);
        free(copy);
    }
    for (size_t i = 0; i < bytes.n * 8; i += 3) {
        bytes.p[i / 8] = (char)(bytes.p[i / 8] ^ 1 << i % 8);
        struct bytes_reader in = bytes_read(buf_str(&bytes));
        int code = block_decode(&back, &schema, &in, &scratch, &err);
        cr_assert(code == ERR_CORRUPT || (code == 0 && back.col_count == schema.field_count));
        if (code == 0) { /* all of it can be read */
            struct buf again = {0};
            block_encode(&again, &schema, &back);
            buf_fini(&again);
        }
        cr_assert_lt(scratch.bytes, 1 << 20);
        arena_reset(&scratch);
        bytes.p[i / 8] = (char)(bytes.p[i / 8] ^ 1 << i % 8);
    }
    buf_fini(&bytes);
    arena_fini(&scratch);
    arena_fini(&arena);
}

Test(block_codec, slices_are_the_rows_they_were_cut_from)
{
    struct arena arena = {0};
    struct block block = make(300, true, &arena);
    for (uint32_t first = 0; first < 300; first += 31) {
        for (uint32_t n = 0; n <= 300 - first; n += 43) {
            struct block slice = {ARENA_ARRAY(&arena, struct vec, schema.field_count),
                                  schema.field_count, n};
            for (uint32_t c = 0; c < schema.field_count; c++)
                cr_assert_eq(vec_slice(&slice.cols[c], &block.cols[c], first, n, &arena), 0);
            expect_same(&block, first, &slice);
        }
    }
    arena_fini(&arena);
}
