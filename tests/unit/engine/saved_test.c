/* State through chunks, files and another engine: going on after a restart, queries that come, go,
 * change or are reset, and the words for every kind of damage. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "engine/engine.h"
#include "format/json_rows.h"

enum { BATCHES = 12, QUERIES_MAX = 8 };

struct run {
    struct plan *plan;
    struct engine *engine;
    struct engine_counts counts;
    struct arena arena;
    struct plan_errors errors;
    struct buf rows[QUERIES_MAX];
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

#define QUERY(name, sql, mode)                                                                     \
    "{\"name\":\"" name "\",\"sql\":\"" sql "\",\"outputMode\":\"" mode                            \
    "\",\"sinks\":[{\"format\":\"console\"}]}"

#define TUMBLING                                                                                   \
    QUERY("tumbling",                                                                              \
          "SELECT window, id, count(*) AS c, sum(n) AS s FROM tx GROUP BY window(t, '10 seconds')" \
          ", id",                                                                                  \
          "append")
#define SLIDING                                                                                    \
    QUERY("sliding",                                                                               \
          "SELECT window, collect_list(n) AS l FROM tx GROUP BY window(t, '10 seconds', '4 "       \
          "seconds')",                                                                             \
          "update")
#define SESSION                                                                                    \
    QUERY("session",                                                                               \
          "SELECT session_window, id, collect_list(n) AS l FROM tx GROUP BY "                      \
          "session_window(t, '5 seconds'), id",                                                    \
          "append")
#define EVENT_KEY QUERY("by_time", "SELECT t, id, count(*) AS c FROM tx GROUP BY t, id", "append")
#define GLOBAL    QUERY("all_rows", "SELECT count(*) AS c, max(n) AS m FROM tx", "complete")
#define KEYS      QUERY("by_id", "SELECT id, avg(n) AS a FROM tx GROUP BY id", "update")
#define PLAIN     QUERY("plain", "SELECT id, n FROM tx WHERE n > 5", "append")
#define ALL       "[" TUMBLING "," SLIDING "," SESSION "," EVENT_KEY "," GLOBAL "," KEYS "," PLAIN "]"

#define WATERMARK ",\"watermark\":{\"eventTime\":\"t\",\"delayThreshold\":\"3 seconds\"}"
#define DEDUP     ",\"dropDuplicatesWithinWatermark\":[\"id\",\"n\"]"

static void open_run(struct run *run, const char *stages, const char *queries)
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
    code = engine_create(&run->engine, run->plan, &run->arena, &run->errors);
    cr_assert_eq(code, 0, "%s", run->errors.count ? run->errors.items[0].message.p : "");
    cr_assert_eq(engine_counts_init(&run->counts, run->engine), 0);
    buf_fini(&text);
}

static void close_run(struct run *run)
{
    engine_counts_fini(&run->counts);
    engine_destroy(run->engine);
    plan_destroy(run->plan);
    arena_fini(&run->arena);
    for (int i = 0; i < QUERIES_MAX; i++)
        buf_fini(&run->rows[i]);
}

static uint32_t draw(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((*seed >> 33) % n);
}

static void feed(struct run *run, int second, uint32_t id, uint32_t n)
{
    char value[200];
    struct engine_hooks hooks = {.user = run, .rows = on_rows};
    snprintf(value, sizeof value, "{\"id\":\"k%u\",\"n\":%u,\"t\":\"1970-01-01 %02d:%02d:%02d\"}",
             id, n, second / 3600, second / 60 % 60, second % 60);
    struct record record = {
        .value = str_of(value), .offset = run->offset++, .timestamp_ms = 1000000};
    struct record_block block = {.topic = STR("t"), .records = &record, .count = 1};
    cr_assert_eq(engine_process(run->engine, &block, 0, &hooks, &run->counts, &run->err), 0, "%s",
                 run->err.msg);
}

static void seal(struct run *run, bool data, uint32_t work)
{
    struct engine_hooks hooks = {.user = run, .rows = on_rows};
    bool done = false;
    cr_assert_eq(engine_seal_begin(run->engine, data, 0, NULL, 0, &run->counts, &run->err), 0);
    while (!done)
        cr_assert_eq(engine_seal_step(run->engine, work, &hooks, &done, &run->err), 0, "%s",
                     run->err.msg);
    engine_counts_reset(&run->counts, run->engine);
}

/* The batch of this number: always the same records. */
static void play_batch(struct run *run, int batch, uint32_t work)
{
    uint64_t seed = (uint64_t)batch * 77 + 5;
    for (uint32_t i = draw(&seed, 30); i > 0; i--)
        feed(run, batch * 4 + (int)draw(&seed, 12), draw(&seed, 5), draw(&seed, 10));
    seal(run, true, work);
    while (engine_wants_batch(run->engine))
        seal(run, false, work);
}

