#include "store/curl_loop.h"

#include <stdlib.h>

struct curl_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    uint32_t handles; /* not closed yet: the timer and polls */
    void (*closed)(void *user);
    void *closed_user;
};

/* One socket of curl's. */
struct poll {
    struct curl_loop *owner;
    uv_poll_t handle;
    curl_socket_t socket;
    int events;    /* asked for */
    uint32_t errs; /* that the socket has told since */
};

/* An answer that came before a reset is at most so many reads. */
enum { ERRS_MAX = 100 };

static void handle_closed(struct curl_loop *loop)
{
    if (--loop->handles)
        return;
    void (*closed)(void *user) = loop->closed;
    void *user = loop->closed_user;
    free(loop);
    closed(user);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct poll *poll = CONTAINER_OF(handle, struct poll, handle);
    struct curl_loop *loop = poll->owner;
    free(poll);
    handle_closed(loop);
}

/* `ended` may add and remove transfers, so the queue is asked anew each time. */
static void take_ended(struct curl_loop *loop)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        void *private = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        struct curl_transfer *transfer = private;
        curl_multi_remove_handle(loop->multi, easy); /* the message is gone with it */
        transfer->ended(transfer, code);
    }
}

static void on_timer(uv_timer_t *timer);

/* Not a moment too early by curl's clock, which goes on while the loop's stands still: a timer that
 * comes early is passed over, and curl does not set it again. */
static void start_timer(struct curl_loop *loop, long timeout_ms)
{
    uv_update_time(loop->loop);
    uv_timer_start(&loop->timer, on_timer, timeout_ms > 0 ? (uint64_t)timeout_ms + 1 : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct curl_loop *loop = CONTAINER_OF(timer, struct curl_loop, timer);
    int running;
    long timeout_ms = -1;
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    if (!uv_is_active((uv_handle_t *)timer)) {
        curl_multi_timeout(loop->multi, &timeout_ms);
        if (timeout_ms >= 0)
            start_timer(loop, timeout_ms);
    }
    take_ended(loop);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct poll *poll = CONTAINER_OF(handle, struct poll, handle);
    struct curl_loop *loop = poll->owner; /* the poll may go in the action */
    int running, flags = 0;
    if (status < 0) {
        /* The server may have answered before it reset the connection, not willing to read all that
         * is sent to it: what it said is read first, and then the reset shows. */
        flags = poll->errs++ < ERRS_MAX ? CURL_CSELECT_IN : CURL_CSELECT_ERR;
        uv_poll_start(handle, poll->events, on_poll); /* libuv has stopped it */
    }
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(loop->multi, poll->socket, flags, &running);
    take_ended(loop);
}

static int set_timeout(CURLM *multi, long timeout_ms, void *user)
{
    struct curl_loop *loop = user;
    (void)multi;
    if (uv_is_closing((uv_handle_t *)&loop->timer))
        return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&loop->timer);
    else
        start_timer(loop, timeout_ms);
    return 0;
}

static struct poll *poll_create(struct curl_loop *loop, curl_socket_t socket)
{
    struct poll *poll = calloc(1, sizeof *poll);
    if (!poll)
        return NULL;
    poll->owner = loop;
    poll->socket = socket;
    if (uv_poll_init_socket(loop->loop, &poll->handle, socket)) {
        free(poll);
        return NULL;
    }
    loop->handles++;
    curl_multi_assign(loop->multi, socket, poll);
    return poll;
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_user)
{
    struct curl_loop *loop = user;
    struct poll *poll = socket_user;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (poll)
            uv_close((uv_handle_t *)&poll->handle, on_poll_closed);
        curl_multi_assign(loop->multi, socket, NULL);
        return 0;
    }
    if (!poll)
        poll = poll_create(loop, socket);
    if (!poll)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    poll->events = events;
    return uv_poll_start(&poll->handle, events, on_poll) ? -1 : 0;
}

int curl_loop_create(struct curl_loop **out, uv_loop_t *loop, uint32_t connections_max,
                     struct err *err)
{
    struct curl_loop *curl = calloc(1, sizeof *curl);
    CURLM *multi = curl_multi_init();
    if (!curl || !multi) {
        free(curl);
        curl_multi_cleanup(multi);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    curl->loop = loop;
    curl->multi = multi;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timeout);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
    int code = uv_timer_init(loop, &curl->timer);
    INVARIANT(code == 0); /* it never fails */
    curl->handles = 1;
    *out = curl;
    return 0;
}

bool curl_loop_add(struct curl_loop *loop, struct curl_transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    return curl_multi_add_handle(loop->multi, transfer->easy) == CURLM_OK;
}

void curl_loop_remove(struct curl_loop *loop, struct curl_transfer *transfer)
{
    curl_multi_remove_handle(loop->multi, transfer->easy);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(CONTAINER_OF(handle, struct curl_loop, timer));
}

void curl_loop_close(struct curl_loop *loop, void (*closed)(void *user), void *user)
{
    loop->closed = closed;
    loop->closed_user = user;
    curl_multi_cleanup(loop->multi); /* closes connections: polls go through set_socket */
    uv_close((uv_handle_t *)&loop->timer, on_timer_closed);
}

static void ignore_closed(void *user)
{
    (void)user;
}

void curl_loop_discard(struct curl_loop *loop)
{
    curl_loop_close(loop, ignore_closed, NULL);
}
