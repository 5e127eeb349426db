#include "sim/trouble.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Pauses of the stores are minutes in some runs. */
enum { TIME_FACTOR = 50 };

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
uint64_t __real_uv_now(const uv_loop_t *loop);
int __real_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout_ms,
                          uint64_t repeat_ms);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
uint64_t __wrap_uv_now(const uv_loop_t *loop);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout_ms,
                          uint64_t repeat_ms);

static atomic_bool armed, met;
static atomic_uint_least32_t allocations;
static uint32_t fail_at, fail_end; /* written while disarmed */

void trouble_alloc_fail_after(uint32_t after, uint32_t count)
{
    fail_at = after;
    fail_end = count > UINT32_MAX - after ? UINT32_MAX : after + count;
    atomic_store(&allocations, 0);
    atomic_store(&met, false);
    atomic_store(&armed, true);
}

uint32_t trouble_alloc_stop(void)
{
    atomic_store(&armed, false);
    return atomic_load(&allocations);
}

int trouble_alloc_met(void)
{
    return atomic_load(&met);
}

static bool fails(void)
{
    if (!atomic_load(&armed))
        return false;
    uint32_t at = atomic_fetch_add(&allocations, 1);
    bool now = at >= fail_at && at < fail_end;
    if (now)
        atomic_store(&met, true);
    return now;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
    return fails() ? NULL : __real_strndup(s, n);
}

uint64_t __wrap_uv_now(const uv_loop_t *loop)
{
    return __real_uv_now(loop) * TIME_FACTOR;
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout_ms,
                          uint64_t repeat_ms)
{
    return __real_uv_timer_start(timer, callback, (timeout_ms + TIME_FACTOR - 1) / TIME_FACTOR,
                                 (repeat_ms + TIME_FACTOR - 1) / TIME_FACTOR);
}