static struct buf save(struct run *run, enum state_extent extent, uint32_t work)
{
    struct buf out = {0};
    bool done = false;
    engine_save_begin(run->engine, extent);
    while (!done)
        cr_assert_eq(engine_save_step(run->engine, work, &out, &done), 0);
    return out;
}

/* One file after the other; the code of what fails. */
static int load(struct run *run, const struct buf *files, uint32_t count, const char *reset,
                uint32_t work)
{
    struct str names[1] = {reset ? str_of(reset) : STR("")};
    int code = engine_load_begin(run->engine, names, reset != NULL, &run->err);
    for (uint32_t i = 0; i < count && code == 0; i++) {
        size_t used = 0;
        while (used < files[i].n && code == 0) {
            char *copy = malloc(files[i].n); /* moved, and of its exact size */
            memcpy(copy, files[i].p, files[i].n);
            code = engine_load_step(run->engine, (struct str){copy, files[i].n}, &used, work,
                                    &run->err);
            free(copy);
        }
    }
    return code ? code : engine_load_end(run->engine, &run->err);
}

static void expect_load(struct run *run, const struct buf *files, uint32_t count, const char *reset,
                        uint32_t work)
{
    cr_assert_eq(load(run, files, count, reset, work), 0, "%s", run->err.msg);
}

/* ---- going on ---- */

/* What queries give from batch `from` on. */
static void play_from(struct run *run, int from, uint32_t work)
{
    for (int i = 0; i < QUERIES_MAX; i++)
        buf_clear(&run->rows[i]);
    for (int batch = from; batch < BATCHES; batch++)
        play_batch(run, batch, work);
}

/* A snapshot after batch `first`, deltas until batch `last`, and a new engine that goes on. */
static void restart(const char *stages, int first, int last, uint32_t work)
{
    struct run run, other;
    struct buf files[BATCHES + 1];
    uint32_t count = 0;
    open_run(&run, stages, ALL);
    open_run(&other, stages, ALL);
    for (int batch = 0; batch <= last; batch++) {
        uint64_t seed = (uint64_t)batch * 77 + 5;
        for (uint32_t i = draw(&seed, 30); i > 0; i--)
            feed(&run, batch * 4 + (int)draw(&seed, 12), draw(&seed, 5), draw(&seed, 10));
        seal(&run, true, work);
        if (batch >= first)
            files[count] = save(&run, count ? STATE_DELTA : STATE_SNAPSHOT, work), count++;
        while (engine_wants_batch(run.engine)) {
            seal(&run, false, work);
            if (batch < first)
                continue;
            cr_assert(count < BATCHES);
            files[count] = save(&run, STATE_DELTA, work);
            buf_append_str(&files[count - 1], buf_str(&files[count])); /* two in one file */
            buf_fini(&files[count]);
        }
    }
    expect_load(&other, files, count, NULL, work);
    other.offset = run.offset;
    cr_expect_eq(engine_state_rows(run.engine), engine_state_rows(other.engine));
    cr_expect_eq(engine_low_offset(run.engine, STR("t"), 0),
                 engine_low_offset(other.engine, STR("t"), 0));
    play_from(&run, last + 1, UINT32_MAX);
    play_from(&other, last + 1, work);
    for (int q = 0; q < 7; q++)
        cr_expect_str_eq(buf_cstr(&run.rows[q]), buf_cstr(&other.rows[q]), "query %d, %d to %d", q,
                         first, last);
    while (count > 0)
        buf_fini(&files[--count]);
    close_run(&run);
    close_run(&other);
}

