#define _GNU_SOURCE /* pipe2 */
/* One process at a time in a location. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_fini(&fixture);
}

TestSuite(store_lock, .init = setup, .fini = teardown, .timeout = 60);

static struct store *another(void)
{
    struct store *store;
    struct err err;
    char root[80];
    snprintf(root, sizeof root, "%s/root", fixture.dir);
    cr_assert_eq(store_local_create(&store, &fixture.loop, str_of(root), &err), 0);
    return store;
}

Test(store_lock, is_held_until_the_store_is_closed)
{
    struct store *other = another();
    struct buf holder = {0};
    struct err err;
    cr_assert_eq(store_local_lock(fixture.store, STR("pid 1 of host a"), &holder, &err), 0, "%s",
                 err.msg);
    cr_expect_eq(store_local_lock(other, STR("pid 2"), &holder, &err), ERR_EXISTS);
    cr_expect_str_eq(buf_cstr(&holder), "pid 1 of host a");
    cr_expect(strstr(err.msg, "another process uses /tmp/sluice-store-"), "%s", err.msg);
    fixture_close_store(&fixture);
    cr_expect_eq(store_local_lock(other, STR("2"), &holder, &err), 0);
    cr_expect(fixture_file_is(&fixture, ".lock", STR("2")), "it stays, and names the holder");
    fixture_open_store(&fixture);
    struct probe probe = {0};
    cr_expect_eq(fixture_list(&fixture, &probe, ""), 0);
    cr_expect_eq(probe.request.entry_count, 0, "it is no object");
    cr_expect_eq(fixture_list_uploads(&fixture, &probe, ""), 0);
    cr_expect_eq(probe.request.entry_count, 0);
    store_request_fini(&probe.request);
    store_close(other, NULL, NULL);
    buf_fini(&holder);
}

/* A process that is killed leaves it behind, unheld; a program that it has started, and that lives
 * on, does not hold it. */
Test(store_lock, ends_with_the_process)
{
    struct buf holder = {0};
    struct err err;
    int ready[2], life[2]; /* the grandchild ends when we close `life` */
    char byte;
    cr_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(life, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (store_local_lock(fixture.store, STR("child"), &holder, &err) == 0 && fork() == 0) {
            dup2(life[0], 0);
            execl("/bin/cat", "cat", (char *)NULL);
        }
        _exit(write(ready[1], "", 1) == 1 && pause() ? 0 : 1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_expect_eq(store_local_lock(fixture.store, STR("parent"), &holder, &err), ERR_EXISTS);
    cr_expect_str_eq(buf_cstr(&holder), "child");
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    uint64_t start_ns = uv_hrtime();
    int code;
    do { /* until the grandchild has become the other program */
        code = store_local_lock(fixture.store, STR("parent"), &holder, &err);
    } while (code && uv_hrtime() - start_ns < 10000000000U);
    cr_expect_eq(code, 0);
    close(ready[0]);
    close(ready[1]);
    close(life[0]);
    close(life[1]);
    buf_fini(&holder);
}
