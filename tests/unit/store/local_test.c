/* Whole objects in the local store: put, put-if-absent, get, list, delete, names, errors. */
#define _GNU_SOURCE
#include "fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_impl.h"

static struct fixture fixture;
static struct probe probe;

static void setup(void)
{
    fixture_init(&fixture);
    probe = (struct probe){0};
}

static void teardown(void)
{
    store_request_fini(&probe.request);
    fixture_fini(&fixture);
}

TestSuite(store_local, .init = setup, .fini = teardown, .timeout = 60);

static char *pattern(size_t n, char c)
{
    char *p = malloc(n);
    cr_assert(p);
    memset(p, c, n);
    return p;
}

Test(store_local, keys_are_relative_names)
{
    static const char *const bad[] = {"",       "/a",    "a//b", "a/",   "..",   "../a",
                                      "a/../b", "a/./b", ".a",   "a/.b", "a/..", "/"};
    static const char *const good[] = {"a", "a/b", "type=x/part-0.json", "a..b", "a b", "ü"};
    struct err err;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect_eq(store_key_check(str_of(bad[i]), false, &err), ERR_INVALID, "%s", bad[i]);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        cr_expect_eq(store_key_check(str_of(good[i]), false, &err), 0, "%s", good[i]);
    cr_expect_eq(store_key_check(STR("a\0b"), false, &err), ERR_INVALID);
    cr_expect_eq(store_key_check(STR(""), true, &err), 0);
    cr_expect_eq(store_key_check(STR("a/"), true, &err), 0);
    cr_expect_eq(store_key_check(STR("a//"), true, &err), ERR_INVALID);
    char *longest = pattern(1025, 'k');
    cr_expect_eq(store_key_check((struct str){longest, 1025}, false, &err), ERR_INVALID);
    cr_expect_eq(store_key_check((struct str){longest, 1024}, false, &err), 0);
    free(longest);
    cr_expect_eq(fixture_put(&fixture, &probe, "../escaped", STR("x")), ERR_INVALID);
    cr_expect_str_eq(probe.request.err.msg,
                     "invalid object name \"../escaped\": a segment begins with '.'");
}

Test(store_local, put_replaces_and_get_reads)
{
    char *big = pattern((3 << 20) + 17, 'b');
    struct str bytes = {big, (3 << 20) + 17};
    cr_assert_eq(fixture_put(&fixture, &probe, "deep/er/object", STR("one")), 0);
    cr_assert_eq(fixture_put(&fixture, &probe, "deep/er/object", bytes), 0);
    cr_assert_eq(fixture_get(&fixture, &probe, "deep/er/object"), 0);
    cr_expect(str_eq(buf_str(&probe.request.data), bytes));
    cr_assert_eq(fixture_put(&fixture, &probe, "empty", STR("")), 0);
    cr_assert_eq(fixture_get(&fixture, &probe, "empty"), 0);
    cr_expect_eq(probe.request.data.n, 0);
    cr_expect_eq(fixture_count_files(&fixture, "deep/er", true), 0);
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    cr_assert_eq(stat(fixture_path(&fixture, "empty"), &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0666 & ~mask, "other users' readers can open it");
    free(big);
}

Test(store_local, get_of_nothing)
{
    char expected[200];
    cr_assert_eq(fixture_get(&fixture, &probe, "no/such"), ERR_NOT_FOUND);
    snprintf(expected, sizeof expected, "cannot read %s: No such file or directory",
             fixture_path(&fixture, "no/such"));
    cr_expect_str_eq(probe.request.err.msg, expected);
    cr_assert_eq(fixture_put(&fixture, &probe, "dir/object", STR("x")), 0);
    cr_expect_eq(fixture_get(&fixture, &probe, "dir"), ERR_IO);
    cr_expect_eq(fixture_get(&fixture, &probe, "dir/object/below"), ERR_NOT_FOUND);
}

Test(store_local, delete_is_idempotent)
{
    cr_assert_eq(fixture_put(&fixture, &probe, "a/b", STR("x")), 0);
    for (int i = 0; i < 2; i++) {
        store_delete(fixture.store, &probe.request, STR("a/b"), probe_callback, NULL);
        cr_assert_eq(probe_wait(&fixture, &probe), 0);
    }
    cr_expect_eq(fixture_get(&fixture, &probe, "a/b"), ERR_NOT_FOUND);
}

Test(store_local, list_by_prefix)
{
    static const char *const keys[] = {"b", "a/2", "a/1/x", "a/10", "ab", "c/d/e"};
    struct store_upload *upload;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        cr_assert_eq(fixture_put(&fixture, &probe, keys[i], str_of(&"bytes"[i % 5])), 0);
    cr_assert_eq(fixture_begin(&fixture, &probe, "a/unfinished", &upload), 0);
    cr_assert_eq(symlink("/", fixture_path(&fixture, "a/link")), 0);

    cr_assert_eq(fixture_list(&fixture, &probe, ""), 0);
    static const char *const all[] = {"a/1/x", "a/10", "a/2", "ab", "b", "c/d/e"};
    cr_assert_eq(probe.request.entry_count, COUNT_OF(all));
    for (size_t i = 0; i < COUNT_OF(all); i++)
        cr_expect(str_is(probe.request.entries[i].key, all[i]), "%zu", i);
    cr_expect_eq(probe.request.entries[1].bytes, 2); /* "es" */

    cr_assert_eq(fixture_list(&fixture, &probe, "a/1"), 0);
    cr_assert_eq(probe.request.entry_count, 2);
    cr_expect(str_is(probe.request.entries[0].key, "a/1/x"));
    cr_assert_eq(fixture_list(&fixture, &probe, "a/"), 0);
    cr_expect_eq(probe.request.entry_count, 3);
    cr_assert_eq(fixture_list(&fixture, &probe, "none/"), 0);
    cr_expect_eq(probe.request.entry_count, 0);
    cr_assert_eq(fixture_abort(&fixture, &probe, upload), 0);
}

Test(store_local, list_many)
{
    char key[32];
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "d%d/%03d", i % 7, i);
        cr_assert_eq(fixture_put(&fixture, &probe, key, STR("x")), 0);
    }
    cr_assert_eq(fixture_list(&fixture, &probe, ""), 0);
    cr_assert_eq(probe.request.entry_count, 300);
    for (uint32_t i = 1; i < 300; i++)
        cr_assert_lt(str_cmp(probe.request.entries[i - 1].key, probe.request.entries[i].key), 0);
}

