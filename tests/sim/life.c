#include "sim/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/load.h"

struct running {
    struct app *app;
    int exit_code;
    bool finished;
};

static void on_finished(void *user, int exit_code)
{
    struct running *running = user;
    running->exit_code = exit_code;
    running->finished = true;
}

static void on_all_committed(void *user)
{
    struct running *running = user;
    app_stop(running->app);
}

/* The document with its paths. */
static void fill_in(struct buf *out, const char *text, const char *root)
{
    for (const char *place; (place = strstr(text, "$R")); text = place + 2) {
        buf_append(out, text, (size_t)(place - text));
        buf_append_str(out, str_of(root));
    }
    buf_append_str(out, str_of(text));
}

static int load(struct plan **plan, const struct sim_life *life)
{
    struct buf text = {0};
    struct load_options options = {.file = "sim"};
    fill_in(&text, life->document, life->root);
    if (life->begin)
        life->begin();
    int code = load_plan_text(plan, NULL, buf_str(&text), &options);
    buf_fini(&text);
    return code;
}

static int run(const struct sim_life *life, const struct plan *plan, uv_loop_t *loop)
{
    struct running running = {.exit_code = -1};
    struct fake_source_options source = life->source;
    struct app_world world = {.os = life->os, .open_source = fake_source_open, .user = &source};
    struct app_options options = {.plan = plan,
                                  .log = life->log,
                                  .stdout_fd = life->log->fd,
                                  .memory_bytes = APP_MEMORY_DEFAULT,
                                  .available_now = source.available_now,
                                  .world = &world,
                                  .finished = on_finished,
                                  .user = &running};
    struct err err = {0};
    if (!source.available_now) {
        source.all_committed = on_all_committed;
        source.user = &running;
    }
    if (app_create(&running.app, loop, &options, &err) != 0)
        return 1;
    uv_run(loop, UV_RUN_DEFAULT);
    if (!running.finished) {
        fprintf(stderr, "the loop ended before the app\n");
        abort();
    }
    app_destroy(running.app);
    return running.exit_code;
}

static void print_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    fprintf(stderr, "left open: %s\n", uv_handle_type_name(handle->type));
}

int sim_live(const struct sim_life *life)
{
    struct plan *plan = NULL;
    uv_loop_t loop;
    if (load(&plan, life) != 0)
        return -1;
    uv_loop_init(&loop);
    int code = run(life, plan, &loop);
    if (uv_loop_close(&loop) != 0) {
        uv_walk(&loop, print_handle, NULL);
        abort();
    }
    plan_destroy(plan);
    return code;
}
