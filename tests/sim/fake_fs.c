#define _GNU_SOURCE
#include "fake_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NODES_MAX = 512, ENTRIES_MAX = 256, KINDS_MAX = 16384 };

struct entry {
    char name[256];
    struct node *node;
};

/* A file or directory, by its inode, which is held open so that its number is not used again. */
struct node {
    dev_t dev;
    ino_t ino;
    int fd; /* O_PATH */
    bool is_dir;
    /* What is durable. */
    struct buf bytes;
    struct entry *entries;
    uint32_t count;
    bool dropped;        /* an fsync failed, and nothing was written since */
    char made[PATH_MAX]; /* where this reboot has put it */
};

static struct {
    pthread_mutex_t mutex;
    struct node nodes[NODES_MAX];
    uint32_t node_count;
    struct node *base;
    uint32_t calls, crash_at, fail_at, fail_end;
    uint8_t kinds[KINDS_MAX];
    int fail_number;
    bool met, no_noreplace;
} fs = {.mutex = PTHREAD_MUTEX_INITIALIZER};

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "fake_fs.c:%d: not %s: %s\n", __LINE__, #cond, strerror(errno));       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The node of an inode; `fd` (O_PATH) passes to it or is closed. */
static struct node *node_of(int fd)
{
    struct stat st;
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    for (uint32_t i = 0; i < fs.node_count; i++) {
        if (fs.nodes[i].dev == st.st_dev && fs.nodes[i].ino == st.st_ino) {
            close(fd);
            return &fs.nodes[i];
        }
    }
    MUST(fs.node_count < NODES_MAX);
    struct node *node = &fs.nodes[fs.node_count++];
    *node =
        (struct node){.dev = st.st_dev, .ino = st.st_ino, .fd = fd, .is_dir = S_ISDIR(st.st_mode)};
    return node;
}

static struct node *node_at(int dir_fd, const char *name)
{
    return node_of(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/* An open file's. */
static struct node *node_of_open(int fd)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return node_of(open(path, O_PATH | O_CLOEXEC));
}

/* Calls `each` for the names of a directory. */
static void for_names(int dir_fd, void (*each)(struct node *dir, const char *name, int dir_fd),
                      struct node *node)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    MUST(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(node, entry->d_name, dir_fd);
    closedir(dir);
}

static void add_entry(struct node *dir, const char *name, int dir_fd)
{
    MUST(dir->count < ENTRIES_MAX);
    struct entry *entry = &dir->entries[dir->count++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->node = node_at(dir_fd, name);
}

/* The node as it is becomes durable. */
static void save(struct node *node)
{
    char path[40];
    ssize_t n;
    snprintf(path, sizeof path, "/proc/self/fd/%d", node->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0);
    if (node->is_dir) {
        if (!node->entries)
            node->entries = calloc(ENTRIES_MAX, sizeof *node->entries);
        MUST(node->entries);
        node->count = 0;
        for_names(fd, add_entry, node);
    } else {
        char part[65536];
        buf_clear(&node->bytes);
        while ((n = read(fd, part, sizeof part)) > 0)
            buf_append(&node->bytes, part, (size_t)n);
        MUST(n == 0 && !node->bytes.failed);
    }
    close(fd);
}

static void save_all(struct node *node)
{
    save(node);
    for (uint32_t i = 0; i < node->count; i++)
        save_all(node->entries[i].node);
}

void fake_fs_init(const char *dir)
{
    fake_fs_fini();
    fs.base = node_at(AT_FDCWD, dir);
    save_all(fs.base);
}

void fake_fs_fini(void)
{
    for (uint32_t i = 0; i < fs.node_count; i++) {
        close(fs.nodes[i].fd);
        buf_fini(&fs.nodes[i].bytes);
        free(fs.nodes[i].entries);
    }
    fs.node_count = fs.calls = 0;
    fs.crash_at = fs.fail_at = fs.fail_end = UINT32_MAX;
    fs.met = fs.no_noreplace = false;
}

uint32_t fake_fs_calls(void)
{
    return fs.calls;
}

uint32_t fake_fs_kind(uint32_t call)
{
    return fs.kinds[call % KINDS_MAX];
}

void fake_fs_crash_after(uint32_t calls)
{
    fs.met = false;
    fs.crash_at = fs.calls + calls;
}

void fake_fs_fail_after(uint32_t calls, uint32_t count, int number)
{
    fs.met = false;
    fs.fail_at = fs.calls + calls;
    fs.fail_end = fs.fail_at + count;
    fs.fail_number = number;
}

bool fake_fs_met(void)
{
    return fs.met;
}

void fake_fs_without_noreplace(void)
{
    fs.no_noreplace = true;
}

/* Begins a call: false when it fails. Holds the mutex until end_call. */
static bool begin_call(size_t kind)
{
    pthread_mutex_lock(&fs.mutex);
    uint32_t call = fs.calls++;
    fs.kinds[call % KINDS_MAX] = (uint8_t)kind;
    bool crashed = call >= fs.crash_at, fails = call >= fs.fail_at && call < fs.fail_end;
    fs.met |= crashed || fails;
    errno = crashed ? EPERM : fails ? fs.fail_number : 0;
    return !crashed && !fails;
}

static int end_call(int result)
{
    int number = errno;
    pthread_mutex_unlock(&fs.mutex);
    errno = number;
    return result;
}

static int fake_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
    int fd = begin_call(FAKE_FS_KIND(openat)) ? openat(dir_fd, path, flags, mode) : -1;
    if (fd >= 0)
        node_of_open(fd);
    return end_call(fd);
}

static int fake_mkdirat(int dir_fd, const char *path, mode_t mode)
{
    int result = begin_call(FAKE_FS_KIND(mkdirat)) ? mkdirat(dir_fd, path, mode) : -1;
    if (result == 0)
        node_at(dir_fd, path);
    return end_call(result);
}

static int fake_fstat(int fd, struct stat *st)
{
    return end_call(begin_call(FAKE_FS_KIND(fstat)) ? fstat(fd, st) : -1);
}

static int fake_fstatat(int dir_fd, const char *path, struct stat *st, int flags)
{
    return end_call(begin_call(FAKE_FS_KIND(fstatat)) ? fstatat(dir_fd, path, st, flags) : -1);
}

static ssize_t fake_read(int fd, void *bytes, size_t n)
{
    ssize_t result = begin_call(FAKE_FS_KIND(read)) ? read(fd, bytes, n) : -1;
    end_call(0);
    return result;
}

static ssize_t fake_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    ssize_t result = begin_call(FAKE_FS_KIND(pwrite)) ? pwrite(fd, bytes, n, offset) : -1;
    if (result > 0)
        node_of_open(fd)->dropped = false;
    end_call(0);
    return result;
}

