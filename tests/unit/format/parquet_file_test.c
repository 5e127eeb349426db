#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/file_encoder.h"

/* Allocations are counted, and fail from a number on: the linker puts these in front of the
 * library's own (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long allowed = -1; /* allocations until they fail; -1: all may be */

static bool allow(void)
{
    if (allowed > 0)
        allowed--;
    return allowed != 0;
}

void *__wrap_malloc(size_t size)
{
    return allow() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allow() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
    return allow() ? __real_realloc(p, size) : NULL;
}

#define SIMPLE(k) (&(const struct type){.kind = (k)})

static const struct field pair_fields[] = {{{"a", 1}, SIMPLE(TYPE_BIGINT)},
                                           {{"b", 1}, SIMPLE(TYPE_STRING)}};
static const struct type pair = {.kind = TYPE_STRUCT, .field_count = 2, .fields = pair_fields};
static const struct type pairs = {.kind = TYPE_ARRAY, .element = &pair};
static const struct field fields[] = {{{"id", 2}, SIMPLE(TYPE_STRING)},
                                      {{"n", 1}, SIMPLE(TYPE_INT)},
                                      {{"x", 1}, SIMPLE(TYPE_DOUBLE)},
                                      {{"pairs", 5}, &pairs}};
static const struct type schema = {.kind = TYPE_STRUCT, .field_count = 4, .fields = fields};

enum { ROWS = 500 };

static void fill(struct block *block, struct vec *cols, struct arena *arena)
{
    *block = (struct block){cols, 4, ROWS};
    for (uint32_t c = 0; c < 4; c++)
        cr_assert_eq(vec_init(&cols[c], fields[c].type, ROWS, arena), 0);
    cr_assert_eq(vec_init(&cols[3].children[0], &pair, 2 * ROWS, arena), 0);
    cr_assert_eq(vec_ensure_valid(&cols[1], arena), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        char text[24];
        size_t n = (size_t)snprintf(text, sizeof text, "user_%u", i);
        cols[0].str[i] = arena_str(arena, (struct str){text, n});
        cols[1].i32[i] = (int32_t)(i * i);
        cols[2].f64[i] = i / 4.0;
        cols[3].span[i] = (struct vec_span){i, i % 3};
        if (i % 5 == 0)
            vec_set_null(&cols[1], i);
    }
    for (uint32_t i = 0; i < 2 * ROWS; i++) {
        cols[3].children[0].children[0].i64[i] = i;
        cols[3].children[0].children[1].str[i] = STR("text");
    }
}

/* A file of a few row groups; returns the first error. */
static int encode(const struct file_format *format, const struct block *block, struct buf *out,
                  size_t *memory, struct err *err)
{
    struct file_encoder *encoder = NULL;
    int code = file_encoder_create(&encoder, format, &schema, err);
    for (int i = 0; !code && i < 12; i++) {
        code = file_encoder_write(encoder, block, out, err);
        size_t held = file_encoder_memory(encoder);
        *memory = held > *memory ? held : *memory;
    }
    if (!code)
        code = file_encoder_finish(encoder, out, err);
    file_encoder_destroy(encoder);
    return code;
}

static const struct str bloom[] = {{"id", 2}};
static const struct file_format small_groups = {
    .kind = FILE_PARQUET,
    .parquet = {.row_group_bytes = 20000, .page_bytes = 3000, .bloom = bloom, .bloom_count = 1}};

Test(parquet_file, every_failed_allocation_is_an_error)
{
    struct arena arena = {0};
    struct vec cols[4];
    struct block block;
    struct buf out = {0};
    fill(&block, cols, &arena);
    bool done = false;
    for (long k = 1; !done; k += k < 400 ? 1 : 17) {
        struct err err = {0};
        size_t memory = 0;
        buf_fini(&out);
        allowed = k;
        int code = encode(&small_groups, &block, &out, &memory, &err);
        done = allowed != 0;
        allowed = -1;
        cr_assert(code == 0 ? done : code == ERR_NOMEM && err.code == ERR_NOMEM && err.msg[0],
                  "allocation %ld: code %d", k, code);
        cr_assert(k < 100000);
    }
    cr_assert_gt(out.n, 20000);
    cr_expect(memcmp(out.p, "PAR1", 4) == 0 && memcmp(out.p + out.n - 4, "PAR1", 4) == 0);
    buf_fini(&out);
    arena_fini(&arena);
}

