/* s3_contract BUCKET SCENARIO...: the contract of store.h against a real server, one scenario after
 * another; exit 1 at the first thing that is not as it should be. tests/system/test_s3_store.py
 * runs it. Environment: S3_ENDPOINT, credentials, and limits (world.c). */
#include "world.h"

enum { PART_BYTES = 5 * 1024 * 1024 };

static bool got(const struct world *world, struct str bytes)
{
    return str_eq(buf_str(&world->request.data), bytes);
}

static void objects(struct world *world)
{
    uint32_t calls = 0;
    store_check(world->store, &world->request, world_started, &calls);
    EXPECT(world_wait(world, &world->request) == 0, "check");
    EXPECT(world_get(world, "none") == ERR_NOT_FOUND, "get");
    EXPECT(strstr(world->request.err.msg, world->prefix) &&
               strstr(world->request.err.msg, "404 NoSuchKey"),
           "%s", world->request.err.msg);
    EXPECT(world_delete(world, "none") == 0, "delete of nothing");
    EXPECT(world_put(world, "a/one", STR("first")) == 0, "put");
    EXPECT(world_put(world, "a/one", STR("second")) == 0, "put again");
    EXPECT(world_get(world, "a/one") == 0 && got(world, STR("second")), "get");
    EXPECT(world_put(world, "empty", STR("")) == 0, "put");
    EXPECT(world_get(world, "empty") == 0 && got(world, STR("")), "get");
    EXPECT(world_put_if_absent(world, "a/one", STR("second")) == ERR_EXISTS, "equal bytes too");
    EXPECT(world_put_if_absent(world, "a/two", STR("2")) == 0, "put if absent");
    EXPECT(world_list(world, "a/") == 0 && world->request.entry_count == 2, "list");
    EXPECT(str_is(world->request.entries[1].key, "a/two") && world->request.entries[0].bytes == 6,
           "list");
    EXPECT(world_list(world, "b/") == 0 && world->request.entry_count == 0, "list");
    EXPECT(world_delete(world, "a/one") == 0 && world_get(world, "a/one") == ERR_NOT_FOUND,
           "delete");
    struct str large = world_bytes(9 * 1000 * 1000, 1);
    EXPECT(world_put(world, "large", large) == 0, "put");
    EXPECT(world_get(world, "large") == 0 && got(world, large), "get");
    free((char *)large.p);
    EXPECT(world_put(world, "../x", STR("")) == ERR_INVALID, "a wrong name");
    EXPECT(world_put(world, "", STR("")) == ERR_INVALID, "no name");
}

/* Names as Hive paths have them, and all that is escaped in URLs. */
static void names(struct world *world)
{
    static const char *const keys[] = {"type=a%3Ab/x.parquet",
                                       "type=a b/x",
                                       "k=a+b",
                                       "k=%25",
                                       "\xc3\xa4/\xe1\x88\xb4",
                                       "a&b;c,d@e:f!g$h'i(j)k*",
                                       "q?x=1#f",
                                       "date=2025-01-01/part-0",
                                       "<x>\"y\"",
                                       "z~_-.",
                                       "back\\slash",
                                       "tilde~/[b]{c}|^`"};
    enum { COUNT = sizeof keys / sizeof *keys };
    for (size_t i = 0; i < COUNT; i++) {
        EXPECT(world_put(world, keys[i], str_of(keys[i])) == 0, "%s", keys[i]);
        EXPECT(world_get(world, keys[i]) == 0 && got(world, str_of(keys[i])), "%s", keys[i]);
    }
    EXPECT(world_list(world, "") == 0 && world->request.entry_count == COUNT, "%u",
           world->request.entry_count);
    for (size_t i = 0; i < COUNT; i++) {
        bool found = false;
        for (uint32_t j = 0; j < COUNT; j++) {
            found |= str_is(world->request.entries[j].key, keys[i]);
            EXPECT(j == 0 || str_cmp(world->request.entries[j - 1].key,
                                     world->request.entries[j].key) < 0,
                   "byte order");
        }
        EXPECT(found, "%s is not listed", keys[i]);
    }
    struct str bytes = world_bytes(PART_BYTES + 7, 2);
    struct store_upload *upload =
        world_upload(world, "type=a%3Ab/day=1 2/\xc3\xa4+.json", bytes, PART_BYTES);
    EXPECT(world_publish(world, upload) == 0, "publish");
    EXPECT(world_get(world, "type=a%3Ab/day=1 2/\xc3\xa4+.json") == 0 && got(world, bytes), "get");
    free((char *)bytes.p);
    for (size_t i = 0; i < COUNT; i++)
        EXPECT(world_delete(world, keys[i]) == 0, "%s", keys[i]);
    EXPECT(world_list(world, "") == 0 && world->request.entry_count == 1, "deleted");
}

