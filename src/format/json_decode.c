#include "format/json_decode.h"

#include <stdlib.h>

#include "format/json_exact.h"
#include "format/json_fast.h"

#define TYPE_OPS(name)                                                                             \
    {                                                                                              \
        json_fast_##name, json_exact_##name                                                        \
    }

const struct json_type_ops *json_type_ops(enum type_kind kind)
{
    static const struct json_type_ops table[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = TYPE_OPS(boolean),     [TYPE_TINYINT] = TYPE_OPS(tinyint),
        [TYPE_SMALLINT] = TYPE_OPS(smallint),   [TYPE_INT] = TYPE_OPS(int),
        [TYPE_BIGINT] = TYPE_OPS(bigint),       [TYPE_FLOAT] = TYPE_OPS(float),
        [TYPE_DOUBLE] = TYPE_OPS(double),       [TYPE_STRING] = TYPE_OPS(string),
        [TYPE_BINARY] = TYPE_OPS(binary),       [TYPE_DATE] = TYPE_OPS(date),
        [TYPE_TIMESTAMP] = TYPE_OPS(timestamp),
    };
    return table[kind].fast ? &table[kind] : NULL;
}

static uint32_t hash_name(struct str name)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619U;
    return hash;
}

/* The slot of this name, or the free one where it belongs. */
static uint32_t *find_slot(const struct json_decoder *decoder, struct str name)
{
    uint32_t mask = decoder->slots_count - 1;
    for (uint32_t i = hash_name(name) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &decoder->slots[i];
        if (*slot == 0 || str_eq(decoder->columns[*slot - 1].name, name))
            return slot;
    }
}

int json_column_find(const struct json_decoder *decoder, struct str name)
{
    return (int)*find_slot(decoder, name) - 1;
}

static void init_column(struct json_decoder *decoder, const struct json_decode_options *options,
                        uint32_t i)
{
    const struct field *field = &options->schema->fields[i];
    struct json_column *column = &decoder->columns[i];
    *column = (struct json_column){
        .name = field->name,
        .type = field->type,
        .ops = json_type_ops(field->type->kind),
        .wanted = !options->wanted || options->wanted[i],
        .from_json = (int)i != options->corrupt_column,
        .follows = UINT32_MAX,
    };
    if (field->name.n < sizeof column->key) {
        memcpy(column->key, field->name.p, field->name.n);
        column->key[field->name.n] = '"';
        column->key_n = (uint32_t)field->name.n + 1;
    }
    if (column->from_json)
        *find_slot(decoder, field->name) = i + 1;
}

static int check_schema(const struct json_decode_options *options, struct err *err)
{
    const struct type *schema = options->schema;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        bool corrupt = (int)i == options->corrupt_column;
        REQUIRE(!corrupt || field->type->kind == TYPE_STRING);
        if (json_type_ops(field->type->kind))
            continue;
        struct buf name = {0};
        type_print(field->type, &name);
        err_set(err, ERR_UNSUPPORTED, "column %.*s: reading %s from JSON is not supported yet",
                STR_ARG(field->name), buf_cstr(&name));
        buf_fini(&name);
        return ERR_UNSUPPORTED;
    }
    return 0;
}

int json_decoder_create(struct json_decoder **out, const struct json_decode_options *options,
                        struct err *err)
{
    uint32_t count = options->schema->field_count;
    *out = NULL;
    if (check_schema(options, err) != 0)
        return ERR_UNSUPPORTED;
    struct json_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return err_set(err, ERR_NOMEM, "out of memory for a JSON decoder");
    decoder->column_count = count;
    decoder->corrupt_column = options->corrupt_column;
    decoder->first = UINT32_MAX;
    decoder->slots_count = 4;
    while (decoder->slots_count < count * 2)
        decoder->slots_count *= 2;
    decoder->columns = calloc((size_t)count + 1, sizeof *decoder->columns);
    decoder->slots = calloc(decoder->slots_count, sizeof *decoder->slots);
    decoder->scratch = calloc(BLOCK_ROWS_MAX, sizeof(struct str));
    decoder->scratch_valid = calloc(vec_valid_words(BLOCK_ROWS_MAX), sizeof(uint64_t));
    if (!decoder->columns || !decoder->slots || !decoder->scratch || !decoder->scratch_valid) {
        json_decoder_destroy(decoder);
        return err_set(err, ERR_NOMEM, "out of memory for a JSON decoder");
    }
    for (uint32_t i = 0; i < count; i++)
        init_column(decoder, options, i);
    *out = decoder;
    return 0;
}

