/* Watermarks, late rows, dedup and the extra sinks, through the whole engine.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/engine.h"
#include "format/json_rows.h"

enum { MINUTE_MS = 60000 };

struct run {
    struct plan *plan;
    struct engine *engine;
    struct engine_counts counts;
    struct arena arena;
    struct plan_errors errors;
    struct buf rows[3];
    struct buf extras[EXTRA_COUNT];
    struct buf lost; /* "reason query offset\n" */
    uint64_t late_total, malformed_total;
    int64_t offset;
    struct err err;
};

static int on_rows(void *user, uint32_t query, const struct block *rows, struct err *err)
{
    struct run *run = user;
    (void)err;
    json_rows_append(&run->rows[query], engine_schema(run->engine, query), rows, 0, rows->rows);
    return 0;
}

static int on_extra(void *user, enum engine_extra extra, const struct block *rows, struct err *err)
{
    struct run *run = user;
    (void)err;
    json_rows_append(&run->extras[extra], engine_extra_schema(run->engine, extra), rows, 0,
                     rows->rows);
    return 0;
}

static void on_lost(void *user, const struct engine_lost *lost)
{
    struct run *run = user;
    const struct record *record = &lost->records->records[lost->record];
    buf_printf(&run->lost, "%s %d %lld\n", lost->reason, (int)lost->query,
               (long long)record->offset);
}

/* `stages`: keys of the source behind its value, with a comma before each. */
static int open_run(struct run *run, const char *stages, const char *queries)
{
    struct buf text = {0};
    *run = (struct run){0};
    buf_printf(&text,
               "{\"name\":\"t\",\"source\":{\"name\":\"tx\",\"format\":\"kafka\",\"options\":{"
               "\"kafka.bootstrap.servers\":\"localhost:9092\",\"subscribe\":\"t\"},\"value\":"
               "{\"format\":\"json\",\"schema\":\"id STRING, n INT, t TIMESTAMP\"}%s},"
               "\"queries\":%s}",
               stages, queries);
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
    for (int i = 0; i < 3; i++)
        buf_fini(&run->rows[i]);
    for (int i = 0; i < EXTRA_COUNT; i++)
        buf_fini(&run->extras[i]);
    buf_fini(&run->lost);
}

static struct engine_hooks hooks_of(struct run *run)
{
    return (struct engine_hooks){.user = run, .rows = on_rows, .extra = on_extra, .lost = on_lost};
}

/* One record of partition p: its event time in seconds of the broker's clock. */
static void feed_record(struct run *run, int32_t partition, struct str key, const char *value)
{
    struct engine_hooks hooks = hooks_of(run);
    struct record record = {
        .key = key, .value = str_of(value), .offset = run->offset++, .timestamp_ms = 1000000};
    struct record_block block = {
        .topic = STR("t"), .partition = partition, .records = &record, .count = 1};
    cr_assert_eq(engine_process(run->engine, &block, 0, &hooks, &run->counts, &run->err), 0, "%s",
                 run->err.msg);
}

static void feed_value(struct run *run, int32_t partition, const char *value)
{
    feed_record(run, partition, (struct str){NULL, 0}, value);
}

static void feed(struct run *run, int32_t partition, const char *id, int second)
{
    char value[200];
    snprintf(value, sizeof value, "{\"id\":\"%s\",\"n\":1,\"t\":\"1970-01-01 %02d:%02d:%02d\"}", id,
             second / 3600, second / 60 % 60, second % 60);
    feed_value(run, partition, value);
}

static void seal_with(struct run *run, bool data, const struct engine_partition *partitions,
                      uint32_t count)
{
    struct engine_hooks hooks = hooks_of(run);
    cr_assert_eq(
        engine_seal(run->engine, data, 0, partitions, count, &hooks, &run->counts, &run->err), 0,
        "%s", run->err.msg);
    for (uint32_t i = 0; i < run->plan->query_count; i++) {
        cr_assert(books_balance(&run->counts.queries[i].books));
        run->late_total += run->counts.queries[i].late_records;
    }
    engine_counts_reset(&run->counts, run->engine);
}

static void seal(struct run *run)
{
    seal_with(run, true, NULL, 0);
}

static void expect_rows(struct run *run, uint32_t query, const char *rows)
{
    cr_expect_str_eq(run->rows[query].n ? buf_cstr(&run->rows[query]) : "", rows);
    buf_clear(&run->rows[query]);
}

#define QUERY(name, sql, mode)                                                                     \
    "{\"name\":\"" name "\",\"sql\":\"" sql "\",\"outputMode\":\"" mode                            \
    "\",\"sinks\":[{\"format\":\"console\"}]}"
