/* fuzz_sql.c: any bytes as a query over a view with columns of every type. What binds is run over a
 * small block of edge values, and its rows are written as JSON; of queries with aggregates the
 * stages before the state are run. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "format/json_rows.h"
#include "sql/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 6, ELEMENTS = 5, TEXT_MAX = 4096 };

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

/* Row 5 is NULL in every column; what stands there must not matter. */
static uint64_t valid_rows[1] = {0x1f};
static uint64_t valid_elements[1] = {0x17};

static const struct type boolean_type = {.kind = TYPE_BOOLEAN};
static const struct type tinyint_type = {.kind = TYPE_TINYINT};
static const struct type smallint_type = {.kind = TYPE_SMALLINT};
static const struct type int_type = {.kind = TYPE_INT};
static const struct type bigint_type = {.kind = TYPE_BIGINT};
static const struct type float_type = {.kind = TYPE_FLOAT};
static const struct type double_type = {.kind = TYPE_DOUBLE};
static const struct type decimal_small = {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2};
static const struct type decimal_big = {.kind = TYPE_DECIMAL, .precision = 38, .scale = 0};
static const struct type string_type = {.kind = TYPE_STRING};
static const struct type binary_type = {.kind = TYPE_BINARY};
static const struct type date_type = {.kind = TYPE_DATE};
static const struct type timestamp_type = {.kind = TYPE_TIMESTAMP};
static const struct type ints_type = {.kind = TYPE_ARRAY, .element = &int_type};
static const struct type strings_type = {.kind = TYPE_ARRAY, .element = &string_type};
static const struct field pair_fields[] = {{TEXT("a"), &int_type}, {TEXT("b"), &string_type}};
static const struct type pair_type = {.kind = TYPE_STRUCT, .field_count = 2, .fields = pair_fields};
static const struct type pairs_type = {.kind = TYPE_ARRAY, .element = &pair_type};

static uint8_t booleans[ROWS] = {0, 1, 1, 0, 1, 0};
static int8_t tinyints[ROWS] = {0, 1, -1, INT8_MIN, INT8_MAX, 77};
static int16_t smallints[ROWS] = {0, 1, -1, INT16_MIN, INT16_MAX, 77};
static int32_t ints[ROWS] = {0, 3, -1, INT32_MIN, INT32_MAX, INT32_MAX};
static int64_t bigints[ROWS] = {0, 2, -1, INT64_MIN, INT64_MAX, INT64_MAX};
static float floats[ROWS] = {-0.0F, 1.5F, NAN, -INFINITY, FLT_MAX, 1};
static double doubles[ROWS] = {-0.0, 1.5, NAN, INFINITY, -DBL_MAX, DBL_TRUE_MIN};
static __int128 small[ROWS] = {0, 12345, -9999999999, 9999999999, 1, 0};
static __int128 big[ROWS];
static struct str texts[ROWS] = {TEXT(""),
                                 TEXT("Hello, World 12.5"),
                                 TEXT("na\xc3\xafve \xf0\x9f\x98\x80 \xe2\x82\xac"),
                                 TEXT("\xff\xc3(\xed\xa0\x80\xf0\x9f"),
                                 TEXT("2024-02-29 12:34:56.789"),
                                 {NULL, 0}};
static struct str others[ROWS] = {TEXT("a%_\\"), TEXT("(o+)|l"),     TEXT("\xf0\x9f\x98\x80"),
                                  TEXT(","),     TEXT("yyyy-MM-dd"), TEXT("x")};
static struct str documents[ROWS] = {TEXT("{\"a\":{\"b\":[1,\"x\",null]},\"c\":1.5}"),
                                     TEXT("[1,2,{\"a\":3}]"),
                                     TEXT("http://u:p@example.com:80/p/a?q=1&r=%20#f"),
                                     TEXT("{\"a\":"),
                                     TEXT("null"),
                                     TEXT("")};
static int32_t dates[ROWS] = {0, 19782, -719162, 2932896, INT32_MIN, INT32_MAX};
static int64_t timestamps[ROWS] = {0,         1709210096789123, -1,
                                   INT64_MIN, INT64_MAX,        -62135596800000000};
static struct vec_span spans[ROWS] = {{0, 0}, {0, 2}, {2, 3}, {1, 1}, {0, ELEMENTS}, {0, 0}};
static int32_t element_ints[ELEMENTS] = {1, INT32_MIN, 0, 0, INT32_MAX};
static struct str element_texts[ELEMENTS] = {
    TEXT("a"), TEXT(""), TEXT("\xf0\x9f\x98\x80"), {NULL, 0}, TEXT("b,c")};

