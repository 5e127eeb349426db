/* Records through decode, metadata, filter and projection, with the books checked. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/engine.h"
#include "format/json_rows.h"

static const char head[] =
    "{\"name\":\"t\",\"source\":{\"name\":\"tx\",\"format\":\"kafka\",\"options\":{"
    "\"kafka.bootstrap.servers\":\"localhost:9092\",\"subscribe\":\"t\"},\"value\":";

struct run {
    struct plan *plan;
    struct engine *engine;
    struct engine_counts counts;
    struct arena arena;
    struct plan_errors errors;
    struct buf rows[2];
    struct err err;
};

static int on_rows(void *user, uint32_t query, const struct block *rows, struct err *err)
{
    struct run *run = user;
    (void)err;
    json_rows_append(&run->rows[query], engine_schema(run->engine, query), rows, 0, rows->rows);
    return 0;
}

static int open_run(struct run *run, const char *value, const char *queries)
{
    struct buf text = {0};
    *run = (struct run){0};
    buf_printf(&text, "%s%s},\"queries\":%s}", head, value, queries);
    struct plan_input input = {.file = STR("test"), .text = buf_str(&text)};
    int code = plan_create(&run->plan, &input, &run->arena, &run->errors);
    cr_assert_eq(code, 0, "%s", run->errors.count ? run->errors.items[0].message.p : "");
    buf_fini(&text);
    code = engine_create(&run->engine, run->plan, &run->arena, &run->errors);
    if (code == 0)
        cr_assert_eq(engine_counts_init(&run->counts, run->engine), 0);
    return code;
}

static void close_run(struct run *run)
{
    engine_counts_fini(&run->counts);
    engine_destroy(run->engine);
    plan_destroy(run->plan);
    arena_fini(&run->arena);
    buf_fini(&run->rows[0]);
    buf_fini(&run->rows[1]);
}

/* Feeds the values as offsets 10, 11, ... of topic "t", partition 3. */
static int feed(struct run *run, const char *const *values, uint32_t n)
{
    struct record records[16];
    struct engine_hooks hooks = {.user = run, .rows = on_rows};
    struct record_block block = {.topic = STR("t"), .partition = 3, .records = records, .count = n};
    for (uint32_t i = 0; i < n; i++)
        records[i] = (struct record){.value = str_of(values[i]),
                                     .key = i % 2 ? STR("k") : (struct str){NULL, 0},
                                     .offset = 10 + i,
                                     .timestamp_ms = 1766783778123};
    return engine_process(run->engine, &block, 0, &hooks, &run->counts, &run->err);
}

static void expect_books(struct run *run, uint32_t query, uint64_t read, uint64_t malformed,
                         uint64_t filtered, uint64_t accepted)
{
    const struct books *books = &run->counts.queries[query].books;
    cr_assert(books_balance(books));
    cr_assert_eq(books->read, read);
    cr_assert_eq(books->malformed, malformed);
    cr_assert_eq(books->filtered, filtered);
    cr_assert_eq(books->accepted, accepted);
    cr_assert_eq(run->counts.queries[query].rows_out, accepted);
}

#define ONE_QUERY(sql) "[{\"name\":\"q\",\"sql\":\"" sql "\",\"sinks\":[{\"format\":\"console\"}]}]"
#define JSON_VALUE     "{\"format\":\"json\",\"schema\":\"id STRING, n INT\"}"

static const char *const values[] = {"{\"id\":\"a\",\"n\":1}", "not json",
                                     "{\"id\":\"b\",\"n\":2}"};

Test(engine, permissive_keeps_malformed_rows)
{
    struct run run;
    cr_assert_eq(open_run(&run, JSON_VALUE, ONE_QUERY("SELECT * FROM tx")), 0);
    cr_assert_eq(feed(&run, values, 3), 0);
    cr_assert_str_eq(buf_cstr(&run.rows[0]),
                     "{\"id\":\"a\",\"n\":1}\n{}\n{\"id\":\"b\",\"n\":2}\n");
    cr_assert_eq(run.counts.malformed, 1);
    expect_books(&run, 0, 3, 0, 0, 3);
    close_run(&run);
}

Test(engine, dropmalformed_drops_them)
{
    struct run run;
    cr_assert_eq(open_run(&run,
                          "{\"format\":\"json\",\"schema\":\"id STRING, n INT\",\"mode\":"
                          "\"DROPMALFORMED\"}",
                          ONE_QUERY("SELECT id, _offset FROM tx WHERE n > 1")),
                 0);
    cr_assert_eq(feed(&run, values, 3), 0);
    cr_assert_str_eq(buf_cstr(&run.rows[0]), "{\"id\":\"b\",\"_offset\":12}\n");
    cr_assert_eq(run.counts.malformed, 1);
    expect_books(&run, 0, 3, 1, 1, 1);
    close_run(&run);
}

/* A column that no query reads still decides whether a record is malformed. */
Test(engine, unread_columns_are_checked)
{
    struct run run;
    cr_assert_eq(open_run(&run, JSON_VALUE, ONE_QUERY("SELECT id FROM tx")), 0);
    cr_assert_eq(feed(&run, (const char *const[]){"{\"id\":\"a\",\"n\":\"x\"}"}, 1), 0);
    cr_assert_str_eq(buf_cstr(&run.rows[0]), "{\"id\":\"a\"}\n");
    cr_assert_eq(run.counts.malformed, 1);
    close_run(&run);
}

