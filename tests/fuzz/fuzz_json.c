/* fuzz_json.c: any bytes through the JSON decoder, then through both printers.
 *
 * The first byte picks the types of the columns, the second which of them are wanted, whether there
 * is a column for corrupt records, and how the table is cut; the rest are records, one per line,
 * each decoded from a heap copy of its exact size. */
#include <stddef.h>
#include <stdlib.h>

#include "format/console.h"
#include "format/json_decode.h"
#include "format/json_rows.h"

enum { COLUMNS = 6, RECORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum type_kind kinds[] = {
    TYPE_STRING, TYPE_DOUBLE, TYPE_TIMESTAMP, TYPE_INT,      TYPE_BOOLEAN, TYPE_DATE,
    TYPE_BINARY, TYPE_BIGINT, TYPE_FLOAT,     TYPE_SMALLINT, TYPE_TINYINT,
};

static const struct type type_decimal = {.kind = TYPE_DECIMAL, .precision = 7, .scale = 3};
static const struct type type_int = {.kind = TYPE_INT};
static const struct type type_string = {.kind = TYPE_STRING};
static const struct type type_ints = {.kind = TYPE_ARRAY, .element = &type_int};
static const struct field inner_fields[] = {{{"a", 1}, &type_int},
                                            {{"b", 1}, &type_string},
                                            {{"type", 4}, &type_ints},
                                            {{"a", 1}, &type_decimal}};
static const struct type type_struct = {
    .kind = TYPE_STRUCT, .field_count = 4, .fields = inner_fields};
static const struct type type_structs = {.kind = TYPE_ARRAY, .element = &type_struct};
static const struct field outer_fields[] = {{{"a", 1}, &type_struct}, {{"b", 1}, &type_structs}};
static const struct type type_outer = {
    .kind = TYPE_STRUCT, .field_count = 2, .fields = outer_fields};

static const struct type *const nested[] = {&type_decimal, &type_ints, &type_struct, &type_structs,
                                            &type_outer};

/* With the highest bit the columns are nested. */
static void make_schema(uint8_t choice, struct field fields[COLUMNS])
{
    static const char *const names[COLUMNS] = {
        "a", "b", "type", "timestamp", "a_name_that_is_too_long", "\xc3\xa9"};
    for (uint8_t i = 0; i < COLUMNS; i++)
        fields[i] =
            (struct field){str_of(names[i]),
                           type_simple(kinds[(choice + i * (1 + choice % 3)) % COUNT_OF(kinds)])};
    for (uint8_t i = 0; i < COLUMNS && choice & 128; i++)
        fields[i].type = nested[(choice + i) % COUNT_OF(nested)];
    fields[COLUMNS - 1].type = type_simple(TYPE_STRING);
}

static uint32_t split(const uint8_t *data, size_t size, struct record records[RECORDS_MAX])
{
    uint32_t count = 0;
    for (size_t start = 0, i = 0; i <= size && count < RECORDS_MAX; i++) {
        if (i < size && data[i] != '\n')
            continue;
        char *copy = malloc(i > start ? i - start : 1);
        if (copy && i > start)
            memcpy(copy, data + start, i - start);
        records[count++] = (struct record){.value = {copy, i - start}};
        start = i + 1;
    }
    return count;
}

static void print(const struct type *schema, const struct block *block, uint8_t choice)
{
    struct buf out = {0};
    struct console_table table;
    struct err err;
    json_rows_append(&out, schema, block, 0, block->rows);
    if (console_table_init(&table, schema, choice % 8, choice / 8 % 8, &err) == 0) {
        if (console_table_add(&table, block, &err) == 0)
            console_batch_print(&table, choice, &out);
        console_table_fini(&table);
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[COLUMNS];
    struct record records[RECORDS_MAX];
    uint8_t malformed[RECORDS_MAX];
    bool wanted[COLUMNS];
    struct json_decoder *decoder;
    struct err err;
    if (size < 2)
        return 0;
    make_schema(data[0], fields);
    for (int i = 0; i < COLUMNS; i++)
        wanted[i] = !(data[1] >> i & 1);
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = COLUMNS, .fields = fields};
    struct json_decode_options options = {
        .schema = &schema, .corrupt_column = data[1] & 64 ? COLUMNS - 1 : -1, .wanted = wanted};
    if (json_decoder_create(&decoder, &options, &err) != 0)
        return 0;
    uint32_t count = split(data + 2, size - 2, records);
    struct arena arena = {0};
    struct block block;
    for (int round = 0; round < 2; round++) { /* the second time the keys are expected */
        if (json_decode_block(decoder, records, count, 0, &arena, &block, malformed, &err) == 0)
            print(&schema, &block, data[1]);
    }
    for (uint32_t i = 0; i < count; i++)
        free((char *)records[i].value.p);
    arena_fini(&arena);
    json_decoder_destroy(decoder);
    return 0;
}
