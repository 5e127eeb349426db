#define _GNU_SOURCE
#include "world.h"

#include <unistd.h>

#include "store/s3_call.h"
#include "store/s3_impl.h"

static const char *lookup(void *user, const char *name)
{
    (void)user;
    return getenv(name);
}

static void on_notice(void *user, const char *text)
{
    struct world *world = user;
    world->notices++;
    snprintf(world->last_notice, sizeof world->last_notice, "%s", text);
    fprintf(stderr, "notice: %s\n", text);
}

static uint32_t number(const char *name)
{
    const char *value = getenv(name);
    return value ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

void world_prepare(struct world *world, const char *bucket)
{
    *world = (struct world){.bucket = bucket};
    EXPECT(uv_loop_init(&world->loop) == 0, "loop");
    const char *prefix = getenv("S3_PREFIX");
    if (prefix)
        snprintf(world->prefix, sizeof world->prefix, "%s", prefix);
    else
        snprintf(world->prefix, sizeof world->prefix, "t%d-%llu", (int)getpid(),
                 (unsigned long long)uv_hrtime() % 1000000);
    world->options = (struct s3_options){.endpoint = str_of(getenv("S3_ENDPOINT")),
                                         .path_style = true,
                                         .lookup = lookup,
                                         .ca_file = str_of(getenv("S3_CA_FILE")),
                                         .insecure_tls = getenv("S3_INSECURE") != NULL,
                                         .notice = on_notice,
                                         .notice_user = world,
                                         .connect_ms = number("S3_CONNECT_MS"),
                                         .request_ms = number("S3_REQUEST_MS"),
                                         .low_speed_seconds = number("S3_LOW_SPEED_SECONDS"),
                                         .bytes_per_second_min = number("S3_BYTES_PER_SECOND")};
}

void world_open(struct world *world)
{
    struct err err;
    EXPECT(s3_client_create(&world->client, &world->loop, &world->options, &err) == 0, "%s",
           err.msg);
    EXPECT(store_s3_create(&world->store, world->client, str_of(world->bucket),
                           str_of(world->prefix), &err) == 0,
           "%s", err.msg);
}

void world_init(struct world *world, const char *bucket)
{
    world_prepare(world, bucket);
    world_open(world);
    long status = world_raw(world, "PUT", "", NULL, NULL, NULL);
    EXPECT(status == 200 || status == 409, "the bucket was not made: %ld", status);
    world->notices = 0;
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

void world_close_store(struct world *world)
{
    bool closed = false;
    store_close(world->store, on_closed, &closed);
    EXPECT(!closed, "never from inside the call");
    while (!closed)
        uv_run(&world->loop, UV_RUN_ONCE);
    world->store = NULL;
}

void world_fini(struct world *world)
{
    bool closed = false;
    if (world->store)
        world_close_store(world);
    s3_client_close(world->client, on_closed, &closed);
    EXPECT(!closed, "never from inside the call");
    while (!closed)
        uv_run(&world->loop, UV_RUN_ONCE);
    store_request_fini(&world->request);
    EXPECT(uv_run(&world->loop, UV_RUN_DEFAULT) == 0, "the loop has work");
    EXPECT(uv_loop_close(&world->loop) == 0, "the loop has handles");
}

static void raw_ended(struct s3_call *call)
{
    uv_stop(s3_client_loop(call->client)); /* a turn must not wait for more */
    call->client = NULL;
}

long world_raw(struct world *world, const char *method, const char *key, const char *query,
               const char *value, struct buf *body)
{
    struct s3_bucket bucket = {.name = str_of(world->bucket)};
    struct s3_call call = {.client = world->client,
                           .bucket = &bucket,
                           .method = method,
                           .key = str_of(key),
                           .query = {{str_of(query), str_of(value)}},
                           .query_count = query ? 1 : 0,
                           .callback = raw_ended};
    s3_call_start(&call);
    while (call.client)
        uv_run(&world->loop, UV_RUN_ONCE);
    EXPECT(call.answer.transport == S3_TRANSPORT_OK, "%s", call.answer.reason);
    if (body)
        buf_append_str(body, buf_str(&call.answer.body));
    long status = call.answer.status;
    s3_call_fini(&call);
    return status;
}

/* user points to the callback's count. */
void world_started(struct store_request *request)
{
    ++*(uint32_t *)request->user;
    uv_stop(s3_client_loop(((struct s3_store *)(void *)request->store)->client));
}

int world_wait(struct world *world, struct store_request *request)
{
    const uint32_t *calls = request->user;
    EXPECT(*calls == 0, "the callback never comes from inside the call");
    while (*calls == 0)
        uv_run(&world->loop, UV_RUN_ONCE);
    EXPECT(*calls == 1, "%u callbacks", *calls);
    if (request->code)
        fprintf(stderr, "code %d: %s\n", request->code, request->err.msg);
    return request->code;
}

int world_check(struct world *world)
{
    uint32_t calls = 0;
    store_check(world->store, &world->request, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_put(struct world *world, const char *key, struct str bytes)
{
    uint32_t calls = 0;
    store_put(world->store, &world->request, str_of(key), bytes, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_put_if_absent(struct world *world, const char *key, struct str bytes)
{
    uint32_t calls = 0;
    store_put_if_absent(world->store, &world->request, str_of(key), bytes, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_get(struct world *world, const char *key)
{
    uint32_t calls = 0;
    store_get(world->store, &world->request, str_of(key), world_started, &calls);
    return world_wait(world, &world->request);
}

int world_delete(struct world *world, const char *key)
{
    uint32_t calls = 0;
    store_delete(world->store, &world->request, str_of(key), world_started, &calls);
    return world_wait(world, &world->request);
}

int world_list(struct world *world, const char *prefix)
{
    uint32_t calls = 0;
    store_list(world->store, &world->request, str_of(prefix), world_started, &calls);
    return world_wait(world, &world->request);
}

void world_reopen(struct world *world)
{
    struct err err;
    world_close_store(world);
    EXPECT(store_s3_create(&world->store, world->client, str_of(world->bucket),
                           str_of(world->prefix), &err) == 0,
           "%s", err.msg);
}

int world_list_uploads(struct world *world, const char *prefix)
{
    uint32_t calls = 0;
    store_list_uploads(world->store, &world->request, str_of(prefix), world_started, &calls);
    return world_wait(world, &world->request);
}

int world_resume(struct world *world, const char *key, struct str id, struct str tags,
                 uint64_t bytes, bool sealed, struct store_upload **out)
{
    uint32_t calls = 0;
    store_upload_resume(world->store, &world->request, str_of(key), id, tags, bytes, sealed,
                        world_started, &calls);
    int code = world_wait(world, &world->request);
    *out = world->request.upload;
    return code;
}

int world_begin(struct world *world, const char *key, struct store_upload **out)
{
    uint32_t calls = 0;
    store_upload_begin(world->store, &world->request, str_of(key), world_started, &calls);
    int code = world_wait(world, &world->request);
    *out = world->request.upload;
    return code;
}

int world_append(struct world *world, struct store_upload *upload, struct str bytes)
{
    uint32_t calls = 0;
    store_upload_append(upload, &world->request, bytes, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_sync(struct world *world, struct store_upload *upload)
{
    uint32_t calls = 0;
    store_upload_sync(upload, &world->request, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_seal(struct world *world, struct store_upload *upload)
{
    uint32_t calls = 0;
    store_upload_seal(upload, &world->request, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_publish(struct world *world, struct store_upload *upload)
{
    uint32_t calls = 0;
    store_upload_publish(upload, &world->request, world_started, &calls);
    return world_wait(world, &world->request);
}

int world_abort(struct world *world, struct store_upload *upload)
{
    uint32_t calls = 0;
    store_upload_abort(upload, &world->request, world_started, &calls);
    return world_wait(world, &world->request);
}

struct store_upload *world_upload(struct world *world, const char *key, struct str bytes,
                                  size_t piece)
{
    struct store_upload *upload;
    EXPECT(world_begin(world, key, &upload) == 0 && upload && upload->id.n, "%s", key);
    EXPECT(str_is(upload->key, key), "%s", key);
    while (bytes.n) {
        struct str part = {bytes.p, bytes.n < piece ? bytes.n : piece};
        EXPECT(world_append(world, upload, part) == 0, "%s", key);
        bytes = (struct str){bytes.p + part.n, bytes.n - part.n};
    }
    EXPECT(world_seal(world, upload) == 0, "%s", key);
    return upload;
}

struct str world_bytes(size_t n, uint32_t seed)
{
    char *bytes = malloc(n + 1);
    EXPECT(bytes, "memory");
    uint64_t x = seed * 2654435761U + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        bytes[i] = (char)(x >> 56);
    }
    return (struct str){bytes, n};
}
