/* Two-phase uploads of the local store. */
#include "fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

TestSuite(store_upload, .init = setup, .fini = teardown, .timeout = 60);

Test(store_upload, appears_at_publish_only)
{
    struct store_upload *upload;
    cr_assert_eq(fixture_begin(&fixture, &probe, "out/part-0007.json", &upload), 0);
    cr_expect(str_starts_with(upload->id, STR("out/.part-0007.json.tmp-")));
    cr_expect(str_is(upload->key, "out/part-0007.json"));
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("one ")), 0);
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("")), 0);
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("two")), 0);
    cr_expect_eq(upload->bytes, 7);
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    cr_expect_eq(fixture_count_files(&fixture, "out", false), 1);
    cr_expect_eq(fixture_count_files(&fixture, "out", true), 1, "still hidden");
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0);
    cr_expect_null(probe.request.upload);
    cr_expect(fixture_file_is(&fixture, "out/part-0007.json", STR("one two")));
    cr_expect_eq(fixture_count_files(&fixture, "out", false), 1);
}

Test(store_upload, abort_leaves_nothing)
{
    struct store_upload *upload;
    for (int stage = 0; stage < 3; stage++) {
        cr_assert_eq(fixture_begin(&fixture, &probe, "out/a", &upload), 0);
        if (stage > 0)
            cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("bytes")), 0);
        if (stage > 1)
            cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
        cr_assert_eq(fixture_abort(&fixture, &probe, upload), 0);
        cr_expect_eq(fixture_count_files(&fixture, "out", false), 0);
    }
}

Test(store_upload, never_overwrites)
{
    struct store_upload *upload;
    cr_assert_eq(fixture_put(&fixture, &probe, "out/a", STR("old")), 0);
    cr_assert_eq(fixture_begin(&fixture, &probe, "out/a", &upload), 0);
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("new")), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    cr_expect_eq(fixture_publish(&fixture, &probe, upload), ERR_EXISTS);
    cr_expect(strstr(probe.request.err.msg, "/out/a already exists"));
    cr_expect(fixture_file_is(&fixture, "out/a", STR("old")));
    cr_assert_eq(fixture_abort(&fixture, &probe, upload), 0);
    cr_expect_eq(fixture_count_files(&fixture, "out", false), 1);
}

/* What a crash or an unknown outcome can leave between the two steps of a publish. */
Test(store_upload, publish_can_be_repeated)
{
    struct store_upload *upload;
    char temp[200];
    for (int linked = 0; linked < 2; linked++) {
        const char *key = linked ? "out/linked" : "out/renamed";
        cr_assert_eq(fixture_begin(&fixture, &probe, key, &upload), 0);
        cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("bytes")), 0);
        cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
        snprintf(temp, sizeof temp, "%.*s", STR_ARG(upload->id));
        cr_assert_eq(link(fixture_path(&fixture, temp), fixture_path(&fixture, key)), 0);
        if (!linked)
            cr_assert_eq(unlink(fixture_path(&fixture, temp)), 0);
        cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0, "%s", probe.request.err.msg);
        cr_expect(fixture_file_is(&fixture, key, STR("bytes")));
        cr_expect_eq(fixture_count_files(&fixture, "out", true), 0);
    }
}

Test(store_upload, a_lost_temporary_is_an_error)
{
    struct store_upload *upload;
    char temp[200];
    cr_assert_eq(fixture_begin(&fixture, &probe, "a", &upload), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    snprintf(temp, sizeof temp, "%.*s", STR_ARG(upload->id));
    cr_assert_eq(unlink(fixture_path(&fixture, temp)), 0);
    cr_expect_eq(fixture_publish(&fixture, &probe, upload), ERR_NOT_FOUND);
    cr_expect(strstr(probe.request.err.msg, "cannot publish "));
    cr_expect_eq(fixture_abort(&fixture, &probe, upload), 0);
}

Test(store_upload, order_of_steps_is_checked)
{
    struct store_upload *upload;
    cr_assert_eq(fixture_begin(&fixture, &probe, "out/a", &upload), 0);
    cr_expect_eq(fixture_publish(&fixture, &probe, upload), ERR_INVALID);
    cr_expect_eq(fixture_seal(&fixture, &probe, upload), 0);
    cr_expect_eq(fixture_append(&fixture, &probe, upload, STR("late")), ERR_INVALID);
    cr_expect_eq(fixture_seal(&fixture, &probe, upload), ERR_INVALID);
    cr_expect_eq(fixture_abort(&fixture, &probe, upload), 0);
}

Test(store_upload, long_names_leave_room_for_the_suffix)
{
    struct store_upload *upload;
    char key[256];
    memset(key, 'k', sizeof key);
    key[255] = '\0';
    cr_assert_eq(fixture_begin(&fixture, &probe, key, &upload), 0, "%s", probe.request.err.msg);
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("x")), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0);
    cr_expect(fixture_file_is(&fixture, key, STR("x")));
}