static struct vec element_int = {
    .type = &int_type, .rows = ELEMENTS, .valid = valid_elements, .i32 = element_ints};
static struct vec element_text = {
    .type = &string_type, .rows = ELEMENTS, .valid = valid_elements, .str = element_texts};
static struct vec pair_parts[2], element_parts[2], element_pair;

#define COLUMN(text, of)                                                                           \
    {                                                                                              \
        .name = {text, sizeof(text) - 1}, .type = &(of)                                            \
    }
static const struct sql_column columns[] = {
    COLUMN("ok", boolean_type),  COLUMN("i", tinyint_type),     COLUMN("h", smallint_type),
    COLUMN("n", int_type),       COLUMN("l", bigint_type),      COLUMN("f", float_type),
    COLUMN("d", double_type),    COLUMN("m", decimal_small),    COLUMN("big", decimal_big),
    COLUMN("s", string_type),    COLUMN("t", string_type),      COLUMN("j", string_type),
    COLUMN("b", binary_type),    COLUMN("day", date_type),      COLUMN("ts", timestamp_type),
    COLUMN("arr", ints_type),    COLUMN("words", strings_type), COLUMN("st", pair_type),
    COLUMN("pairs", pairs_type),
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static void fill(struct vec vecs[COLUMN_COUNT])
{
    void *const data[COLUMN_COUNT] = {
        booleans, tinyints,  smallints, ints,  bigints,    floats, doubles, small, big,  texts,
        others,   documents, texts,     dates, timestamps, spans,  spans,   NULL,  spans};
    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        vecs[i] = (struct vec){.type = columns[i].type,
                               .rows = ROWS,
                               .valid = i == 1 ? NULL : valid_rows, /* one column without NULLs */
                               .data = data[i]};
    big[1] = 1;
    big[3] = 0;
    for (uint32_t i = 0; i < 38; i++)
        big[3] = big[3] * 10 + 9;
    big[4] = -big[3];
    pair_parts[0] = vecs[3];
    pair_parts[1] = vecs[9];
    element_parts[0] = element_int;
    element_parts[1] = element_text;
    element_pair = (struct vec){
        .type = &pair_type, .rows = ELEMENTS, .valid = valid_elements, .children = element_parts};
    vecs[15].children = &element_int;
    vecs[16].children = &element_text;
    vecs[17].children = pair_parts;
    vecs[18].children = &element_pair;
}

/* All stages; 0 or the error's code, of which the message must be there. */
static int run(struct sql_query *query, const struct block *in, struct arena *arena,
               struct buf *out)
{
    struct sql_batch_context context = {.batch_timestamp_us = 1709210096789123};
    struct err err = {0};
    struct sql_run stages;
    struct block rows;
    int code = sql_run_begin(&stages, query, in, &context, arena, &err);
    if (code == 0)
        code = sql_run_early(&stages);
    if (code == 0)
        code = sql_run_late(&stages);
    if (code == 0 && sql_query_grouping(query))
        code = sql_run_inputs(&stages, &rows);
    else if (code == 0)
        code = sql_run_items(&stages, &rows);
    if (code == 0 && !sql_query_grouping(query))
        json_rows_append(out, sql_query_schema(query), &rows, 0, rows.rows);
    if (code == ERR_INVALID && !err.msg[0])
        abort();
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vec vecs[COLUMN_COUNT];
    struct block block = {.cols = vecs, .col_count = COLUMN_COUNT, .rows = ROWS};
    struct sql_scope scope = {.view = STR("tx"),
                              .columns = columns,
                              .count = COLUMN_COUNT,
                              .event_time = size % 2 ? 14 : -1};
    struct sql_query *query = NULL;
    struct sql_error error = {0};
    struct sql_errors errors = {&error, 1, 0};
    struct arena arena = {0};
    struct buf out = {0};
    if (size > TEXT_MAX)
        return 0;
    fill(vecs);
    int code = sql_query_create(&query, (struct str){(const char *)data, size}, &scope, &errors);
    if (code != 0 && (error.code != code || error.offset > size || !error.message[0]))
        abort();
    if (code == 0) {
        if (sql_query_explain((struct str){(const char *)data, size}, &scope, &out) != 0)
            abort();
        buf_clear(&out);
        (void)run(query, &block, &arena, &out);
        sql_query_destroy(query);
    }
    buf_fini(&out);
    arena_fini(&arena);
    return 0;
}
