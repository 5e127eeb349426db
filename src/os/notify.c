#include "os/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False: this is no address of a local socket. */
static bool set_address(struct notify *notify, const char *path)
{
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof notify->address.sun_path)
        return false;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, path, n);
    if (path[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return true;
}

/* WATCHDOG_PID names the process that is watched, if it is there. */
static bool watched(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    return period && atoll(period) > 0 && (!pid || atoll(pid) == (long long)getpid());
}

void notify_open(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *notify = (struct notify){.fd = -1};
    if (!path || !set_address(notify, path))
        return;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    notify->watchdog = notify->fd >= 0 && watched();
}

void notify_send(const struct notify *notify, const char *lines)
{
    if (notify->fd < 0)
        return;
    ssize_t sent =
        sendto(notify->fd, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL,
               (const struct sockaddr *)(const void *)&notify->address, notify->address_bytes);
    (void)sent; /* there is nobody else to tell */
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
