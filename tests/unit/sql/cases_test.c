/* Every query of cases/ gives the names, types and rows that Spark 3.5.3 gave (record_cases.py says
 * what the files hold). Queries that Spark refuses are refused. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "format/json_decode.h"
#include "format/json_rows.h"
#include "leaks.h"
#include "plan/ddl.h"
#include "sql/query.h"

TestSuite(sql_cases, .fini = leaks_check);

enum { RECORDS_MAX = 512, COLUMNS_MAX = 64 };

struct cases {
    const char *file;
    struct arena table, results; /* of the table; of one query */
    struct type schema;
    struct field fields[COLUMNS_MAX];
    struct sql_column columns[COLUMNS_MAX];
    struct record records[RECORDS_MAX];
    uint32_t record_count;
    struct json_decoder *decoder;
    struct block block;
    struct buf rows; /* what sluice gave for the query */
    size_t at;       /* of the next row in it */
    const char *query;
    bool failed, close, single; /* whether there are DOUBLE or FLOAT columns; FLOAT columns */
    unsigned queries;
};

static void close_table(struct cases *c)
{
    json_decoder_destroy(c->decoder);
    c->decoder = NULL;
    c->record_count = 0;
    arena_reset(&c->table);
}

static void open_table(struct cases *c, const char *text)
{
    struct ddl_column *columns;
    struct ddl_error error;
    uint32_t count;
    close_table(c);
    cr_assert_eq(ddl_parse(&columns, &count, str_of(text), &c->table, &error), 0, "%s", text);
    cr_assert_leq(count, COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        c->fields[i] = (struct field){columns[i].name, columns[i].type};
        c->columns[i] = (struct sql_column){.name = columns[i].name, .type = columns[i].type};
    }
    c->schema = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = c->fields};
}

static void decode(struct cases *c)
{
    struct json_decode_options options = {.schema = &c->schema,
                                          .corrupt_column =
                                              type_field_index(&c->schema, STR("_corrupt_record"))};
    static uint8_t malformed[RECORDS_MAX];
    struct err err;
    cr_assert_eq(json_decoder_create(&c->decoder, &options, &err), 0, "%s", err.msg);
    cr_assert_eq(json_decode_block(c->decoder, c->records, c->record_count, 0, &c->table, &c->block,
                                   malformed, &err),
                 0);
}

static void run_query(struct cases *c, const char *text)
{
    struct sql_scope scope = {
        .view = STR("tx"), .columns = c->columns, .count = c->schema.field_count, .event_time = -1};
    struct sql_query *query;
    struct sql_error error;
    struct sql_errors errors = {&error, 1, 0};
    struct err err;
    struct sql_batch_context context = {0};
    struct block out;
    if (!c->decoder)
        decode(c);
    buf_clear(&c->rows);
    arena_reset(&c->results);
    c->at = 0;
    c->query = text;
    c->queries++;
    c->failed = sql_query_create(&query, str_of(text), &scope, &errors) != 0;
    if (c->failed) {
        buf_printf(&c->rows, "%u:%u: %s", error.line, error.column, error.message);
        return;
    }
    int code = fixture_run(query, &c->block, &context, &c->results, &out, &err);
    c->failed = code != 0;
    if (code) {
        buf_printf(&c->rows, "%s", err.msg);
    } else {
        type_print(sql_query_schema(query), &c->rows);
        buf_append_char(&c->rows, '\n');
        json_rows_append(&c->rows, sql_query_schema(query), &out, 0, out.rows);
    }
    sql_query_destroy(query);
}

/* Whether two numbers may be the same FLOAT or DOUBLE: JDK 17 writes some with more digits than
 * needed, and the last bits of what Java's and C's mathematical functions give can differ. Numbers
 * with more digits than a double has are DECIMALs. */
static bool is_close(const char *want, const char *got, size_t want_n, size_t got_n, bool single)
{
    enum { DIGITS = 24, SINGLE_DIGITS = 14 /* with sign, point and exponent */ };
    if (want_n > DIGITS || got_n > DIGITS || strspn(want, "0123456789-") >= want_n)
        return false;
    double a = strtod(want, NULL), b = strtod(got, NULL);
    if (single && want_n <= SINGLE_DIGITS && strtof(want, NULL) == strtof(got, NULL))
        return true;
    return a == b || fabs(a - b) <= fabs(a) * 1e-15;
}

