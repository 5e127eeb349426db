#include <criterion/criterion.h>

#include "format/parquet_dictionary.h"
#include "format/parquet_values.h"

/* a: ARRAY<STRUCT<b ARRAY<INT>>>, of five rows:
 * [{[1, 2]}, {[]}], [], NULL, [NULL, {NULL}], [{[NULL, 3]}]. */
Test(parquet_levels, nested_rows_become_levels)
{
    const struct type ints = {.kind = TYPE_ARRAY, .element = type_simple(TYPE_INT)};
    const struct field inner[] = {{STR("b"), &ints}};
    const struct type structs = {.kind = TYPE_STRUCT, .field_count = 1, .fields = inner};
    const struct type outer = {.kind = TYPE_ARRAY, .element = &structs};
    const struct field fields[] = {{STR("a"), &outer}};
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = fields};
    struct arena arena = {0};
    struct err err;
    struct parquet_schema parquet;
    struct parquet_levels levels = {0};
    struct vec a;
    cr_assert_eq(parquet_schema_init(&parquet, &schema, &err), 0);
    cr_assert_eq(parquet.leaf_count, 1);
    cr_expect_eq(parquet.leaves[0].def_max, 6);
    cr_expect_eq(parquet.leaves[0].rep_max, 2);
    cr_expect_eq(parquet.leaves[0].name_count, 6);

    cr_assert_eq(vec_init(&a, &outer, 5, &arena), 0);
    memcpy(a.span, (struct vec_span[]){{0, 2}, {2, 0}, {0, 2}, {2, 2}, {4, 1}}, 5 * sizeof *a.span);
    cr_assert_eq(vec_ensure_valid(&a, &arena), 0);
    vec_set_null(&a, 2);
    struct vec *element = &a.children[0];
    cr_assert_eq(vec_init(element, &structs, 5, &arena), 0);
    cr_assert_eq(vec_ensure_valid(element, &arena), 0);
    vec_set_null(element, 2);
    struct vec *b = &element->children[0];
    memcpy(b->span, (struct vec_span[]){{0, 2}, {2, 0}, {0, 4}, {0, 4}, {2, 2}},
           5 * sizeof *b->span);
    cr_assert_eq(vec_ensure_valid(b, &arena), 0);
    vec_set_null(b, 3);
    cr_assert_eq(vec_init(&b->children[0], type_simple(TYPE_INT), 4, &arena), 0);
    memcpy(b->children[0].i32, (int32_t[]){1, 2, 0, 3}, 4 * sizeof(int32_t));
    cr_assert_eq(vec_ensure_valid(&b->children[0], &arena), 0);
    vec_set_null(&b->children[0], 2);

    struct block block = {&a, 1, 5};
    cr_assert_eq(parquet_levels_shred(&levels, &parquet.leaves[0], &block, &err), 0);
    const struct {
        uint16_t def, rep;
        int value; /* 0: none */
    } want[] = {{6, 0, 1}, {6, 2, 2}, {4, 1, 0}, {1, 0, 0}, {0, 0, 0},
                {2, 0, 0}, {3, 1, 0}, {5, 0, 0}, {6, 2, 3}};
    cr_assert_eq(levels.count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct parquet_level *level = &levels.levels[i];
        cr_expect_eq(level->def, want[i].def, "definition of %zu", i);
        cr_expect_eq(level->rep, want[i].rep, "repetition of %zu", i);
        cr_expect_eq(level->row != PARQUET_NO_VALUE, want[i].value != 0);
        if (want[i].value)
            cr_expect_eq(levels.vec->i32[level->row], want[i].value);
    }
    parquet_levels_fini(&levels);
    parquet_schema_fini(&parquet);
    arena_fini(&arena);
}

static struct str gather_one(struct parquet_gather *gather, enum type_kind kind, struct str text)
{
    struct parquet_leaf leaf = {.type = type_simple(kind), .def_max = 1};
    parquet_leaf_set_physical(&leaf);
    struct vec vec = {.type = leaf.type, .rows = 1, .str = &text};
    struct parquet_levels levels = {.vec = &vec, .count = 1};
    struct parquet_values values;
    struct err err;
    cr_assert_eq(parquet_gather(gather, &leaf, &levels, 0, 1, &values, &err), 0);
    cr_assert_eq(values.count, 1);
    return values.str[0];
}

