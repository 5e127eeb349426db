/* The JSON lines sink on a store that fails, waits and is cancelled. */
#include "fixture.h"

#include <stdio.h>

#include "fake_store.h"
#include "sink/files.h"

static struct fixture fixture;
static struct fake_store *fake;
static struct sink *sink;
static uint32_t observed;
static uint32_t left_uploads; /* on purpose */

static void observe(void *user, double seconds)
{
    (void)user;
    cr_expect(seconds >= 0 && seconds < 60);
    observed++;
}

static void setup(void)
{
    static const struct file_format format = {.kind = FILE_JSON};
    struct err err;
    fixture_init(&fixture);
    fake = fake_store_create(&fixture.loop);
    struct sink_config config = {
        .loop = &fixture.loop, .query = STR("q"), .name = STR("s"), .schema = fixture.schema};
    struct sink_files_options options = {.path = STR("out"),
                                         .id8 = STR("01234567"),
                                         .format = &format,
                                         .part_bytes = 1000,
                                         .encode_bytes = 1000};
    cr_assert_eq(sink_files_create(&sink, &config, &options, &fake->base, &err), 0);
    sink_observe_uploads(sink, observe, NULL);
    observed = left_uploads = 0;
}

static void teardown(void)
{
    cr_expect_eq(fake->open_uploads, left_uploads);
    fixture_close_sink(&fixture, sink, SINK_CLOSE_DISCARD);
    store_close(&fake->base, NULL, NULL);
    fixture_fini(&fixture);
}

TestSuite(sink_failure, .init = setup, .fini = teardown, .timeout = 60);

static void fail_next(enum store_op op, uint32_t count, int code, bool transient)
{
    fake->fail_op = op;
    fake->fail_count = count;
    fake->fail_code = code;
    fake->fail_transient = transient;
}

static int done_code;

static void on_done(struct sink *done, int code, const struct err *err, void *user)
{
    cr_expect(done == sink && code == err->code);
    done_code = code;
    *(bool *)user = true;
}

/* Waits until the task has said so. */
static void wait_done(const bool *done)
{
    cr_expect(!*done, "never from inside the call");
    while (!*done)
        uv_run(&fixture.loop, UV_RUN_ONCE);
}

static const struct record_file output = {.name = STR("part-01234567-00000001-q-s-00000.json"),
                                          .upload_id = STR("id"),
                                          .rows = 1,
                                          .bytes = 9};

Test(sink_failure, a_recovery_is_cancelled)
{
    static const enum store_op ops[] = {STORE_UPLOAD_RESUME, STORE_UPLOAD_PUBLISH};
    const struct sink_recovery recovery = {
        .batch_id = 1, .rows = 1, .outputs = &output, .output_count = 1};
    for (uint32_t i = 0; i < COUNT_OF(ops); i++) {
        bool done = false;
        fake->hold_op = (int)ops[i];
        sink_recover(sink, &recovery, on_done, &done);
        while (!fake_store_holds(fake))
            uv_run(&fixture.loop, UV_RUN_ONCE);
        sink_cancel(sink);
        wait_done(&done);
        cr_expect_eq(done_code, ERR_CANCELLED);
        cr_expect_eq(fake->ops[STORE_UPLOAD_ABORT], 0, "what was decided is not removed");
        fake_store_release(fake);
    }
    cr_expect_eq(sink_counters(sink)->objects, 0);
    left_uploads = 1; /* of the publish that was cancelled */
}

Test(sink_failure, a_recovery_that_fails_leaves_everything)
{
    const struct sink_recovery recovery = {
        .batch_id = 1, .rows = 1, .outputs = &output, .output_count = 1};
    bool done = false;
    fail_next(STORE_UPLOAD_PUBLISH, 1, ERR_NOT_FOUND, false);
    sink_recover(sink, &recovery, on_done, &done);
    wait_done(&done);
    cr_expect_eq(done_code, ERR_NOT_FOUND);
    cr_expect_eq(fake->ops[STORE_UPLOAD_ABORT], 0);
    done = false;
    sink_recover(sink, &recovery, on_done, &done);
    wait_done(&done);
    cr_expect_eq(done_code, 0);
    cr_expect_eq(sink_counters(sink)->objects, 1);
    left_uploads = 1;
}

