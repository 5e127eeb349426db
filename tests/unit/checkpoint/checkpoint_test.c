/* The protocol of a checkpoint over a real directory: owners, decisions, state files, leftovers. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch/envelope.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/fork.h"
#include "checkpoint/inspect.h"
#include "store/local.h"

static char directory[64];
static uv_loop_t loop;
static const struct log quiet = {.level = LOG_ERROR, .fd = 2};

/* One process: a checkpoint and its store. */
struct process {
    struct store *store;
    struct checkpoint *checkpoint;
    char run_id[40];
    int code;
    struct err err;
    bool answered, closed;
};

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/sluice-checkpoint-XXXXXX");
    cr_assert(mkdtemp(directory));
    cr_assert_eq(uv_loop_init(&loop), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0, "no handle is left");
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(checkpoint, .init = setup, .fini = teardown, .timeout = 60);

static void on_changed(void *user)
{
    (void)user;
}

static void start(struct process *p, const char *run_id, bool locked)
{
    *p = (struct process){0};
    snprintf(p->run_id, sizeof p->run_id, "%s", run_id);
    cr_assert_eq(store_local_create(&p->store, &loop, str_of(directory), &p->err), 0);
    struct checkpoint_options options = {.log = &quiet,
                                         .location = str_of(directory),
                                         .store = p->store,
                                         .locked = locked,
                                         .new_id = "0123456789abcdef",
                                         .run_id = p->run_id,
                                         .changed = on_changed,
                                         .user = p};
    cr_assert_eq(checkpoint_create(&p->checkpoint, &loop, &options, &p->err), 0);
    while (checkpoint_stage(p->checkpoint) == CHECKPOINT_OPENING &&
           !*checkpoint_waits_for(p->checkpoint))
        uv_run(&loop, UV_RUN_ONCE);
}

static void open_it(struct process *p, const char *run_id)
{
    start(p, run_id, false);
    cr_assert_eq(checkpoint_stage(p->checkpoint), CHECKPOINT_OPEN, "%s",
                 checkpoint_error(p->checkpoint)->msg);
}

static void on_closed(void *user)
{
    ((struct process *)user)->closed = true;
}

static void await_closed(struct process *p)
{
    while (!p->closed)
        uv_run(&loop, UV_RUN_ONCE);
    p->closed = false;
}

static void end(struct process *p)
{
    checkpoint_close(p->checkpoint, on_closed, p);
    await_closed(p);
    store_close(p->store, on_closed, p);
    await_closed(p);
}

static void on_answer(void *user, int code, const struct err *err)
{
    struct process *p = user;
    p->code = code;
    p->err = *err;
    p->answered = true;
}

static int await(struct process *p)
{
    while (!p->answered)
        uv_run(&loop, UV_RUN_ONCE);
    p->answered = false;
    return p->code;
}

static const struct record_partition starts[] = {{STR("tx"), 0, 17, 17}};

static void begin(struct process *p)
{
    cr_assert_eq(checkpoint_begin(p->checkpoint, starts, 1, on_answer, p), 0);
    cr_assert_eq(await(p), 0, "%s", p->err.msg);
}

/* Saves some state and decides a batch that ends at `offset`. */
static int decide(struct process *p, int64_t offset, const char *state)
{
    struct record_partition partition = {STR("tx"), 0, offset - 1, offset};
    struct commit_record record = {.reason = STR("trigger"),
                                   .partitions = &partition,
                                   .partition_count = 1,
                                   .source_fingerprint = STR("")};
    checkpoint_batch_begin(p->checkpoint);
    if (state) {
        cr_assert_eq(
            checkpoint_state_begin(p->checkpoint, checkpoint_wants_snapshot(p->checkpoint)), 0);
        buf_append_str(checkpoint_state_buf(p->checkpoint), str_of(state));
        cr_assert_eq(checkpoint_state_push(p->checkpoint, true, &p->err), 0);
    }
    checkpoint_await_saved(p->checkpoint, on_answer, p);
    cr_assert_eq(await(p), 0, "%s", p->err.msg);
    cr_assert_eq(checkpoint_decide(p->checkpoint, &record, on_answer, p), 0);
    int code = await(p);
    if (code == 0)
        checkpoint_published(p->checkpoint);
    return code;
}

