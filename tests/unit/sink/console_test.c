/* The console sink: the bytes it prints, and when. */
#define _GNU_SOURCE
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sink/console.h"

static struct fixture fixture;
static struct stdout_writer *writer;
static struct sink *sink, *second;
static int reader_fd;

static void setup(void)
{
    struct err err;
    int fds[2];
    fixture_init(&fixture);
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fcntl(fds[1], F_SETPIPE_SZ, 4096);
    reader_fd = fds[0];
    cr_assert_eq(stdout_writer_create(&writer, &fixture.loop, fds[1], &err), 0);
    close(fds[1]);
    struct sink_config config = {.loop = &fixture.loop,
                                 .query = STR("all"),
                                 .name = STR("console0"),
                                 .schema = fixture.schema};
    struct sink_console_options options = {.num_rows = 3, .truncate_width = 20};
    cr_assert_eq(sink_console_create(&sink, &config, &options, writer, &err), 0);
    options.num_rows = 100000;
    config.query = STR("wide");
    cr_assert_eq(sink_console_create(&second, &config, &options, writer, &err), 0);
}

static void teardown(void)
{
    fixture_close_sink(&fixture, sink, SINK_CLOSE_DISCARD);
    fixture_close_sink(&fixture, second, SINK_CLOSE_DISCARD);
    stdout_writer_close(writer, NULL, NULL);
    if (reader_fd >= 0)
        close(reader_fd);
    fixture_fini(&fixture);
}

TestSuite(sink_console, .init = setup, .fini = teardown, .timeout = 60);

static size_t read_some(char *p, size_t n)
{
    ssize_t got = read(reader_fd, p, n);
    return got > 0 ? (size_t)got : 0;
}

#define RULE "-------------------------------------------\n"

Test(sink_console, prints_a_batch_as_spark_does)
{
    char text[2000] = "";
    struct sink_batch *batch = fixture_filled(&fixture, sink, 12, 9, 2);
    cr_expect(str_is(sink_description(sink), "ConsoleSink"));
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_expect_eq(read_some(text, sizeof text), 0, "nothing before publish");
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    read_some(text, sizeof text - 1);
    cr_expect_str_eq(text, RULE "Batch: 12\n" RULE "+---+------+\n"
                                "| id|  name|\n"
                                "+---+------+\n"
                                "|  9|name-9|\n"
                                "| 10|  NULL|\n"
                                "+---+------+\n\n");
    cr_expect_eq(sink_counters(sink)->rows, 2);
    cr_expect_eq(sink_counters(sink)->bytes, strlen(text));
    cr_expect_eq(sink_counters(sink)->objects, 0);
    cr_expect_str_eq(fixture_last(&fixture)->outputs, "");
}

static void on_recovered(struct sink *done, int code, const struct err *err, void *user)
{
    cr_expect(done == sink && code == 0 && err->code == 0);
    *(bool *)user = true;
}

/* A process ends before it printed; the next prints what it had prepared. */
Test(sink_console, prints_what_another_process_prepared)
{
    char text[2000] = "", again[2000] = "";
    bool done = false;
    struct sink_batch *batch = fixture_filled(&fixture, sink, 12, 9, 2);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    char *staged = strndup(sink_batch_staged(batch).p, sink_batch_staged(batch).n);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    read_some(text, sizeof text - 1);
    const struct sink_recovery recovery = {.batch_id = 12, .rows = 2, .staged = str_of(staged)};
    sink_recover(sink, &recovery, on_recovered, &done);
    cr_expect(!done, "never from inside the call");
    while (!done)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    read_some(again, sizeof again - 1);
    cr_expect_str_eq(again, text);
    cr_expect_eq(sink_counters(sink)->rows, 4);
    free(staged);
}

Test(sink_console, what_no_console_keeps_is_refused)
{
    bool done = false;
    sink_restore_held(sink, NULL, 0, on_recovered, &done);
    while (!done)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    done = false;
    sink_sweep(sink, INT64_MAX, on_recovered, &done);
    while (!done)
        uv_run(&fixture.loop, UV_RUN_ONCE);
}

