/* Uploads that another process began. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct fixture fixture;
static struct probe probe;
static struct store_upload *upload;
static char id[300];

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

TestSuite(store_resume, .init = setup, .fini = teardown, .timeout = 60);

/* The upload's process ends. */
static void next_process(void)
{
    snprintf(id, sizeof id, "%.*s", STR_ARG(upload->id));
    cr_expect_eq(store_upload_tags(upload).n, 0);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture);
}

static void begin(const char *key, struct str bytes)
{
    cr_assert_eq(fixture_begin(&fixture, &probe, key, &upload), 0);
    cr_assert_eq(fixture_append(&fixture, &probe, upload, bytes), 0);
}

static int resume(const char *key, uint64_t bytes, bool sealed)
{
    return fixture_resume(&fixture, &probe, key, id, bytes, sealed, &upload);
}

Test(store_resume, sealed_is_published)
{
    begin("out/a", STR("bytes"));
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    next_process();
    cr_assert_eq(resume("out/a", 5, true), 0, "%s", probe.request.err.msg);
    cr_expect(str_is(upload->key, "out/a") && str_is(upload->id, id));
    cr_expect_eq(upload->bytes, 5);
    cr_expect_eq(fixture_append(&fixture, &probe, upload, STR("x")), ERR_INVALID, "sealed");
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0, "%s", probe.request.err.msg);
    cr_expect(fixture_file_is(&fixture, "out/a", STR("bytes")));
    cr_expect_eq(fixture_count_files(&fixture, "out", true), 0);
}

/* The normal restart: the process died between the publish and the record of it. */
Test(store_resume, published_already_is_success)
{
    begin("out/a", STR("bytes"));
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    snprintf(id, sizeof id, "%.*s", STR_ARG(upload->id));
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(resume("out/a", 5, true), 0, "%s", probe.request.err.msg);
        cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0, "%s", probe.request.err.msg);
    }
    cr_expect(fixture_file_is(&fixture, "out/a", STR("bytes")));
    cr_assert_eq(resume("out/a", 5, true), 0);
    cr_expect_eq(fixture_abort(&fixture, &probe, upload), 0, "of one that is gone");
    cr_expect(fixture_file_is(&fixture, "out/a", STR("bytes")), "the object stays");
}

/* It died between the two steps of a publish without renameat2. */
Test(store_resume, linked_and_not_yet_unlinked)
{
    begin("out/a", STR("bytes"));
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    next_process();
    cr_assert_eq(link(fixture_path(&fixture, id), fixture_path(&fixture, "out/a")), 0);
    cr_assert_eq(resume("out/a", 5, true), 0);
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0, "%s", probe.request.err.msg);
    cr_expect_eq(fixture_count_files(&fixture, "out", true), 0);
}

Test(store_resume, gone_without_an_object)
{
    char expected[400];
    begin("out/a", STR("bytes"));
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    next_process();
    cr_assert_eq(unlink(fixture_path(&fixture, id)), 0);
    cr_assert_eq(resume("out/a", 5, true), 0, "may be published already");
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), ERR_NOT_FOUND);
    snprintf(expected, sizeof expected,
             "cannot publish %s: the unfinished file %s is gone (somebody removed it), and there "
             "is no such object",
             fixture_path(&fixture, "out/a"), id);
    cr_expect_str_eq(probe.request.err.msg, expected);
    cr_assert_eq(fixture_put(&fixture, &probe, "out/a", STR("other bytes")), 0);
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), ERR_EXISTS);
    cr_expect(strstr(probe.request.err.msg, "another object has the name"));
    cr_expect_eq(fixture_abort(&fixture, &probe, upload), 0);
    cr_assert_eq(resume("out/a", 5, false), ERR_NOT_FOUND, "it cannot be appended to");
    cr_expect_null(upload);
}

Test(store_resume, another_object_has_the_key)
{
    begin("out/a", STR("bytes"));
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    next_process();
    cr_assert_eq(fixture_put(&fixture, &probe, "out/a", STR("BYTES")), 0);
    cr_assert_eq(resume("out/a", 5, true), 0);
    cr_expect_eq(fixture_publish(&fixture, &probe, upload), ERR_EXISTS);
    cr_expect_eq(fixture_abort(&fixture, &probe, upload), 0);
    cr_expect(fixture_file_is(&fixture, "out/a", STR("BYTES")));
    cr_expect_eq(fixture_count_files(&fixture, "out", true), 0);
}

