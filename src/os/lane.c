#include "os/lane.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct job_list {
    struct lane_job *first, *last;
};

struct lane {
    uv_async_t async;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t submitted;
    struct job_list waiting, finished; /* under the mutex */
    bool ending, ended;                /* under the mutex */
    atomic_bool stopping;              /* lane_stopping */
    size_t pending;                    /* loop thread */
    bool closing;                      /* loop thread */
    lane_closed closed;
    void *closed_user;
};

static void list_push(struct job_list *list, struct lane_job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static struct lane_job *list_pop(struct job_list *list)
{
    struct lane_job *job = list->first;
    if (!job)
        return NULL;
    list->first = job->next;
    if (!list->first)
        list->last = NULL;
    return job;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    for (;;) {
        struct lane_job *job = list_pop(&lane->waiting);
        if (job) {
            bool run = !job->cancelled;
            if (run)
                atomic_store(&lane->stopping, false);
            pthread_mutex_unlock(&lane->mutex);
            if (run)
                job->run(job);
            pthread_mutex_lock(&lane->mutex);
            list_push(&lane->finished, job);
            uv_async_send(&lane->async);
        } else if (lane->ending) {
            break;
        } else {
            pthread_cond_wait(&lane->submitted, &lane->mutex);
        }
    }
    /* Last of all: from here on the loop may join this thread and free the lane. */
    lane->ended = true;
    uv_async_send(&lane->async);
    pthread_mutex_unlock(&lane->mutex);
    return NULL;
}

static void lane_free(uv_handle_t *handle)
{
    struct lane *lane = handle->data;
    lane_closed closed = lane->closed;
    void *user = lane->closed_user;
    pthread_cond_destroy(&lane->submitted);
    pthread_mutex_destroy(&lane->mutex);
    free(lane);
    if (closed)
        closed(user);
}

static void lane_on_async(uv_async_t *handle)
{
    struct lane *lane = handle->data;
    pthread_mutex_lock(&lane->mutex);
    struct job_list finished = lane->finished;
    lane->finished = (struct job_list){0};
    bool ended = lane->ended;
    pthread_mutex_unlock(&lane->mutex);

    for (struct lane_job *job; (job = list_pop(&finished));) {
        lane->pending--;
        job->done(job, job->cancelled);
    }
    if (ended) {
        INVARIANT(lane->pending == 0);
        pthread_join(lane->thread, NULL);
        uv_close((uv_handle_t *)&lane->async, lane_free);
    }
}

/* Signals are the main thread's: the helper blocks them all. */
static int lane_start_thread(struct lane *lane)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&lane->thread, NULL, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int lane_create(struct lane **out, uv_loop_t *loop, struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return err_set(err, ERR_NOMEM, "no memory for a helper thread");
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->submitted, NULL);
    lane->async.data = lane;
    int rc = uv_async_init(loop, &lane->async, lane_on_async);
    if (rc) {
        pthread_cond_destroy(&lane->submitted);
        pthread_mutex_destroy(&lane->mutex);
        free(lane);
        return err_set(err, ERR_IO, "cannot start a helper thread: %s", uv_strerror(rc));
    }
    rc = lane_start_thread(lane);
    if (rc) {
        uv_close((uv_handle_t *)&lane->async, lane_free);
        return err_set(err, ERR_IO, "cannot start a helper thread: %s", strerror(rc));
    }
    *out = lane;
    return 0;
}

void lane_submit(struct lane *lane, struct lane_job *job)
{
    REQUIRE(!lane->closing);
    job->cancelled = false;
    lane->pending++;
    pthread_mutex_lock(&lane->mutex);
    list_push(&lane->waiting, job);
    pthread_cond_signal(&lane->submitted);
    pthread_mutex_unlock(&lane->mutex);
}

/* Cancelled jobs stay in the queue, so that the thread hands every job back in order. */
static void lane_cancel_locked(struct lane *lane)
{
    for (struct lane_job *job = lane->waiting.first; job; job = job->next)
        job->cancelled = true;
    atomic_store(&lane->stopping, true);
}

void lane_cancel(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    lane_cancel_locked(lane);
    pthread_mutex_unlock(&lane->mutex);
}

size_t lane_pending(const struct lane *lane)
{
    return lane->pending;
}

bool lane_stopping(const struct lane *lane)
{
    return atomic_load(&lane->stopping);
}

void lane_close(struct lane *lane, lane_closed closed, void *user)
{
    if (!lane) {
        if (closed)
            closed(user);
        return;
    }
    REQUIRE(!lane->closing);
    lane->closing = true;
    lane->closed = closed;
    lane->closed_user = user;
    pthread_mutex_lock(&lane->mutex);
    lane_cancel_locked(lane);
    lane->ending = true;
    pthread_cond_signal(&lane->submitted);
    pthread_mutex_unlock(&lane->mutex);
}
