/* The helper thread: order, cancelling, and closing while a job runs. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "os/lane.h"

struct probe {
    struct lane_job job;
    int number;
};

static uv_loop_t loop;
static struct lane *lane;
static pthread_t loop_thread;
static int done_order[64], done_count, cancelled_count;
static atomic_int run_count;
static atomic_bool gate, inside, saw_stopping, wrong_thread;
static bool closed;

static void pause_1ms(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void run_quick(struct lane_job *job)
{
    (void)job;
    if (pthread_equal(pthread_self(), loop_thread))
        atomic_store(&wrong_thread, true);
    atomic_fetch_add(&run_count, 1);
}

static void run_gated(struct lane_job *job)
{
    run_quick(job);
    atomic_store(&inside, true);
    while (!atomic_load(&gate))
        pause_1ms();
}

static void run_until_stopped(struct lane_job *job)
{
    run_quick(job);
    atomic_store(&inside, true);
    while (!lane_stopping(lane))
        pause_1ms();
    atomic_store(&saw_stopping, true);
}

static void on_done(struct lane_job *job, bool cancelled)
{
    struct probe *probe = CONTAINER_OF(job, struct probe, job);
    if (!pthread_equal(pthread_self(), loop_thread))
        atomic_store(&wrong_thread, true);
    done_order[done_count++] = probe->number;
    cancelled_count += cancelled;
    free(probe);
}

static void on_closed(void *user)
{
    (void)user;
    lane = NULL;
    closed = true;
}

static void submit(int number, void (*run)(struct lane_job *))
{
    struct probe *probe = calloc(1, sizeof(*probe));
    probe->number = number;
    probe->job = (struct lane_job){.run = run, .done = on_done};
    lane_submit(lane, &probe->job);
}

static void setup(void)
{
    struct err err;
    loop_thread = pthread_self();
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(lane_create(&lane, &loop, &err), 0);
}

static void teardown(void)
{
    if (!closed)
        lane_close(lane, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&loop), 0);
    cr_expect_not(atomic_load(&wrong_thread));
}

TestSuite(lane, .init = setup, .fini = teardown, .timeout = 20);

static void until_inside(void)
{
    while (!atomic_load(&inside))
        pause_1ms();
}

Test(lane, runs_jobs_in_order_and_reports_each_once)
{
    for (int i = 0; i < 50; i++)
        submit(i, run_quick);
    cr_expect_eq(lane_pending(lane), 50);
    cr_expect_eq(done_count, 0);
    while (lane_pending(lane))
        uv_run(&loop, UV_RUN_ONCE);
    cr_expect_eq(done_count, 50);
    cr_expect_eq(atomic_load(&run_count), 50);
    cr_expect_eq(cancelled_count, 0);
    for (int i = 0; i < 50; i++)
        cr_expect_eq(done_order[i], i);
}

Test(lane, cancel_spares_the_running_job_and_later_ones)
{
    submit(0, run_gated);
    submit(1, run_quick);
    submit(2, run_quick);
    until_inside();
    lane_cancel(lane);
    cr_expect(lane_stopping(lane));
    submit(3, run_quick);
    atomic_store(&gate, true);
    while (lane_pending(lane))
        uv_run(&loop, UV_RUN_ONCE);
    cr_expect_eq(atomic_load(&run_count), 2);
    cr_expect_eq(cancelled_count, 2);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(done_order[i], i);
    cr_expect_not(lane_stopping(lane));
}

Test(lane, close_tells_the_running_job_and_completes_the_rest)
{
    submit(0, run_until_stopped);
    submit(1, run_quick);
    until_inside();
    lane_close(lane, on_closed, NULL);
    cr_expect_eq(done_count, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect(closed);
    cr_expect(atomic_load(&saw_stopping));
    cr_expect_eq(done_count, 2);
    cr_expect_eq(cancelled_count, 1);
    cr_expect_eq(atomic_load(&run_count), 1);
}

Test(lane, closing_nothing_calls_back_at_once)
{
    bool before = closed;
    struct lane *kept = lane;
    lane_close(NULL, on_closed, NULL);
    cr_expect_not(before);
    cr_expect(closed);
    closed = false;
    lane = kept;
}