Test(store_resume, appends_behind_the_recorded_bytes)
{
    begin("out/a", STR("one "));
    cr_assert_eq(fixture_sync(&fixture, &probe, upload), 0);
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("lost batch")), 0);
    next_process();
    cr_assert_eq(resume("out/a", 4, false), 0, "%s", probe.request.err.msg);
    cr_expect(fixture_file_is(&fixture, id, STR("one ")), "what came later is cut off");
    cr_expect_eq(upload->bytes, 4);
    cr_expect_eq(fixture_publish(&fixture, &probe, upload), ERR_INVALID, "not sealed");
    cr_assert_eq(fixture_append(&fixture, &probe, upload, STR("two")), 0);
    cr_assert_eq(fixture_seal(&fixture, &probe, upload), 0);
    cr_assert_eq(fixture_publish(&fixture, &probe, upload), 0);
    cr_expect(fixture_file_is(&fixture, "out/a", STR("one two")));
}

Test(store_resume, sizes_and_names_are_checked)
{
    begin("out/a", STR("bytes"));
    cr_assert_eq(fixture_sync(&fixture, &probe, upload), 0);
    next_process();
    cr_expect_eq(resume("out/a", 6, false), ERR_CORRUPT, "shorter");
    cr_expect(strstr(probe.request.err.msg, "it has 5 bytes where 6 were recorded"), "%s",
              probe.request.err.msg);
    cr_expect_eq(resume("out/a", 6, true), ERR_CORRUPT);
    cr_expect_eq(resume("out/a", 4, true), ERR_CORRUPT, "a sealed one has its size");
    cr_expect_eq(resume("out/b", 5, true), ERR_CORRUPT, "of another key");
    cr_expect_eq(resume("a", 5, true), ERR_CORRUPT);
    static const char *const bad[] = {"",
                                      "out/a",
                                      "out/.a.tmp-0123456789abcde",
                                      "out/.a.tmp-0123456789abcdeG",
                                      "../.a.tmp-0123456789abcdef",
                                      "out/x/.a.tmp-0123456789abcdef",
                                      "/etc/passwd"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(id, sizeof id, "%s", bad[i]);
        cr_expect_eq(resume("out/a", 5, true), ERR_CORRUPT, "%s", bad[i]);
        cr_expect_null(upload);
    }
    cr_expect_eq(fixture_count_files(&fixture, "out", true), 1, "all is as it was");
}

static void abort_listed(const struct store_entry *entry)
{
    struct probe other = {0};
    store_upload_resume(fixture.store, &other.request, entry->key, entry->id, STR(""), entry->bytes,
                        true, probe_callback, NULL);
    cr_assert_eq(probe_wait(&fixture, &other), 0, "%s", other.request.err.msg);
    cr_expect_eq(fixture_abort(&fixture, &other, other.request.upload), 0);
    store_request_fini(&other.request);
}

Test(store_resume, unfinished_ones_are_listed_and_removed)
{
    static const char *const keys[] = {"out/x=1/a", "out/x=1/a.tmp-1", "out/b", "other/c", "d"};
    char name[250];
    memset(name, 'n', sizeof name);
    name[233] = '\0';
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        begin(keys[i], STR("bytes"));
    begin(name, STR(""));
    cr_assert_eq(fixture_put(&fixture, &probe, "out/x=1/whole", STR("x")), 0);
    FILE *file = fopen(fixture_path(&fixture, "out/.somebodys.tmp-0123"), "w");
    cr_assert(file);
    fclose(file);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture);
    cr_assert_eq(fixture_list_uploads(&fixture, &probe, ""), 0);
    cr_expect_eq(probe.request.entry_count, 6);
    cr_expect(str_is(probe.request.entries[1].key, name), "a long name is whole");
    cr_assert_eq(fixture_list_uploads(&fixture, &probe, "out/"), 0);
    cr_assert_eq(probe.request.entry_count, 3);
    static const char *const sorted[] = {"out/b", "out/x=1/a", "out/x=1/a.tmp-1"};
    for (uint32_t i = 0; i < 3; i++) {
        const struct store_entry *entry = &probe.request.entries[i];
        cr_expect(str_is(entry->key, sorted[i]), "%.*s", STR_ARG(entry->key));
        cr_expect_eq(entry->bytes, 5);
        abort_listed(entry);
    }
    cr_assert_eq(fixture_list_uploads(&fixture, &probe, "out/x=1/a"), 0);
    cr_expect_eq(probe.request.entry_count, 0);
    cr_expect_eq(fixture_count_files(&fixture, "out", true), 1, "not somebody's own");
    cr_expect_eq(fixture_count_files(&fixture, "other", true), 1, "not another prefix's");
    cr_assert_eq(fixture_list(&fixture, &probe, ""), 0);
    cr_expect_eq(probe.request.entry_count, 1, "unfinished ones are no objects");
}