/* Two writers at once: one wins, the other learns it, the bytes are the winner's. */
static void race(struct world *world)
{
    enum { ROUNDS = 8, WRITERS = 4 };
    for (int round = 0; round < ROUNDS; round++) {
        struct store_request requests[WRITERS] = {0};
        uint32_t calls[WRITERS] = {0};
        char key[20], bytes[WRITERS][8];
        int winner = -1;
        snprintf(key, sizeof key, "race/%d", round);
        for (int i = 0; i < WRITERS; i++) {
            snprintf(bytes[i], sizeof bytes[i], "w%d", i);
            store_put_if_absent(world->store, &requests[i], str_of(key), str_of(bytes[i]),
                                world_started, &calls[i]);
        }
        for (int i = 0; i < WRITERS; i++) {
            while (!calls[i])
                uv_run(&world->loop, UV_RUN_ONCE);
            EXPECT(requests[i].code == 0 || requests[i].code == ERR_EXISTS, "%s",
                   requests[i].err.msg);
            EXPECT(requests[i].code || winner < 0, "two winners");
            winner = requests[i].code ? winner : i;
            store_request_fini(&requests[i]);
        }
        EXPECT(winner >= 0, "nobody won");
        EXPECT(world_get(world, key) == 0 && got(world, str_of(bytes[winner])), "%s", key);
    }
}

static uint32_t count_of(struct str text, const char *word)
{
    uint32_t count = 0;
    for (size_t i = 0; i + strlen(word) <= text.n; i++)
        count += memcmp(text.p + i, word, strlen(word)) == 0;
    return count;
}

/* Uploads under the prefix that are neither completed nor aborted. */
static uint32_t unfinished(struct world *world)
{
    struct buf body = {0};
    char key[100];
    long status = world_raw(world, "GET", "", "uploads", NULL, &body);
    EXPECT(status == 200, "list of uploads: %ld", status);
    snprintf(key, sizeof key, "<Key>%s/", world->prefix);
    uint32_t count = count_of(buf_str(&body), key);
    buf_fini(&body);
    return count;
}

static void uploads(struct world *world)
{
    struct str bytes = world_bytes(2 * PART_BYTES + 1234, 3), other = world_bytes(100, 4);
    struct store_upload *upload = world_upload(world, "u/file", bytes, PART_BYTES);
    EXPECT(upload->bytes == bytes.n, "bytes");
    EXPECT(world_append(world, upload, other) == ERR_INVALID, "sealed");
    EXPECT(world_list(world, "") == 0 && world->request.entry_count == 0, "invisible");
    EXPECT(world_get(world, "u/file") == ERR_NOT_FOUND, "invisible");
    EXPECT(world_publish(world, upload) == 0, "publish");
    EXPECT(world_get(world, "u/file") == 0 && got(world, bytes), "get");
    upload = world_upload(world, "u/file", other, PART_BYTES);
    EXPECT(world_publish(world, upload) == ERR_EXISTS, "never overwrites");
    EXPECT(world_abort(world, upload) == 0, "abort");
    EXPECT(world_get(world, "u/file") == 0 && got(world, bytes), "get");
    upload = world_upload(world, "u/empty", STR(""), PART_BYTES);
    EXPECT(world_publish(world, upload) == 0, "publish of nothing");
    EXPECT(world_get(world, "u/empty") == 0 && got(world, STR("")), "get");
    EXPECT(world_begin(world, "u/short", &upload) == 0, "begin");
    EXPECT(world_publish(world, upload) == ERR_INVALID, "not sealed");
    EXPECT(world_append(world, upload, other) == 0, "a short part");
    EXPECT(world_append(world, upload, other) == ERR_INVALID, "nothing behind a short part");
    EXPECT(world_abort(world, upload) == 0, "abort");
    EXPECT(unfinished(world) == 0, "unfinished ones are left");
    free((char *)bytes.p);
    free((char *)other.p);
}

static void aborts(struct world *world)
{
    struct str bytes = world_bytes(PART_BYTES, 5);
    struct store_upload *ours = world_upload(world, "x/same", bytes, PART_BYTES);
    struct store_upload *strangers = world_upload(world, "x/same", bytes, PART_BYTES);
    EXPECT(unfinished(world) == 2, "%u", unfinished(world));
    EXPECT(world_abort(world, ours) == 0, "abort");
    EXPECT(unfinished(world) == 1, "the stranger's stays");
    EXPECT(world_publish(world, strangers) == 0, "the stranger's is whole");
    EXPECT(world_get(world, "x/same") == 0 && got(world, bytes), "get");
    EXPECT(unfinished(world) == 0, "all ended");
    /* One that somebody else removed: a precise end; and the abort of it is success. */
    struct store_upload *gone = world_upload(world, "x/gone", bytes, PART_BYTES);
    char id[1024], key[200];
    snprintf(id, sizeof id, "%.*s", STR_ARG(gone->id));
    snprintf(key, sizeof key, "%s/x/gone", world->prefix);
    EXPECT(world_raw(world, "DELETE", key, "uploadId", id, NULL) == 204, "raw abort");
    EXPECT(world_publish(world, gone) == ERR_NOT_FOUND, "gone");
    EXPECT(strstr(world->request.err.msg, "the unfinished upload is gone"), "%s",
           world->request.err.msg);
    EXPECT(world_abort(world, gone) == 0, "abort of one that is gone");
    free((char *)bytes.p);
}