Test(store_local, put_if_absent_keeps_the_first)
{
    cr_assert_eq(fixture_put_if_absent(&fixture, &probe, "commits/0", STR("first")), 0);
    cr_assert_eq(fixture_put_if_absent(&fixture, &probe, "commits/0", STR("second")), ERR_EXISTS);
    cr_expect(strstr(probe.request.err.msg, "/commits/0 already exists"));
    cr_expect(fixture_file_is(&fixture, "commits/0", STR("first")));
    cr_expect_eq(fixture_count_files(&fixture, "commits", true), 0);
}

Test(store_local, put_if_absent_race_has_one_winner)
{
    enum { ROUNDS = 100, RACERS = 4 };
    static struct probe racers[RACERS];
    struct fixture other = {.closed = false};
    struct err err;
    char root[80], key[32];
    snprintf(root, sizeof root, "%s/root", fixture.dir);
    cr_assert_eq(store_local_create(&other.store, &fixture.loop, str_of(root), &err), 0);
    static const struct str contents[RACERS] = {{"0000", 4}, {"1111", 4}, {"2222", 4}, {"33", 2}};
    for (int round = 0; round < ROUNDS; round++) {
        int winner = -1;
        snprintf(key, sizeof key, "commits/%d", round);
        for (int i = 0; i < RACERS; i++)
            store_put_if_absent(i % 2 ? other.store : fixture.store, &racers[i].request,
                                str_of(key), contents[i], probe_callback, NULL);
        for (int i = 0; i < RACERS; i++) {
            while (racers[i].calls == 0)
                uv_run(&fixture.loop, UV_RUN_ONCE);
            racers[i].calls = 0;
            int code = racers[i].request.code;
            cr_assert(code == 0 || code == ERR_EXISTS);
            cr_assert(code || winner < 0, "two winners in round %d", round);
            if (code == 0)
                winner = i;
        }
        cr_assert_geq(winner, 0);
        cr_assert(fixture_file_is(&fixture, key, contents[winner]));
    }
    cr_expect_eq(fixture_count_files(&fixture, "commits", false), ROUNDS);
    store_close(other.store, NULL, NULL);
    for (int i = 0; i < RACERS; i++)
        store_request_fini(&racers[i].request);
}

