#include "os/failpoint.h"

#ifdef SLUICE_FAILPOINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The one mutable global: a test build's alone. */
static struct {
    pthread_mutex_t mutex;
    bool begun;
    char name[100];
    long at, hits;
    bool stop;
    int log_fd;
} points = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void begin(void)
{
    const char *wanted = getenv("SLUICE_FAILPOINT"), *log = getenv("SLUICE_FAILPOINT_LOG");
    points.begun = true;
    points.log_fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (!wanted)
        return;
    snprintf(points.name, sizeof points.name, "%s", wanted);
    char *colon = strchr(points.name, ':');
    points.at = colon ? atol(colon + 1) : 1;
    points.stop = colon && strchr(colon + 1, ':') && strcmp(strchr(colon + 1, ':'), ":stop") == 0;
    if (colon)
        *colon = '\0';
}

void failpoint_hit(const char *name)
{
    pthread_mutex_lock(&points.mutex);
    if (!points.begun)
        begin();
    if (points.log_fd >= 0) {
        char line[128];
        int n = snprintf(line, sizeof line, "%s\n", name);
        if (write(points.log_fd, line, (size_t)n) != n)
            abort();
    }
    bool reached = strcmp(points.name, name) == 0 && ++points.hits == points.at;
    if (reached && !points.stop)
        _exit(FAILPOINT_STATUS);
    pthread_mutex_unlock(&points.mutex);
    if (reached && kill(getpid(), SIGSTOP) != 0)
        abort();
}

#endif
