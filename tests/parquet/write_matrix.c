/* write_matrix ROWS NULLS DISTINCT COMPRESSION SHAPE FILE [...]: writes Parquet files of values
 * that tests/system/parquet_values.py makes again, for other readers to judge.
 *
 * NULLS: none, some, all. DISTINCT: 1, 100, all. SHAPE: types, lab, bloom (types with
 * filters, and of small pages and row groups), plain (types without dictionaries), saved (types,
 * by an encoder that is saved after each block, with its rows or not, and gone on with in another).
 * A value is a function of its type and of a number k, which the row's number and DISTINCT give. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/file_encoder.h"

enum { ROWS = 3000, ARGUMENTS = 6 }; /* rows per block: no divisor of anything */

enum shape { SHAPE_TYPES, SHAPE_LAB, SHAPE_BLOOM, SHAPE_PLAIN, SHAPE_SAVED };
enum nulls { NULLS_NONE, NULLS_SOME, NULLS_ALL };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "write_matrix: %s\n", what);
    exit(1);
}

static void must(int code, const struct err *err)
{
    if (code)
        fail(err ? err->msg : "out of memory");
}

/* The last steps of MurmurHash3 for 64 bits: another number for every k. */
static uint64_t scramble(uint64_t k)
{
    k = (k ^ k >> 33) * 0xff51afd7ed558ccdU;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53U;
    return k ^ k >> 33;
}

static __int128 power_of_ten(int n)
{
    __int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static __int128 decimal_of(int precision, uint64_t k)
{
    uint64_t m = scramble(k);
    if (precision <= 18) {
        __int128 range = power_of_ten(precision);
        return (precision <= 9 ? m >> 32 : m) % range - range / 2;
    }
    __int128 value = k % 50 * power_of_ten(18) + m % power_of_ten(18);
    return k % 2 ? -value : value;
}

static double double_of(uint64_t k, double divisor)
{
    switch (k % 50) {
    case 7:
        return (double)NAN;
    case 8:
        return -0.0;
    case 9:
        return (double)INFINITY;
    default:
        return (double)(int32_t)(scramble(k) >> 32) / divisor;
    }
}

static struct str text_of(uint64_t k, struct arena *arena)
{
    struct buf text = {0};
    for (int i = 0; k % 20 == 3 && i < 90; i++)
        buf_append_str(&text, STR("\xd1\x8f"));
    if (k % 20 != 4)
        buf_printf(&text, "user_%u", (uint32_t)(scramble(k) >> 32));
    struct str copy = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

static struct str bytes_of(uint64_t k, struct arena *arena)
{
    char bytes[80];
    uint64_t m = scramble(k);
    size_t n = k % 20 == 3 ? 70 : 0;
    memset(bytes, 0xff, n);
    memcpy(bytes + n, &m, sizeof m);
    return arena_str(arena, (struct str){bytes, n + sizeof m});
}

static void set_value(struct vec *vec, uint32_t row, uint64_t k, struct arena *arena)
{
    uint64_t m = scramble(k);
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        vec->boolean[row] = k % 3 == 0;
        break;
    case TYPE_TINYINT:
        vec->i8[row] = (int8_t)((int)(k % 256) - 128);
        break;
    case TYPE_SMALLINT:
        vec->i16[row] = (int16_t)((int)(k * 31 % 65536) - 32768);
        break;
    case TYPE_INT:
        vec->i32[row] = (int32_t)(m >> 32);
        break;
    case TYPE_BIGINT:
        vec->i64[row] = (int64_t)m;
        break;
    case TYPE_DATE:
        vec->i32[row] = (int32_t)(k % 40000) - 10000;
        break;
    case TYPE_TIMESTAMP:
        vec->i64[row] = 1766784000000000 + (int64_t)k * 1000003;
        break;
    case TYPE_FLOAT:
        vec->f32[row] = (float)double_of(k, 256);
        break;
    case TYPE_DOUBLE:
        vec->f64[row] = double_of(k, 100);
        break;
    case TYPE_DECIMAL:
        vec->decimal[row] = decimal_of(vec->type->precision, k);
        break;
    case TYPE_STRING:
        vec->str[row] = text_of(k, arena);
        break;
    default:
        vec->str[row] = bytes_of(k, arena);
    }
}

static void fill(struct vec *vec, const struct type *type, const uint64_t *k, uint32_t n,
                 bool with_nulls, struct arena *arena);

static void fill_array(struct vec *vec, const uint64_t *k, uint32_t n, bool with_nulls,
                       struct arena *arena)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        vec->span[i] = (struct vec_span){total, (uint32_t)(k[i] % 4)};
        total += vec->span[i].count;
    }
    uint64_t *inner = ARENA_ARRAY(arena, uint64_t, total + 1);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < vec->span[i].count; j++)
            inner[vec->span[i].start + j] = k[i] + j;
    }
    fill(&vec->children[0], vec->type->element, inner, total, with_nulls, arena);
}

