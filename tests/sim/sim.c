/* The whole app over a source in memory and a file system that crashes, fails, or runs out of
 * memory at every single call: sim [--long] [--seed N] [--shards N] [--only CASE] [--leaks] [JOB].
 */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/fake_fs.h"
#include "sim/life.h"
#include "sim/oracle.h"
#include "sim/shards.h"
#include "sim/trouble.h"

enum { CASE_SECONDS = 60, CALLS_MAX = 8192 };

enum trouble {
    TROUBLE_CRASH,
    TROUBLE_CRASH_AGAIN,
    TROUBLE_KILL, /* the process ends, and later the machine */
    TROUBLE_FAIL,
    TROUBLE_FAIL_FEW,
    TROUBLE_ALLOC
};

/* A job of the matrix: every case is the number of the call that crashes or fails. */
struct matrix {
    char name[80];
    enum trouble trouble;
    enum sim_kind kind;
    enum fake_fs_names names;
    int number; /* errno */
    uint64_t seed;
    bool available_now;
};

/* The case that runs; one process runs one at a time. */
static struct {
    const struct matrix *matrix;
    const struct sim_pipeline *pipeline;
    struct sim_records records;
    char root[100];
    struct sim_files seen; /* by readers, in all lives */
    struct buf wrong;
    struct log log;
    uint64_t seed;       /* of the next life */
    uint32_t allocation; /* which fails, in a life over the real calls */
} sim;

static struct {
    bool whole; /* the long matrix */
    bool leaks;
    uint64_t seed;
    uint32_t shards, only;
    uint32_t ids;
} options = {.seed = 1, .shards = 2, .only = UINT32_MAX, .ids = 40};

