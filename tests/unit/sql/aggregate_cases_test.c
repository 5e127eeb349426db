/* The queries of cases_agg/ give, batch by batch, the names, types and values that a stream of
 * Spark 3.5.3 gave (record_aggregates.py says what the files hold). What state does for a group is
 * done here by hand: update per batch, merge, result; between the batches the accumulators are
 * written, freed and read back. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "format/json_decode.h"
#include "format/json_rows.h"
#include "leaks.h"
#include "plan/ddl.h"
#include "sql/aggregate.h"
#include "sql/query.h"

TestSuite(sql_aggregates, .fini = leaks_check);

enum { RECORDS_MAX = 130000, COLUMNS_MAX = 16, BATCHES_MAX = 16, AGGREGATES_MAX = 80 };

struct cases {
    const char *file;
    struct arena table, results;
    struct type schema;
    struct field fields[COLUMNS_MAX];
    struct sql_column columns[COLUMNS_MAX];
    struct record records[RECORDS_MAX];
    uint32_t record_count;
    uint32_t batch_ends[BATCHES_MAX];
    uint32_t batch_count;
    struct buf rows; /* what sluice gave: the type, then a row per batch; or a message */
    size_t at;
    const char *query;
    bool failed;
};

/* One group. */
struct group {
    const struct sql_grouping *grouping;
    struct state_heap heap;
    size_t offsets[AGGREGATES_MAX], size;
    char *batch, *state;
};

static void group_free_row(struct group *g, char *row)
{
    for (uint32_t a = 0; a < g->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &g->grouping->aggregates[a];
        if (call->ops->free)
            call->ops->free(call, &g->heap, row + g->offsets[a]);
    }
    memset(row, 0, g->size);
}

static void group_init(struct group *g, const struct sql_grouping *grouping)
{
    *g = (struct group){.grouping = grouping};
    cr_assert_leq(grouping->aggregate_count, AGGREGATES_MAX);
    for (uint32_t a = 0; a < grouping->aggregate_count; a++) {
        g->offsets[a] = g->size;
        cr_assert_eq(grouping->aggregates[a].size % 8, 0);
        g->size += grouping->aggregates[a].size;
    }
    g->batch = calloc(1, g->size + 1);
    g->state = calloc(1, g->size + 1);
}

static void group_fini(struct group *g, const char *query)
{
    group_free_row(g, g->batch);
    group_free_row(g, g->state);
    cr_expect_eq(g->heap.bytes, 0, "%zu bytes are left of %s", g->heap.bytes, query);
    free(g->batch);
    free(g->state);
}

static int update(struct group *g, const struct block *inputs, struct err *err)
{
    static char *groups[BLOCK_ROWS_MAX];
    uint32_t column = 0;
    for (uint32_t a = 0; a < g->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &g->grouping->aggregates[a];
        const struct vec *args = &inputs->cols[column];
        column += call->arg_count;
        const struct vec *filter = call->filter ? &inputs->cols[column++] : NULL;
        for (uint32_t i = 0; i < inputs->rows; i++)
            groups[i] = filter && (vec_is_null(filter, i) || !filter->boolean[i]) ? NULL : g->batch;
        int code =
            call->ops->update(call, &g->heap, groups, g->offsets[a], args, inputs->rows, err);
        if (code)
            return code;
    }
    return 0;
}

static int merge(struct group *g, struct err *err)
{
    for (uint32_t a = 0; a < g->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &g->grouping->aggregates[a];
        int code = call->ops->merge(call, &g->heap, g->state + g->offsets[a],
                                    g->batch + g->offsets[a], err);
        if (code)
            return code;
    }
    group_free_row(g, g->batch);
    return 0;
}

/* Bytes that are cut off or changed are refused, or read as something else, without harm. */
static void damage(struct group *g, const struct aggregate_call *call, struct str bytes)
{
    size_t step = bytes.n / 20 + 1;
    char *acc = calloc(1, call->size), *copy = malloc(bytes.n + 1);
    for (size_t n = 0; n < bytes.n; n += step) {
        memcpy(copy, bytes.p, n);
        struct state_reader in = {copy, copy + n, false};
        int code = call->ops->decode(call, &g->heap, &in, acc);
        cr_expect_eq(code, ERR_CORRUPT, "%s: %zu of %zu bytes", call->aggregate->name, n, bytes.n);
        if (code == 0 && call->ops->free)
            call->ops->free(call, &g->heap, acc);
        memset(acc, 0, call->size);
    }
    for (size_t i = 0; i < bytes.n; i += step) {
        struct arena arena = {0};
        struct vec out;
        memcpy(copy, bytes.p, bytes.n);
        copy[i] = (char)(copy[i] ^ (1 << i % 8));
        struct state_reader in = {copy, copy + bytes.n, false};
        if (call->ops->decode(call, &g->heap, &in, acc) == 0) {
            struct err err;
            char *group = acc;
            char *from = calloc(1, call->size);
            if (call->ops->result(call, &group, 0, 1, &arena, &out, &err) == 0)
                (void)call->ops->merge(call, &g->heap, from, acc, &err);
            if (call->ops->free) {
                call->ops->free(call, &g->heap, acc);
                call->ops->free(call, &g->heap, from);
            }
            free(from);
        }
        memset(acc, 0, call->size);
        arena_fini(&arena);
    }
    free(acc);
    free(copy);
}

