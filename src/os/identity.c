#include "os/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

enum { UNREADABLE = -2 };

/* Field 22 of stat; the second, the command, may hold spaces and brackets. -1: it is dead and only
 * its parent has not looked yet; UNREADABLE: there is no such process to be seen. */
static int64_t start_ticks(int64_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (read_text(path, text, sizeof text) == 0)
        return UNREADABLE;
    char *at = strrchr(text, ')');
    if (at && at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X'))
        return -1;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at, NULL, 10) : -1;
}

void identity_self(struct identity *out)
{
    *out = (struct identity){.pid = getpid()};
    if (gethostname(out->host, sizeof out->host - 1) != 0)
        out->host[0] = '\0';
    read_text("/proc/sys/kernel/random/boot_id", out->boot_id, sizeof out->boot_id);
    out->boot_id[strcspn(out->boot_id, "\n")] = '\0';
    ssize_t n = readlink("/proc/self/ns/pid", out->pid_namespace, sizeof out->pid_namespace - 1);
    out->pid_namespace[n > 0 ? n : 0] = '\0';
    out->start_ticks = start_ticks(out->pid);
}

bool identity_is_gone(const struct identity *other)
{
    struct identity self;
    identity_self(&self);
    bool same_place = self.boot_id[0] && self.pid_namespace[0] &&
                      strcmp(self.host, other->host) == 0 &&
                      strcmp(self.boot_id, other->boot_id) == 0 &&
                      strcmp(self.pid_namespace, other->pid_namespace) == 0;
    if (!same_place || other->pid <= 0)
        return false;
    int64_t ticks = start_ticks(other->pid);
    if (ticks == UNREADABLE) /* /proc may hide what belongs to others: hidepid, ProtectProc */
        return kill((pid_t)other->pid, 0) != 0 && errno == ESRCH;
    return ticks < 0 || (other->start_ticks >= 0 && ticks != other->start_ticks);
}
