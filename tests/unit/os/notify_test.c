/* What a service manager hears. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/notify.h"

static int manager; /* its socket */

/* Binds the manager's socket; name begins with '@' for an abstract one. */
static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    cr_assert_eq(bind(manager, (const struct sockaddr *)&address, bytes), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static const char *heard(void)
{
    static char text[200];
    ssize_t n = recv(manager, text, sizeof text - 1, 0);
    cr_assert(n >= 0);
    text[n] = '\0';
    return text;
}

static void clean(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

TestSuite(notify, .init = clean);

Test(notify, sends_to_a_path)
{
    char directory[] = "/tmp/notify-test-XXXXXX", path[64];
    cr_assert(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/socket", directory);
    listen_at(path);
    struct notify notify;
    notify_open(&notify);
    notify_send(&notify, "READY=1\nSTATUS=running");
    cr_assert_str_eq(heard(), "READY=1\nSTATUS=running");
    cr_assert_not(notify.watchdog);
    notify_close(&notify);
    close(manager);
    unlink(path);
    notify_open(&notify);
    notify_send(&notify, "STOPPING=1"); /* nobody is there: nothing happens */
    notify_close(&notify);
    rmdir(directory);
}

Test(notify, sends_to_an_abstract_socket)
{
    char name[64];
    struct notify notify;
    snprintf(name, sizeof name, "@notify-test-%d", (int)getpid());
    listen_at(name);
    notify_open(&notify);
    notify_send(&notify, "WATCHDOG=1");
    cr_assert_str_eq(heard(), "WATCHDOG=1");
    notify_close(&notify);
    close(manager);
}

Test(notify, is_silent_without_a_socket)
{
    struct notify notify;
    notify_open(&notify);
    cr_assert_eq(notify.fd, -1);
    notify_send(&notify, "READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_open(&notify);
    cr_assert_eq(notify.fd, -1);
}

Test(notify, knows_whether_it_is_watched)
{
    struct notify notify;
    char pid[32];
    setenv("NOTIFY_SOCKET", "/tmp/no-such-socket", 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_open(&notify);
    cr_assert(notify.watchdog);
    notify_close(&notify);
    setenv("WATCHDOG_PID", "1", 1);
    notify_open(&notify);
    cr_assert_not(notify.watchdog);
    notify_close(&notify);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    notify_open(&notify);
    cr_assert(notify.watchdog);
    notify_close(&notify);
}
