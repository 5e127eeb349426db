#define _GNU_SOURCE /* memfd_create */
#include "sim/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/life.h"
#include "sim/oracle.h"
#include "sim/shards.h"
#include "sim/trouble.h"

enum { CASE_SECONDS = 60 };

/* The case that runs; one process runs one at a time. */
static struct {
    const struct sim_matrix *matrix;
    const struct sim_pipeline *pipeline;
    struct sim_records records;
    char root[100];
    struct sim_files seen; /* by readers, in all lives */
    struct buf wrong;
    struct log log;
    uint64_t seed;       /* of the next life */
    uint32_t allocation; /* which fails, in a life over the real calls */
} sim;

/* The sanitizer's, where there is one. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void print_log(void)
{
    char text[4096];
    off_t end = lseek(sim.log.fd, 0, SEEK_END);
    off_t from = end > (off_t)sizeof text ? end - (off_t)sizeof text : 0;
    ssize_t n = pread(sim.log.fd, text, sizeof text, from);
    if (n > 0)
        fprintf(stderr, "%.*s", (int)n, text);
}

static void fail(const char *reason)
{
    sim_case_fail(reason);
    print_log();
}

/* False when something is wrong already. */
static bool expect(bool holds, const char *reason)
{
    if (!holds && sim.wrong.n == 0)
        buf_printf(&sim.wrong, "%s", reason);
    return sim.wrong.n == 0;
}

static void look(struct sim_files *now)
{
    sim_oracle_look(now, sim.root, sim.pipeline);
    sim_oracle_whole(now, &sim.wrong);
    sim_oracle_kept(&sim.seen, now, &sim.wrong);
}

/* Readers see what is there now, and keep it in mind. */
static void on_look(void *user)
{
    struct sim_files now = {0};
    (void)user;
    look(&now);
    sim_files_fini(&sim.seen);
    sim.seen = now;
}

static void begin_allocations(void)
{
    trouble_alloc_fail_after(sim.allocation, 1);
}

static int live(const struct local_os *os, bool last)
{
    const struct sim_pipeline *pipeline = sim.pipeline;
    struct sim_life life = {
        .root = sim.root,
        .document = last && pipeline->last_document ? pipeline->last_document : pipeline->document,
        .os = os,
        .source = {.records = &sim.records,
                   .seed = sim.seed++,
                   .last_life = last,
                   .available_now = last || sim.matrix->available_now,
                   .look =
                       os == &fake_fs_os && (last || sim.matrix->available_now) ? on_look : NULL},
        .log = &sim.log,
        .begin = os == &fake_fs_os ? NULL : begin_allocations};
    return sim_live(&life);
}

static void begin(uint32_t number)
{
    char text[200];
    snprintf(text, sizeof text, "%s --seed %llu --only %u", sim.matrix->name,
             (unsigned long long)sim.matrix->seed, number);
    sim_case_begin(number, CASE_SECONDS, text);
    sim.seed = sim.matrix->seed * 1000;
    REQUIRE(ftruncate(sim.log.fd, 0) == 0);
    lseek(sim.log.fd, 0, SEEK_SET);
    sim_files_remove(sim.root);
    mkdir(sim.root, 0777);
    fake_fs_init(sim.root);
}