/* The sanitizer's, where there is one. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* ---- one case ---- */

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
    ftruncate(sim.log.fd, 0);
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
    if (options.leaks && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
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

static bool run_case(uint32_t k)
{
    begin(k);
    bool met = make_trouble(k);
    if (sim.wrong.n == 0)
        live_well();
    live_last();
    end();
    return met;
}

/* ---- which calls ---- */

/* The first and the last of each kind, and some between them. */
struct choice {
    uint32_t calls;
    bool chosen[CALLS_MAX];
};

static void choose_kinds(struct choice *choice)
{
    uint32_t first[FAKE_FS_CALL_KINDS], last[FAKE_FS_CALL_KINDS];
    memset(first, 0xff, sizeof first);
    for (uint32_t k = 0; k < choice->calls; k++) {
        uint32_t kind = fake_fs_kind(k);
        if (first[kind] == UINT32_MAX)
            first[kind] = k;
        last[kind] = k;
    }
    for (uint32_t kind = 0; kind < FAKE_FS_CALL_KINDS; kind++)
        if (first[kind] != UINT32_MAX)
            choice->chosen[first[kind]] = choice->chosen[last[kind]] = true;
}

/* A life without trouble says how many calls there are. */
static void choose(struct choice *choice, uint32_t few)
{
    bool alloc = sim.matrix->trouble == TROUBLE_ALLOC;
    begin(0);
    int code = alloc ? live_without_memory(UINT32_MAX, &choice->calls) : live(&fake_fs_os, false);
    if (!alloc)
        choice->calls = fake_fs_calls();
    if (choice->calls > CALLS_MAX)
        choice->calls = CALLS_MAX;
    if (expect(code == 0, "a life without trouble failed") && !alloc)
        choose_kinds(choice);
    uint32_t stride = few ? 1 + choice->calls / few : 1;
    for (uint32_t k = (uint32_t)(sim.matrix->seed % stride); k < choice->calls; k += stride)
        choice->chosen[k] = true;
    end();
}

static void init_process(const struct matrix *matrix)
{
    struct sim_records_options records = {.seed = matrix->seed, .ids = options.ids};
    sim.matrix = matrix;
    sim.pipeline = &sim_pipelines[matrix->kind];
    records.copies = sim.pipeline->copies;
    records.malformed = sim.pipeline->malformed;
    sim_records_make(&sim.records, &records);
    snprintf(sim.root, sizeof sim.root, "%s/sluice-sim-%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    sim.log = (struct log){.level = LOG_INFO, .fd = memfd_create("log", 0)};
}

static void run_matrix(const struct sim_job *job, uint32_t first, uint32_t step)
{
    const struct matrix *matrix = job->user;
    static struct choice choice;
    init_process(matrix);
    choose(&choice, options.whole ? 0 : matrix->trouble == TROUBLE_ALLOC ? 40 : 20);
    uint32_t at = 0;
    for (uint32_t k = 0; k < choice.calls; k++) {
        bool mine = choice.chosen[k] && at++ % step == first % step;
        if (options.only != UINT32_MAX ? k == options.only && first == 0 : mine && k >= first)
            run_case(k);
    }
    /* The last calls of a run that made more than the one that was counted. */
    for (uint32_t k = choice.calls + first % step; options.only == UINT32_MAX && run_case(k);)
        k += step;
    sim_files_remove(sim.root);
    buf_fini(&sim.wrong);
    close(sim.log.fd);
}

/* ---- the whole ---- */

struct total {
    struct sim_tally all;
    const char *only;
};

static void run(struct total *total, struct matrix *matrix)
{
    static const char *const troubles[] = {"crash", "crash-again", "kill",
                                           "fail",  "fail-few",    "alloc"};
    snprintf(matrix->name, sizeof matrix->name, "%s-%s%s%s%s", troubles[matrix->trouble],
             sim_pipelines[matrix->kind].name, matrix->available_now ? "" : "-stream",
             matrix->trouble > TROUBLE_KILL           ? ""
             : matrix->names == FAKE_FS_DURABLE_NAMES ? "-durable"
                                                      : "-all",
             matrix->number == 0        ? ""
             : matrix->number == ENOSPC ? "-ENOSPC"
             : matrix->number == EIO    ? "-EIO"
             : matrix->number == ENOMEM ? "-ENOMEM"
                                        : "-EMFILE");
    if (total->only && !strstr(matrix->name, total->only))
        return;
    struct sim_job job = {run_matrix, matrix->name, matrix};
    uint64_t began = uv_hrtime();
    struct sim_tally tally = sim_job_run(&job, options.shards);
    printf("%-28s %5u runs, %u failed, %.1f s\n", matrix->name, tally.runs, tally.failures,
           (double)(uv_hrtime() - began) / 1e9);
    fflush(stdout);
    total->all.runs += tally.runs;
    total->all.failures += tally.failures;
}

static void run_kind(struct total *total, enum sim_kind kind)
{
    static const int numbers[] = {ENOSPC, EIO, ENOMEM, EMFILE};
    struct matrix matrix = {.kind = kind, .seed = options.seed, .available_now = true};
    for (int names = FAKE_FS_DURABLE_NAMES; names <= FAKE_FS_ALL_NAMES; names++) {
        matrix.names = (enum fake_fs_names)names;
        matrix.trouble = TROUBLE_CRASH;
        matrix.available_now = (kind + (uint32_t)names) % 2 == 0;
        run(total, &matrix);
        matrix.available_now = !matrix.available_now;
        if (options.whole)
            run(total, &matrix);
    }
    matrix.available_now = true;
    matrix.trouble = TROUBLE_CRASH_AGAIN;
    run(total, &matrix);
    matrix.names = FAKE_FS_DURABLE_NAMES;
    matrix.trouble = TROUBLE_KILL;
    run(total, &matrix);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        matrix.number = numbers[i];
        matrix.trouble = i % 2 ? TROUBLE_FAIL_FEW : TROUBLE_FAIL;
        if (options.whole || i == kind % COUNT_OF(numbers))
            run(total, &matrix);
        matrix.trouble = i % 2 ? TROUBLE_FAIL : TROUBLE_FAIL_FEW;
        if (options.whole)
            run(total, &matrix);
    }
    matrix.number = 0;
    matrix.trouble = TROUBLE_ALLOC;
    run(total, &matrix);
}

int main(int argc, char **argv)
{
    struct total total = {0};
    setenv("UV_THREADPOOL_SIZE", "1", 0); /* calls come in nearly the same order each time */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0)
            options.whole = true;
        else if (strcmp(argv[i], "--leaks") == 0)
            options.leaks = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            options.seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--shards") == 0 && i + 1 < argc)
            options.shards = (uint32_t)atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            options.only = (uint32_t)atoi(argv[++i]);
        else
            total.only = argv[i];
    }
    for (int kind = 0; kind < SIM_KINDS; kind++)
        run_kind(&total, (enum sim_kind)kind);
    printf("%u runs, %u failed\n", total.all.runs, total.all.failures);
    return total.all.failures ? 1 : 0;
}