#define COUNTS "SELECT window.start AS s, count(*) AS c FROM tx GROUP BY window(t, '10 seconds')"
#define MARK   ",\"watermark\":{\"eventTime\":\"t\",\"delayThreshold\":\"0 seconds\"%s}"
#define AT(s)  "{\"s\":\"1970-01-01T00:00:" s ".000Z\",\"c\":"

static void open_counts(struct run *run, const char *extra, const char *queries)
{
    char stages[400];
    snprintf(stages, sizeof stages, MARK, extra);
    cr_assert_eq(open_run(run, stages, queries), 0, "%s",
                 run->errors.count ? run->errors.items[0].message.p : "");
}

/* What closes in a batch is decided by the batches before it; what is late by the one before that.
 */
Test(stages, windows_close_a_batch_later)
{
    struct run run;
    open_counts(&run, "", "[" QUERY("q", COUNTS, "append") "]");
    feed(&run, 0, "a", 5);
    feed(&run, 0, "b", 25);
    seal(&run);
    expect_rows(&run, 0, "");
    cr_expect(engine_wants_batch(run.engine));
    feed(&run, 0, "c", 6); /* its window is not closed before this batch ends */
    seal(&run);
    expect_rows(&run, 0, AT("00") "2}\n");
    feed(&run, 0, "d", 7);
    feed(&run, 0, "e", 25);
    seal(&run);
    expect_rows(&run, 0, "");
    cr_expect_eq(run.late_total, 1);
    cr_expect_not(engine_wants_batch(run.engine));
    close_run(&run);
}

/* Only the query whose rows reach its watermark closes windows; terms on other columns act first.
 */
Test(stages, a_watermark_belongs_to_its_query)
{
    struct run run;
    open_counts(&run, "",
                "[" QUERY("all", COUNTS, "append") "," QUERY(
                    "some",
                    "SELECT window.start AS s, count(*) AS c FROM tx WHERE id <> 'z' GROUP BY "
                    "window(t, '10 seconds')",
                    "append") "]");
    feed(&run, 0, "a", 5);
    feed(&run, 0, "z", 50);
    seal(&run);
    seal_with(&run, false, NULL, 0);
    expect_rows(&run, 0, AT("00") "1}\n");
    expect_rows(&run, 1, "");
    close_run(&run);
}

static void feed_many(struct run *run, const char *value, uint32_t count)
{
    struct engine_hooks hooks = hooks_of(run);
    struct record records[8];
    for (uint32_t i = 0; i < count; i++)
        records[i] = (struct record){
            .value = str_of(value), .offset = run->offset++, .timestamp_ms = 1000000};
    struct record_block block = {.topic = STR("t"), .records = records, .count = count};
    cr_assert_eq(engine_process(run->engine, &block, 0, &hooks, &run->counts, &run->err), 0);
}

/* Without the sinks for them, too. */
Test(stages, a_few_lost_records_of_a_block_are_shown)
{
    struct run run;
    char stages[600];
    snprintf(stages, sizeof stages, MARK, ",\"futureLimit\":\"1 hour\"");
    cr_assert_eq(open_run(&run, stages, "[" QUERY("q", COUNTS, "append") "]"), 0);
    feed(&run, 0, "a", 35);
    feed(&run, 0, "bad clock", 1000 + 3601);
    feed_many(&run, "nonsense", 5);
    seal(&run);
    seal(&run);
    feed_many(&run, "{\"id\":\"late\",\"n\":1,\"t\":\"1970-01-01 00:00:01\"}", 4);
    feed(&run, 0, "b", 40);
    seal(&run);
    cr_expect_str_eq(buf_cstr(&run.lost), "future 0 1\nmalformed -1 2\nmalformed -1 3\n"
                                          "malformed -1 4\nlate 0 7\nlate 0 8\nlate 0 9\n");
    close_run(&run);
}