static bool exists(const char *key)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    return access(path, F_OK) == 0;
}

Test(checkpoint, a_new_one_is_begun_decides_and_is_found_again)
{
    struct process p;
    open_it(&p, "run-1");
    cr_expect_eq(checkpoint_metadata(p.checkpoint), NULL);
    cr_expect_eq(checkpoint_record(p.checkpoint), NULL);
    cr_expect_eq(checkpoint_next_batch(p.checkpoint), 0);
    begin(&p);
    cr_assert_eq(decide(&p, 20, "state of 0"), 0, "%s", p.err.msg);
    cr_assert_eq(decide(&p, 30, "delta of 1"), 0, "%s", p.err.msg);
    end(&p);
    cr_expect(exists("state/0.1.snapshot") && exists("state/1.1.delta") && exists("commits/1"));

    open_it(&p, "run-2");
    cr_expect_eq(checkpoint_epoch(p.checkpoint), 2);
    cr_expect_str_eq(checkpoint_id(p.checkpoint), "0123456789abcdef");
    cr_expect_eq(checkpoint_metadata(p.checkpoint)->starts[0].start, 17);
    cr_expect_eq(checkpoint_published_through(p.checkpoint), 1, "it ended well");
    const struct commit_record *record = checkpoint_record(p.checkpoint);
    cr_assert_neq(record, NULL);
    cr_expect(record->takeover);
    cr_expect_eq(record->batch_id, 2, "a new owner's first act is a decision");
    cr_expect_eq(record->partitions[0].end, 30);
    cr_expect_eq(record->state_count, 2);
    struct buf data = {0};
    checkpoint_read(p.checkpoint, &record->state[1], &data, on_answer, &p);
    cr_assert_eq(await(&p), 0);
    cr_expect(str_is(buf_str(&data), "delta of 1"));
    buf_fini(&data);
    end(&p);
}

Test(checkpoint, where_a_lock_guards_there_is_no_takeover)
{
    struct process p;
    start(&p, "run-1", true);
    begin(&p);
    cr_assert_eq(decide(&p, 20, NULL), 0, "%s", p.err.msg);
    end(&p);
    start(&p, "run-2", true);
    cr_assert_eq(checkpoint_stage(p.checkpoint), CHECKPOINT_OPEN);
    cr_expect_eq(checkpoint_record(p.checkpoint)->batch_id, 0);
    cr_expect_eq(checkpoint_published_through(p.checkpoint), 0);
    end(&p);
}

Test(checkpoint, a_living_owner_is_waited_for)
{
    struct process first, second;
    open_it(&first, "run-1");
    start(&second, "run-2", false);
    cr_expect_eq(checkpoint_stage(second.checkpoint), CHECKPOINT_OPENING);
    cr_expect(strstr(checkpoint_waits_for(second.checkpoint), "run-1"), "%s",
              checkpoint_waits_for(second.checkpoint));
    end(&second);
    end(&first);
}

