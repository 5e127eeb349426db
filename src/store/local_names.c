/* Names of the local store: directories, what of them is durable, temporaries. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "os/failpoint.h"
#include "store/local_fs.h"

enum {
    TEMP_RANDOM_DIGITS = 16,
    TEMP_SUFFIX_BYTES = 5 + TEMP_RANDOM_DIGITS, /* ".tmp-" and digits */
    /* Of the key's last segment kept in the temporary's name, whose limit is 255. */
    TEMP_NAME_BYTES_MAX = 255 - 1 - TEMP_SUFFIX_BYTES,
    TEMP_ATTEMPTS_MAX = 10,
};

size_t local_parent(const char *key, char dir[LOCAL_PATH_MAX])
{
    const char *slash = strrchr(key, '/');
    size_t n = slash ? (size_t)(slash - key) : 0;
    memcpy(dir, key, n);
    dir[n] = '\0';
    return n;
}

/* Fsyncs the directory that holds key; an errno value. */
static int sync_parent(const struct local_os *os, int at_fd, const char *key)
{
    char dir[LOCAL_PATH_MAX];
    const char *name = local_parent(key, dir) ? dir : key[0] == '/' ? "/" : ".";
    int fd = os->openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int number = os->fsync(fd) ? errno : 0;
    if (number == EINVAL) /* a file system whose directories need no fsync */
        number = 0;
    close(fd);
    return number;
}

/* FNV-1a. */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 14695981039346656037U;
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 1099511628211U;
    return hash | 1; /* never that of an empty slot */
}

static void forget_durable(struct local_root *root)
{
    for (size_t i = 0; i < LOCAL_DIRS_KNOWN; i++)
        atomic_store(&root->durable[i], 0);
}

int local_sync_name(struct local_call *call, const char *doing, const char *key)
{
    struct local_root *root = call->root;
    char path[LOCAL_PATH_MAX], dir[LOCAL_PATH_MAX];
    size_t n = strlen(key);
    memcpy(path, key, n + 1);
    for (bool leaf = true; leaf || n; leaf = false, n = local_parent(dir, path)) {
        /* `path` is a name to be made durable, `dir` a copy of it. */
        uint64_t hash = hash_of(path);
        atomic_uint_least64_t *slot = &root->durable[hash % LOCAL_DIRS_KNOWN];
        memcpy(dir, path, n + 1);
        if (!leaf && atomic_load(slot) == hash)
            continue;
        int number = sync_parent(root->os, root->fd, path);
        if (number)
            return local_fail(call, doing, key, number);
        if (!leaf)
            atomic_store(slot, hash);
    }
    return 0;
}

int local_mkdirs(const struct local_os *os, int at_fd, const char *path)
{
    char dir[LOCAL_PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof dir)
        return ENAMETOOLONG;
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/')
            continue;
        memcpy(dir, path, i);
        dir[i] = '\0';
        if (os->mkdirat(at_fd, dir, 0777) == 0) {
            int number = sync_parent(os, at_fd, dir);
            if (number)
                return number;
        } else if (errno != EEXIST) {
            return errno;
        }
    }
    return 0;
}

/* The temporary's name: hidden, beside the key, unlike any other. */
static void temp_name(char temp[LOCAL_PATH_MAX], const char *key)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)temp;
    const char *slash = strrchr(key, '/');
    const char *name = slash ? slash + 1 : key;
    snprintf(temp, LOCAL_PATH_MAX, "%.*s.%.*s.tmp-%0*llx", (int)(name - key), key,
             TEMP_NAME_BYTES_MAX, name, TEMP_RANDOM_DIGITS, (unsigned long long)random);
}

size_t local_temp_name(struct str name)
{
    if (name.n < 2 + TEMP_SUFFIX_BYTES || name.p[0] != '.' || name.p[1] == '.')
        return 0;
    const char *suffix = name.p + name.n - TEMP_SUFFIX_BYTES;
    if (memcmp(suffix, ".tmp-", 5) != 0)
        return 0;
    for (size_t i = 5; i < TEMP_SUFFIX_BYTES; i++) {
        if (!memchr("0123456789abcdef", suffix[i], 16))
            return 0;
    }
    return name.n - 1 - TEMP_SUFFIX_BYTES;
}

bool local_temp_fits(struct str temp, struct str key)
{
    size_t dir_n = key.n;
    while (dir_n && key.p[dir_n - 1] != '/')
        dir_n--;
    struct str dir = {key.p, dir_n}, name = {key.p + dir_n, key.n - dir_n};
    if (temp.n >= LOCAL_PATH_MAX || !str_starts_with(temp, dir))
        return false;
    struct str temp_last = {temp.p + dir_n, temp.n - dir_n};
    size_t kept = name.n < TEMP_NAME_BYTES_MAX ? name.n : TEMP_NAME_BYTES_MAX;
    return local_temp_name(temp_last) == kept && memcmp(temp_last.p + 1, name.p, kept) == 0 &&
           !memchr(temp_last.p, '\0', temp_last.n);
}

/* Their names become durable with that of the first file in them. */
static int make_parent(struct local_root *root, const char *key)
{
    char dir[LOCAL_PATH_MAX];
    size_t n = local_parent(key, dir);
    if (!n)
        return ENOENT; /* the root itself is gone */
    forget_durable(root);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && key[i] != '/')
            continue;
        dir[i] = '\0';
        int number = root->os->mkdirat(root->fd, dir, 0777) ? errno : 0;
        dir[i] = key[i];
        if (number && number != EEXIST)
            return number;
    }
    return 0;
}

int local_temp_open(struct local_call *call, const char *key, char temp[LOCAL_PATH_MAX], int *fd)
{
    struct local_root *root = call->root;
    int number = 0;
    for (int attempt = 0; attempt < TEMP_ATTEMPTS_MAX; attempt++) {
        if (local_cancelled(call, key))
            return ERR_CANCELLED;
        temp_name(temp, key);
        *fd = root->os->openat(root->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0) {
            FAILPOINT("local.created");
            return 0;
        }
        number = errno;
        if (number == ENOENT) {
            number = make_parent(root, key);
            if (number)
                break;
        } else if (number != EEXIST && number != EINTR) {
            break;
        }
    }
    int code = local_fail(call, "create", key, number);
    return code == ERR_NOT_FOUND ? (call->err->code = ERR_IO) : code;
}
