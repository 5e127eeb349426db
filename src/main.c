/* sluice: a stream processor. The map of the source, in the order data flows:
 *
 *     cli/      one file per command; run.c runs an app on a loop until a signal or its end
 *     app.c     wires everything below; the turn of the loop is app_turn()
 *     plan/     the pipeline document → an immutable plan
 *     source/   where records come from: slices of Kafka partitions        (kafka/: the client)
 *     format/   bytes → column vectors (JSON, text, binary), rows → JSON lines, console tables
 *     sql/      Spark SQL: lexer → parser → binder → vectorised kernels
 *     engine/   decode once, run every query, keep the books
 *     batch/    THE state machine of a batch, and the plan of slices
 *     sink/     where rows go: console, files                              (store/: objects)
 *     http/     /metrics, /status, /healthz, /readyz, the page
 *     vec/ base/ os/   column vectors and types; errors, memory, metrics; clock, log, threads
 *
 * base to batch are pure: no I/O, no clock. ARCHITECTURE.md has the rules and the reasons. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/checkpoint.h"
#include "cli/demo.h"
#include "cli/functions.h"
#include "cli/produce.h"
#include "cli/reference.h"
#include "cli/run.h"
#include "cli/test.h"
#include "cli/top.h"
#include "cli/validate.h"
#include "version.h"

static const struct cli_command commands[] = {
    {"run", "PIPELINE", "run a pipeline until it is stopped", cli_run},
    {"demo", "", "run a whole pipeline without any server", cli_demo},
    {"produce", "", "send made-up transactions to a Kafka topic", cli_produce},
    {"validate", "PIPELINE", "check a pipeline, print its plan", cli_validate},
    {"test", "CASE_DIR...", "run conformance cases", cli_test},
    {"top", "[ADDR:PORT]", "show a running sluice in the terminal", cli_top},
    {"checkpoint", "show|verify LOCATION", "show or verify a checkpoint", cli_checkpoint},
};

static const struct cli_command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_help(FILE *out)
{
    fprintf(out, "sluice %s: Kafka to Spark SQL micro-batches in one process\n\nUsage:\n",
            SLUICE_VERSION);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  sluice %-10s %-22s %s\n", commands[i].name, commands[i].operands,
                commands[i].summary);
    fprintf(out, "  sluice %-10s %-22s %s\n", "help", "[COMMAND]",
            "show this, or a command's options");
    fprintf(out, "  sluice %-10s %-22s %s\n", "help", "functions",
            "list the functions that queries can call");
    fprintf(out, "  sluice %-10s %-22s %s\n", "help", "--format FORMAT",
            "print the man page, or a completion for bash, zsh or fish");
    fprintf(out, "  sluice --version\n\n"
                 "Examples:\n"
                 "  sluice demo\n"
                 "  sluice run examples/transactions.json\n"
                 "  sluice produce --count 1000 --rate 100\n"
                 "  sluice validate examples/transactions.json\n");
}

static int unknown(const char *name)
{
    const char *names[sizeof commands / sizeof commands[0] + 1];
    size_t n = 0;
    for (; n < sizeof commands / sizeof commands[0]; n++)
        names[n] = commands[n].name;
    names[n++] = "help";
    const char *near = str_suggest(str_of(name), names, n);
    fprintf(stderr, "sluice: unknown command \"%s\"", name);
    if (near)
        fprintf(stderr, ": did you mean \"%s\"?", near);
    fprintf(stderr, "\nTry: sluice help\n");
    return 2;
}

static int help(int argc, char **argv)
{
    char help_flag[] = "--help";
    char *forwarded[] = {argc > 2 ? argv[2] : NULL, help_flag, NULL};
    if (argc <= 2 || strcmp(argv[2], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strncmp(argv[2], "--format", strlen("--format")) == 0)
        return cli_reference(commands, sizeof commands / sizeof commands[0], argc - 1, argv + 1);
    if (strcmp(argv[2], "functions") == 0)
        return cli_functions(argc - 2, argv + 2);
    const struct cli_command *command = find(argv[2]);
    return command ? command->run(2, forwarded) : unknown(argv[2]);
}

/* A descriptor 0 to 2 that is closed would be taken by the next socket. What is written to a closed
 * stdout must fail, so it is opened for reading. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int opened = open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
        if (opened >= 0 && opened != fd) {
            dup2(opened, fd);
            close(opened);
        }
    }
}

/* Output that did not get out is a failure, as of any command. */
static int finish(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    fprintf(stderr, "sluice: standard output: cannot write\n");
    return exit_code ? exit_code : 1;
}

/* As many files and connections as the system lets us have: partitions take one each. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    raise_descriptor_limit();
    /* Large buffers of rows and files come and go: given back at once they do not pile up in the
     * heaps of the pool's threads (by default glibc keeps ever larger ones). */
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    /* A client or reader that goes away is an error of a write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* the same of a file that may not grow (ulimit -f) */
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("sluice %s\n", SLUICE_VERSION);
        return finish(0);
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return finish(help(argc, argv));
    const struct cli_command *command = find(argv[1]);
    return finish(command ? command->run(argc - 1, argv + 1) : unknown(argv[1]));
}