Test(sink_failure, a_sweep_is_cancelled)
{
    bool done = false;
    fake->hold_op = STORE_LIST_UPLOADS;
    sink_sweep(sink, INT64_MAX, on_done, &done);
    while (!fake_store_holds(fake))
        uv_run(&fixture.loop, UV_RUN_ONCE);
    sink_cancel(sink);
    wait_done(&done);
    cr_expect_eq(done_code, ERR_CANCELLED);
    fake_store_release(fake);
}

/* A sink that another process could go on with. */
static struct sink *make_recoverable(void)
{
    static const struct file_format format = {.kind = FILE_JSON};
    struct sink *made = NULL;
    struct err err;
    struct sink_config config = {
        .loop = &fixture.loop, .query = STR("q"), .name = STR("r"), .schema = fixture.schema};
    struct sink_files_options options = {.path = STR("out"),
                                         .id8 = STR("01234567"),
                                         .format = &format,
                                         .recoverable = true,
                                         .target_file_bytes = 1 << 20,
                                         .part_bytes = 1000};
    cr_assert_eq(sink_files_create(&made, &config, &options, &fake->base, &err), 0);
    return made;
}

Test(sink_failure, a_prepare_waits_for_rolled_files_and_can_be_cancelled)
{
    static const enum store_op ops[] = {STORE_UPLOAD_BEGIN, STORE_UPLOAD_APPEND, STORE_UPLOAD_SYNC};
    struct fixture_user user = {&fixture};
    for (uint32_t i = 0; i < COUNT_OF(ops); i++) {
        struct sink *rolled = make_recoverable();
        struct sink_batch *batch = fixture_filled(&fixture, rolled, 1, 1, 100);
        fixture.event_count = 0;
        fake->hold_op = (int)ops[i];
        sink_batch_prepare(batch, fixture_callback, &user);
        while (!fake_store_holds(fake))
            uv_run(&fixture.loop, UV_RUN_ONCE);
        cr_expect_eq(fixture.event_count, 0);
        sink_batch_leave(batch, fixture_callback, &user);
        fixture_wait(&fixture, 2);
        cr_expect_eq(fixture.events[0].code, ERR_CANCELLED);
        cr_expect_eq(fixture.events[1].code, 0);
        fake_store_release(fake);
        cr_expect_eq(fixture_close_sink(&fixture, rolled, SINK_CLOSE_DISCARD), ERR_CANCELLED);
    }
}

Test(sink_failure, a_rolled_file_that_cannot_be_kept_fails_its_batch)
{
    static const enum store_op ops[] = {STORE_UPLOAD_BEGIN, STORE_UPLOAD_APPEND, STORE_UPLOAD_SYNC};
    for (uint32_t i = 0; i < COUNT_OF(ops); i++) {
        struct sink *rolled = make_recoverable();
        struct sink_batch *batch = fixture_filled(&fixture, rolled, 1, 1, 100);
        fail_next(ops[i], 1, ERR_IO, false);
        cr_expect_eq(fixture_prepare(&fixture, batch), ERR_IO);
        cr_expect_eq(fixture_abort(&fixture, batch), 0);
        fixture.event_count = 0;
        cr_expect_eq(fixture_close_sink(&fixture, rolled, SINK_CLOSE_DISCARD), ERR_IO);
    }
}

Test(sink_failure, transient_failures_are_repeated)
{
    static const enum store_op ops[] = {STORE_UPLOAD_BEGIN, STORE_UPLOAD_APPEND, STORE_UPLOAD_SEAL,
                                        STORE_UPLOAD_PUBLISH};
    struct buf expected = {0};
    fixture_expected_json(&expected, 1, 100);
    for (uint32_t i = 0; i < COUNT_OF(ops); i++) {
        struct sink_batch *batch = fixture_filled(&fixture, sink, i, 1, 100);
        fail_next(ops[i], 3, ERR_IO, true);
        cr_assert_eq(fixture_prepare(&fixture, batch), 0, "%s", fixture_last(&fixture)->message);
        cr_assert_eq(fixture_publish(&fixture, batch), 0);
        cr_expect_eq(store_health(&fake->base)->retries, 3 * (i + 1));
        cr_assert_eq(fake->object_count, i + 1);
        cr_expect(str_eq(buf_str(&fake->objects[i].bytes), buf_str(&expected)), "%u", i);
    }
    cr_expect_str_eq(fake->objects[2].key, "part-01234567-00000002-q-s-00000.json");
    cr_expect_eq(observed, fake->ops[STORE_UPLOAD_BEGIN] + fake->ops[STORE_UPLOAD_APPEND] +
                               fake->ops[STORE_UPLOAD_SEAL] + fake->ops[STORE_UPLOAD_PUBLISH]);
    buf_fini(&expected);
}

