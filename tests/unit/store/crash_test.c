/* The local store over a file system that crashes after every single call: an object is whole or
 * absent, and what was reported as done is there; and over one whose calls fail, one by one. */
#include "fixture.h"
#include "sim/fake_fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store_impl.h"

static struct fixture fixture;
static struct probe probe;
static struct store_upload *upload;
static char id[300];

static const char KEY[] = "dir/sub/object";
#define OLD STR("old")
#define NEW STR("new bytes")

static void open_store(void)
{
    fake_fs_init(fixture.dir);
    fixture_open_store(&fixture);
    fixture.store->pause_first_ms = 1;
}

static void setup(void)
{
    fixture_init(&fixture);
    fixture_close_store(&fixture);
    fixture.os = &fake_fs_os;
    probe = (struct probe){0};
    open_store();
}

static void teardown(void)
{
    store_request_fini(&probe.request);
    if (!fixture.closed)
        fixture_close_store(&fixture);
    fake_fs_fini();
    fixture_fini(&fixture);
}

TestSuite(store_crash, .init = setup, .fini = teardown, .timeout = 60);

/* The machine starts again. */
static void reboot(enum fake_fs_names names)
{
    char to[80];
    snprintf(to, sizeof to, "%s-after", fixture.dir);
    fixture_close_store(&fixture);
    fake_fs_reboot(to, names);
    fixture_remove(fixture.dir);
    cr_assert_eq(rename(to, fixture.dir), 0);
    open_store();
}

/* An empty store, in the same place. */
static void renew(void)
{
    fixture_close_store(&fixture);
    fixture_remove(fixture_path(&fixture, ""));
    open_store();
}

/* The object's state. */
static bool is(struct str bytes)
{
    int code = fixture_get(&fixture, &probe, KEY);
    cr_assert(code == 0 || code == ERR_NOT_FOUND, "%s", probe.request.err.msg);
    return code == 0 && str_eq(buf_str(&probe.request.data), bytes);
}

static bool is_absent(void)
{
    return fixture_get(&fixture, &probe, KEY) == ERR_NOT_FOUND;
}

static int begin(void)
{
    int code = fixture_begin(&fixture, &probe, KEY, &upload);
    if (code == 0)
        snprintf(id, sizeof id, "%.*s", STR_ARG(upload->id));
    return code;
}

static int upload_sealed(void)
{
    int code = begin();
    if (code == 0)
        code = fixture_append(&fixture, &probe, upload, NEW);
    return code ? code : fixture_seal(&fixture, &probe, upload);
}

static int publish_again(void)
{
    int code = fixture_resume(&fixture, &probe, KEY, id, NEW.n, true, &upload);
    return code ? code : fixture_publish(&fixture, &probe, upload);
}

static int do_put(void)
{
    return fixture_put(&fixture, &probe, KEY, NEW);
}

static int do_put_if_absent(void)
{
    return fixture_put_if_absent(&fixture, &probe, KEY, NEW);
}

static int do_publish(void)
{
    return fixture_publish(&fixture, &probe, upload);
}

static int do_all(void)
{
    int code = upload_sealed();
    return code ? code : do_publish();
}

static int do_sync(void)
{
    int code = begin();
    if (code == 0)
        code = fixture_append(&fixture, &probe, upload, STR("new "));
    return code ? code : fixture_sync(&fixture, &probe, upload);
}

static int do_delete(void)
{
    return fixture_delete(&fixture, &probe, KEY);
}

static int do_abort(void)
{
    return fixture_abort(&fixture, &probe, upload);
}

static void prepare_old(void)
{
    cr_assert_eq(fixture_put(&fixture, &probe, KEY, OLD), 0);
}

static void prepare_sealed(void)
{
    cr_assert_eq(upload_sealed(), 0);
}

/* One whose process is gone, after it has published. */
static void prepare_published(void)
{
    cr_assert_eq(do_all(), 0);
}

/* The process died right after its rename; the machine crashes only later. */
static void prepare_renamed(void)
{
    prepare_sealed();
    cr_assert_eq(rename(fixture_path(&fixture, id), fixture_path(&fixture, KEY)), 0);
}

/* Between the two steps where there is no renameat2. */
static void prepare_linked(void)
{
    prepare_sealed();
    cr_assert_eq(link(fixture_path(&fixture, id), fixture_path(&fixture, KEY)), 0);
}

/* The store knows the directories, which somebody has removed since. */
static void prepare_removed(void)
{
    cr_assert_eq(do_put(), 0);
    fixture_remove(fixture_path(&fixture, "dir"));
    fake_fs_init(fixture.dir);
}