Test(saved, an_engine_goes_on_as_if_it_had_never_stopped)
{
    static const uint32_t works[] = {1, 7, 4096};
    for (int first = 0; first < BATCHES - 1; first += 2) {
        for (int last = first; last < BATCHES - 1; last += 3) {
            restart(WATERMARK, first, last, works[(first + last) % 3]);
            restart(WATERMARK DEDUP, first, last, works[(first + last + 1) % 3]);
        }
    }
}

/* ---- queries come and go ---- */

/* Files after some batches of these queries: a snapshot and a delta. */
static void save_two(const char *stages, const char *queries, struct buf files[2])
{
    struct run run;
    open_run(&run, stages, queries);
    play_batch(&run, 0, 100);
    files[0] = save(&run, STATE_SNAPSHOT, 100);
    play_batch(&run, 1, 100);
    files[1] = save(&run, STATE_DELTA, 100);
    close_run(&run);
}

static void drop(struct buf *files, int count)
{
    for (int i = 0; i < count; i++)
        buf_fini(&files[i]);
}

Test(saved, queries_come_go_and_are_reset_alone)
{
    struct run run;
    struct buf files[4];
    save_two("", "[" KEYS "," GLOBAL "]", files);
    open_run(&run, "", "[" KEYS "," GLOBAL "]");
    expect_load(&run, files, 2, NULL, 10);
    uint64_t rows = engine_state_rows(run.engine);
    cr_assert(rows > 2);
    close_run(&run);

    open_run(&run, "", "[" GLOBAL "," PLAIN "]"); /* one goes, one comes */
    expect_load(&run, files, 2, NULL, 10);
    cr_expect_eq(engine_state_rows(run.engine), 1);
    seal(&run, true, 10);
    files[2] = save(&run, STATE_DELTA, 10);
    close_run(&run);

    open_run(&run, "", "[" GLOBAL "," KEYS "]"); /* it comes again, and is new */
    expect_load(&run, files, 3, "by_id", 10);
    cr_expect_eq(engine_state_rows(run.engine), 1);
    feed(&run, 5, 1, 1);
    seal(&run, true, 10);
    files[3] = save(&run, STATE_DELTA, 10);
    close_run(&run);

    open_run(&run, "", "[" GLOBAL "," KEYS "]"); /* what was before its reset is gone for ever */
    expect_load(&run, files, 4, NULL, 10);
    cr_expect_eq(engine_state_rows(run.engine), 2);
    close_run(&run);
    drop(files, 4);
}

Test(saved, another_query_is_refused_until_it_is_reset)
{
    struct run run;
    struct buf files[3];
    const char *changed =
        "[" QUERY("by_id", "SELECT n, avg(n) AS a FROM tx GROUP BY n", "update") "]";
    save_two("", "[" KEYS "]", files);
    open_run(&run, "", changed);
    cr_expect_eq(load(&run, files, 2, NULL, 10), ERR_INVALID);
    cr_expect_str_eq(
        run.err.msg,
        "query by_id: its state was saved by another query: was \"key id STRING\", now \"key n "
        "INT\"; start with --reset-query by_id to drop this state, or use a new "
        "checkpointLocation");
    close_run(&run);
    open_run(&run, "", changed);
    expect_load(&run, files, 2, "by_id", 10);
    cr_expect_eq(engine_state_rows(run.engine), 0);
    feed(&run, 5, 1, 1);
    seal(&run, true, 10);
    files[2] = save(&run, STATE_DELTA, 10);
    close_run(&run);
    open_run(&run, "", changed); /* no reset is needed any more */
    expect_load(&run, files, 3, NULL, 10);
    cr_expect_eq(engine_state_rows(run.engine), 1);
    close_run(&run);
    drop(files, 3);
}

