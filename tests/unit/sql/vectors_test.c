/* Every query of spark_vectors.tsv gives the names, types and values that Spark 3.5.3 gave. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "leaks.h"
#include "sql/query.h"

TestSuite(sql_vectors, .fini = leaks_check);

enum { REPEAT = 5, ROWS_MAX = 64 }; /* the table is repeated, so that bitmaps have several words */

struct vectors {
    char *text;
    struct arena arena;
    struct sql_column columns[64];
    struct vec cols[64];
    uint32_t column_count;
    char *fields[ROWS_MAX + 8]; /* of the current line */
    uint32_t field_count;
};

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(n + 1);
    cr_assert_eq(fread(text, 1, n, file), n);
    text[n] = '\0';
    fclose(file);
    return text;
}

/* Splits a line at tabs; returns the next line. */
static char *split_line(struct vectors *v, char *line)
{
    char *end = strchr(line, '\n');
    *end = '\0';
    v->field_count = 0;
    for (char *p = line; p; p = strchr(p, '\t')) {
        if (v->field_count)
            *p++ = '\0';
        cr_assert_lt(v->field_count, COUNT_OF(v->fields));
        v->fields[v->field_count++] = p;
    }
    return end + 1;
}

static struct str unescape(struct vectors *v, const char *field)
{
    char *out = arena_alloc(&v->arena, strlen(field) + 1);
    size_t n = 0;
    for (; *field; field++) {
        char c = *field;
        if (c == '\\') {
            c = *++field;
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return (struct str){out, n};
}

static struct str unhex(struct vectors *v, const char *field)
{
    size_t n = strlen(field) / 2;
    char *out = arena_alloc(&v->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        char digits[3] = {field[1 + 2 * i], field[2 + 2 * i], '\0'};
        out[i] = (char)strtol(digits, NULL, 16);
    }
    return (struct str){out, n};
}

static enum type_kind kind_of(const char *name)
{
    for (int kind = 0; kind < TYPE_KIND_COUNT; kind++) {
        if (kind == TYPE_DECIMAL || kind == TYPE_STRUCT || kind == TYPE_ARRAY)
            continue;
        struct buf text = {0};
        type_print(type_simple((enum type_kind)kind), &text);
        bool same = strcmp(buf_cstr(&text), name) == 0;
        buf_fini(&text);
        if (same)
            return (enum type_kind)kind;
    }
    cr_assert_fail("type %s", name);
    return TYPE_VOID;
}

static void store(struct vectors *v, struct vec *vec, uint32_t row, const char *field)
{
    if (strcmp(field, "\\N") == 0) {
        vec_set_null(vec, row);
        if (vec->type->kind == TYPE_STRING || vec->type->kind == TYPE_BINARY)
            vec->str[row] = (struct str){NULL, 0};
        else if (type_width(vec->type))
            memset((char *)vec->data + row * type_width(vec->type), 0x5A, type_width(vec->type));
        if (vec->type->kind == TYPE_BOOLEAN)
            vec->boolean[row] = row % 2;
        return;
    }
    switch (vec->type->kind) {
    case TYPE_BOOLEAN:
        vec->boolean[row] = field[0] == 't';
        break;
    case TYPE_TINYINT:
        vec->i8[row] = (int8_t)atoi(field);
        break;
    case TYPE_SMALLINT:
        vec->i16[row] = (int16_t)atoi(field);
        break;
    case TYPE_INT:
    case TYPE_DATE:
        vec->i32[row] = (int32_t)atoll(field);
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        vec->i64[row] = atoll(field);
        break;
    case TYPE_FLOAT:
        vec->f32[row] = strtof(field, NULL);
        break;
    case TYPE_DOUBLE:
        vec->f64[row] = strtod(field, NULL);
        break;
    case TYPE_STRING:
        vec->str[row] = unescape(v, field);
        break;
    case TYPE_BINARY:
        vec->str[row] = unhex(v, field);
        break;
    default:
        break;
    }
}

static void add_column(struct vectors *v)
{
    uint32_t rows = v->field_count - 3;
    uint32_t at = v->column_count++;
    v->columns[at].name = unescape(v, v->fields[1]);
    v->columns[at].type = type_simple(kind_of(v->fields[2]));
    struct vec *vec = &v->cols[at];
    cr_assert_eq(vec_init(vec, v->columns[at].type, rows * REPEAT, &v->arena), 0);
    cr_assert_eq(vec_ensure_valid(vec, &v->arena), 0);
    for (uint32_t i = 0; i < rows * REPEAT; i++)
        store(v, vec, i, v->fields[3 + i % rows]);
}

/* Whether a row of a result is what the field says. */
static bool same(struct vectors *v, const struct vec *vec, uint32_t row, const char *field)
{
    if (strcmp(field, "\\N") == 0 || vec_is_null(vec, row))
        return strcmp(field, "\\N") == 0 && vec_is_null(vec, row);
    struct vec want;
    cr_assert_eq(vec_init(&want, vec->type, 1, &v->arena), 0);
    store(v, &want, 0, field);
    switch (vec->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        return str_eq(vec->str[row], want.str[0]);
    case TYPE_FLOAT:
        if (isnan(want.f32[0]))
            return isnan(vec->f32[row]);
        break;
    case TYPE_DOUBLE:
        if (isnan(want.f64[0]))
            return isnan(vec->f64[row]);
        break;
    default:
        break;
    }
    size_t width = type_width(vec->type);
    return memcmp((char *)vec->data + row * width, want.data, width) == 0;
}

static void check_result(struct vectors *v, const char *query, const struct type *schema,
                         const struct block *rows, uint32_t column)
{
    cr_assert_lt(column, schema->field_count, "%s", query);
    struct str name = unescape(v, v->fields[1]);
    const struct field *field = &schema->fields[column];
    cr_expect(str_eq(field->name, name), "%s: name %.*s, Spark: %s", query, STR_ARG(field->name),
              v->fields[1]);
    const struct vec *vec = &rows->cols[column];
    cr_expect(vec->type->kind == kind_of(v->fields[2]) && type_eq(vec->type, field->type),
              "%s: type of %s: Spark %s", query, v->fields[1], v->fields[2]);
    if (vec->type->kind != kind_of(v->fields[2]))
        return;
    uint32_t count = v->field_count - 3;
    cr_expect_eq(rows->rows, count * REPEAT, "%s: %u rows, Spark %u", query, rows->rows, count);
    cr_expect_eq(vec->rows, rows->rows, "%s: rows of %s", query, v->fields[1]);
    for (uint32_t i = 0; i < rows->rows && rows->rows == count * REPEAT; i++) {
        bool ok = same(v, vec, i, v->fields[3 + i % count]);
        cr_expect(ok, "%s: %s: row %u: Spark has %s", query, v->fields[1], i,
                  v->fields[3 + i % count]);
        if (!ok)
            break;
    }
}

Test(sql_vectors, spark_gives_the_same)
{
    struct vectors v = {.text = read_file(SQL_VECTORS)};
    struct sql_query *query = NULL;
    struct arena results = {0};
    struct block rows = {0};
    struct str text = {0};
    uint32_t column = 0, queries = 0;
    for (char *line = v.text; *line;) {
        line = split_line(&v, line);
        if (strcmp(v.fields[0], "column") == 0) {
            add_column(&v);
        } else if (strcmp(v.fields[0], "query") == 0) {
            struct sql_scope scope = {STR("tx"), v.columns, v.column_count, -1, false};
            struct sql_error error;
            struct sql_errors errors = {&error, 1, 0};
            struct err err;
            struct sql_batch_context context = {0};
            struct block in = {v.cols, v.column_count, v.cols[0].rows};
            sql_query_destroy(query);
            arena_reset(&results);
            text = unescape(&v, v.fields[1]);
            int code = sql_query_create(&query, text, &scope, &errors);
            cr_expect_eq(code, 0, "%s: %u:%u: %s", text.p, error.line, error.column, error.message);
            if (code == 0)
                cr_assert_eq(fixture_run(query, &in, &context, &results, &rows, &err), 0, "%s",
                             text.p);
            column = 0;
            queries++;
        } else if (query) {
            check_result(&v, text.p, sql_query_schema(query), &rows, column++);
        }
    }
    cr_assert_gt(queries, 50);
    sql_query_destroy(query);
    arena_fini(&results);
    arena_fini(&v.arena);
    free(v.text);
}