/* Field or element values; where with_nulls, those of every fifth k are NULL. */
static void fill(struct vec *vec, const struct type *type, const uint64_t *k, uint32_t n,
                 bool with_nulls, struct arena *arena)
{
    must(vec_init(vec, type, n, arena), NULL);
    if (type->kind == TYPE_ARRAY) {
        fill_array(vec, k, n, with_nulls, arena);
    } else if (type->kind == TYPE_STRUCT) {
        uint64_t *inner = ARENA_ARRAY(arena, uint64_t, n + 1);
        for (uint32_t f = 0; f < type->field_count; f++) {
            for (uint32_t i = 0; i < n; i++)
                inner[i] = k[i] + f;
            fill(&vec->children[f], type->fields[f].type, inner, n, with_nulls, arena);
        }
    } else {
        for (uint32_t i = 0; i < n; i++)
            set_value(vec, i, k[i], arena);
    }
    if (with_nulls) {
        must(vec_ensure_valid(vec, arena), NULL);
        for (uint32_t i = 0; i < n; i++) {
            if (k[i] % 5 == 4)
                vec_set_null(vec, i);
        }
    }
}

/* The shape `types`: every type, and nested ones. */

#define SIMPLE(k)     (&(const struct type){.kind = (k)})
#define DECIMAL(p, s) (&(const struct type){.kind = TYPE_DECIMAL, .precision = (p), .scale = (s)})
#define ARRAY(of)     (&(const struct type){.kind = TYPE_ARRAY, .element = (of)})
#define STRUCT(n, ...)                                                                             \
    (&(const struct type){                                                                         \
        .kind = TYPE_STRUCT, .field_count = (n), .fields = (const struct field[]){__VA_ARGS__}})
#define FIELD(title, of)                                                                           \
    {                                                                                              \
        {title, sizeof title - 1}, of                                                              \
    }

static const struct field type_fields[] = {
    FIELD("bool", SIMPLE(TYPE_BOOLEAN)),
    FIELD("i8", SIMPLE(TYPE_TINYINT)),
    FIELD("i16", SIMPLE(TYPE_SMALLINT)),
    FIELD("i32", SIMPLE(TYPE_INT)),
    FIELD("i64", SIMPLE(TYPE_BIGINT)),
    FIELD("f32", SIMPLE(TYPE_FLOAT)),
    FIELD("f64", SIMPLE(TYPE_DOUBLE)),
    FIELD("dec9", DECIMAL(9, 2)),
    FIELD("dec18", DECIMAL(18, 4)),
    FIELD("dec20", DECIMAL(20, 0)),
    FIELD("dec38", DECIMAL(38, 10)),
    FIELD("str", SIMPLE(TYPE_STRING)),
    FIELD("bin", SIMPLE(TYPE_BINARY)),
    FIELD("date", SIMPLE(TYPE_DATE)),
    FIELD("ts", SIMPLE(TYPE_TIMESTAMP)),
    FIELD("st", STRUCT(3, FIELD("a", SIMPLE(TYPE_INT)), FIELD("b", SIMPLE(TYPE_STRING)),
                       FIELD("c", STRUCT(1, FIELD("d", SIMPLE(TYPE_DOUBLE)))))),
    FIELD("arr", ARRAY(SIMPLE(TYPE_INT))),
    FIELD("arr2", ARRAY(ARRAY(SIMPLE(TYPE_STRING)))),
    FIELD("arrst", ARRAY(STRUCT(2, FIELD("x", SIMPLE(TYPE_BIGINT)),
                                FIELD("y", ARRAY(SIMPLE(TYPE_DOUBLE)))))),
    FIELD("starr", STRUCT(1, FIELD("l", ARRAY(SIMPLE(TYPE_DATE))))),
};
static const struct type types_schema = {
    .kind = TYPE_STRUCT, .field_count = COUNT_OF(type_fields), .fields = type_fields};