Test(saved, another_dedup_is_refused)
{
    struct run run;
    struct buf files[2];
    save_two(WATERMARK DEDUP, "[" PLAIN "]", files);
    open_run(&run, WATERMARK ",\"dropDuplicatesWithinWatermark\":[\"id\"]", "[" PLAIN "]");
    cr_expect_eq(load(&run, files, 2, NULL, 10), ERR_INVALID);
    cr_expect_str_eq(run.err.msg,
                     "source tx: its state was saved by another source: was \"drop duplicates of n "
                     "INT\", now \"until t\"; use a new checkpointLocation");
    close_run(&run);
    drop(files, 2);
}

static void expect_fingerprint(const char *queries, const char *wanted)
{
    struct run run;
    struct buf out = {0};
    open_run(&run, WATERMARK, queries);
    cr_expect_eq(engine_query_fingerprint(run.engine, 0, &out), 0);
    cr_expect_str_eq(buf_cstr(&out), wanted);
    buf_fini(&out);
    close_run(&run);
}

Test(saved, fingerprints)
{
    static const char tumbling[] =
        "window of t, size 10000000 us, slide 10000000 us, start 0 us\nkey id STRING\naggregate "
        "count(*)\naggregate sum(n) of BIGINT\nclosed by t\noutput append or update\n";
    expect_fingerprint("[" TUMBLING "]", tumbling);
    /* Names, conditions and spelling are free. */
    expect_fingerprint("[" QUERY("x",
                                 "SELECT count(*) AS many, ID AS who, window.end AS e, sum(N) FROM "
                                 "tx WHERE n > 1 GROUP BY window(T, '10000 milliseconds'), Id "
                                 "HAVING count(*) > 2",
                                 "update") "]",
                       tumbling);
    expect_fingerprint("[" PLAIN "]", "");
    expect_fingerprint("[" GLOBAL "]", "no keys\naggregate count(*)\naggregate max(n) of INT\n");
    expect_fingerprint("[" SESSION "]",
                       "window session_window(t, '5 seconds')\nkey id STRING\naggregate "
                       "collect_list(n) of INT\nclosed by t\noutput append or update\n");
    expect_fingerprint("[" EVENT_KEY "]",
                       "key t TIMESTAMP\nkey id STRING\naggregate count(*)\nclosed by "
                       "t\noutput append or update\n");
}

/* ---- damage ---- */

static void fix_checksum(struct buf *chunk)
{
    uint32_t sum = crc32c(0, (struct str){chunk->p, chunk->n - 4});
    for (size_t i = 0; i < 4; i++)
        chunk->p[chunk->n - 4 + i] = (char)(sum >> (8 * i));
}

static size_t chunk_bytes(const char *p)
{
    return (uint8_t)p[12] | (size_t)(uint8_t)p[13] << 8 | (size_t)(uint8_t)p[14] << 16;
}

static void expect_damage(const struct buf *files, uint32_t count, const char *message)
{
    struct run run;
    open_run(&run, "", "[" KEYS "]");
    cr_expect_eq(load(&run, files, count, NULL, 10), ERR_CORRUPT);
    cr_expect_str_eq(run.err.msg, message);
    close_run(&run);
}

