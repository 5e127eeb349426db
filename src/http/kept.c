#include "http/kept.h"

#include "os/clock.h"

enum {
    /* Making takes at most one part in so many of the thread's time, ... */
    PAUSE_COSTS = 20,
    /* ... and what costs next to nothing is not made more often than it can be read. */
    PAUSE_US_MIN = 25 * 1000,
    /* Clients that take nothing hold the bodies that were made for them. When they hold many, new
     * ones come more slowly, until these clients are cut. */
    ALIVE_MAX = 8,
    PAUSE_US_CROWDED = 1000 * 1000,
    UNUSED_US_MAX = 1000 * 1000,
};

static void dispose_body(void *memory)
{
    struct body *body = memory;
    body->kept->alive--;
    buf_fini(&body->text);
    buf_fini(&body->packed);
}

static void drop(struct kept *kept)
{
    if (kept->body)
        h2o_mem_release_shared(kept->body);
    kept->body = NULL;
}

static bool is_young(const struct kept *kept, int64_t now_us)
{
    int64_t pause_us = PAUSE_COSTS * kept->cost_us;
    if (pause_us < PAUSE_US_MIN)
        pause_us = PAUSE_US_MIN;
    if (kept->alive > ALIVE_MAX && pause_us < PAUSE_US_CROWDED)
        pause_us = PAUSE_US_CROWDED;
    return kept->cost_us && now_us - kept->made_us < pause_us;
}

struct body *kept_get(struct kept *kept, void (*write)(void *user, struct buf *out), void *user,
                      uint64_t version)
{
    int64_t began_us = clock_monotonic_us();
    kept->asked_us = began_us;
    if (is_young(kept, began_us))
        return kept->body;
    drop(kept);
    struct body *body = h2o_mem_alloc_shared(NULL, sizeof *body, dispose_body);
    *body = (struct body){.version = version, .kept = kept};
    kept->alive++;
    kept->body = body;
    write(user, &body->text);
    if (body->text.failed)
        drop(kept);
    kept->made_us = clock_monotonic_us();
    kept->cost_us = kept->made_us - began_us + 1;
    return kept->body;
}

struct str kept_packed(struct body *body, struct gzip **gzip)
{
    if (!body->pack_tried) {
        int64_t began_us = clock_monotonic_us();
        body->pack_tried = true;
        if (!gzip_append(gzip, buf_str(&body->text), &body->packed))
            buf_fini(&body->packed);
        body->kept->cost_us += clock_monotonic_us() - began_us;
    }
    return buf_str(&body->packed);
}

/* One that is still young stays: else who asks seldom would have it made too often. */
void kept_sweep(struct kept *kept)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us - kept->asked_us > UNUSED_US_MAX && !is_young(kept, now_us))
        drop(kept);
}

void kept_fini(struct kept *kept)
{
    drop(kept);
}