Test(stages, late_rows_and_dead_letters_are_kept)
{
    struct run run;
    char stages[600];
    snprintf(stages, sizeof stages,
             MARK ",\"lateRows\":{\"format\":\"console\"},\"deadLetter\":{\"format\":\"console\"}",
             ",\"futureLimit\":\"1 hour\"");
    cr_assert_eq(open_run(&run, stages, "[" QUERY("q", COUNTS, "append") "]"), 0);
    feed(&run, 0, "a", 35);
    feed(&run, 0, "bad clock", 1000 + 3601);
    feed_value(&run, 0, "nonsense \xff");
    cr_expect_eq(run.counts.queries[0].books.future, 1);
    cr_expect_eq(run.counts.malformed, 1);
    seal(&run);
    seal(&run);
    feed(&run, 0, "late", 1);
    feed_value(&run, 0, "{\"id\":\"no time\"}");
    cr_expect_eq(run.counts.queries[0].books.no_event_time, 1);
    seal(&run);
    cr_expect_eq(run.late_total, 1);
    cr_expect_str_eq(
        buf_cstr(&run.extras[EXTRA_LATE_ROWS]),
        "{\"query\":\"q\",\"reason\":\"future\",\"watermark\":\"1970-01-01T00:00:00.000Z\",\"row\":"
        "{\"id\":\"bad clock\",\"n\":1,\"t\":\"1970-01-01T01:16:41.000Z\"}}\n"
        "{\"query\":\"q\",\"reason\":\"late\",\"watermark\":\"1970-01-01T00:00:35.000Z\",\"row\":"
        "{\"id\":\"late\",\"n\":1,\"t\":\"1970-01-01T00:00:01.000Z\"}}\n");
    cr_expect_str_eq(buf_cstr(&run.extras[EXTRA_DEAD_LETTER]),
                     "{\"topic\":\"t\",\"partition\":0,\"offset\":2,\"timestamp\":"
                     "\"1970-01-01T00:16:40.000Z\",\"value\":\"bm9uc2Vuc2Ug/w==\","
                     "\"valueEncoding\":\"base64\",\"reason\":\"malformed\"}\n");
    close_run(&run);
}

/* One record becomes a row per window; the books count records, and no block grows past its room.
 */
Test(stages, a_record_that_becomes_many_rows_is_in_the_books_once)
{
    enum { RECORDS = BLOCK_ROWS_MAX };
    static const char value[] = "{\"id\":\"a\",\"n\":1,\"t\":\"1970-01-01 01:00:00\"}";
    static struct record records[RECORDS];
    struct run run;
    char stages[600];
    snprintf(stages, sizeof stages,
             ",\"transform\":\"SELECT id, n, t, window(t, '1 minute', '5 seconds').start AS w FROM "
             "source\"" MARK ",\"dropDuplicatesWithinWatermark\":[\"id\",\"w\"]",
             "");
    cr_assert_eq(
        open_run(&run, stages,
                 "[" QUERY("rows", "SELECT id, w FROM tx WHERE w > TIMESTAMP'1970-01-01 00:59:50'",
                           "append") "," QUERY("none", "SELECT id FROM tx WHERE n = 2",
                                               "append") "," QUERY("q", COUNTS, "update") "]"),
        0);
    for (uint32_t i = 0; i < RECORDS; i++)
        records[i] = (struct record){.value = str_of(value), .offset = i, .timestamp_ms = 1000000};
    records[RECORDS - 1].value = STR("{\"id\":\"no time\"}");
    struct engine_hooks hooks = hooks_of(&run);
    struct record_block block = {.topic = STR("t"), .records = records, .count = RECORDS};
    cr_assert_eq(engine_process(run.engine, &block, 0, &hooks, &run.counts, &run.err), 0);
    for (int q = 0; q < 3; q++) {
        const struct books *books = &run.counts.queries[q].books;
        cr_expect(books_balance(books));
        cr_expect_eq(books->read, RECORDS);
        cr_expect_eq(books->deduplicated, RECORDS - 2);
        cr_expect_eq(books->accepted, q == 1 ? 0u : 1u, "query %d", q);
        cr_expect_eq(books->filtered, q == 1 ? 2u : 1u, "query %d", q);
    }
    cr_expect_eq(run.counts.queries[0].rows_out, 2); /* 00:59:55 and 01:00:00 */
    seal(&run);
    expect_rows(&run, 2, "{\"s\":\"1970-01-01T01:00:00.000Z\",\"c\":12}\n");
    close_run(&run);
}

/* Key and value have one encoding: neither can be taken for the base64 of something. */
Test(stages, dead_letters_say_how_they_are_written)
{
    struct run run;
    cr_assert_eq(open_run(&run, ",\"deadLetter\":{\"format\":\"console\"}",
                          "[" QUERY("q", "SELECT id FROM tx", "append") "]"),
                 0);
    feed_record(&run, 0, STR("key"), "bad");
    feed_record(&run, 0, STR("\xff"), "bad");
    cr_expect_str_eq(buf_cstr(&run.extras[EXTRA_DEAD_LETTER]),
                     "{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"timestamp\":"
                     "\"1970-01-01T00:16:40.000Z\",\"key\":\"key\",\"value\":\"bad\","
                     "\"valueEncoding\":\"utf8\",\"reason\":\"malformed\"}\n"
                     "{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"timestamp\":"
                     "\"1970-01-01T00:16:40.000Z\",\"key\":\"/w==\",\"value\":\"YmFk\","
                     "\"valueEncoding\":\"base64\",\"reason\":\"malformed\"}\n");
    close_run(&run);
}