/* The shape `lab`: the messages that the lab sends. */
static const struct field lab_fields[] = {
    FIELD("transaction_id", SIMPLE(TYPE_STRING)), FIELD("user_id", SIMPLE(TYPE_STRING)),
    FIELD("amount", SIMPLE(TYPE_DOUBLE)),         FIELD("type", SIMPLE(TYPE_STRING)),
    FIELD("timestamp", SIMPLE(TYPE_TIMESTAMP)),   FIELD("location", SIMPLE(TYPE_STRING))};
static const struct type lab_schema = {
    .kind = TYPE_STRUCT, .field_count = COUNT_OF(lab_fields), .fields = lab_fields};

static struct str lab_text(uint32_t column, uint64_t row, uint32_t u, struct arena *arena)
{
    static const char *const kinds[] = {"purchase", "withdrawal", "transfer"};
    char text[32] = "";
    if (column == 0)
        snprintf(text, sizeof text, "txn_%04" PRIu64, row);
    else if (column == 1)
        snprintf(text, sizeof text, "user_%u", u % 1000);
    else
        snprintf(text, sizeof text, "%s", column == 3 ? kinds[u % 3] : u % 2 ? "online" : "store");
    return arena_str(arena, str_of(text));
}

static void fill_lab(struct block *block, uint64_t first, struct arena *arena)
{
    for (uint32_t c = 0; c < block->col_count; c++)
        must(vec_init(&block->cols[c], lab_fields[c].type, block->rows, arena), NULL);
    for (uint32_t i = 0; i < block->rows; i++) {
        uint32_t u = (uint32_t)(scramble(first + i + 1) >> 32);
        block->cols[2].f64[i] = (double)(u / 7 % 99901 + 100) / 100.0;
        block->cols[4].i64[i] = 1766784000000000 + (int64_t)((first + i) / 500) * 1000000;
        for (uint32_t c = 0; c < block->col_count; c += c == 1 || c == 3 ? 2 : 1)
            block->cols[c].str[i] = lab_text(c, first + i, u, arena);
    }
}

static void fill_types(struct block *block, uint64_t first, uint64_t distinct, enum nulls nulls,
                       struct arena *arena)
{
    uint64_t *k = ARENA_ARRAY(arena, uint64_t, block->rows + 1);
    for (uint32_t i = 0; i < block->rows; i++)
        k[i] = distinct ? (first + i) * 37 % distinct : first + i;
    for (uint32_t c = 0; c < block->col_count; c++) {
        struct vec *vec = &block->cols[c];
        fill(vec, type_fields[c].type, k, block->rows, false, arena);
        if (nulls == NULLS_NONE)
            continue;
        if (type_fields[c].type->kind >= TYPE_STRUCT)
            fill(vec, type_fields[c].type, k, block->rows, true, arena);
        vec->valid = NULL;
        must(vec_ensure_valid(vec, arena), NULL);
        for (uint32_t i = 0; i < block->rows; i++) {
            if (nulls == NULLS_ALL || ((first + i) * 13 + c * 5) % 7 == 3)
                vec_set_null(vec, i);
        }
    }
}

