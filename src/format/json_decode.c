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
        [TYPE_TIMESTAMP] = TYPE_OPS(timestamp), [TYPE_DECIMAL] = TYPE_OPS(decimal),
        [TYPE_STRUCT] = TYPE_OPS(struct),       [TYPE_ARRAY] = TYPE_OPS(array),
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
static uint32_t *find_slot(const struct json_object *object, struct str name)
{
    uint32_t mask = object->slots_count - 1;
    for (uint32_t i = hash_name(name) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &object->slots[i];
        if (*slot == 0 || str_eq(object->columns[*slot - 1].name, name))
            return slot;
    }
}

int json_column_find(const struct json_object *object, struct str name)
{
    return (int)*find_slot(object, name) - 1;
}

static int init_fields(struct json_decoder *decoder, struct json_object *object,
                       const struct type *type, bool wanted);

static int init_column(struct json_decoder *decoder, struct json_column *column, struct str name,
                       const struct type *type, bool wanted)
{
    *column = (struct json_column){
        .name = name,
        .type = type,
        .ops = json_type_ops(type->kind),
        .wanted = wanted,
        .from_json = true,
        .follows = UINT32_MAX,
    };
    if (name.n < sizeof column->key) {
        memcpy(column->key, name.n ? name.p : "", name.n);
        column->key[name.n] = '"';
        column->key_n = (uint32_t)name.n + 1;
    }
    if (type->kind == TYPE_STRUCT)
        return init_fields(decoder, &column->object, type, wanted);
    if (type->kind != TYPE_ARRAY)
        return 0;
    column->element = ARENA_NEW(&decoder->memory, struct json_column);
    return column->element
               ? init_column(decoder, column->element, (struct str){0}, type->element, wanted)
               : ERR_NOMEM;
}

static int init_object(struct json_decoder *decoder, struct json_object *object, uint32_t count)
{
    object->column_count = count;
    object->first = UINT32_MAX;
    object->slots_count = 4;
    while (object->slots_count < count * 2)
        object->slots_count *= 2;
    object->columns = ARENA_ARRAY(&decoder->memory, struct json_column, (size_t)count + 1);
    object->slots = ARENA_ARRAY(&decoder->memory, uint32_t, object->slots_count);
    return object->columns && object->slots ? 0 : ERR_NOMEM;
}

/* The fields of a STRUCT inside a column. Of two with one name Spark fills the last. */
static int init_fields(struct json_decoder *decoder, struct json_object *object,
                       const struct type *type, bool wanted)
{
    if (init_object(decoder, object, type->field_count) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        if (init_column(decoder, &object->columns[i], field->name, field->type, wanted) != 0)
            return ERR_NOMEM;
        *find_slot(object, field->name) = i + 1;
    }
    return 0;
}

static int init_root(struct json_decoder *decoder, const struct json_decode_options *options)
{
    const struct type *schema = options->schema;
    struct json_object *root = &decoder->root;
    if (init_object(decoder, root, schema->field_count) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        struct json_column *column = &root->columns[i];
        bool wanted = !options->wanted || options->wanted[i];
        if (init_column(decoder, column, field->name, field->type, wanted) != 0)
            return ERR_NOMEM;
        column->from_json = (int)i != options->corrupt_column;
        if (column->from_json)
            *find_slot(root, field->name) = i + 1;
    }
    return 0;
}

/* A type inside `type` that cannot be read from JSON, or NULL. */
static const struct type *unreadable(const struct type *type)
{
    const struct type *inside = NULL;
    if (!json_type_ops(type->kind))
        return type;
    if (type->kind == TYPE_ARRAY)
        return unreadable(type->element);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count && !inside; i++)
        inside = unreadable(type->fields[i].type);
    return inside;
}

static int check_schema(const struct json_decode_options *options, struct err *err)
{
    const struct type *schema = options->schema;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        bool corrupt = (int)i == options->corrupt_column;
        REQUIRE(!corrupt || field->type->kind == TYPE_STRING);
        const struct type *type = unreadable(field->type);
        if (!type)
            continue;
        struct buf name = {0};
        type_print(type, &name);
        err_set(err, ERR_UNSUPPORTED, "column %.*s: reading %s from JSON is not supported",
                STR_ARG(field->name), buf_cstr(&name));
        buf_fini(&name);
        return ERR_UNSUPPORTED;
    }
    return 0;
}

