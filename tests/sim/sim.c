/* The whole app over a source in memory and a file system that crashes, fails, or runs out of
 * memory at every single call: sim [--long] [--seed N] [--shards N] [--leaks] [JOB [--only CASE]].
 * Without --long only at some calls: the first and the last of each kind, and a few between. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/case.h"
#include "sim/shards.h"

enum { CALLS_MAX = 8192, FEW_CALLS = 12, FEW_ALLOCATIONS = 40 };

static struct {
    bool whole; /* the long matrix */
    bool leaks;
    uint64_t seed;
    uint32_t shards, only;
} options = {.seed = 1, .shards = 2, .only = UINT32_MAX};

/* ---- which calls ---- */

/* The first and the last of each kind, some between them, and after some renames the fsync that
 * makes the name durable. */
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
    uint32_t renames = 0;
    for (uint32_t k = 0; k + 2 < choice->calls; k++)
        if (fake_fs_kind(k) == FAKE_FS_KIND(renameat2) && renames++ % 3 == 0)
            choice->chosen[k + 2] = true;
    for (uint32_t kind = 0; kind < FAKE_FS_CALL_KINDS; kind++)
        if (first[kind] != UINT32_MAX)
            choice->chosen[first[kind]] = choice->chosen[last[kind]] = true;
}

static void choose(struct choice *choice, const struct sim_matrix *matrix)
{
    bool alloc = matrix->trouble == TROUBLE_ALLOC;
    choice->calls = sim_case_count();
    if (choice->calls > CALLS_MAX)
        choice->calls = CALLS_MAX;
    if (!alloc)
        choose_kinds(choice);
    uint32_t few = alloc ? FEW_ALLOCATIONS : FEW_CALLS;
    uint32_t stride = options.whole ? 1 : 1 + choice->calls / few;
    for (uint32_t k = (uint32_t)(matrix->seed % stride); k < choice->calls; k += stride)
        choice->chosen[k] = true;
}

static void run_matrix(const struct sim_job *job, const struct sim_part *part)
{
    const struct sim_matrix *matrix = job->user;
    static struct choice choice;
    bool only = options.only != UINT32_MAX;
    uint32_t at = 0;
    sim_case_init(matrix);
    choose(&choice, matrix);
    for (uint32_t k = 0; k < choice.calls && !only; k++) {
        if (choice.chosen[k] && at++ % part->shards == part->shard && k >= part->first)
            sim_case_run(k);
    }
    /* The last calls of a run that makes more than the one that was counted. */
    for (uint32_t k = choice.calls + part->shard; !only && sim_case_run(k);)
        k += part->shards;
    if (only && part->shard == 0)
        sim_case_run(options.only);
    sim_case_fini();
}

/* ---- the whole ---- */

struct total {
    struct sim_tally all;
    const char *only;
};

static void run(struct total *total, struct sim_matrix *matrix)
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
    struct sim_matrix matrix = {.kind = kind,
                                .seed = options.seed,
                                .ids = 40,
                                .available_now = true,
                                .leaks = options.leaks};
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
        if (options.whole && numbers[i] != ENOMEM)
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