Test(stages, duplicates_go_before_all_queries)
{
    struct run run;
    char stages[600];
    snprintf(stages, sizeof stages, MARK ",\"dropDuplicatesWithinWatermark\":[\"id\"]", "");
    cr_assert_eq(open_run(&run, stages,
                          "[" QUERY("rows", "SELECT id FROM tx WHERE n = 1",
                                    "append") "," QUERY("q", COUNTS, "update") "]"),
                 0);
    feed(&run, 0, "a", 5);
    feed(&run, 0, "a", 6);
    cr_expect_eq(run.counts.queries[0].books.deduplicated, 1);
    cr_expect_eq(run.counts.queries[1].books.deduplicated, 1);
    seal(&run);
    expect_rows(&run, 0, "{\"id\":\"a\"}\n");
    expect_rows(&run, 1, AT("00") "1}\n");
    cr_expect_eq(engine_state_rows(run.engine), 2);
    feed(&run, 0, "b", 1); /* not yet late: the watermark of the batch before was 0 */
    seal(&run);
    feed(&run, 0, "c", 2);
    cr_expect_eq(run.counts.queries[0].books.late, 1);
    seal(&run);
    cr_expect_eq(run.late_total, 2, "once per query");
    close_run(&run);
}

Test(stages, the_slowest_partition_with_unread_data_counts)
{
    struct run run;
    open_counts(&run, ",\"perPartition\":true", "[" QUERY("q", COUNTS, "append") "]");
    struct engine_partition unread[] = {{STR("t"), 0, true}, {STR("t"), 1, true}};
    feed(&run, 0, "a", 5);
    feed(&run, 1, "b", 55);
    seal_with(&run, true, unread, 2);
    cr_expect_not(engine_wants_batch(run.engine) &&
                  (seal_with(&run, false, unread, 2), run.rows[0].n > 0));
    unread[0].unread = false;
    feed(&run, 1, "c", 56);
    seal_with(&run, true, unread, 2);
    seal_with(&run, false, unread, 2);
    expect_rows(&run, 0, AT("00") "1}\n");
    close_run(&run);
}

Test(stages, after_silence_the_clock_closes_windows)
{
    struct run run;
    open_counts(&run, ",\"idleTimeout\":\"5 seconds\"", "[" QUERY("q", COUNTS, "append") "]");
    cr_expect_eq(engine_idle_timeout_ms(run.engine), 5000);
    feed(&run, 0, "a", 5);
    seal(&run);
    engine_idle(run.engine, 14000);
    seal_with(&run, false, NULL, 0);
    expect_rows(&run, 0, "");
    engine_idle(run.engine, 15000);
    cr_expect(engine_wants_batch(run.engine));
    seal_with(&run, false, NULL, 0);
    expect_rows(&run, 0, AT("00") "1}\n");
    cr_expect_eq(engine_state_rows(run.engine), 0);
    close_run(&run);
}

