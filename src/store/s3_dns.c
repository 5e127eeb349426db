#include "store/s3_dns.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum {
    FRESH_MS = 60000,
    ADDRESSES_MAX = 16,
    STACK_BYTES = 512 * 1024,
    ENTRIES_MAX = 64, /* hosts are few; beyond this the list is begun anew */
};

struct lookup;

/* Shared with the threads, which may outlive the rest. */
struct shared {
    pthread_mutex_t lock;
    uint32_t users;    /* threads, and dns */
    uv_async_t *async; /* NULL: nobody waits any more */
    struct lookup *done;
};

struct lookup {
    struct lookup *next;
    struct shared *shared;
    s3_getaddrinfo resolve;
    int code; /* of getaddrinfo */
    struct buf addresses;
    char host[];
};

struct entry {
    struct entry *next;
    bool running;
    uint64_t resolved_ms, failed_ms; /* uv_now; 0: never */
    struct buf addresses;
    struct err err;
    char host[];
};

struct s3_dns {
    uv_loop_t *loop;
    s3_getaddrinfo resolve;
    struct shared *shared;
    struct entry *entries;
    uv_async_t async;
    void (*changed)(void *user);
    void *user;
    void (*closed)(void *user);
    void *closed_user;
};

static void lookup_free(struct lookup *lookup)
{
    buf_fini(&lookup->addresses);
    free(lookup);
}

/* With the lock held; gives it back. */
static void shared_leave(struct shared *shared)
{
    bool last = --shared->users == 0;
    pthread_mutex_unlock(&shared->lock);
    if (last) {
        pthread_mutex_destroy(&shared->lock);
        free(shared);
    }
}

static void append_address(struct buf *out, const struct addrinfo *info)
{
    char text[INET6_ADDRSTRLEN];
    bool six = info->ai_family == AF_INET6;
    const void *address =
        six ? (const void *)&((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr;
    if ((!six && info->ai_family != AF_INET) ||
        !inet_ntop(info->ai_family, address, text, sizeof text))
        return;
    if (out->n)
        buf_append_char(out, ',');
    buf_printf(out, six ? "[%s]" : "%s", text);
}

static void *lookup_run(void *argument)
{
    struct lookup *lookup = argument;
    struct shared *shared = lookup->shared;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    int count = 0;
    lookup->code = lookup->resolve(lookup->host, NULL, &hints, &found);
    for (struct addrinfo *info = found; lookup->code == 0 && info && count < ADDRESSES_MAX;
         info = info->ai_next, count++)
        append_address(&lookup->addresses, info);
    if (lookup->code == 0 && found)
        freeaddrinfo(found);
    pthread_mutex_lock(&shared->lock);
    if (shared->async) {
        lookup->next = shared->done;
        shared->done = lookup;
        uv_async_send(shared->async);
    } else {
        lookup_free(lookup);
    }
    shared_leave(shared);
    return NULL;
}

/* A detached thread that gets no signals. */
static bool thread_start(struct lookup *lookup)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes))
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, &attributes, lookup_run, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return code == 0;
}

static void entry_start(struct s3_dns *dns, struct entry *entry)
{
    size_t n = strlen(entry->host) + 1;
    struct lookup *lookup = calloc(1, sizeof *lookup + n);
    entry->running = false;
    if (lookup) {
        memcpy(lookup->host, entry->host, n);
        lookup->resolve = dns->resolve;
        lookup->shared = dns->shared;
        pthread_mutex_lock(&dns->shared->lock);
        dns->shared->users++;
        pthread_mutex_unlock(&dns->shared->lock);
        entry->running = thread_start(lookup);
        if (!entry->running) {
            pthread_mutex_lock(&dns->shared->lock);
            shared_leave(dns->shared);
            lookup_free(lookup);
        }
    }
    if (!entry->running) {
        entry->failed_ms = uv_now(dns->loop);
        err_set(&entry->err, ERR_NOMEM, "cannot resolve %s: no thread to do it", entry->host);
    }
}

static struct entry *entry_find(struct s3_dns *dns, const char *host)
{
    struct entry *entry = dns->entries;
    while (entry && strcmp(entry->host, host) != 0)
        entry = entry->next;
    return entry;
}

static void entries_free(struct s3_dns *dns)
{
    for (struct entry *entry = dns->entries, *next; entry; entry = next) {
        next = entry->next;
        buf_fini(&entry->addresses);
        free(entry);
    }
    dns->entries = NULL;
}