/* Makes the owner a process that does not exist: the newcomer takes over at once. */
static void bury_owner(const char *key)
{
    char path[200], text[2000], name[40];
    struct str content;
    struct err err;
    struct buf buried = {0};
    snprintf(path, sizeof path, "%s/%s", directory, key);
    FILE *file = fopen(path, "r");
    cr_assert(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    cr_assert_eq(envelope_open((struct str){text, n}, "owner", 1, NULL, &content, &err), 0);
    int length = snprintf(name, sizeof name, "\"pid\":%d", (int)getpid());
    char *pid = memmem(text, n, name, (size_t)length);
    cr_assert(pid);
    struct buf longer = {0}; /* with a pid beyond what pids are */
    buf_append(&longer, content.p, (size_t)(pid + 6 - content.p));
    buf_append_str(&longer, STR("99999999"));
    buf_append(&longer, pid + length, (size_t)(str_end(content) - (pid + length)));
    envelope_append(&buried, "owner", 1, buf_str(&longer));
    file = fopen(path, "w");
    cr_assert(file);
    fwrite(buried.p, 1, buried.n, file);
    fclose(file);
    buf_fini(&buried);
    buf_fini(&longer);
}

Test(checkpoint, an_owner_that_was_replaced_decides_nothing_more)
{
    struct process old, new;
    open_it(&old, "run-1");
    begin(&old);
    cr_assert_eq(decide(&old, 20, "state"), 0);
    bury_owner("owner/1");
    open_it(&new, "run-2");
    cr_expect_eq(checkpoint_record(new.checkpoint)->batch_id, 1);
    cr_expect_eq(checkpoint_published_through(new.checkpoint), -1, "nobody said so");
    cr_expect_eq(decide(&old, 30, "late state"), ERR_EXISTS);
    cr_expect(strstr(old.err.msg, "was replaced by process"), "%s", old.err.msg);
    cr_expect(strstr(old.err.msg, "run-2"), "%s", old.err.msg);
    cr_assert_eq(decide(&new, 25, "state"), 0, "%s", new.err.msg);
    end(&old);
    end(&new);
    open_it(&new, "run-3");
    cr_expect_eq(checkpoint_record(new.checkpoint)->partitions[0].end, 25);
    end(&new);
}

Test(checkpoint, snapshots_come_when_deltas_add_up_and_old_files_go)
{
    struct process p;
    char big[40001];
    memset(big, 's', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    open_it(&p, "run-1");
    begin(&p);
    for (int i = 0; i < 240; i++)
        cr_assert_eq(decide(&p, 20 + i, big), 0, "%s", p.err.msg);
    end(&p);
    cr_expect(!exists("commits/100") && exists("commits/239") && exists("commits/150"));
    cr_expect(!exists("state/0.1.snapshot"));
    start(&p, "run-2", true);
    cr_assert_eq(checkpoint_stage(p.checkpoint), CHECKPOINT_OPEN, "%s",
                 checkpoint_error(p.checkpoint)->msg);
    const struct commit_record *record = checkpoint_record(p.checkpoint);
    cr_expect_eq(record->snapshot_count, 1);
    cr_expect_leq(record->state_count, 5, "%u", record->state_count);
    for (uint32_t i = 0; i < record->state_count; i++) {
        char key[100];
        snprintf(key, sizeof key, "%.*s", STR_ARG(record->state[i].key));
        cr_expect(exists(key), "%s", key);
    }
    end(&p);
}

static void overwrite(const char *key, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

Test(checkpoint, a_damaged_decision_is_an_error_that_says_what_to_do)
{
    struct process p;
    start(&p, "run-1", true);
    begin(&p);
    cr_assert_eq(decide(&p, 20, "state"), 0);
    cr_assert_eq(decide(&p, 30, "state"), 0);
    end(&p);
    overwrite("commits/1", "sluice commit 1 bytes=10 crc32c=00000000\n{");
    start(&p, "run-2", true);
    cr_assert_eq(checkpoint_stage(p.checkpoint), CHECKPOINT_FAILED);
    char expected[400];
    snprintf(expected, sizeof expected,
             "checkpoint %s: commits/1: it is cut short: 1 of 10 bytes are there; nothing was "
             "changed: `sluice checkpoint verify` says from which batch --recover-to "
             "BATCH=NEW_LOCATION can go on",
             directory);
    cr_expect_str_eq(checkpoint_error(p.checkpoint)->msg, expected);
    end(&p);
}

static void remove_key(const char *key)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    cr_assert_eq(unlink(path), 0, "%s", path);
}

static void make(int batches)
{
    struct process p;
    start(&p, "run-1", true);
    begin(&p);
    for (int i = 0; i < batches; i++)
        cr_assert_eq(decide(&p, 20 + i, NULL), 0);
    end(&p);
}

/* Another owner, of the next epoch, decides one batch more. */
static void start_and_end(const char *run_id)
{
    struct process p;
    start(&p, run_id, true);
    cr_assert_eq(checkpoint_stage(p.checkpoint), CHECKPOINT_OPEN);
    cr_assert_eq(decide(&p, 50, NULL), 0);
    end(&p);
}

static void expect_failed(const char *text)
{
    struct process p;
    start(&p, "run-2", true);
    cr_assert_eq(checkpoint_stage(p.checkpoint), CHECKPOINT_FAILED);
    cr_expect(strstr(checkpoint_error(p.checkpoint)->msg, text), "%s",
              checkpoint_error(p.checkpoint)->msg);
    end(&p);
}

Test(checkpoint, a_file_that_is_missing_is_told)
{
    make(3);
    remove_key("commits/2");
    expect_failed("commits/2 is missing: that batch was published; nothing was changed");
}

Test(checkpoint, metadata_that_is_missing_is_told)
{
    make(1);
    remove_key("metadata");
    expect_failed("metadata: it is missing, but there are decisions; nothing was changed");
}

Test(checkpoint, an_owner_that_is_missing_is_told)
{
    make(1);
    start_and_end("run-2");
    remove_key("owner/1");
    remove_key("owner/1.heartbeat");
    remove_key("owner/2");
    remove_key("owner/2.heartbeat");
    expect_failed("owner/2: it is missing, but batch 1 was decided by it; nothing was changed");
}

static const struct plan_s3 no_s3;

static int verify(struct buf *out)
{
    struct err err;
    buf_clear(out);
    int code = checkpoint_inspect(&loop, str_of(directory), &no_s3, true, out, &err);
    cr_assert(buf_cstr(out));
    return code;
}

static int fork_at(int64_t batch, const char *to, struct err *err)
{
    struct checkpoint_fork fork = {.from = str_of(directory),
                                   .to = str_of(to),
                                   .s3 = &no_s3,
                                   .batch = batch,
                                   .new_id = "fedcba9876543210",
                                   .log = &quiet};
    return checkpoint_fork(&loop, &fork, err);
}

Test(checkpoint, verify_names_the_last_batch_to_go_on_from_and_fork_does)
{
    struct buf out = {0};
    struct err err;
    char to[100];
    snprintf(to, sizeof to, "%s/new", directory);
    make(4);
    cr_expect_eq(verify(&out), 0);
    cr_expect(strstr(buf_cstr(&out), "last batch for --recover-to: 3\n"), "%s", buf_cstr(&out));
    overwrite("commits/3", "sluice commit 2 bytes=10 crc32c=00000000\n{");
    overwrite("metadata", "");
    remove_key("commits/1");
    cr_expect_eq(verify(&out), ERR_CORRUPT);
    cr_expect(strstr(buf_cstr(&out), "NOT IN ORDER commits/3: "), "%s", buf_cstr(&out));
    cr_expect(strstr(buf_cstr(&out), "NOT IN ORDER metadata: "), "%s", buf_cstr(&out));
    cr_expect(strstr(buf_cstr(&out), "NOT IN ORDER commits/1: it is missing\n"), "%s",
              buf_cstr(&out));
    cr_expect(strstr(buf_cstr(&out), "last batch for --recover-to: 2\n"), "%s", buf_cstr(&out));
    cr_expect_eq(fork_at(3, to, &err), ERR_CORRUPT, "%s", err.msg);
    cr_expect_eq(fork_at(1, to, &err), ERR_NOT_FOUND, "%s", err.msg);
    cr_expect_eq(fork_at(2, to, &err), 0, "%s", err.msg);
    cr_expect(exists("new/metadata") && exists("new/commits/2"));
    buf_fini(&out);
}

Test(checkpoint, what_killed_processes_left_in_a_directory_is_removed)
{
    struct process p;
    start(&p, "run-1", true);
    begin(&p);
    cr_assert_eq(decide(&p, 20, "state"), 0);
    end(&p);
    overwrite("state/.1.1.delta.tmp-0123456789abcdef", "half of a delta");
    overwrite("commits/.keep", "not ours");
    start(&p, "run-2", true);
    cr_expect_eq(checkpoint_stage(p.checkpoint), CHECKPOINT_OPEN);
    end(&p);
    cr_expect(!exists("state/.1.1.delta.tmp-0123456789abcdef"));
    cr_expect(exists("commits/.keep"));
}