Test(saved, every_damage_has_its_words)
{
    struct buf files[2];
    char message[300];
    save_two("", "[" KEYS "]", files);
    struct buf *file = &files[0];
    size_t whole = file->n, second = chunk_bytes(file->p);
    cr_assert(second < whole && second + chunk_bytes(file->p + second) == whole);

    file->n = whole - 1;
    snprintf(message, sizeof message,
             "the saved state is cut off: the chunk at byte %zu has %zu bytes, of which %zu are "
             "there",
             second, whole - second, whole - second - 1);
    expect_damage(file, 1, message);
    file->n = second;
    expect_damage(file, 1, "the saved state is incomplete: its chunk number 1 is missing");
    file->n = whole;
    file->p[second + 40] ^= 1;
    snprintf(message, sizeof message,
             "the saved state is damaged: the chunk at byte %zu has a wrong checksum", second);
    expect_damage(file, 1, message);
    file->p[second + 40] ^= 1;
    file->p[second + 3] ^= 1;
    snprintf(message, sizeof message,
             "at byte %zu there is no saved state of sluice: the bytes are damaged or of something "
             "else",
             second);
    expect_damage(file, 1, message);
    file->p[second + 3] ^= 1;
    file->p[8] = 2;
    expect_damage(file, 1,
                  "the saved state has format 2 (at byte 0), this version of sluice reads up to 1: "
                  "it was made by a newer one, or is damaged");
    file->p[8] = 1;
    struct buf tail = {file->p + second, whole - second, 0, false};
    expect_damage(&tail, 1,
                  "the saved state is incomplete: the chunk at byte 0 is number 1, but number 0 "
                  "should come here");
    expect_damage(&files[1], 1,
                  "the saved state has no beginning: the chunk at byte 0 says what changed since a "
                  "snapshot of source tx, which was not read before it");
    tail.p[tail.n - 5] ^= 1; /* of a number in the end of the section */
    tail.p[tail.n - 15] ^= 1;
    fix_checksum(&tail);
    snprintf(message, sizeof message,
             "the saved state is damaged: the chunk at byte %zu has a content that is no state",
             second);
    expect_damage(file, 1, message);
    drop(files, 2);
}

Test(saved, every_cut_and_every_changed_byte_is_noticed)
{
    struct buf files[2];
    save_two(WATERMARK, "[" SESSION "]", files);
    for (int f = 0; f < 2; f++) {
        for (size_t n = 0; n < files[f].n; n++) {
            struct run run;
            struct buf changed[2] = {files[0], files[1]};
            open_run(&run, WATERMARK, "[" SESSION "]");
            changed[f].p[n] ^= 4;
            cr_assert_eq(load(&run, changed, 2, NULL, 100), ERR_CORRUPT, "byte %zu", n);
            changed[f].p[n] ^= 4;
            close_run(&run);
            if (n == 0 || n % 7)
                continue;
            changed[f].n = n;
            open_run(&run, WATERMARK, "[" SESSION "]");
            cr_assert_eq(load(&run, changed, (uint32_t)f + 1, NULL, 100), ERR_CORRUPT);
            close_run(&run);
        }
    }
    drop(files, 2);
}

/* ---- showing ---- */

static void on_section(void *user, const struct saved_section *section)
{
    buf_printf(user, "%.*s %s %llu%s%s%s %lld\n", (int)(section->query.p ? section->query.n : 6),
               section->query.p ? section->query.p : "source",
               section->extent == STATE_DELTA ? "delta" : "snapshot",
               (unsigned long long)section->rows, section->bytes > 40 ? "" : " small",
               section->begins ? " begins" : "", section->ends ? " ends" : "",
               (long long)section->watermark_us);
}

Test(saved, a_file_is_described_without_an_engine)
{
    struct run run;
    struct buf out = {0};
    struct err err;
    open_run(&run, WATERMARK, "[" TUMBLING "," PLAIN "]");
    feed(&run, 15, 1, 1);
    feed(&run, 15, 2, 1);
    seal(&run, true, 10);
    struct buf file = save(&run, STATE_SNAPSHOT, 10);
    cr_assert_eq(engine_saved_describe(buf_str(&file), on_section, &out, &err), 0, "%s", err.msg);
    cr_expect_str_eq(buf_cstr(&out), "source snapshot 0 begins ends 0\ntumbling snapshot 2 begins "
                                     "ends 12000000\nplain snapshot 0 begins ends 0\n");
    file.p[20] ^= 1;
    cr_expect_eq(engine_saved_describe(buf_str(&file), on_section, &out, &err), ERR_CORRUPT);
    cr_expect_str_eq(err.msg,
                     "the saved state is damaged: the chunk at byte 0 has a wrong checksum");
    buf_fini(&file);
    buf_fini(&out);
    close_run(&run);
}