Test(parquet_file, row_groups_leave_when_they_end_and_little_is_held)
{
    struct arena arena = {0};
    struct vec cols[4];
    struct block block;
    struct buf out = {0};
    struct file_encoder *encoder;
    struct err err;
    const struct file_format format = {.kind = FILE_PARQUET};
    fill(&block, cols, &arena);
    cr_assert_eq(file_encoder_create(&encoder, &format, &schema, &err), 0);
    cr_expect_lt(file_encoder_memory(encoder), 16384);
    block.rows = 10;
    cr_assert_eq(file_encoder_write(encoder, &block, &out, &err), 0);
    cr_expect_eq(out.n, 4, "only the magic bytes are written at first");
    cr_expect_lt(file_encoder_memory(encoder), 24576, "few rows are held in little memory");
    uint64_t pending = file_encoder_pending(encoder);
    cr_assert_eq(file_encoder_finish(encoder, &out, &err), 0);
    cr_expect(out.n > pending / 3 && out.n < pending * 3, "%zu bytes, not about %zu", out.n,
              (size_t)pending);
    file_encoder_destroy(encoder);
    buf_clear(&out);
    size_t memory = 0;
    block.rows = ROWS;
    cr_assert_eq(encode(&small_groups, &block, &out, &memory, &err), 0);
    cr_expect_lt(memory, 1 << 20);
    buf_fini(&out);
    arena_fini(&arena);
}

static void expect_refused(const struct type *type, const char *message)
{
    const struct file_format format = {.kind = FILE_PARQUET};
    struct file_encoder *encoder;
    struct err err;
    cr_expect_eq(file_format_check(&format, type, &err), ERR_UNSUPPORTED);
    cr_expect_str_eq(err.msg, message);
    cr_expect_eq(file_encoder_create(&encoder, &format, type, &err), ERR_UNSUPPORTED);
}

#define TYPES(...)                                                                                 \
    (&(struct type){.kind = TYPE_STRUCT,                                                           \
                    .field_count = COUNT_OF(((struct field[]){__VA_ARGS__})),                      \
                    .fields = (struct field[]){__VA_ARGS__}})

Test(parquet_file, what_spark_refuses_is_refused_with_its_words)
{
    const struct type *integer = type_simple(TYPE_INT), *none = type_simple(TYPE_VOID);
    expect_refused(TYPES({STR("a"), integer}, {STR("x"), none}),
                   "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Parquet datasource doesn't support "
                   "the column `x` of the type \"VOID\".");
    expect_refused(TYPES({STR("x"), TYPES({STR("a"), integer}, {STR("v"), none})}),
                   "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Parquet datasource doesn't support "
                   "the column `x` of the type \"STRUCT<a: INT, v: VOID>\".");
    expect_refused(TYPES({STR("x"), (&(struct type){.kind = TYPE_ARRAY, .element = none})}),
                   "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Parquet datasource doesn't support "
                   "the column `x` of the type \"ARRAY<VOID>\".");
    expect_refused(TYPES({STR("i"), type_simple(TYPE_INTERVAL)}),
                   "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Parquet datasource doesn't support "
                   "the column `i` of the type \"INTERVAL\".");
    expect_refused(TYPES({STR("Ab"), integer}, {STR("c"), integer}, {STR("aB"), integer}),
                   "[COLUMN_ALREADY_EXISTS] The column `ab` already exists. Consider to choose "
                   "another name or rename the existing column.");
    expect_refused(TYPES({STR("s"), TYPES({STR("a"), integer}, {STR("a"), integer})}),
                   "[COLUMN_ALREADY_EXISTS] The column `a` already exists. Consider to choose "
                   "another name or rename the existing column.");
    expect_refused(&(struct type){.kind = TYPE_STRUCT},
                   "Datasource does not support writing empty or nested empty schemas.\n"
                   "Please make sure the data schema has at least one or more column(s).");
}
