/* Scenarios with something wrong on this side: configuration, credentials, names, cancels. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

enum { PART_BYTES = 5 * 1024 * 1024 };

/* Another world beside the first, with other options. */
static void second(struct world *other, const struct world *world)
{
    world_prepare(other, world->bucket);
    snprintf(other->prefix, sizeof other->prefix, "%s", world->prefix);
}

static uint64_t since_ms(uint64_t start_ns)
{
    return (uv_hrtime() - start_ns) / 1000000;
}

static void expect_check(struct world *other, int code, const char *const *words)
{
    world_open(other);
    EXPECT(world_check(other) == code, "%d", other->request.code);
    for (; *words; words++)
        EXPECT(strstr(other->request.err.msg, *words), "%s", *words);
    EXPECT(!strstr(other->request.err.msg, "minioadmin") &&
               !strstr(other->request.err.msg, "wrong-"),
           "a secret is told");
    world_fini(other);
}

static void wrong_configuration(struct world *world)
{
    struct world other;
    const char *endpoint = getenv("S3_ENDPOINT");
    second(&other, world);
    other.bucket = "no-such-bucket-here";
    expect_check(&other, ERR_NOT_FOUND,
                 (const char *[]){"s3://no-such-bucket-here/", endpoint, "404 NoSuchBucket",
                                  "create the bucket", NULL});
    second(&other, world);
    other.options.access_key_id = STR("AKIDNOBODY");
    other.options.secret_access_key = STR("wrong-secret");
    expect_check(
        &other, ERR_IO,
        (const char *[]){world->bucket, endpoint, "does not know the access key id", NULL});
    second(&other, world);
    other.options.access_key_id = str_of(getenv("AWS_ACCESS_KEY_ID"));
    other.options.secret_access_key = STR("wrong-secret");
    expect_check(
        &other, ERR_IO,
        (const char *[]){world->bucket, "SignatureDoesNotMatch", "secret access key", NULL});
    second(&other, world);
    other.options.lookup = NULL;
    expect_check(&other, ERR_INVALID,
                 (const char *[]){"no S3 credentials", "AWS_ACCESS_KEY_ID", NULL});
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

/* Runs until a time or the callback. */
static void run_for(struct world *world, uint64_t ms, const uint32_t *calls)
{
    uint64_t start_ns = uv_hrtime();
    while (since_ms(start_ns) < ms && !*calls) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

static void unreachable(struct world *world)
{
    struct world other;
    uint32_t calls = 0;
    second(&other, world);
    other.options.endpoint = STR("http://127.0.0.1:1");
    world_open(&other);
    store_check(other.store, &other.request, world_started, &calls);
    run_for(&other, 600, &calls);
    EXPECT(!calls && store_health(other.store)->failing, "an unreachable server is waited for");
    EXPECT(strstr(store_health(other.store)->err.msg, "127.0.0.1"), "%s",
           store_health(other.store)->err.msg);
    store_request_cancel(&other.request);
    EXPECT(world_wait(&other, &other.request) == ERR_CANCELLED, "cancel");
    world_fini(&other);
}

static void cancels(struct world *world)
{
    struct str bytes = world_bytes(2 * PART_BYTES, 1);
    struct store_upload *upload;
    EXPECT(world_begin(world, "cancel", &upload) == 0, "begin");
    for (uint64_t wait_ms = 0; wait_ms < 60; wait_ms += 12) { /* hashing, queued, sending, ... */
        uint32_t calls = 0;
        store_upload_append(upload, &world->request, bytes, world_started, &calls);
        run_for(world, wait_ms, &calls);
        uint64_t start_ns = uv_hrtime();
        store_request_cancel(&world->request);
        while (!calls)
            uv_run(&world->loop, UV_RUN_ONCE);
        EXPECT(world->request.code == ERR_CANCELLED || world->request.code == 0, "%s",
               world->request.err.msg);
        EXPECT(since_ms(start_ns) < 500, "a cancel is soon");
    }
    EXPECT(world_abort(world, upload) == 0, "abort");
    /* Close with operations on their way, and an abort among them, which runs. */
    struct store_request requests[12] = {0}, abort = {0};
    uint32_t calls[13] = {0};
    char keys[12][20];
    EXPECT(world_begin(world, "abort", &upload) == 0, "begin");
    EXPECT(world_append(world, upload, bytes) == 0, "append");
    for (int i = 0; i < 12; i++) {
        snprintf(keys[i], sizeof keys[i], "close/%d", i);
        store_put(world->store, &requests[i], str_of(keys[i]), bytes, world_started, &calls[i]);
    }
    store_upload_abort(upload, &abort, world_started, &calls[12]);
    bool closed = false;
    store_close(world->store, on_closed, &closed);
    while (!closed)
        uv_run(&world->loop, UV_RUN_ONCE);
    world->store = NULL;
    for (int i = 0; i < 13; i++)
        EXPECT(calls[i] == 1, "each callback once");
    EXPECT(abort.code == 0, "%s", abort.err.msg);
    for (int i = 0; i < 12; i++)
        store_request_fini(&requests[i]);
    store_request_fini(&abort);
    free((char *)bytes.p);
}

/* A listener that answers nothing; its queue takes the connections. */
static int listen_silently(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0 && bind(fd, (struct sockaddr *)&address, n) == 0 && listen(fd, 16) == 0 &&
               getsockname(fd, (struct sockaddr *)&address, &n) == 0,
           "listener");
    snprintf(url, size, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

static void silence(struct world *world)
{
    struct world other;
    char url[64];
    uint32_t calls = 0;
    int fd = listen_silently(url, sizeof url);
    second(&other, world);
    other.options.endpoint = str_of(url);
    world_open(&other);
    store_get(other.store, &other.request, STR("x"), world_started, &calls);
    run_for(&other, 100, &calls);
    uint64_t start_ns = uv_hrtime();
    store_request_cancel(&other.request);
    EXPECT(world_wait(&other, &other.request) == ERR_CANCELLED, "cancel");
    calls = 0;
    store_get(other.store, &other.request, STR("x"), world_started, &calls);
    run_for(&other, 100, &calls);
    world_fini(&other); /* with the request on its way */
    EXPECT(calls == 1 && other.request.code == ERR_CANCELLED, "close");
    EXPECT(since_ms(start_ns) < 600, "the end waited for the server");
    close(fd);
}

/* Behind a server that stalls aborts: they end in time, also that of a close. */
static void stalled_abort(struct world *world)
{
    struct world other;
    struct store_upload *upload;
    uint32_t calls = 0;
    second(&other, world);
    other.options.abort_ms = 300;
    world_open(&other);
    EXPECT(world_begin(&other, "stalled", &upload) == 0, "begin");
    uint64_t start_ns = uv_hrtime();
    store_upload_abort(upload, &other.request, world_started, &calls);
    world_close_store(&other);
    EXPECT(calls == 1 && other.request.code == ERR_IO, "%d", other.request.code);
    EXPECT(since_ms(start_ns) >= 290 && since_ms(start_ns) < 1000, "bounded");
    world_fini(&other);
}

static sem_t *hanging(void)
{
    static sem_t semaphore;
    return &semaphore;
}

static int hang(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)node, (void)service, (void)hints, (void)result;
    sem_wait(hanging());
    return EAI_AGAIN;
}

static int fail(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)node, (void)service, (void)hints, (void)result;
    return EAI_NONAME;
}

static void names_of_hosts(struct world *world)
{
    struct world other;
    uint32_t calls = 0;
    char endpoint[100];
    const char *port = strrchr(getenv("S3_ENDPOINT"), ':');
    /* The system's resolver, with the bucket in the path. */
    second(&other, world);
    snprintf(endpoint, sizeof endpoint, "http://localhost%s", port);
    other.options.endpoint = str_of(endpoint);
    world_open(&other);
    EXPECT(world_put(&other, "by-name", STR("1")) == 0, "put");
    world_fini(&other);
    /* One that hangs: a transient failure in time, and a close that does not wait. */
    sem_init(hanging(), 0, 0);
    second(&other, world);
    other.options.endpoint = STR("http://slow.example:80");
    other.options.getaddrinfo = hang;
    other.options.connect_ms = 200;
    world_open(&other);
    store_check(other.store, &other.request, world_started, &calls);
    run_for(&other, 500, &calls);
    EXPECT(!calls && store_health(other.store)->failing, "transient");
    EXPECT(strstr(store_health(other.store)->err.msg, "slow.example"), "%s",
           store_health(other.store)->err.msg);
    uint64_t start_ns = uv_hrtime();
    world_fini(&other);
    EXPECT(since_ms(start_ns) < 200, "the close waited for the resolver");
    sem_post(hanging());
    /* One that knows no such name. */
    second(&other, world);
    other.options.endpoint = STR("http://none.example:80");
    other.options.getaddrinfo = fail;
    world_open(&other);
    calls = 0;
    store_check(other.store, &other.request, world_started, &calls);
    run_for(&other, 400, &calls);
    EXPECT(!calls && strstr(store_health(other.store)->err.msg, "cannot resolve none.example"),
           "%s", store_health(other.store)->err.msg);
    world_fini(&other);
    usleep(20000); /* the thread that was left behind */
}

static void write_file(const char *path, const char *secret)
{
    FILE *file = fopen(path, "w");
    EXPECT(file, "%s", path);
    fprintf(file, "[lab]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
            getenv("AWS_ACCESS_KEY_ID"), secret);
    fclose(file);
}

static const char *file_lookup(void *user, const char *name)
{
    if (strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
        return user;
    return strcmp(name, "AWS_PROFILE") == 0 ? "lab" : NULL;
}

/* Keys that were wrong and are changed in the file while the store waits. */
static void rotation(struct world *world)
{
    struct world other;
    char path[] = "/tmp/sluice-s3-XXXXXX";
    uint32_t calls = 0;
    close(mkstemp(path));
    second(&other, world);
    other.options.lookup = file_lookup;
    other.options.lookup_user = path;
    write_file(path, "wrong-secret");
    world_open(&other);
    store_put(other.store, &other.request, STR("rotated"), STR("1"), world_started, &calls);
    run_for(&other, 300, &calls);
    EXPECT(!calls && store_health(other.store)->failing, "refused keys are waited for");
    write_file(path, getenv("AWS_SECRET_ACCESS_KEY"));
    EXPECT(world_wait(&other, &other.request) == 0, "the new keys");
    EXPECT(world_get(&other, "rotated") == 0, "get");
    world_fini(&other);
    unlink(path);
}

/* The server's region is not the client's: versitygw insists on its own. */
static void region(struct world *world)
{
    struct world other;
    second(&other, world);
    other.options.region = STR("eu-west-1");
    world_open(&other);
    EXPECT(world_check(&other) == 0, "check");
    EXPECT(world_put(&other, "region", STR("1")) == 0 && world_get(&other, "region") == 0, "put");
    EXPECT(other.notices <= 1, "learned once");
    printf("notices=%u %s\n", other.notices, other.last_notice);
    world_fini(&other);
}

/* Keys from a token service (AWS_ENDPOINT_URL_STS), which expire: taken again ahead of that. */
static void web_identity(struct world *world)
{
    uint64_t start_ns = uv_hrtime();
    while (since_ms(start_ns) < 6000) {
        uint32_t calls = 0;
        EXPECT(world_put(world, "web", STR("1")) == 0, "put");
        run_for(world, 200, &calls);
    }
    EXPECT(store_health(world->store)->retries == 0, "refreshed ahead of expiry");
}

const struct scenario trouble_scenarios[] = {
    {"wrong", wrong_configuration}, {"unreachable", unreachable},
    {"silence", silence},           {"stalled_abort", stalled_abort},
    {"cancels", cancels},           {"hosts", names_of_hosts},
    {"rotation", rotation},         {"region", region},
    {"web", web_identity},          {NULL, NULL}};