/* The patterns of an options' texts. */
static int make_patterns(struct json_decoder *decoder, const struct json_decode_options *options,
                         struct err *err)
{
    int code = 0;
    if (options->timestamp_format.p)
        code =
            time_pattern_create(&decoder->timestamp_pattern, options->timestamp_format, true, err);
    if (code == 0 && options->date_format.p)
        code = time_pattern_create(&decoder->date_pattern, options->date_format, true, err);
    return code;
}

int json_decoder_create(struct json_decoder **out, const struct json_decode_options *options,
                        struct err *err)
{
    *out = NULL;
    if (check_schema(options, err) != 0)
        return ERR_UNSUPPORTED;
    struct json_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return err_set(err, ERR_NOMEM, "out of memory for a JSON decoder");
    decoder->corrupt_column = options->corrupt_column;
    decoder->whole = options->whole;
    decoder->scratch = calloc(BLOCK_ROWS_MAX, sizeof(struct str));
    decoder->scratch_valid = calloc(vec_valid_words(BLOCK_ROWS_MAX), sizeof(uint64_t));
    if (!decoder->scratch || !decoder->scratch_valid || init_root(decoder, options) != 0) {
        json_decoder_destroy(decoder);
        return err_set(err, ERR_NOMEM, "out of memory for a JSON decoder");
    }
    int code = make_patterns(decoder, options, err);
    if (code != 0) {
        json_decoder_destroy(decoder);
        return code;
    }
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
    time_pattern_destroy(decoder->timestamp_pattern);
    time_pattern_destroy(decoder->date_pattern);
    free(decoder->units.p);
    buf_fini(&decoder->text);
    arena_fini(&decoder->memory);
    free(decoder->scratch);
    free(decoder->scratch_valid);
    free(decoder);
}