void json_decoder_destroy(struct json_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->reader)
        json_reader_fini(decoder->reader);
    free(decoder->reader);
    free(decoder->units.p);
    buf_fini(&decoder->text);
    free(decoder->columns);
    free(decoder->slots);
    free(decoder->scratch);
    free(decoder->scratch_valid);
    free(decoder);
}

/* Gives a wanted column its memory in the block, any other one the scratch memory. */
static int begin_column(struct json_decoder *decoder, struct json_column *column, struct vec *vec,
                        uint32_t count)
{
    column->data = decoder->scratch;
    column->valid = decoder->scratch_valid;
    if (!column->wanted)
        return 0;
    if (vec_init(vec, column->type, count, decoder->arena) != 0)
        return ERR_NOMEM;
    vec->valid = arena_calloc(decoder->arena, vec_valid_words(count), sizeof(uint64_t));
    column->data = vec->data;
    column->valid = vec->valid;
    return vec->valid ? 0 : ERR_NOMEM;
}

/* Drops the bitmap when no row is NULL, else gives NULL rows a defined value. */
static void end_column(struct vec *vec)
{
    size_t width = type_width(vec->type);
    bool any = false;
    for (uint32_t word = 0; word < vec_valid_words(vec->rows); word++) {
        uint32_t left = vec->rows - word * 64;
        uint64_t nulls = ~vec->valid[word] & (left < 64 ? (1ULL << left) - 1 : ~0ULL);
        any |= nulls != 0;
        for (; nulls; nulls &= nulls - 1) {
            size_t row = word * 64 + (uint32_t)__builtin_ctzll(nulls);
            memset((char *)vec->data + row * width, 0, width);
        }
    }
    if (!any)
        vec->valid = NULL;
}

/* All columns that are not wanted share one piece of zeros. */
static int init_unwanted(struct json_decoder *decoder, struct block *out)
{
    size_t bytes = (size_t)out->rows * sizeof(struct str);
    void *zeros = NULL;
    for (uint32_t i = 0; i < decoder->column_count; i++) {
        if (decoder->columns[i].wanted)
            continue;
        if (!zeros)
            zeros = arena_calloc(decoder->arena, bytes + sizeof(uint64_t), 1);
        if (!zeros)
            return ERR_NOMEM;
        out->cols[i] = (struct vec){
            .type = decoder->columns[i].type, .rows = out->rows, .valid = zeros, .data = zeros};
    }
    return 0;
}

static int begin_block(struct json_decoder *decoder, uint32_t count, struct arena *arena,
                       struct block *out)
{
    decoder->arena = arena;
    decoder->nomem = false;
    *out = (struct block){.col_count = decoder->column_count, .rows = count};
    out->cols = ARENA_ARRAY(arena, struct vec, decoder->column_count);
    if (!out->cols)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < decoder->column_count; i++) {
        if (begin_column(decoder, &decoder->columns[i], &out->cols[i], count) != 0)
            return ERR_NOMEM;
    }
    return init_unwanted(decoder, out);
}

static void set_corrupt(struct json_decoder *decoder, uint32_t row, struct str text)
{
    struct json_column *column = &decoder->columns[decoder->corrupt_column];
    column->str[row] = text;
    json_set_valid(column, row);
}

int json_decode_block(struct json_decoder *decoder, const struct record *records, uint32_t count,
                      struct arena *arena, struct block *out, uint8_t *malformed, struct err *err)
{
    REQUIRE(count <= BLOCK_ROWS_MAX);
    if (begin_block(decoder, count, arena, out) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
    for (uint32_t row = 0; row < count; row++) {
        struct str text = records[row].value;
        malformed[row] = 0;
        if (!text.p || json_decode_fast(decoder, row, text))
            continue;
        malformed[row] = json_decode_exact(decoder, row, text);
        if (malformed[row] && decoder->corrupt_column >= 0)
            set_corrupt(decoder, row, text);
        if (decoder->nomem)
            return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
    }
    if (decoder->nomem)
        return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
    for (uint32_t i = 0; i < decoder->column_count; i++) {
        if (decoder->columns[i].wanted)
            end_column(&out->cols[i]);
    }
    return 0;
}