static void check_new(bool done)
{
    cr_expect(is(NEW) || (!done && is_absent()));
}

static void check_replaced(bool done)
{
    cr_expect(is(NEW) || (!done && is(OLD)));
}

static void check_sealed(bool done)
{
    cr_expect(is_absent(), "not published");
    cr_expect(!done || (publish_again() == 0 && is(NEW)), "%s", probe.request.err.msg);
}

/* Wherever the crash was, recovery publishes. */
static void check_published(bool done)
{
    cr_expect(is(NEW) || (!done && is_absent()));
    cr_expect_eq(publish_again(), 0, "%s", probe.request.err.msg);
    cr_expect(is(NEW));
    cr_expect_eq(fixture_count_files(&fixture, "dir/sub", true), 0);
}

static void check_synced(bool done)
{
    cr_expect(is_absent());
    if (!done)
        return;
    cr_expect_eq(fixture_resume(&fixture, &probe, KEY, id, 4, false, &upload), 0, "%s",
                 probe.request.err.msg);
    cr_expect_eq(fixture_append(&fixture, &probe, upload, STR("bytes")), 0);
    cr_expect_eq(fixture_seal(&fixture, &probe, upload), 0);
    cr_expect_eq(do_publish(), 0);
    cr_expect(is(NEW));
}

static void check_deleted(bool done)
{
    cr_expect(is_absent() || (!done && is(OLD)));
}

static void check_aborted(bool done)
{
    cr_expect(is_absent());
    cr_expect(!done || fixture_count_files(&fixture, "dir/sub", true) == 0);
}

static const struct scenario {
    const char *name;
    void (*prepare)(void);
    int (*run)(void);
    void (*check)(bool done);
    bool no_noreplace;
} scenarios[] = {
    {"put", NULL, do_put, check_new, false},
    {"put over another", prepare_old, do_put, check_replaced, false},
    {"put where directories were", prepare_removed, do_put, check_new, false},
    {"put if absent", NULL, do_put_if_absent, check_new, false},
    {"put if absent, by links", NULL, do_put_if_absent, check_new, true},
    {"sync", NULL, do_sync, check_synced, false},
    {"seal", NULL, upload_sealed, check_sealed, false},
    {"publish", prepare_sealed, do_publish, check_published, false},
    {"publish, by links", prepare_sealed, do_publish, check_published, true},
    {"publish again", prepare_published, publish_again, check_published, false},
    {"publish again, renamed", prepare_renamed, publish_again, check_published, false},
    {"publish again, linked", prepare_linked, publish_again, check_published, false},
    {"upload", NULL, do_all, check_new, false},
    {"delete", prepare_old, do_delete, check_deleted, false},
    {"abort", prepare_sealed, do_abort, check_aborted, false},
};

static void prepare(const struct scenario *scenario)
{
    renew();
    if (scenario->no_noreplace)
        fake_fs_without_noreplace();
    if (scenario->prepare)
        scenario->prepare();
}

/* Returns whether the crash came before the end. */
static bool crash(const struct scenario *scenario, uint32_t calls, enum fake_fs_names names)
{
    prepare(scenario);
    fake_fs_crash_after(calls);
    bool done = scenario->run() == 0;
    bool met = fake_fs_met();
    cr_assert(done || met, "%s: %s", scenario->name, probe.request.err.msg);
    reboot(names);
    scenario->check(done);
    return met;
}

Test(store_crash, whole_or_absent_and_there_when_done)
{
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        for (int names = FAKE_FS_DURABLE_NAMES; names <= FAKE_FS_ALL_NAMES; names++) {
            uint32_t calls = 0;
            while (crash(&scenarios[i], calls, names)) {
                cr_assert_lt(++calls, 100);
            }
            cr_expect_gt(calls, 1, "%s", scenarios[i].name);
        }
    }
}

/* Every call of an operation fails once, or as often as a disk is full for a while: all the same it
 * succeeds, leaves no temporary, and what it did is durable. */