/* Room for rows more than the column has, which keep their values. */
static int resize_column(struct json_decoder *decoder, struct json_column *column, uint32_t old,
                         uint32_t rows)
{
    size_t width = type_width(column->type), words = vec_valid_words(rows);
    uint64_t *valid = arena_calloc(decoder->arena, words, sizeof *valid);
    char *data = arena_alloc(decoder->arena, width * rows);
    if (!valid || !data)
        return ERR_NOMEM;
    if (old > 0) {
        memcpy(valid, column->valid, vec_valid_words(old) * sizeof *valid);
        if (width)
            memcpy(data, column->data, width * old);
    }
    column->valid = valid;
    column->data = data;
    for (uint32_t i = 0; i < column->object.column_count; i++) {
        if (resize_column(decoder, &column->object.columns[i], old, rows) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* Gives a column and what is in it scratch memory; arrays in it have no elements yet. */
static void reset_column(struct json_decoder *decoder, struct json_column *column)
{
    column->data = decoder->scratch;
    column->valid = decoder->scratch_valid;
    column->used = column->capacity = 0;
    for (uint32_t i = 0; i < column->object.column_count; i++)
        reset_column(decoder, &column->object.columns[i]);
    if (column->element)
        reset_column(decoder, column->element);
}

uint32_t json_element_add(struct json_decoder *decoder, struct json_column *element)
{
    enum { FIRST = 64 };
    if (!element->wanted)
        return 0; /* all share one place in the scratch memory */
    if (element->used == element->capacity) {
        uint32_t capacity = element->capacity ? element->capacity * 2 : FIRST;
        if (capacity < element->capacity ||
            resize_column(decoder, element, element->capacity, capacity) != 0) {
            decoder->nomem = true;
            return UINT32_MAX;
        }
        element->capacity = capacity;
    }
    return element->used++;
}

/* Gives a wanted column its memory in the block, any other one the scratch memory. */
static int begin_column(struct json_decoder *decoder, struct json_column *column, uint32_t count)
{
    reset_column(decoder, column);
    return column->wanted ? resize_column(decoder, column, 0, count) : 0;
}

/* Drops the bitmap when no row is NULL, else gives NULL rows a defined value. */
static void end_valid(struct vec *vec)
{
    size_t width = type_width(vec->type);
    bool any = false;
    for (uint32_t word = 0; word < vec_valid_words(vec->rows); word++) {
        uint32_t left = vec->rows - word * 64;
        uint64_t nulls = ~vec->valid[word] & (left < 64 ? (1ULL << left) - 1 : ~0ULL);
        any |= nulls != 0;
        for (; nulls && width; nulls &= nulls - 1) {
            size_t row = word * 64 + (uint32_t)__builtin_ctzll(nulls);
            memset((char *)vec->data + row * width, 0, width);
        }
    }
    if (!any)
        vec->valid = NULL;
}

/* Makes the vector of what was decoded. */
static int end_column(struct json_decoder *decoder, const struct json_column *column,
                      struct vec *vec, uint32_t rows)
{
    uint32_t fields = column->object.column_count;
    *vec = (struct vec){
        .type = column->type, .rows = rows, .valid = column->valid, .data = column->data};
    end_valid(vec);
    if (column->type->kind == TYPE_STRUCT || column->element)
        vec->children = ARENA_ARRAY(decoder->arena, struct vec, fields + 1);
    else
        return 0;
    if (!vec->children)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < fields; i++) {
        if (end_column(decoder, &column->object.columns[i], &vec->children[i], rows) != 0)
            return ERR_NOMEM;
    }
    const struct json_column *element = column->element;
    if (!element)
        return 0;
    if (element->used == 0)
        return vec_init(vec->children, element->type, 0, decoder->arena);
    return end_column(decoder, element, vec->children, element->used);
}

/* All plain columns that are not wanted share one piece of zeros. */
static int init_unwanted(struct json_decoder *decoder, struct block *out)
{
    size_t bytes = (size_t)out->rows * sizeof(struct str);
    void *zeros = arena_calloc(decoder->arena, bytes + sizeof(uint64_t), 1);
    if (!zeros)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < decoder->root.column_count; i++) {
        const struct json_column *column = &decoder->root.columns[i];
        if (column->wanted)
            continue;
        out->cols[i] =
            (struct vec){.type = column->type, .rows = out->rows, .valid = zeros, .data = zeros};
        bool nested = column->type->kind == TYPE_STRUCT || column->element;
        if (nested && vec_init_null(&out->cols[i], column->type, out->rows, decoder->arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int begin_block(struct json_decoder *decoder, uint32_t count, struct arena *arena,
                       struct block *out)
{
    struct json_object *root = &decoder->root;
    decoder->arena = arena;
    decoder->nomem = false;
    *out = (struct block){.col_count = root->column_count, .rows = count};
    out->cols = ARENA_ARRAY(arena, struct vec, root->column_count);
    if (!out->cols)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < root->column_count; i++) {
        if (begin_column(decoder, &root->columns[i], count) != 0)
            return ERR_NOMEM;
    }
    return init_unwanted(decoder, out);
}

static int end_block(struct json_decoder *decoder, struct block *out)
{
    struct json_object *root = &decoder->root;
    for (uint32_t i = 0; i < root->column_count && !decoder->nomem; i++) {
        const struct json_column *column = &root->columns[i];
        if (column->wanted && end_column(decoder, column, &out->cols[i], out->rows) != 0)
            decoder->nomem = true;
    }
    return decoder->nomem ? ERR_NOMEM : 0;
}

static void set_corrupt(struct json_decoder *decoder, uint32_t row, struct str text)
{
    struct json_column *column = &decoder->root.columns[decoder->corrupt_column];
    column->str[row] = text;
    json_set_valid(column, row);
}

int json_decode_block(struct json_decoder *decoder, const struct record *records, uint32_t count,
                      int64_t now, struct arena *arena, struct block *out, uint8_t *malformed,
                      struct err *err)
{
    REQUIRE(count <= BLOCK_ROWS_MAX);
    decoder->now = now;
    decoder->used_now = false;
    if (begin_block(decoder, count, arena, out) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
    for (uint32_t row = 0; row < count; row++) {
        struct str text = records[row].value;
        malformed[row] = 0;
        if (!text.p || (!decoder->whole && json_decode_fast(decoder, row, text)))
            continue;
        malformed[row] = decoder->whole ? json_decode_whole(decoder, row, text)
                                        : json_decode_exact(decoder, row, text);
        if (malformed[row] && decoder->corrupt_column >= 0)
            set_corrupt(decoder, row, text);
        if (decoder->nomem)
            break;
    }
    if (end_block(decoder, out) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
    return 0;
}

bool json_decoder_used_now(const struct json_decoder *decoder)
{
    return decoder->used_now;
}