/* Lists and reads the root as fast as it can; every object it sees must be whole. */
struct reader {
    atomic_bool stop;
    uint32_t seen, torn;
    char path[128];
    size_t bytes;
};

static void *reader_main(void *argument)
{
    struct reader *reader = argument;
    char *p = malloc(reader->bytes + 1);
    while (!atomic_load(&reader->stop)) {
        FILE *file = fopen(reader->path, "rb");
        if (!file)
            continue;
        size_t n = fread(p, 1, reader->bytes + 1, file);
        fclose(file);
        bool whole = n == reader->bytes;
        for (size_t i = 1; whole && i < n; i++)
            whole = p[i] == p[0];
        reader->seen++;
        reader->torn += !whole;
    }
    free(p);
    return NULL;
}

Test(store_local, readers_see_whole_objects_only)
{
    enum { BYTES = 200000 };
    struct reader reader = {.bytes = BYTES};
    pthread_t thread;
    snprintf(reader.path, sizeof reader.path, "%s", fixture_path(&fixture, "object"));
    cr_assert_eq(pthread_create(&thread, NULL, reader_main, &reader), 0);
    char *p = pattern(BYTES, 'a');
    for (int i = 0; i < 60; i++) {
        memset(p, 'a' + i % 26, BYTES);
        cr_assert_eq(fixture_put(&fixture, &probe, "object", (struct str){p, BYTES}), 0);
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    cr_expect_gt(reader.seen, 0);
    cr_expect_eq(reader.torn, 0);
    free(p);
}

static void run_until_failing(const struct store *store)
{
    while (!store_health(store)->failing)
        uv_run(&fixture.loop, UV_RUN_ONCE);
}

Test(store_local, disk_full_is_waited_out)
{
    /* Its own mount namespace, before the pool's threads exist. */
    if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
        cr_skip_test("no mount namespace here");
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    const char *root = fixture_path(&fixture, "");
    if (mount("tmpfs", root, "tmpfs", 0, "size=256k"))
        cr_skip_test("cannot mount a tmpfs here");
    struct fixture small = {0};
    struct err err;
    cr_assert_eq(store_local_create(&small.store, &fixture.loop, str_of(root), &err), 0);
    struct store *keep = fixture.store;
    fixture.store = small.store;
    char *p = pattern(200 << 10, 'x');
    struct str big = {p, 200 << 10};
    char expected[200];
    snprintf(expected, sizeof expected, "cannot write %s/root/big: No space left on device",
             fixture.dir);
    cr_assert_eq(fixture_put(&fixture, &probe, "filler", (struct str){p, 100 << 10}), 0);
    store_put(small.store, &probe.request, STR("big"), big, probe_callback, NULL);
    run_until_failing(small.store);
    cr_expect_str_eq(store_health(small.store)->err.msg, expected);
    cr_expect_eq(fixture_count_files(&fixture, "", false), 1, "no temporary stays");
    store_request_cancel(&probe.request);
    cr_expect_eq(probe_wait(&fixture, &probe), ERR_CANCELLED);
    cr_expect(strstr(probe.request.err.msg, expected), "%s", probe.request.err.msg);
    cr_expect_not(store_health(small.store)->failing);

    /* Somebody makes room. */
    struct store_upload *upload;
    cr_assert_eq(fixture_begin(&fixture, &probe, "up", &upload), 0);
    store_upload_append(upload, &probe.request, big, probe_callback, NULL);
    run_until_failing(small.store);
    cr_expect_eq(upload->bytes, 0, "nothing counts yet");
    cr_assert_eq(unlink(fixture_path(&fixture, "filler")), 0);
    cr_expect_eq(probe_wait(&fixture, &probe), 0);
    cr_expect_eq(upload->bytes, big.n);
    cr_expect_not(store_health(small.store)->failing);
    cr_expect_geq(store_health(small.store)->retries, 2);
    cr_expect_eq(fixture_abort(&fixture, &probe, upload), 0);
    free(p);
    fixture.store = keep;
    store_close(small.store, NULL, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    umount2(root, MNT_DETACH);
}

Test(store_local, file_size_limit_is_an_error)
{
    struct rlimit limit = {4096, 4096};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    char *p = pattern(10000, 'x');
    cr_expect_eq(fixture_put(&fixture, &probe, "big", (struct str){p, 10000}), ERR_IO);
    cr_expect(strstr(probe.request.err.msg, "root/big: File too large"), "%s",
              probe.request.err.msg);
    cr_expect_eq(fixture_count_files(&fixture, "", false), 0);
    free(p);
}

Test(store_local, a_file_in_the_way_of_a_directory)
{
    cr_assert_eq(fixture_put(&fixture, &probe, "name", STR("x")), 0);
    cr_expect_eq(fixture_put(&fixture, &probe, "name/below", STR("x")), ERR_IO);
    cr_expect(strstr(probe.request.err.msg, "cannot create "), "%s", probe.request.err.msg);
    cr_expect(strstr(probe.request.err.msg, "root/name/below: Not a directory"));
}

Test(store_local, root_must_be_a_directory)
{
    struct store *store = NULL;
    struct err err;
    cr_assert_eq(fixture_put(&fixture, &probe, "file", STR("x")), 0);
    const char *path = fixture_path(&fixture, "file");
    cr_expect_eq(store_local_create(&store, &fixture.loop, str_of(path), &err), ERR_IO);
    cr_expect(strstr(err.msg, path));
    cr_expect(strstr(err.msg, "Not a directory"));
    cr_expect_null(store);
    const char *below = fixture_path(&fixture, "file/below");
    cr_expect_eq(store_local_create(&store, &fixture.loop, str_of(below), &err), ERR_IO);
}

static void restart(struct store_request *request)
{
    struct probe *again = CONTAINER_OF(request, struct probe, request);
    if (++again->calls < 5)
        store_put(request->store, request, STR("again"), STR("x"), restart, NULL);
}

Test(store_local, a_callback_may_start_its_request_again)
{
    store_put(fixture.store, &probe.request, STR("again"), STR("x"), restart, NULL);
    while (probe.calls < 5)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_expect_eq(probe.request.code, 0);
}

/* On a closing store the restarts end with ERR_CANCELLED, and the close waits for them. */
Test(store_local, start_while_closing_is_cancelled)
{
    store_put(fixture.store, &probe.request, STR("again"), STR("x"), restart, NULL);
    fixture_close_store(&fixture);
    cr_expect_eq(probe.calls, 5);
    cr_expect_eq(probe.request.code, ERR_CANCELLED);
    cr_expect_eq(fixture_count_files(&fixture, "", true), 0);
}

Test(store_local, cancel_completes_once)
{
    enum { REQUESTS = 24, BYTES = 8 << 20 };
    static struct probe probes[REQUESTS];
    static char keys[REQUESTS][16];
    char *p = pattern(BYTES, 'c');
    uint32_t whole = 0, cancelled = 0;
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(keys[i], sizeof keys[i], "object-%d", i);
        store_put(fixture.store, &probes[i].request, str_of(keys[i]), (struct str){p, BYTES},
                  probe_callback, NULL);
    }
    for (int i = REQUESTS - 1; i >= 0; i--)
        store_request_cancel(&probes[i].request);
    for (int i = 0; i < REQUESTS; i++) {
        while (probes[i].calls == 0)
            uv_run(&fixture.loop, UV_RUN_ONCE);
        int code = probes[i].request.code;
        cr_assert(code == 0 || code == ERR_CANCELLED, "%d", code);
        whole += code == 0;
        cancelled += code != 0;
        store_request_cancel(&probes[i].request); /* nothing runs: nothing happens */
    }
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    for (int i = 0; i < REQUESTS; i++) {
        cr_expect_eq(probes[i].calls, 1);
        store_request_fini(&probes[i].request);
    }
    cr_expect_gt(cancelled, 0);
    cr_expect_eq(fixture_count_files(&fixture, "", false), whole);
    cr_expect_eq(fixture_count_files(&fixture, "", true), 0);
    free(p);
}

Test(store_local, close_while_operations_run)
{
    enum { REQUESTS = 16, BYTES = 4 << 20 };
    static struct probe probes[REQUESTS];
    static char keys[REQUESTS][16];
    char *p = pattern(BYTES, 'c');
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(keys[i], sizeof keys[i], "object-%d", i);
        store_put(fixture.store, &probes[i].request, str_of(keys[i]), (struct str){p, BYTES},
                  probe_callback, NULL);
    }
    fixture_close_store(&fixture);
    for (int i = 0; i < REQUESTS; i++) {
        cr_expect_eq(probes[i].calls, 1);
        store_request_fini(&probes[i].request);
    }
    cr_expect_eq(fixture_count_files(&fixture, "", true), 0);
    free(p);
}