Test(sink_failure, a_failure_while_filling_shows_at_the_next_write)
{
    struct err err = {0};
    fail_next(STORE_UPLOAD_APPEND, 1, ERR_IO, false);
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 100);
    struct block rows = fixture_rows(&fixture, 1, 1);
    while (fake->fail_count)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    cr_expect_eq(sink_batch_write(batch, &rows, &err), ERR_IO);
    cr_expect_str_eq(err.msg, "the fake store failed");
    cr_expect_eq(fixture_prepare(&fixture, batch), ERR_IO);
    cr_expect_str_eq(fixture_last(&fixture)->message, "the fake store failed");
    cr_expect_eq(fixture_abort(&fixture, batch), 0);
    cr_expect_eq(fake->ops[STORE_UPLOAD_SEAL], 0);
    cr_expect_eq(store_health(&fake->base)->retries, 0);
}

Test(sink_failure, a_failed_publish_can_come_again)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    fail_next(STORE_UPLOAD_PUBLISH, 1, ERR_IO, false);
    cr_expect_eq(fixture_publish(&fixture, batch), ERR_IO);
    cr_expect_eq(fixture_publish(&fixture, batch), 0);
    cr_expect_eq(fake->object_count, 1);
    cr_expect_eq(sink_counters(sink)->objects, 1);
}

Test(sink_failure, an_abort_that_fails_still_ends_the_batch)
{
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    fail_next(STORE_UPLOAD_ABORT, 3, ERR_IO, true);
    cr_expect_eq(fixture_abort(&fixture, batch), ERR_IO);
    cr_expect_str_eq(fixture_last(&fixture)->message, "the fake store failed");
}

static void run_until_held(void)
{
    while (!fake_store_holds(fake))
        uv_run(&fixture.loop, UV_RUN_ONCE);
}

Test(sink_failure, abort_while_preparing)
{
    static const int held[] = {STORE_UPLOAD_BEGIN, STORE_UPLOAD_APPEND, STORE_UPLOAD_SEAL};
    struct fixture_user prepare = {&fixture}, abort_user = {&fixture};
    for (uint32_t i = 0; i < COUNT_OF(held); i++) {
        fixture.event_count = 0;
        fake->hold_op = held[i];
        struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 100);
        sink_batch_prepare(batch, fixture_callback, &prepare);
        run_until_held();
        cr_expect_eq(fixture.event_count, 0);
        sink_batch_abort(batch, fixture_callback, &abort_user);
        fixture_wait(&fixture, 2);
        cr_expect_eq(fixture.events[0].user, &prepare);
        cr_expect_eq(fixture.events[0].code, ERR_CANCELLED);
        cr_expect_eq(fixture.events[1].user, &abort_user);
        cr_expect_eq(fixture.events[1].code, 0);
        cr_expect_eq(fake->open_uploads, 0);
    }
    cr_expect_eq(fake->object_count, 0);
}

Test(sink_failure, abort_of_a_publish_under_way)
{
    struct fixture_user publish = {&fixture}, abort_user = {&fixture};
    for (int late = 0; late < 2; late++) {
        struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
        cr_assert_eq(fixture_prepare(&fixture, batch), 0);
        fixture.event_count = 0;
        fake->hold_op = STORE_UPLOAD_PUBLISH;
        fake->cancel_comes_too_late = late;
        sink_batch_publish(batch, fixture_callback, &publish);
        run_until_held();
        sink_batch_abort(batch, fixture_callback, &abort_user);
        fixture_wait(&fixture, 2);
        cr_expect_eq(fixture.events[0].user, &publish);
        cr_expect_eq(fixture.events[0].code, late ? 0 : ERR_CANCELLED);
        cr_expect_eq(fixture.events[1].user, &abort_user);
        cr_expect_eq(fixture.events[1].code, 0);
        cr_expect_eq(fake->object_count, late ? 1u : 0u);
    }
}