Test(store_upload, two_uploads_of_one_key)
{
    struct store_upload *first, *second;
    cr_assert_eq(fixture_begin(&fixture, &probe, "a", &first), 0);
    cr_assert_eq(fixture_begin(&fixture, &probe, "a", &second), 0);
    cr_expect_not(str_eq(first->id, second->id));
    cr_assert_eq(fixture_append(&fixture, &probe, first, STR("first")), 0);
    cr_assert_eq(fixture_append(&fixture, &probe, second, STR("second")), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, second), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, first), 0);
    cr_expect_eq(fixture_publish(&fixture, &probe, second), 0);
    cr_expect_eq(fixture_publish(&fixture, &probe, first), ERR_EXISTS);
    cr_expect(fixture_file_is(&fixture, "a", STR("second")));
    cr_expect_eq(fixture_abort(&fixture, &probe, first), 0);
}

Test(store_upload, close_forgets_open_uploads)
{
    struct store_upload *upload;
    cr_assert_eq(fixture_begin(&fixture, &probe, "open", &upload), 0);
    cr_assert_eq(fixture_begin(&fixture, &probe, "sealed", &upload), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    fixture_close_store(&fixture);
    cr_expect_eq(fixture_count_files(&fixture, "", true), 2, "what they wrote stays");
}

Test(store_upload, an_abort_runs_also_while_closing)
{
    struct store_upload *upload;
    cr_assert_eq(fixture_begin(&fixture, &probe, "a", &upload), 0);
    store_upload_abort(upload, &probe.request, probe_callback, NULL);
    fixture_close_store(&fixture);
    cr_expect_eq(probe.calls, 1);
    cr_expect_eq(probe.request.code, 0);
    cr_expect_eq(fixture_count_files(&fixture, "", false), 0);
}

/* Lists the directory as fast as it can; a file without a leading dot must be whole. */
struct lister {
    atomic_bool stop;
    uint32_t seen, torn;
    char dir[128];
    off_t bytes;
};

static void *lister_main(void *argument)
{
    struct lister *lister = argument;
    char path[512];
    while (!atomic_load(&lister->stop)) {
        DIR *dir = opendir(lister->dir);
        if (!dir)
            continue;
        for (const struct dirent *entry; (entry = readdir(dir));) {
            struct stat st;
            snprintf(path, sizeof path, "%s/%s", lister->dir, entry->d_name);
            if (entry->d_name[0] == '.' || stat(path, &st))
                continue;
            lister->seen++;
            lister->torn += st.st_size != lister->bytes;
        }
        closedir(dir);
    }
    return NULL;
}

Test(store_upload, a_lister_sees_whole_published_files_only)
{
    enum { ROUNDS = 60, PART = 50000 };
    struct lister lister = {.bytes = 2 * PART};
    pthread_t thread;
    char key[32], *p = calloc(1, PART);
    snprintf(lister.dir, sizeof lister.dir, "%s", fixture_path(&fixture, "out"));
    cr_assert_eq(pthread_create(&thread, NULL, lister_main, &lister), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct store_upload *upload;
        snprintf(key, sizeof key, "out/part-%d", i);
        cr_assert_eq(fixture_begin(&fixture, &probe, key, &upload), 0);
        for (int part = 0; part < 2; part++)
            cr_assert_eq(fixture_append(&fixture, &probe, upload, (struct str){p, PART}), 0);
        cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
        cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0);
    }
    atomic_store(&lister.stop, true);
    pthread_join(thread, NULL);
    cr_expect_gt(lister.seen, 0);
    cr_expect_eq(lister.torn, 0);
    free(p);
}
