/* notify.h: what a service manager is told: the datagrams of sd_notify(3), without libsystemd.
 * Does nothing where the environment names no socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/check.h"

struct notify {
    int fd; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t address_bytes;
    bool watchdog; /* the manager ends a process that is silent for too long */
};

/* From NOTIFY_SOCKET (a path, or @name for an abstract one), WATCHDOG_USEC and WATCHDOG_PID. A
 * socket that cannot be made is none. */
void notify_open(struct notify *notify);
/* Lines of NAME=VALUE, as "READY=1\nSTATUS=running". Never blocks; a datagram that is not taken is
 * dropped, as the next one says the same or more. */
void notify_send(const struct notify *notify, const char *lines);
void notify_close(struct notify *notify);