static int fake_ftruncate(int fd, off_t bytes)
{
    return end_call(begin_call(FAKE_FS_KIND(ftruncate)) ? ftruncate(fd, bytes) : -1);
}

static int fake_fsync(int fd)
{
    bool ok = begin_call(FAKE_FS_KIND(fsync));
    int number = errno;
    struct node *node = node_of_open(fd);
    if (!ok)
        node->dropped = !node->is_dir;
    else if (!node->dropped)
        save(node);
    errno = number;
    return end_call(ok ? 0 : -1);
}

static int fake_renameat2(int dir_fd, const char *from, int other_fd, const char *to,
                          unsigned flags)
{
    int result = -1;
    bool ok = begin_call(FAKE_FS_KIND(renameat2));
    if (ok && flags && fs.no_noreplace)
        errno = EINVAL;
    else if (ok)
        result = renameat2(dir_fd, from, other_fd, to, flags);
    return end_call(result);
}

static int fake_linkat(int dir_fd, const char *from, int other_fd, const char *to, int flags)
{
    return end_call(begin_call(FAKE_FS_KIND(linkat)) ? linkat(dir_fd, from, other_fd, to, flags)
                                                     : -1);
}

static int fake_unlinkat(int dir_fd, const char *path, int flags)
{
    return end_call(begin_call(FAKE_FS_KIND(unlinkat)) ? unlinkat(dir_fd, path, flags) : -1);
}

const struct local_os fake_fs_os = {fake_openat,    fake_mkdirat, fake_fstat,     fake_fstatat,
                                    fake_read,      fake_pwrite,  fake_ftruncate, fake_fsync,
                                    fake_renameat2, fake_linkat,  fake_unlinkat};

static void make(struct node *node, const char *path);

static void make_durable_names(struct node *dir, const char *path)
{
    char below[PATH_MAX];
    for (uint32_t i = 0; i < dir->count; i++) {
        MUST(snprintf(below, sizeof below, "%s/%s", path, dir->entries[i].name) < PATH_MAX);
        make(dir->entries[i].node, below);
    }
}

/* As the names are in the directory now. */
static void make_all_names(struct node *dir, const char *path)
{
    struct node now = {.entries = calloc(ENTRIES_MAX, sizeof *now.entries)};
    char below[PATH_MAX];
    MUST(now.entries);
    for_names(dir->fd, add_entry, &now);
    for (uint32_t i = 0; i < now.count; i++) {
        struct node *node = now.entries[i].node;
        MUST(snprintf(below, sizeof below, "%s/%s", path, now.entries[i].name) < PATH_MAX);
        if (node->is_dir) {
            MUST(mkdir(below, 0777) == 0);
            make_all_names(node, below);
        } else {
            make(node, below);
        }
    }
    free(now.entries);
}

static void make(struct node *node, const char *path)
{
    if (node->is_dir) {
        MUST(mkdir(path, 0777) == 0);
        make_durable_names(node, path);
    } else if (node->made[0]) {
        MUST(link(node->made, path) == 0);
    } else {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        MUST(fd >= 0 && write(fd, node->bytes.p, node->bytes.n) == (ssize_t)node->bytes.n);
        close(fd);
        snprintf(node->made, sizeof node->made, "%s", path);
    }
}

void fake_fs_reboot(const char *to, enum fake_fs_names names)
{
    for (uint32_t i = 0; i < fs.node_count; i++)
        fs.nodes[i].made[0] = '\0';
    if (names == FAKE_FS_DURABLE_NAMES) {
        make(fs.base, to);
    } else {
        MUST(mkdir(to, 0777) == 0);
        make_all_names(fs.base, to);
    }
}