static void end(void)
{
    if (sim.wrong.n)
        fail(buf_cstr(&sim.wrong));
    buf_clear(&sim.wrong);
    sim_files_fini(&sim.seen);
    fake_fs_fini();
    if (sim.matrix->leaks && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        fail("memory has leaked");
}

/* What the machine finds when it starts again. */
static void reboot(enum fake_fs_names names)
{
    char to[120];
    struct sim_files now = {0}, before = {0};
    sim_oracle_look(&before, sim.root, sim.pipeline);
    sim_oracle_whole(&before, &sim.wrong);
    sim_oracle_kept(&sim.seen, &before, &sim.wrong);
    snprintf(to, sizeof to, "%s-after", sim.root);
    sim_files_remove(to);
    fake_fs_reboot(to, names);
    fake_fs_fini();
    sim_files_remove(sim.root);
    rename(to, sim.root);
    fake_fs_init(sim.root);
    sim_oracle_look(&now, sim.root, sim.pipeline);
    sim_oracle_whole(&now, &sim.wrong);
    sim_oracle_kept(&now, &before, &sim.wrong); /* nothing that was not there before */
    sim_oracle_decisions(sim.root, &now, false, &sim.wrong);
    sim_files_fini(&now);
    /* What was seen must be there again once the next life has ended. */
    sim_files_fini(&sim.seen);
    sim.seen = before;
}

/* A life that nothing stands against, and what it must leave. */
static void live_well(void)
{
    if (!expect(live(&fake_fs_os, false) == 0, "a life without trouble failed"))
        return;
    if (!sim.matrix->available_now)
        return; /* a stop may come before all is published: the next life does it */
    on_look(NULL);
    sim_oracle_decisions(sim.root, &sim.seen, true, &sim.wrong);
}

static void live_last(void)
{
    if (sim.wrong.n)
        return;
    if (!expect(live(&fake_fs_os, true) == 0, "the last life failed"))
        return;
    on_look(NULL);
    sim_oracle_decisions(sim.root, &sim.seen, true, &sim.wrong);
    sim_oracle_covered(sim.root, &sim.records, &sim.wrong);
    sim_oracle_rows(&sim.seen, sim.pipeline, &sim.records, &sim.wrong);
}

/* ---- troubles: true when the trouble was met ---- */

static bool crash(uint32_t k)
{
    fake_fs_crash_after(k);
    int code = live(&fake_fs_os, false);
    bool met = fake_fs_met();
    expect(code == 0 || (code == 1 && met), "a life without trouble failed");
    if (met)
        reboot(sim.matrix->names);
    else
        fake_fs_init(sim.root);
    return met;
}

static uint32_t random_call(uint32_t k)
{
    uint64_t random = sim.matrix->seed * 7919 + k;
    return (uint32_t)(sim_random(&random) % 80);
}

/* A second crash in what follows, early on: in the recovery. */
static bool crash_again(uint32_t k)
{
    bool met = crash(k);
    if (met && sim.wrong.n == 0)
        crash(random_call(k));
    return met;
}

/* What the first process did not make durable is there all the same when the second one begins. */
static bool kill_and_crash(uint32_t k)
{
    fake_fs_crash_after(k);
    int code = live(&fake_fs_os, false);
    bool met = fake_fs_met();
    expect(code == 0 || (code == 1 && met), "a life without trouble failed");
    if (sim.wrong.n == 0)
        crash(random_call(k));
    return met;
}

/* Calls that fail. Whatever the end, what is durable then is right. */
static bool fail_calls(uint32_t k, uint32_t count)
{
    fake_fs_fail_after(k, count, sim.matrix->number);
    int code = live(&fake_fs_os, false);
    bool met = fake_fs_met();
    fake_fs_fail_after(0, 0, 0);
    expect(code == 0 || (code == 1 && met), "a life without trouble failed");
    if (met)
        reboot(k % 2 ? FAKE_FS_DURABLE_NAMES : FAKE_FS_ALL_NAMES);
    return met;
}

/* A life whose k-th allocation fails; what the document is blamed for goes to the log. */
static int live_without_memory(uint32_t k, uint32_t *allocations)
{
    int kept = dup(STDERR_FILENO);
    dup2(sim.log.fd, STDERR_FILENO);
    sim.allocation = k;
    int code = live(&local_os_system, false);
    *allocations = trouble_alloc_stop();
    dup2(kept, STDERR_FILENO);
    close(kept);
    return code;
}

static bool fail_alloc(uint32_t k)
{
    uint32_t allocations;
    int code = live_without_memory(k, &allocations);
    bool met = trouble_alloc_met();
    expect(code == 0 || met, "a life without trouble failed");
    fake_fs_fini();
    fake_fs_init(sim.root); /* the machine lives on */
    return met;
}

static bool make_trouble(uint32_t k)
{
    switch (sim.matrix->trouble) {
    case TROUBLE_CRASH:
        return crash(k);
    case TROUBLE_CRASH_AGAIN:
        return crash_again(k);
    case TROUBLE_KILL:
        return kill_and_crash(k);
    case TROUBLE_FAIL:
        return fail_calls(k, 1);
    case TROUBLE_FAIL_FEW:
        return fail_calls(k, 3);
    case TROUBLE_ALLOC:
        return fail_alloc(k);
    }
    return false;
}

bool sim_case_run(uint32_t k)
{
    begin(k);
    bool met = make_trouble(k);
    if (sim.wrong.n == 0)
        live_well();
    live_last();
    end();
    return met;
}

/* ---- all cases ---- */

uint32_t sim_case_count(void)
{
    bool alloc = sim.matrix->trouble == TROUBLE_ALLOC;
    uint32_t calls;
    begin(0);
    int code = alloc ? live_without_memory(UINT32_MAX, &calls) : live(&fake_fs_os, false);
    if (!alloc)
        calls = fake_fs_calls();
    expect(code == 0, "a life without trouble failed");
    end();
    return calls;
}

void sim_case_init(const struct sim_matrix *matrix)
{
    struct sim_records_options records = {.seed = matrix->seed, .ids = matrix->ids};
    sim.matrix = matrix;
    sim.pipeline = &sim_pipelines[matrix->kind];
    records.copies = sim.pipeline->copies;
    records.malformed = sim.pipeline->malformed;
    sim_records_make(&sim.records, &records);
    snprintf(sim.root, sizeof sim.root, "%s/sluice-sim-%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    sim.log = (struct log){.level = LOG_INFO, .fd = memfd_create("log", 0)};
}

void sim_case_fini(void)
{
    sim_files_remove(sim.root);
    buf_fini(&sim.wrong);
    close(sim.log.fd);
}