static void run_failing(const struct scenario *scenario, uint32_t calls, uint32_t count, int number)
{
    prepare(scenario);
    fake_fs_fail_after(calls, count, number);
    int code = scenario->run();
    bool in_seal = code == ERR_IO && probe.request.op >= STORE_UPLOAD_SYNC &&
                   probe.request.op <= STORE_UPLOAD_SEAL;
    bool met = fake_fs_met();
    fake_fs_fail_after(0, 0, 0);
    cr_expect(code == 0 || in_seal, "%s, call %u, errno %d: %d: %s", scenario->name, calls, number,
              code, probe.request.err.msg);
    cr_expect_not(store_health(fixture.store)->failing);
    if (in_seal) { /* a file that the disk did not take is not gone on with */
        cr_expect_eq(fixture_seal(&fixture, &probe, upload), ERR_IO);
        cr_expect_eq(fixture_append(&fixture, &probe, upload, NEW), ERR_IO);
        cr_expect_eq(do_publish(), ERR_INVALID);
        cr_expect_eq(do_abort(), 0);
    }
    if (code == 0 && count == 1 && scenario->run != upload_sealed && scenario->run != do_sync)
        cr_expect_eq(fixture_count_files(&fixture, "dir/sub", true), 0, "%s, call %u, errno %d",
                     scenario->name, calls, number);
    reboot(FAKE_FS_DURABLE_NAMES);
    if (code == 0)
        scenario->check(true);
    else
        cr_expect(is_absent());
    cr_expect(met, "%s, call %u", scenario->name, calls);
}

Test(store_crash, failures_pass)
{
    static const int numbers[] = {ENOSPC, EIO, EMFILE};
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        prepare(&scenarios[i]);
        uint32_t before = fake_fs_calls();
        cr_assert_eq(scenarios[i].run(), 0);
        uint32_t calls = fake_fs_calls() - before;
        for (uint32_t call = 0; call < calls; call++) { /* each at least once */
            for (size_t n = 0; n < COUNT_OF(numbers); n++)
                run_failing(&scenarios[i], call, 1, numbers[n]);
            if (scenarios[i].run != do_abort) /* which ends after three attempts */
                run_failing(&scenarios[i], call, 4, EROFS);
        }
    }
}

/* A listing is whole or fails: it never leaves out what it could not look at. */
Test(store_crash, readers_wait_too)
{
    cr_assert_eq(fixture_put(&fixture, &probe, "a/b", STR("1")), 0);
    cr_assert_eq(fixture_put(&fixture, &probe, "a/c", STR("2")), 0);
    cr_assert_eq(begin(), 0);
    for (uint32_t call = 0; call < 20; call++) {
        fake_fs_fail_after(call, 1, EIO);
        cr_expect_eq(fixture_list(&fixture, &probe, ""), 0);
        cr_expect_eq(probe.request.entry_count, 2, "call %u", call);
        fake_fs_fail_after(call, 1, EIO);
        cr_expect_eq(fixture_list_uploads(&fixture, &probe, ""), 0);
        cr_expect_eq(probe.request.entry_count, 1, "call %u", call);
        fake_fs_fail_after(call, 1, EIO);
        cr_expect_eq(fixture_get(&fixture, &probe, "a/b"), 0);
        cr_expect(str_is(buf_str(&probe.request.data), "1"));
    }
    fake_fs_fail_after(0, 0, 0);
    cr_expect_eq(do_abort(), 0);
}

/* What a process did not come to make durable, who acts on it does. */
Test(store_crash, what_a_listing_shows_is_durable)
{
    prepare_renamed();
    cr_expect_eq(fixture_list(&fixture, &probe, ""), 0);
    cr_expect_eq(probe.request.entry_count, 1);
    reboot(FAKE_FS_DURABLE_NAMES);
    cr_expect(is(NEW));
}

/* Its own earlier attempt is success, somebody else's object is not. */
Test(store_crash, put_if_absent_after_a_failure)
{
    uint32_t before = fake_fs_calls();
    cr_assert_eq(do_put_if_absent(), 0);
    uint32_t calls = fake_fs_calls() - before;
    for (uint32_t call = 0; call < calls; call++) {
        renew();
        fake_fs_fail_after(call, 1, EIO);
        cr_expect_eq(do_put_if_absent(), 0, "call %u: %s", call, probe.request.err.msg);
        fake_fs_fail_after(call, 1, EIO);
        cr_expect_eq(fixture_put_if_absent(&fixture, &probe, KEY, STR("theirs")), ERR_EXISTS);
        cr_expect_eq(fixture_put_if_absent(&fixture, &probe, KEY, NEW), ERR_EXISTS,
                     "equal bytes, but of an earlier request");
        cr_expect(is(NEW));
    }
}

Test(store_crash, large_objects_are_refused)
{
    cr_assert_eq(do_put(), 0);
    fixture.store->get_bytes_max = NEW.n;
    cr_expect(is(NEW));
    fixture.store->get_bytes_max = NEW.n - 1;
    cr_expect_eq(fixture_get(&fixture, &probe, KEY), ERR_NOMEM);
    cr_expect(strstr(probe.request.err.msg, "dir/sub/object: it has more than 8 bytes"), "%s",
              probe.request.err.msg);
}