static void flush(struct buf *out, FILE *file)
{
    if (out->n && fwrite(out->p, 1, out->n, file) != out->n)
        fail("cannot write");
    buf_clear(out);
}

/* The encoder's successor in another process. */
static void replace(struct file_encoder **encoder, const struct file_format *format,
                    const struct type *schema, size_t state_max, struct buf *out)
{
    struct buf state = {0};
    struct err err;
    must(file_encoder_save(*encoder, state_max, out, &state, &err), &err);
    file_encoder_destroy(*encoder);
    must(file_encoder_restore(encoder, format, schema, buf_str(&state), &err), &err);
    buf_fini(&state);
}

static void write_file(uint64_t rows, enum nulls nulls, uint64_t distinct,
                       const struct file_format *format, int shape, const char *path)
{
    struct err err;
    struct arena arena = {0};
    struct buf out = {0};
    bool lab = shape == SHAPE_LAB;
    const struct type *schema = lab ? &lab_schema : &types_schema;
    struct vec cols[COUNT_OF(type_fields)];
    struct file_encoder *encoder;
    FILE *file = fopen(path, "wb");
    if (!file)
        fail("cannot open the file");
    must(file_encoder_create(&encoder, format, schema, &err), &err);
    file_encoder_savable(encoder);
    for (uint64_t first = 0; first < rows; first += ROWS) {
        uint32_t n = (uint32_t)(rows - first < ROWS ? rows - first : ROWS);
        struct block block = {cols, schema->field_count, n};
        if (lab)
            fill_lab(&block, first, &arena);
        else
            fill_types(&block, first, distinct, nulls, &arena);
        must(file_encoder_write(encoder, &block, &out, &err), &err);
        if (shape == SHAPE_SAVED)
            replace(&encoder, format, schema, first / ROWS % 3 == 2 ? 0 : 1 << 20, &out);
        flush(&out, file);
        arena_reset(&arena);
    }
    must(file_encoder_finish(encoder, &out, &err), &err);
    flush(&out, file);
    file_encoder_destroy(encoder);
    buf_fini(&out);
    arena_fini(&arena);
    if (fclose(file))
        fail("cannot write");
}

static int index_of(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0)
            return i;
    }
    fail(word);
}

int main(int argc, char **argv)
{
    static const char *const nulls[] = {"none", "some", "all"};
    static const char *const shapes[] = {"types", "lab", "bloom", "plain", "saved"};
    static const char *const codecs[] = {"none", "snappy", "gzip", "zstd", "lz4_raw"};
    static const enum file_compression compressions[] = {COMPRESSION_NONE, COMPRESSION_SNAPPY,
                                                         COMPRESSION_GZIP, COMPRESSION_ZSTD,
                                                         COMPRESSION_LZ4_RAW};
    static const struct str bloom[] = {
        {"i32", 3}, {"i64", 3}, {"str", 3}, {"dec20", 5}, {"st.b", 4}};
    for (int i = 1; i + ARGUMENTS <= argc; i += ARGUMENTS) {
        char **word = argv + i;
        int shape = index_of(word[4], shapes, COUNT_OF(shapes));
        struct file_format format = {.kind = FILE_PARQUET,
                                     .compression =
                                         compressions[index_of(word[3], codecs, COUNT_OF(codecs))]};
        if (shape == SHAPE_BLOOM)
            format.parquet = (struct parquet_options){.bloom = bloom,
                                                      .bloom_count = COUNT_OF(bloom),
                                                      .row_group_bytes = 2 << 20,
                                                      .page_bytes = 32 << 10};
        format.parquet.no_dictionary = shape == SHAPE_PLAIN;
        write_file(
            strtoull(word[0], NULL, 10), (enum nulls)index_of(word[1], nulls, COUNT_OF(nulls)),
            strcmp(word[2], "all") ? strtoull(word[2], NULL, 10) : 0, &format, shape, word[5]);
    }
    return 0;
}