Test(sink_console, an_empty_batch_and_one_with_more_rows)
{
    char text[2000] = "";
    struct sink_batch *batch = fixture_filled(&fixture, sink, 0, 0, 0);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    batch = fixture_filled(&fixture, sink, 1, 1, 5);
    cr_expect_gt(sink_batch_bytes(batch), 0);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    read_some(text, sizeof text - 1);
    cr_expect_str_eq(text, RULE "Batch: 0\n" RULE "+---+----+\n"
                                "| id|name|\n"
                                "+---+----+\n"
                                "+---+----+\n\n" RULE "Batch: 1\n" RULE "+---+------+\n"
                                "| id|  name|\n"
                                "+---+------+\n"
                                "|  1|name-1|\n"
                                "|  2|name-2|\n"
                                "|  3|name-3|\n"
                                "+---+------+\n"
                                "only showing top 3 rows\n\n");
    cr_expect_eq(sink_counters(sink)->rows, 5);
}

Test(sink_console, an_aborted_batch_prints_nothing)
{
    char text[100];
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
    cr_assert_eq(fixture_abort(&fixture, batch), 0);
    batch = fixture_filled(&fixture, sink, 1, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_assert_eq(fixture_abort(&fixture, batch), 0);
    cr_expect_eq(read_some(text, sizeof text), 0);
}

struct slow_reader {
    uv_timer_t timer;
    struct buf text;
    uint32_t ticks;
};

static void on_tick(uv_timer_t *timer)
{
    struct slow_reader *reader = CONTAINER_OF(timer, struct slow_reader, timer);
    char part[700];
    reader->ticks++;
    buf_append(&reader->text, part, read_some(part, sizeof part));
}

/* The reader runs on the same loop: a write that blocked it would never end. */
Test(sink_console, a_slow_reader_does_not_stop_the_loop)
{
    struct fixture_user user = {&fixture};
    struct slow_reader reader = {0};
    struct sink_batch *one = fixture_filled(&fixture, second, 7, 1, 4000);
    struct sink_batch *two = fixture_filled(&fixture, sink, 7, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, two), 0);
    cr_assert_eq(fixture_prepare(&fixture, one), 0);
    fixture.event_count = 0;
    uv_timer_init(&fixture.loop, &reader.timer);
    uv_timer_start(&reader.timer, on_tick, 1, 1);
    sink_batch_publish(one, fixture_callback, &user);
    sink_batch_publish(two, fixture_callback, &user);
    fixture_wait(&fixture, 2);
    cr_expect_eq(fixture.events[0].code, 0);
    cr_expect_gt(reader.ticks, 20);
    char part[4096];
    for (size_t n; (n = read_some(part, sizeof part)) > 0;)
        buf_append(&reader.text, part, n);
    cr_expect_eq(reader.text.n, sink_counters(second)->bytes + sink_counters(sink)->bytes);
    const char *text = buf_cstr(&reader.text);
    const char *next = strstr(text, "\n\n");
    cr_assert(next);
    cr_expect(str_starts_with(str_of(next + 2), STR(RULE "Batch: 7\n" RULE "+---+------+\n")));
    cr_expect(strstr(text, "|3999|name-3999|\n"));
    uv_close((uv_handle_t *)&reader.timer, NULL);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    buf_fini(&reader.text);
}

Test(sink_console, a_reader_that_went_away_is_an_error)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    close(reader_fd);
    reader_fd = -1;
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(fixture_publish(&fixture, batch), ERR_IO);
        cr_expect_str_eq(fixture_last(&fixture)->message, "standard output: broken pipe");
    }
    cr_expect_eq(fixture_abort(&fixture, batch), 0);
}

Test(sink_console, abort_of_a_print_that_nobody_reads)
{
    struct fixture_user publish = {&fixture}, abort_user = {&fixture};
    struct sink_batch *batch = fixture_filled(&fixture, second, 1, 1, 4000);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    fixture.event_count = 0;
    sink_batch_publish(batch, fixture_callback, &publish);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    cr_expect_eq(fixture.event_count, 0);
    sink_batch_abort(batch, fixture_callback, &abort_user);
    fixture_wait(&fixture, 2);
    cr_expect_eq(fixture.events[0].user, &publish);
    cr_expect_eq(fixture.events[0].code, ERR_CANCELLED);
    cr_expect_eq(fixture.events[1].user, &abort_user);
    cr_expect_eq(fixture.events[1].code, 0);
}