/* The result is on its way when the abort comes: it is still delivered, and first. */
Test(sink_failure, abort_right_behind_a_result)
{
    struct fixture_user prepare = {&fixture}, abort_user = {&fixture};
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 0, 0);
    sink_batch_prepare(batch, fixture_callback, &prepare);
    sink_batch_abort(batch, fixture_callback, &abort_user);
    cr_expect_eq(fixture.event_count, 0);
    fixture_wait(&fixture, 2);
    cr_expect_eq(fixture.events[0].user, &prepare);
    cr_expect_eq(fixture.events[0].code, 0);
    cr_expect_eq(fixture.events[1].user, &abort_user);
}

/* As a stop in the middle of an outage: nobody waits for the next attempt. */
Test(sink_failure, abort_during_the_pause_before_a_retry)
{
    struct fixture_user prepare = {&fixture}, abort_user = {&fixture};
    for (int while_filling = 0; while_filling < 2; while_filling++) {
        fixture.event_count = 0;
        fail_next(STORE_UPLOAD_APPEND, 1, ERR_IO, true);
        struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 100);
        if (!while_filling)
            sink_batch_prepare(batch, fixture_callback, &prepare);
        while (fake->fail_count)
            uv_run(&fixture.loop, UV_RUN_NOWAIT);
        sink_batch_abort(batch, fixture_callback, &abort_user);
        fixture_wait(&fixture, while_filling ? 1 : 2);
        if (!while_filling)
            cr_expect_eq(fixture.events[0].code, ERR_CANCELLED);
        cr_expect_eq(fixture_last(&fixture)->user, &abort_user);
        cr_expect_eq(fixture_last(&fixture)->code, 0);
    }
}

/* Prepare while the first parts wait for a retry: no second machine starts beside the pause. */
Test(sink_failure, prepare_during_the_pause_before_a_retry)
{
    fail_next(STORE_UPLOAD_BEGIN, 2, ERR_IO, true);
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 100);
    while (fake->fail_count)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    cr_assert_eq(fixture_prepare(&fixture, batch), 0);
    cr_expect_eq(fake->ops[STORE_UPLOAD_BEGIN], 1);
    cr_assert_eq(fixture_publish(&fixture, batch), 0);
    cr_expect_eq(fake->object_count, 1);
}

static void abort_inside(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    fixture_callback(batch, code, err, user);
    sink_batch_abort(batch, fixture_callback, user);
}

Test(sink_failure, abort_from_the_callback)
{
    struct fixture_user user = {&fixture};
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
    sink_batch_prepare(batch, abort_inside, &user);
    fixture_wait(&fixture, 2);
    cr_expect_eq(fixture_last(&fixture)->code, 0);
}

static void publish_inside(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    fixture_callback(batch, code, err, user);
    sink_batch_publish(batch, fixture_callback, user);
}

static void destroy_inside(struct sink_batch *batch, int code, const struct err *err, void *user)
{
    fixture_callback(batch, code, err, user);
    fixture_close_sink(&fixture, sink, SINK_CLOSE_DISCARD);
    sink = NULL;
}

Test(sink_failure, publish_and_destroy_from_the_callbacks)
{
    struct fixture_user user = {&fixture};
    struct sink_batch *batch = fixture_filled(&fixture, sink, 1, 1, 1);
    sink_batch_prepare(batch, publish_inside, &user);
    fixture_wait(&fixture, 2);
    cr_expect_eq(fake->object_count, 1);
    batch = fixture_filled(&fixture, sink, 1, 1, 1);
    sink_batch_abort(batch, destroy_inside, &user);
    fixture_wait(&fixture, 3);
    cr_expect_null(sink);
}