static void round_trip(struct group *g)
{
    for (uint32_t a = 0; a < g->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &g->grouping->aggregates[a];
        char *acc = g->state + g->offsets[a];
        struct buf bytes = {0}, again = {0};
        call->ops->encode(call, acc, &bytes);
        size_t held = g->heap.bytes;
        damage(g, call, buf_str(&bytes));
        cr_expect_eq(g->heap.bytes, held, "%s: %zu, not %zu", call->aggregate->name, g->heap.bytes,
                     held);
        if (call->ops->free)
            call->ops->free(call, &g->heap, acc);
        memset(acc, 0, call->size);
        struct state_reader in = {bytes.p, bytes.p + bytes.n, false};
        cr_expect_eq(call->ops->decode(call, &g->heap, &in, acc), 0, "%s", call->aggregate->name);
        cr_expect(in.p == in.end && !in.failed, "%s", call->aggregate->name);
        call->ops->encode(call, acc, &again);
        cr_expect(str_eq(buf_str(&bytes), buf_str(&again)), "%s", call->aggregate->name);
        buf_fini(&bytes);
        buf_fini(&again);
    }
}

static int print_result(struct cases *c, struct sql_query *query, struct group *g, struct err *err)
{
    static struct vec cols[AGGREGATES_MAX];
    struct sql_batch_context context = {0};
    for (uint32_t a = 0; a < g->grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &g->grouping->aggregates[a];
        int code = call->ops->result(call, &g->state, g->offsets[a], 1, &c->results, &cols[a], err);
        if (code)
            return code;
    }
    struct block groups = {cols, g->grouping->aggregate_count, 1}, out;
    int code = sql_query_outputs(query, &groups, &context, &c->results, &out, err);
    if (code == 0)
        json_rows_append(&c->rows, sql_query_schema(query), &out, 0, out.rows);
    return code;
}

/* Decodes and folds the records of one batch, in blocks. */
static int fold(struct cases *c, struct sql_query *query, struct group *g, uint32_t first,
                uint32_t end, struct err *err)
{
    struct json_decode_options options = {.schema = &c->schema, .corrupt_column = -1};
    struct sql_batch_context context = {0};
    struct json_decoder *decoder;
    static uint8_t malformed[BLOCK_ROWS_MAX];
    int code = json_decoder_create(&decoder, &options, err);
    for (; code == 0 && first < end; first += BLOCK_ROWS_MAX) {
        uint32_t n = end - first < BLOCK_ROWS_MAX ? end - first : BLOCK_ROWS_MAX;
        struct block block, inputs;
        struct sql_run run;
        code = json_decode_block(decoder, c->records + first, n, 0, &c->results, &block, malformed,
                                 err);
        if (code == 0)
            code = sql_run_begin(&run, query, &block, &context, &c->results, err);
        if (code == 0)
            code = sql_run_early(&run);
        if (code == 0)
            code = sql_run_late(&run);
        if (code == 0)
            code = sql_run_inputs(&run, &inputs);
        if (code == 0)
            code = update(g, &inputs, err);
    }
    json_decoder_destroy(decoder);
    return code;
}

static int run_batches(struct cases *c, struct sql_query *query, struct group *g, struct err *err)
{
    uint32_t first = 0;
    int code = 0;
    for (uint32_t b = 0; b < c->batch_count && code == 0; b++) {
        code = fold(c, query, g, first, c->batch_ends[b], err);
        if (code == 0)
            code = merge(g, err);
        if (code == 0)
            round_trip(g);
        if (code == 0)
            code = print_result(c, query, g, err);
        first = c->batch_ends[b];
    }
    return code;
}

static void run_query(struct cases *c, const char *text)
{
    struct sql_scope scope = {
        .view = STR("tx"), .columns = c->columns, .count = c->schema.field_count, .event_time = -1};
    struct sql_query *query;
    struct sql_error error;
    struct sql_errors errors = {&error, 1, 0};
    struct err err;
    struct group group;
    if (c->batch_count == 0 || c->batch_ends[c->batch_count - 1] < c->record_count)
        c->batch_ends[c->batch_count++] = c->record_count;
    buf_clear(&c->rows);
    arena_reset(&c->results);
    c->at = 0;
    c->query = text;
    c->failed = sql_query_create(&query, str_of(text), &scope, &errors) != 0;
    if (c->failed) {
        buf_printf(&c->rows, "%u:%u: %s", error.line, error.column, error.message);
        return;
    }
    type_print(sql_query_schema(query), &c->rows);
    buf_append_char(&c->rows, '\n');
    group_init(&group, sql_query_grouping(query));
    if (run_batches(c, query, &group, &err) != 0) {
        c->failed = true;
        buf_printf(&c->rows, "%s", err.msg);
    }
    group_fini(&group, text);
    sql_query_destroy(query);
}