Test(parquet_values, malformed_texts_are_replaced_and_bytes_are_not)
{
    struct parquet_gather gather = {0};
    static const char *const texts[][2] = {
        {"", ""},
        {"\xff", "\xef\xbf\xbd"},
        {"ab\xff", "ab\xef\xbf\xbd"},
        {"\xd1\x8f", "\xd1\x8f"},
        {"abc\x80xyz", "abc\xef\xbf\xbdxyz"},
        {"abcd\x80", "abcd\xef\xbf\xbd"},
        {"\x80xxxxxxx", "\xef\xbf\xbdxxxxxxx"},
        {"0123456789abcdef\xf0\x9f", "0123456789abcdef\xef\xbf\xbd"},
        {"0123456789abc\xc3ghijklmnopq", "0123456789abc\xef\xbf\xbdghijklmnopq"},
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str text = str_of(texts[i][0]);
        cr_expect(str_is(gather_one(&gather, TYPE_STRING, text), texts[i][1]), "text %zu", i);
        cr_expect(str_eq(gather_one(&gather, TYPE_BINARY, text), text), "bytes %zu", i);
    }
    parquet_gather_fini(&gather);
}

Test(parquet_dictionary, every_value_has_one_number_until_it_is_full)
{
    enum { N = 200000 };
    static uint64_t values[N];
    static uint32_t first[N], again[N];
    struct dictionary dictionary = {.width = 8};
    for (size_t i = 0; i < N; i++)
        values[i] = i << 32; /* as bad for a weak hash as for a table by low bits */
    size_t n = dictionary_put_64(&dictionary, values, N, first);
    cr_expect_eq(n, DICTIONARY_BYTES_MAX / 8);
    cr_expect_eq(dictionary.count, n);
    cr_expect_eq(dictionary_put_64(&dictionary, values, n, again), n);
    cr_expect_arr_eq(first, again, n * sizeof *first);
    cr_expect_eq(dictionary_put_64(&dictionary, values + n, 1, again), 0);
    cr_expect(!dictionary.failed);
    dictionary_fini(&dictionary);
}

Test(parquet_dictionary, strings_are_told_apart_and_expanded)
{
    struct dictionary dictionary = {0};
    struct str values[] = {STR("a"),
                           STR(""),
                           STR("ab"),
                           STR("a"),
                           {"a\0", 2},
                           STR("0123456789abcdef0"),
                           STR("0123456789abcdef1"),
                           STR("")};
    const uint32_t want[] = {0, 1, 2, 0, 3, 4, 5, 1};
    uint32_t got[COUNT_OF(want)];
    struct buf out = {0};
    cr_assert_eq(dictionary_put_str(&dictionary, values, COUNT_OF(want), got), COUNT_OF(want));
    cr_expect_arr_eq(got, want, sizeof want);
    dictionary_expand(&dictionary, (const uint32_t[]){2, 1, 3}, 3, &out);
    cr_assert_eq(out.n, 16);
    cr_expect(memcmp(out.p, "\2\0\0\0ab\0\0\0\0\2\0\0\0a\0", 16) == 0);
    buf_fini(&out);
    dictionary_fini(&dictionary);
}

/* Among so many texts some have equal parts of the hash in their slots. */
Test(parquet_dictionary, equal_hashes_are_not_equal_values)
{
    enum { N = 60000, ROUNDS = 16, LENGTH = 12 };
    static char texts[N][LENGTH];
    static struct str values[N];
    static uint32_t numbers[N];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct dictionary dictionary = {0};
        for (unsigned i = 0; i < N; i++) {
            unsigned both[] = {i, round, i * round};
            memcpy(texts[i], both, LENGTH);
            values[i] = (struct str){texts[i], LENGTH};
        }
        cr_assert_eq(dictionary_put_str(&dictionary, values, N, numbers), N);
        cr_expect_eq(dictionary.count, N, "round %u: %u values", round, dictionary.count);
        dictionary_fini(&dictionary);
    }
}