/* Equal texts; close: but for the digits of floating point numbers; single: of FLOATs too. */
static bool same_row(const char *want, const char *got, bool close, bool single)
{
    static const char parts[] = "0123456789.E-+";
    while (*want && *got) {
        size_t want_n = strspn(want, parts), got_n = strspn(got, parts);
        if (want_n > 0 && got_n > 0 && close && is_close(want, got, want_n, got_n, single)) {
            want += want_n;
            got += got_n;
        } else if (*want++ != *got++) {
            return false;
        }
    }
    return *want == *got;
}

static char *next_row(struct cases *c)
{
    if (c->at >= c->rows.n)
        return NULL;
    char *row = c->rows.p + c->at;
    char *end = memchr(row, '\n', c->rows.n - c->at);
    if (end)
        *end = '\0';
    c->at += strlen(row) + 1;
    return row;
}

static void check_line(struct cases *c, const char *word, const char *text)
{
    if (c->failed) {
        cr_expect(strcmp(word, "error") == 0, "%s: %s: refused: %s", c->file, c->query,
                  buf_cstr(&c->rows));
        c->query = NULL;
        return;
    }
    const char *row = next_row(c);
    if (strcmp(word, "type") == 0) {
        size_t n = strlen(row); /* STRUCT<...> */
        c->single = strstr(text, "FLOAT");
        c->close = c->single || strstr(text, "DOUBLE");
        bool same = strncmp(row + 7, text, n - 8) == 0 && strlen(text) == n - 8;
        cr_expect(same, "%s: %s:\n  Spark  STRUCT<%s>\n  sluice %s", c->file, c->query, text, row);
    } else if (strcmp(word, "error") == 0) {
        cr_expect(false, "%s: %s: Spark refuses it: %s", c->file, c->query, text);
        c->query = NULL;
    } else if (!row || !same_row(text, row, c->close, c->single)) {
        cr_expect(false, "%s: %s:\n  Spark  %s\n  sluice %s", c->file, c->query, text,
                  row ? row : "(no row)");
        c->query = NULL;
    }
}

/* Whether the query under way gave more rows than Spark. */
static void end_query(struct cases *c)
{
    if (c->query && !c->failed && c->at < c->rows.n)
        cr_expect(false, "%s: %s: more rows: %s", c->file, c->query, next_row(c));
    c->query = NULL;
}

static void take_line(struct cases *c, char *line)
{
    char *text = strchr(line, ' ');
    if (line[0] == '#' || !text)
        return;
    *text++ = '\0';
    if (strcmp(line, "schema") == 0) {
        end_query(c);
        open_table(c, text);
    } else if (strcmp(line, "row") == 0) {
        cr_assert_lt(c->record_count, RECORDS_MAX);
        c->records[c->record_count++] = (struct record){.value = str_of(text)};
    } else if (strcmp(line, "query") == 0) {
        end_query(c);
        run_query(c, text);
    } else if (c->query) {
        check_line(c, line, text);
    }
}

static void run_file(const char *path)
{
    static struct cases c;
    c = (struct cases){.file = strrchr(path, '/') + 1};
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, n + 1);
    cr_assert_eq(fread(text, 1, n, file), n);
    fclose(file);
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        cr_assert(end, "%s does not end with a newline", path);
        *end = '\0';
        take_line(&c, line);
    }
    end_query(&c);
    cr_expect_gt(c.queries, 0, "%s has no query", path);
    close_table(&c);
    arena_fini(&c.table);
    arena_fini(&c.results);
    buf_fini(&c.rows);
    free(text);
}

/* SLUICE_CASES=NAME runs one file alone. */
Test(sql_cases, spark_gives_the_same)
{
    const char *only = getenv("SLUICE_CASES");
    DIR *dir = opendir(SQL_CASES);
    cr_assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        size_t n = strlen(entry->d_name);
        if (n < 5 || strcmp(entry->d_name + n - 4, ".txt") != 0)
            continue;
        if (only && (strncmp(entry->d_name, only, n - 4) != 0 || only[n - 4]))
            continue;
        snprintf(path, sizeof path, "%s/%s", SQL_CASES, entry->d_name);
        run_file(path);
    }
    closedir(dir);
}