static struct entry *entry_add(struct s3_dns *dns, const char *host)
{
    int count = 0;
    for (struct entry *entry = dns->entries; entry; entry = entry->next)
        count++;
    if (count >= ENTRIES_MAX)
        entries_free(dns); /* a lookup that runs finds no entry and is dropped */
    size_t n = strlen(host) + 1;
    struct entry *entry = calloc(1, sizeof *entry + n);
    if (!entry)
        return NULL;
    memcpy(entry->host, host, n);
    entry->next = dns->entries;
    dns->entries = entry;
    return entry;
}

enum s3_dns_state s3_dns_get(struct s3_dns *dns, const char *host, uint64_t asked_ms,
                             struct buf *addresses, struct err *err)
{
    struct entry *entry = entry_find(dns, host);
    if (!entry && !(entry = entry_add(dns, host))) {
        err_set(err, ERR_NOMEM, "out of memory");
        return S3_DNS_FAILED;
    }
    uint64_t now_ms = uv_now(dns->loop);
    bool failed = entry->failed_ms && entry->failed_ms >= asked_ms;
    bool fresh = entry->resolved_ms && now_ms - entry->resolved_ms < FRESH_MS;
    if (!fresh && !failed && !entry->running)
        entry_start(dns, entry);
    buf_clear(addresses);
    if (entry->addresses.n) {
        buf_append_str(addresses, buf_str(&entry->addresses));
        return S3_DNS_KNOWN;
    }
    if (entry->running)
        return S3_DNS_RUNNING;
    *err = entry->err;
    return S3_DNS_FAILED;
}

static void lookup_done(struct s3_dns *dns, struct lookup *lookup)
{
    struct entry *entry = entry_find(dns, lookup->host);
    if (!entry)
        return;
    entry->running = false;
    if (lookup->code == 0 && lookup->addresses.n && !lookup->addresses.failed) {
        struct buf before = entry->addresses;
        entry->addresses = lookup->addresses;
        lookup->addresses = before;
        entry->resolved_ms = uv_now(dns->loop);
        entry->failed_ms = 0;
    } else {
        entry->failed_ms = uv_now(dns->loop);
        err_set(&entry->err, ERR_IO, "cannot resolve %s: %s", entry->host,
                lookup->code ? gai_strerror(lookup->code) : "it has no address");
    }
}

static void on_async(uv_async_t *async)
{
    struct s3_dns *dns = CONTAINER_OF(async, struct s3_dns, async);
    pthread_mutex_lock(&dns->shared->lock);
    struct lookup *done = dns->shared->done;
    dns->shared->done = NULL;
    pthread_mutex_unlock(&dns->shared->lock);
    for (struct lookup *next; done; done = next) {
        next = done->next;
        lookup_done(dns, done);
        lookup_free(done);
    }
    dns->changed(dns->user);
}

int s3_dns_create(struct s3_dns **out, uv_loop_t *loop, s3_getaddrinfo getaddrinfo_like,
                  void (*changed)(void *user), void *user, struct err *err)
{
    struct s3_dns *dns = calloc(1, sizeof *dns);
    struct shared *shared = calloc(1, sizeof *shared);
    if (!dns || !shared || pthread_mutex_init(&shared->lock, NULL)) {
        free(dns);
        free(shared);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int code = uv_async_init(loop, &dns->async, on_async);
    if (code) {
        pthread_mutex_destroy(&shared->lock);
        free(shared);
        free(dns);
        return err_set(err, ERR_IO, "cannot make an async handle: %s", uv_strerror(code));
    }
    *shared = (struct shared){.lock = shared->lock, .users = 1, .async = &dns->async};
    dns->loop = loop;
    dns->resolve = getaddrinfo_like ? getaddrinfo_like : getaddrinfo;
    dns->shared = shared;
    dns->changed = changed;
    dns->user = user;
    *out = dns;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct s3_dns *dns = CONTAINER_OF(handle, struct s3_dns, async);
    void (*closed)(void *user) = dns->closed;
    void *user = dns->closed_user;
    entries_free(dns);
    free(dns);
    closed(user);
}

void s3_dns_close(struct s3_dns *dns, void (*closed)(void *user), void *user)
{
    struct shared *shared = dns->shared;
    dns->closed = closed;
    dns->closed_user = user;
    pthread_mutex_lock(&shared->lock);
    shared->async = NULL;
    for (struct lookup *done = shared->done, *next; done; done = next) {
        next = done->next;
        lookup_free(done);
    }
    shared->done = NULL;
    shared_leave(shared);
    uv_close((uv_handle_t *)&dns->async, on_closed);
}