Test(engine, failfast_names_the_record)
{
    struct run run;
    cr_assert_eq(open_run(&run,
                          "{\"format\":\"json\",\"schema\":\"id STRING, n INT\",\"mode\":"
                          "\"FAILFAST\"}",
                          ONE_QUERY("SELECT * FROM tx")),
                 0);
    cr_assert_eq(feed(&run, values, 3), ERR_INVALID);
    cr_assert(strstr(run.err.msg, "topic t, partition 3, offset 11"), "%s", run.err.msg);
    close_run(&run);
}

Test(engine, metadata_only_when_named)
{
    struct run run;
    cr_assert_eq(
        open_run(&run, "{\"format\":\"text\"}",
                 "[{\"name\":\"a\",\"sql\":\"SELECT * FROM tx\",\"sinks\":[{\"format\":"
                 "\"console\"}]},{\"name\":\"b\",\"sql\":\"SELECT _topic, _partition, "
                 "_offset, _timestamp, _key FROM tx\",\"sinks\":[{\"format\":\"console\"}]}]"),
        0);
    cr_assert_eq(feed(&run, (const char *const[]){"x", "y"}, 2), 0);
    cr_assert_str_eq(buf_cstr(&run.rows[0]), "{\"value\":\"x\"}\n{\"value\":\"y\"}\n");
    cr_assert_str_eq(buf_cstr(&run.rows[1]),
                     "{\"_topic\":\"t\",\"_partition\":3,\"_offset\":10,\"_timestamp\":"
                     "\"2025-12-26T21:16:18.123Z\"}\n"
                     "{\"_topic\":\"t\",\"_partition\":3,\"_offset\":11,\"_timestamp\":"
                     "\"2025-12-26T21:16:18.123Z\",\"_key\":\"aw==\"}\n");
    close_run(&run);
}

Test(engine, sql_problems_of_all_queries_are_listed)
{
    struct run run;
    cr_assert_eq(open_run(&run, JSON_VALUE,
                          "[{\"name\":\"a\",\"sql\":\"SELECT x FROM tx\",\"sinks\":[{\"format\":"
                          "\"console\"}]},{\"name\":\"b\",\"sql\":\"SELECT id FROM nowhere\","
                          "\"sinks\":[{\"format\":\"console\"}]}]"),
                 ERR_INVALID);
    cr_assert_eq(run.errors.count, 2);
    close_run(&run);
}

Test(engine, a_file_has_no_two_columns_of_one_name)
{
    struct run run;
    const char *sql =
        "[{\"name\":\"a\",\"sql\":\"SELECT id, n, upper(id) AS ID FROM tx\",\"sinks\":[{"
        "\"format\":\"json\",\"path\":\"/tmp/x\"}]}]";
    cr_assert_eq(open_run(&run, JSON_VALUE, sql), ERR_INVALID);
    cr_assert_eq(run.errors.count, 1);
    cr_assert(strstr(run.errors.items[0].message.p, "two columns named"));
    close_run(&run);
}

Test(engine, books_do_not_balance_when_one_is_lost)
{
    struct books books = {.read = 3, .filtered = 1, .accepted = 1};
    cr_assert_not(books_balance(&books));
    struct books more = {.late = 1};
    books_add(&books, &more);
    cr_assert(books_balance(&books));
}

Test(engine, headers_are_there_when_a_query_reads_them)
{
    struct run run;
    const struct record records[] = {
        {.value = STR("{}")}, {.value = STR("{}")}, {.value = STR("{}")}};
    const struct record_header headers[] = {
        {STR("a"), STR("one")}, {STR("a"), {NULL, 0}}, {STR(""), STR("")}};
    const uint32_t starts[] = {0, 2, 2, 3};
    struct engine_hooks hooks = {.user = &run, .rows = on_rows};
    struct record_block block = {.topic = STR("t"),
                                 .records = records,
                                 .count = 3,
                                 .headers = headers,
                                 .header_starts = starts};
    cr_assert_eq(open_run(&run, JSON_VALUE,
                          ONE_QUERY("SELECT _headers, _headers[0].key AS k, "
                                    "CAST(_headers.value[0] AS STRING) AS v FROM tx")),
                 0);
    cr_assert_eq(engine_process(run.engine, &block, 0, &hooks, &run.counts, &run.err), 0);
    block.headers = NULL;
    block.header_starts = NULL;
    block.count = 1;
    cr_assert_eq(engine_process(run.engine, &block, 0, &hooks, &run.counts, &run.err), 0);
    cr_expect_str_eq(buf_cstr(&run.rows[0]),
                     "{\"_headers\":[{\"key\":\"a\",\"value\":\"b25l\"},{\"key\":\"a\"}],\"k\":"
                     "\"a\",\"v\":\"one\"}\n"
                     "{}\n"
                     "{\"_headers\":[{\"key\":\"\",\"value\":\"\"}],\"k\":\"\",\"v\":\"\"}\n"
                     "{}\n");
    close_run(&run);
}
