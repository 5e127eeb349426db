#include "os/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The fields of /proc/self/stat that are read, counted from 1 as in proc(5). */
enum { STAT_STATE = 3, STAT_UTIME = 14, STAT_STIME = 15, STAT_STARTTIME = 22, STAT_RSS = 24 };

/* A whole small file as a C string. */
static int read_small(const char *path, char *text, size_t size, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    size_t used = 0;
    ssize_t n;
    while (used + 1 < size && (n = read(fd, text + used, size - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    close(fd);
    return used ? 0 : err_set(err, ERR_IO, "%s: empty", path);
}

static int read_stat(struct process_sample *out, unsigned long long *start_ticks, struct err *err)
{
    char text[1024];
    int rc = read_small("/proc/self/stat", text, sizeof text, err);
    if (rc)
        return rc;
    /* The second field is the program's name in parentheses and may hold spaces and ')'. */
    char *rest = strrchr(text, ')');
    if (!rest)
        return err_set(err, ERR_IO, "/proc/self/stat: not as in proc(5)");
    unsigned long long ticks = 0;
    long long pages = 0;
    int field = STAT_STATE;
    for (char *save, *word = strtok_r(rest + 1, " ", &save); word;
         word = strtok_r(NULL, " ", &save), field++) {
        if (field == STAT_UTIME || field == STAT_STIME)
            ticks += strtoull(word, NULL, 10);
        else if (field == STAT_STARTTIME)
            *start_ticks = strtoull(word, NULL, 10);
        else if (field == STAT_RSS)
            pages = strtoll(word, NULL, 10);
    }
    if (field <= STAT_RSS)
        return err_set(err, ERR_IO, "/proc/self/stat: not as in proc(5)");
    out->cpu_seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    out->resident_bytes = (int64_t)pages * sysconf(_SC_PAGESIZE);
    return 0;
}

/* When the machine was started, seconds since the epoch. */
static int read_boot_time(double *seconds, struct err *err)
{
    char line[256];
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return err_set(err, ERR_IO, "/proc/stat: %s", strerror(errno));
    bool found = false;
    while (!found && fgets(line, sizeof line, file))
        found = sscanf(line, "btime %lf", seconds) == 1;
    fclose(file);
    return found ? 0 : err_set(err, ERR_IO, "/proc/stat: no btime");
}

static int count_fds(int64_t *count, struct err *err)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return err_set(err, ERR_IO, "/proc/self/fd: %s", strerror(errno));
    *count = -1; /* the directory itself */
    for (const struct dirent *entry; (entry = readdir(dir));)
        *count += entry->d_name[0] != '.';
    closedir(dir);
    return 0;
}

int process_sample(struct process_sample *out, struct err *err)
{
    unsigned long long start_ticks = 0;
    double boot = 0;
    *out = (struct process_sample){0};
    int rc = read_stat(out, &start_ticks, err);
    if (!rc)
        rc = read_boot_time(&boot, err);
    if (!rc)
        rc = count_fds(&out->open_fds, err);
    if (rc) {
        *out = (struct process_sample){0};
        return rc;
    }
    out->start_time_seconds = boot + (double)start_ticks / (double)sysconf(_SC_CLK_TCK);
    return 0;
}