/* What is given and does nothing is warned of. */
Test(stages, settings_without_effect)
{
#define LATE   ",\"lateRows\":{\"format\":\"console\"}"
#define BY_ID  "SELECT id, count(*) AS c FROM tx GROUP BY id"
#define DEDUP  ",\"dropDuplicatesWithinWatermark\":[\"id\"]"
#define GAP    "SELECT id, count(*) AS c FROM tx GROUP BY session_window(t, '1 minute'), id"
#define NO_ONE "lateRows stays empty: no query drops rows for being late"
#define KEPT   "complete mode ignores the watermark: nothing is late, and no group leaves the state"
    static const struct {
        const char *stages, *future, *sql, *mode, *source, *query;
    } cases[] = {
        {LATE, NULL, BY_ID, "update", "lateRows stays empty: without a watermark nothing is late",
         NULL},
        {LATE, "", COUNTS, "append", NULL, NULL},
        {LATE, "", "SELECT id FROM tx", "append", NO_ONE, NULL},
        {LATE, "", BY_ID, "update", NO_ONE, NULL},
        {LATE, ",\"futureLimit\":\"1 hour\"", "SELECT id FROM tx", "append", NULL, NULL},
        {LATE DEDUP, "", "SELECT id FROM tx", "append", NULL, NULL},
        {LATE, "", COUNTS, "complete", NO_ONE,
         "complete mode ignores the watermark: nothing is late, and no window leaves the state"},
        {"", "", BY_ID, "complete", NULL, KEPT},
        {"", NULL, BY_ID, "complete", NULL, NULL},
        {LATE, "", GAP, "complete", NULL,
         "complete mode ignores the watermark: rows can be late, but nothing leaves the state"},
        {LATE DEDUP, "", BY_ID, "complete", NULL,
         "complete mode ignores the watermark: rows can be late, but nothing leaves the state"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;
        struct buf stages = {0}, queries = {0}, plan = {0};
        if (cases[i].future)
            buf_printf(&stages, MARK, cases[i].future);
        buf_append_str(&stages, str_of(cases[i].stages));
        buf_printf(&queries, "[" QUERY("q", "%s", "%s") "]", cases[i].sql, cases[i].mode);
        cr_assert_eq(open_run(&run, buf_cstr(&stages), buf_cstr(&queries)), 0, "case %zu", i);
        const char *source = engine_source_warning(run.engine);
        const char *query = engine_query_warning(run.engine, 0);
        cr_expect_str_eq(source ? source : "", cases[i].source ? cases[i].source : "");
        cr_expect_str_eq(query ? query : "", cases[i].query ? cases[i].query : "");
        cr_assert_eq(engine_explain_source(run.engine, &plan), 0);
        cr_assert_eq(engine_explain_query(run.engine, 0, &plan), 0);
        bool shown = strstr(buf_cstr(&plan), "warning: ") != NULL;
        cr_expect_eq(shown, source || query, "%s", buf_cstr(&plan));
        buf_fini(&stages);
        buf_fini(&queries);
        buf_fini(&plan);
        close_run(&run);
    }
}

/* Spark's sentence for each combination that it refuses. */
Test(stages, refused_output_modes)
{
    static const struct {
        const char *sql, *mode, *problem;
    } cases[] = {
        {"SELECT window(t, '5000 seconds', '1 second') AS w FROM tx", "append",
         "a record would become more than 4,096 rows, one per window: take a longer slide"},
        {"SELECT id, count(*) FROM tx GROUP BY id", "append",
         "Append output mode not supported when there are streaming aggregations on streaming "
         "DataFrames/DataSets without watermark"},
        {"SELECT DISTINCT id FROM tx", "append",
         "Append output mode not supported when there are streaming aggregations on streaming "
         "DataFrames/DataSets without watermark"},
        {"SELECT window, count(*) FROM tx GROUP BY window(t + INTERVAL 1 HOUR, '1 minute')",
         "append",
         "Append output mode not supported when there are streaming aggregations on streaming "
         "DataFrames/DataSets without watermark"},
        {"SELECT id FROM tx", "complete",
         "Complete output mode not supported when there are no streaming aggregations on "
         "streaming "
         "DataFrames/Datasets"},
        {"SELECT id, count(*) FROM tx GROUP BY session_window(t, '1 minute'), id", "update",
         "Update output mode not supported for session window on streaming "
         "DataFrames/DataSets"},
        {"SELECT count(*) FROM tx GROUP BY session_window(t, '1 minute')", "append",
         "Global aggregation with session window in streaming query is not supported."},
        {"SELECT count(*) FROM tx GROUP BY session_window(t, '1 minute'), 'x', 1 = 1", "append",
         "Global aggregation with session window in streaming query is not supported."},
        {"SELECT count(DISTINCT id) FROM tx", "complete",
         "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider "
         "using "
         "approx_count_distinct() instead."},
        {"SELECT count(*) FROM tx GROUP BY window(t, '1 minute'), window(t, '2 minutes')", "append",
         "Multiple time/session window expressions would result in a cartesian product of "
         "rows, "
         "therefore they are currently not supported."},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;
        char queries[400], stages[200];
        snprintf(queries, sizeof queries,
                 "[{\"name\":\"q\",\"sql\":\"%s\",\"outputMode\":\"%s\",\"sinks\":[{\"format\":"
                 "\"console\"}]}]",
                 cases[i].sql, cases[i].mode);
        snprintf(stages, sizeof stages, MARK, "");
        cr_assert_eq(open_run(&run, stages, queries), ERR_INVALID, "%s", cases[i].sql);
        cr_assert_eq(run.errors.count, 1, "%s", cases[i].sql);
        cr_expect(str_is(run.errors.items[0].message, cases[i].problem), "%s: %.*s", cases[i].sql,
                  STR_ARG(run.errors.items[0].message));
        close_run(&run);
    }
}