static bool is_number_part(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == 'E' || c == '-' || c == '+';
}

/* The first difference of two texts, or -1. The digits of numbers are free: JDK 17 writes some
 * doubles with more than needed. */
static int difference(const char *want, const char *got)
{
    const char *start = want;
    while (*want && *got) {
        if (is_number_part(*want) && is_number_part(*got)) {
            char *want_end, *got_end;
            if (strtod(want, &want_end) == strtod(got, &got_end) && want_end > want &&
                got_end > got && strspn(want, "0123456789-") != (size_t)(want_end - want)) {
                want = want_end;
                got = got_end;
                continue;
            }
        }
        if (*want++ != *got++)
            return (int)(want - start - 1);
    }
    return *want == *got ? -1 : (int)(want - start);
}

static void check_row(const struct cases *c, const char *want, const char *got)
{
    int at = difference(want, got);
    int from = at > 100 ? at - 100 : 0;
    size_t got_from = strlen(got) < (size_t)from ? strlen(got) : (size_t)from;
    cr_expect(at < 0, "%s: %.60s:\n  Spark  %.200s\n  sluice %.200s", c->file, c->query,
              want + from, got + got_from);
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
        cr_expect(strcmp(word, "error") == 0, "%s: %.300s: refused: %s", c->file, c->query,
                  buf_cstr(&c->rows));
        c->query = NULL;
        return;
    }
    char *row = next_row(c);
    if (strcmp(word, "error") == 0) {
        cr_expect(false, "%s: %.300s: Spark refuses it: %s", c->file, c->query, text);
        c->query = NULL;
    } else if (!row) {
        cr_expect(false, "%s: %.300s: no row: Spark has %s", c->file, c->query, text);
        c->query = NULL;
    } else if (strcmp(word, "type") == 0) {
        row[strlen(row) - 1] = '\0'; /* STRUCT<...> */
        check_row(c, text, row + strlen("STRUCT<"));
    } else {
        check_row(c, text, row);
    }
}

static void open_table(struct cases *c, const char *text)
{
    struct ddl_column *columns;
    struct ddl_error error;
    uint32_t count;
    arena_reset(&c->table);
    c->record_count = c->batch_count = 0;
    cr_assert_eq(ddl_parse(&columns, &count, str_of(text), &c->table, &error), 0, "%s", text);
    cr_assert_leq(count, COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        c->fields[i] = (struct field){columns[i].name, columns[i].type};
        c->columns[i] = (struct sql_column){.name = columns[i].name, .type = columns[i].type};
    }
    c->schema = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = c->fields};
}

static void add_numbers(struct cases *c, const char *text)
{
    unsigned first = 0, count = 0;
    cr_assert_eq(sscanf(text, "%u %u", &first, &count), 2);
    cr_assert_leq(c->record_count + count, RECORDS_MAX);
    for (unsigned i = first; i < first + count; i++) {
        char row[32];
        snprintf(row, sizeof row, "{\"n\":%u}", i);
        c->records[c->record_count++] = (struct record){.value = arena_str(&c->table, str_of(row))};
    }
}

static void take_line(struct cases *c, char *line)
{
    char *text = strchr(line, ' ');
    if (strcmp(line, "batch") == 0) {
        cr_assert_lt(c->batch_count, BATCHES_MAX);
        c->batch_ends[c->batch_count++] = c->record_count;
    }
    if (line[0] == '#' || !text)
        return;
    *text++ = '\0';
    if (strcmp(line, "schema") == 0) {
        open_table(c, text);
    } else if (strcmp(line, "row") == 0) {
        cr_assert_lt(c->record_count, RECORDS_MAX);
        c->records[c->record_count++] = (struct record){.value = str_of(text)};
    } else if (strcmp(line, "rows") == 0) {
        add_numbers(c, text);
    } else if (strcmp(line, "query") == 0) {
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
    arena_fini(&c.table);
    arena_fini(&c.results);
    buf_fini(&c.rows);
    free(text);
}

/* SLUICE_CASES=NAME runs one file alone. */
Test(sql_aggregates, spark_streams_give_the_same)
{
    const char *only = getenv("SLUICE_CASES");
    DIR *dir = opendir(SQL_AGGREGATES);
    cr_assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        size_t n = strlen(entry->d_name);
        if (n < 5 || strcmp(entry->d_name + n - 4, ".txt") != 0)
            continue;
        if (only && (strncmp(entry->d_name, only, n - 4) != 0 || only[n - 4]))
            continue;
        snprintf(path, sizeof path, "%s/%s", SQL_AGGREGATES, entry->d_name);
        run_file(path);
    }
    closedir(dir);
}
