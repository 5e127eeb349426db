#define _GNU_SOURCE /* MAP_ANONYMOUS, strsignal */
#include "sim/shards.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared with the parent. */
struct shard {
    char text[200];
    uint32_t number, runs, failures;
    bool failed, done; /* the case; the shard */
};

static struct shard *mine; /* of this process */

void sim_case_begin(uint32_t number, unsigned seconds, const char *text)
{
    snprintf(mine->text, sizeof mine->text, "%s", text);
    mine->number = number;
    mine->failed = false;
    mine->runs++;
    alarm(seconds);
}

void sim_case_fail(const char *reason)
{
    fprintf(stderr, "FAILED: %s: %s\n", mine->text, reason);
    mine->failures += !mine->failed;
    mine->failed = true;
}

static pid_t start(const struct sim_job *job, struct shard *shard, const struct sim_part *part)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    mine = shard;
    job->run(job, part);
    alarm(0);
    mine->done = true;
    exit(0); /* a leak makes it another code */
}

/* After the end of a process. */
static void report(struct shard *shard, int status)
{
    if (WIFSIGNALED(status))
        fprintf(stderr, "FAILED: %s: %s\n", shard->text,
                WTERMSIG(status) == SIGALRM ? "it does not end" : strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status))
        fprintf(stderr, "FAILED: %s: exit code %d\n", shard->text, WEXITSTATUS(status));
    shard->failures += status != 0 && !shard->failed;
}

struct sim_tally sim_job_run(const struct sim_job *job, uint32_t shards)
{
    struct sim_tally tally = {0};
    pid_t pids[SIM_SHARDS_MAX];
    uint32_t running = shards;
    struct shard *shard = mmap(NULL, sizeof *shard * SIM_SHARDS_MAX, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shard == MAP_FAILED)
        abort();
    fflush(NULL);
    for (uint32_t i = 0; i < shards; i++)
        pids[i] = start(job, &shard[i], &(struct sim_part){i, shards, 0});
    while (running > 0) {
        int status;
        pid_t pid = wait(&status);
        uint32_t i = 0;
        while (i < shards && pids[i] != pid)
            i++;
        if (pid < 0)
            abort();
        if (i == shards)
            continue;
        report(&shard[i], status);
        if (shard[i].done || shard[i].failures > 20)
            running--;
        else
            pids[i] = start(job, &shard[i], &(struct sim_part){i, shards, shard[i].number + 1});
    }
    for (uint32_t i = 0; i < shards; i++) {
        tally.runs += shard[i].runs;
        tally.failures += shard[i].failures;
    }
    munmap(shard, sizeof *shard * SIM_SHARDS_MAX);
    return tally;
}
