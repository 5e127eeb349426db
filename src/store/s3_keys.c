/* Keys: given once, or read again before they expire and after the server has refused them. What
 * blocks (files) runs on a worker. */
#include <errno.h>
#include <stdio.h>

#include "os/clock.h"
#include "store/s3_client_impl.h"

enum {
    FILE_MS = 300000,  /* a credentials file is read again after that */
    AHEAD_MS = 300000, /* before they expire, or a fifth of their life */
    PAUSE_MS = 2000,   /* after a failure, while the old ones are still good */
    LAST_MS = 5000,    /* of the life of keys: not used any more */
    FILE_BYTES_MAX = 1 << 20
};

static void read_file(struct s3_refresh *refresh, const char *path)
{
    FILE *file = fopen(path, "rbe");
    char bytes[4096];
    size_t n;
    if (!file) {
        err_set(&refresh->file_err, ERR_IO,
                "no keys in the document's s3 or in AWS_ACCESS_KEY_ID, and cannot read %s: %s",
                path, strerror(errno));
        return;
    }
    while ((n = fread(bytes, 1, sizeof bytes, file)) && refresh->file.n < FILE_BYTES_MAX)
        buf_append(&refresh->file, bytes, n);
    if (ferror(file))
        err_set(&refresh->file_err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    else if (refresh->file.failed)
        err_set(&refresh->file_err, ERR_NOMEM, "out of memory");
    fclose(file);
}

static void refresh_work(uv_work_t *work)
{
    struct s3_refresh *refresh = CONTAINER_OF(work, struct s3_refresh, work);
    const struct s3_source *source = &refresh->source;
    read_file(refresh, source->kind == S3_SOURCE_FILE ? source->file.p : source->token_file.p);
}

/* code 0: keys are new; else err is set. */
static void refresh_ended(struct s3_client *client, int code, bool transient)
{
    struct s3_refresh *refresh = &client->refresh;
    uint64_t now_ms = uv_now(client->loop);
    refresh->running = false;
    refresh->stale = false; /* nothing better is to be had at present */
    if (code == 0) {
        refresh->have = true;
        refresh->loaded_ms = now_ms;
        refresh->failed_ms = 0;
        refresh->lifetime_ms =
            refresh->keys.expires_ms
                ? refresh->keys.expires_ms - clock_wall_ms() - client->clock_offset_ms
                : 0;
    } else {
        refresh->failed_ms = now_ms;
        refresh->transient = transient;
        err_prefix(&refresh->err, "no S3 credentials");
    }
    s3_client_resume(client);
    s3_client_finish_if_idle(client);
}

/* New keys replace the old only when they are whole. */
static int take_keys(struct s3_refresh *refresh, int code, struct s3_keys *keys)
{
    if (code == 0) {
        s3_keys_fini(&refresh->keys);
        refresh->keys = *keys;
    } else {
        s3_keys_fini(keys);
    }
    return code;
}

static void on_service_answer(struct s3_call *call)
{
    struct s3_refresh *refresh = CONTAINER_OF(call, struct s3_refresh, call);
    struct s3_client *client = call->client;
    struct s3_verdict verdict = s3_classify(STORE_CHECK, &call->answer);
    struct s3_keys keys = {0};
    struct err cause;
    char text[600];
    int code = verdict.code;
    if (code) {
        s3_answer_text(&call->answer, text, sizeof text);
        err_set(&refresh->err, code, "the token service does not give any: %s", text);
    } else {
        code = s3_keys_from_service(&keys, buf_str(&call->answer.body), &cause);
        if (code)
            err_set(&refresh->err, code, "the token service does not give any: %s", cause.msg);
        code = take_keys(refresh, code, &keys);
    }
    buf_clear(&refresh->form);
    refresh_ended(client, code, verdict.transient || code == ERR_CORRUPT);
}

static void ask_service(struct s3_client *client)
{
    struct s3_refresh *refresh = &client->refresh;
    buf_clear(&refresh->form);
    s3_service_form(&refresh->form, &refresh->source, buf_str(&refresh->file));
    if (refresh->form.failed) {
        refresh_ended(client, err_set(&refresh->err, ERR_NOMEM, "out of memory"), true);
        return;
    }
    struct s3_call *call = &refresh->call;
    call->client = client;
    call->service = &refresh->source.service;
    call->method = "POST";
    call->body = buf_str(&refresh->form);
    call->callback = on_service_answer;
    s3_call_start(call);
}

static void refresh_after_work(uv_work_t *work, int status)
{
    struct s3_refresh *refresh = CONTAINER_OF(work, struct s3_refresh, work);
    struct s3_client *client = CONTAINER_OF(refresh, struct s3_client, refresh);
    struct s3_keys keys = {0};
    struct err cause;
    int code = status || client->closing ? ERR_CANCELLED : refresh->file_err.code;
    if (code == ERR_CANCELLED) {
        err_set(&refresh->err, code, "cancelled");
    } else if (code) {
        refresh->err = refresh->file_err;
    } else if (refresh->source.kind == S3_SOURCE_WEB_IDENTITY) {
        ask_service(client);
        return;
    } else {
        code = s3_keys_from_file(&keys, buf_str(&refresh->file), refresh->source.profile, &cause);
        if (code)
            err_set(&refresh->err, code, "%s: %s", refresh->source.file.p, cause.msg);
        code = take_keys(refresh, code, &keys);
    }
    refresh_ended(client, code, code == ERR_CANCELLED);
}

static void refresh_start(struct s3_client *client)
{
    struct s3_refresh *refresh = &client->refresh;
    if (client->closing)
        return;
    buf_clear(&refresh->file);
    refresh->file_err = (struct err){0};
    refresh->running = true;
    int code = uv_queue_work(client->loop, &refresh->work, refresh_work, refresh_after_work);
    INVARIANT(code == 0); /* it fails only without a callback */
}

/* Keys as they are now, and whether they should be read again. */
static void look(struct s3_client *client, bool *usable, bool *due)
{
    struct s3_refresh *refresh = &client->refresh;
    uint64_t now_ms = uv_now(client->loop);
    int64_t left_ms = INT64_MAX;
    if (refresh->have && refresh->keys.expires_ms)
        left_ms = refresh->keys.expires_ms - clock_wall_ms() - client->clock_offset_ms;
    int64_t ahead_ms = refresh->lifetime_ms / 5 < AHEAD_MS ? refresh->lifetime_ms / 5 : AHEAD_MS;
    *usable = refresh->have && !(refresh->stale && refresh->running) &&
              left_ms > (ahead_ms < LAST_MS ? ahead_ms : LAST_MS) / 2;
    *due = !refresh->have || refresh->stale || left_ms <= ahead_ms ||
           (refresh->source.kind == S3_SOURCE_FILE && now_ms - refresh->loaded_ms > FILE_MS);
}

enum s3_keys_state s3_keys_get(struct s3_client *client, uint64_t asked_ms)
{
    struct s3_refresh *refresh = &client->refresh;
    uint64_t now_ms = uv_now(client->loop);
    bool usable, due;
    if (refresh->source.kind == S3_SOURCE_FIXED)
        return S3_KEYS_KNOWN;
    if (refresh->source.kind == S3_SOURCE_NONE) {
        err_set(&refresh->err, ERR_INVALID,
                "no S3 credentials: give s3.accessKeyId and s3.secretAccessKey, or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
        return S3_KEYS_FAILED;
    }
    look(client, &usable, &due);
    bool failed = refresh->failed_ms && refresh->failed_ms >= asked_ms;
    bool pause = usable && refresh->failed_ms && now_ms - refresh->failed_ms < PAUSE_MS;
    if (due && !refresh->running && !failed && !pause) {
        refresh_start(client);
        look(client, &usable, &due);
    }
    if (usable)
        return S3_KEYS_KNOWN;
    return refresh->running ? S3_KEYS_RUNNING : S3_KEYS_FAILED;
}

bool s3_keys_refused(struct s3_client *client)
{
    struct s3_refresh *refresh = &client->refresh;
    bool other =
        refresh->source.kind == S3_SOURCE_FILE || refresh->source.kind == S3_SOURCE_WEB_IDENTITY;
    if (other && refresh->have && !refresh->running &&
        uv_now(client->loop) - refresh->loaded_ms > PAUSE_MS)
        refresh->stale = true;
    return other;
}

void s3_keys_cancel(struct s3_client *client)
{
    struct s3_refresh *refresh = &client->refresh;
    if (!refresh->running)
        return;
    uv_cancel((uv_req_t *)&refresh->work);
    s3_call_cancel(&refresh->call);
}