static void listing(struct world *world)
{
    enum { OBJECTS = 1500, PARALLEL = 50 };
    for (int first = 0; first < OBJECTS; first += PARALLEL) {
        struct store_request requests[PARALLEL] = {0};
        uint32_t calls[PARALLEL] = {0};
        char keys[PARALLEL][40];
        for (int i = 0; i < PARALLEL; i++) {
            snprintf(keys[i], sizeof keys[i], "l/%s%d", (first + i) % 3 ? "a" : "B", first + i);
            store_put(world->store, &requests[i], str_of(keys[i]), STR("x"), world_started,
                      &calls[i]);
        }
        for (int i = 0; i < PARALLEL; i++) {
            EXPECT(calls[i] || world_wait(world, &requests[i]) == 0, "put");
            EXPECT(requests[i].code == 0, "put");
            store_request_fini(&requests[i]);
        }
    }
    EXPECT(world_list(world, "l/") == 0, "list");
    EXPECT(world->request.entry_count == OBJECTS, "%u", world->request.entry_count);
    for (uint32_t i = 1; i < OBJECTS; i++)
        EXPECT(str_cmp(world->request.entries[i - 1].key, world->request.entries[i].key) < 0,
               "byte order");
    EXPECT(world_list(world, "l/B") == 0 && world->request.entry_count == OBJECTS / 3, "prefix");
}

/* Prints what it did, for the fault tests: the object must be there exactly once. */
static void deliver(struct world *world)
{
    struct str bytes = world_bytes(PART_BYTES + 100000, 6);
    struct store_upload *upload = world_upload(world, "d/type=a%3Ab", bytes, PART_BYTES);
    EXPECT(world_publish(world, upload) == 0, "publish");
    EXPECT(world_get(world, "d/type=a%3Ab") == 0 && got(world, bytes), "get");
    EXPECT(world_list(world, "") == 0 && world->request.entry_count == 1, "%u objects",
           world->request.entry_count);
    EXPECT(unfinished(world) == 0, "unfinished ones are left");
    EXPECT(world_put_if_absent(world, "d/once", STR("once")) == 0, "put if absent");
    EXPECT(world_get(world, "d/once") == 0 && got(world, STR("once")), "get");
    printf("retries=%llu notices=%u\n", (unsigned long long)store_health(world->store)->retries,
           world->notices);
    free((char *)bytes.p);
}

static void on_tick(uv_timer_t *timer)
{
    struct world *world = timer->data;
    uint64_t now_ns = uv_hrtime();
    if (now_ns - world->tick_ns > world->longest_turn_ns)
        world->longest_turn_ns = now_ns - world->tick_ns;
    world->tick_ns = now_ns;
}

/* The hash of a part runs elsewhere: the loop turns. */
static void loop_turns(struct world *world)
{
    struct str bytes = world_bytes(32 * 1024 * 1024, 7);
    struct store_upload *upload;
    uv_timer_t tick = {.data = world};
    EXPECT(world_begin(world, "turns", &upload) == 0, "begin");
    uv_timer_init(&world->loop, &tick);
    uv_timer_start(&tick, on_tick, 1, 1);
    world->tick_ns = uv_hrtime();
    EXPECT(world_append(world, upload, bytes) == 0, "append");
    uv_close((uv_handle_t *)&tick, NULL);
    fprintf(stderr, "longest turn: %.1f ms\n", (double)world->longest_turn_ns / 1e6);
    EXPECT(world->longest_turn_ns < 500000000, "the loop was held"); /* 50 ms, tenfold */
    EXPECT(world_abort(world, upload) == 0, "abort");
    free((char *)bytes.p);
}

static const struct scenario scenarios[] = {
    {"objects", objects}, {"names", names},     {"race", race},       {"uploads", uploads},
    {"aborts", aborts},   {"listing", listing}, {"deliver", deliver}, {"turns", loop_turns}};

static bool run(const struct scenario *scenario, const char *name, const char *bucket)
{
    struct world world;
    if (strcmp(scenario->name, name) != 0)
        return false;
    fprintf(stderr, "== %s\n", name);
    world_init(&world, bucket);
    scenario->run(&world);
    world_fini(&world);
    return true;
}

int main(int argc, char **argv)
{
    struct err err;
    EXPECT(argc > 2, "usage: s3_contract BUCKET SCENARIO...");
    EXPECT(s3_global_init(&err) == 0, "%s", err.msg);
    for (int i = 2; i < argc; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof scenarios / sizeof *scenarios && !known; j++)
            known = run(&scenarios[j], argv[i], argv[1]);
        for (size_t j = 0; trouble_scenarios[j].name && !known; j++)
            known = run(&trouble_scenarios[j], argv[i], argv[1]);
        for (size_t j = 0; recovery_scenarios[j].name && !known; j++)
            known = run(&recovery_scenarios[j], argv[i], argv[1]);
        EXPECT(known, "no scenario %s", argv[i]);
    }
    s3_global_fini();
    return 0;
}
