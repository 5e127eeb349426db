#include "store/local_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory still to read, by its key with a slash behind it ("" is the root). */
struct pending_dir {
    struct pending_dir *next;
    struct str path;
};

struct listing {
    struct local_call *call;
    struct str prefix;
    bool unfinished;
    struct arena *arena;
    struct pending_dir *pending;
    struct store_entry *entries;
    uint32_t count, capacity;
};

static int fail_memory(struct listing *listing)
{
    return err_set(listing->call->err, ERR_NOMEM, "out of memory listing %s",
                   listing->call->root->path);
}

static int push_dir(struct listing *listing, struct str path)
{
    struct pending_dir *dir = ARENA_NEW(listing->arena, struct pending_dir);
    if (!dir)
        return fail_memory(listing);
    dir->path = path;
    dir->next = listing->pending;
    listing->pending = dir;
    return 0;
}

static int push_entry(struct listing *listing, struct store_entry entry)
{
    if (listing->count == listing->capacity) {
        uint32_t capacity = listing->capacity ? listing->capacity * 2 : 64;
        struct store_entry *entries = ARENA_ARRAY(listing->arena, struct store_entry, capacity);
        if (!entries)
            return fail_memory(listing);
        if (listing->count)
            memcpy(entries, listing->entries, listing->count * sizeof *entries);
        listing->entries = entries;
        listing->capacity = capacity;
    }
    listing->entries[listing->count++] = entry;
    return 0;
}

/* The path of name inside dir, with a slash behind if it is a directory. */
static struct str join(struct listing *listing, struct str dir, const char *name, bool is_dir)
{
    size_t n = strlen(name);
    char *p = arena_alloc(listing->arena, dir.n + n + 2);
    if (!p)
        return (struct str){0};
    if (dir.n)
        memcpy(p, dir.p, dir.n);
    memcpy(p + dir.n, name, n);
    p[dir.n + n] = is_dir ? '/' : '\0';
    p[dir.n + n + 1] = '\0';
    return (struct str){p, dir.n + n + (is_dir ? 1 : 0)};
}

/* An unfinished object. */
static int take_temp(struct listing *listing, struct str dir, const char *name, uint64_t bytes)
{
    struct str id = join(listing, dir, name, false);
    char *key = arena_alloc(listing->arena, dir.n + strlen(name));
    if (!id.p || !key)
        return fail_memory(listing);
    size_t n = local_temp_name(str_of(name));
    if (dir.n)
        memcpy(key, dir.p, dir.n);
    memcpy(key + dir.n, name + 1, n);
    struct store_entry entry = {{key, dir.n + n}, bytes, id};
    return str_starts_with(entry.key, listing->prefix) ? push_entry(listing, entry) : 0;
}

static int fail_dir(struct listing *listing, const char *path, int number)
{
    return number == ENOENT || number == ENOTDIR ? 0
                                                 : local_fail(listing->call, "list", path, number);
}

static int take_name(struct listing *listing, int dir_fd, struct str dir, const char *name)
{
    struct stat st;
    bool temp = local_temp_name(str_of(name)) > 0;
    if (name[0] == '.' && !(temp && listing->unfinished))
        return 0; /* unfinished, or somebody's own */
    if (listing->call->root->os->fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return fail_dir(listing, name, errno);
    if (temp)
        return S_ISREG(st.st_mode) ? take_temp(listing, dir, name, (uint64_t)st.st_size) : 0;
    bool is_dir = S_ISDIR(st.st_mode);
    if (!is_dir && (!S_ISREG(st.st_mode) || listing->unfinished))
        return 0;
    struct str path = join(listing, dir, name, is_dir);
    if (!path.p)
        return fail_memory(listing);
    if (str_starts_with(path, listing->prefix)) {
        if (is_dir)
            return push_dir(listing, path);
        return push_entry(listing,
                          (struct store_entry){.key = path, .bytes = (uint64_t)st.st_size});
    }
    return is_dir && str_starts_with(listing->prefix, path) ? push_dir(listing, path) : 0;
}

/* Who acts on a listing relies on what it shows, and a process that was killed may have left names
 * that are not durable: a decision that a crash of the machine would take back. An errno value. */
static int make_durable(const struct listing *listing, int fd)
{
    int number = listing->call->root->os->fsync(fd) ? errno : 0;
    return number == EINVAL || number == EROFS ? 0 : number;
}

static int read_dir(struct listing *listing, struct str path)
{
    char name[LOCAL_PATH_MAX + 256];
    const struct local_root *root = listing->call->root;
    if (path.n >= sizeof name)
        return 0; /* longer than any key */
    snprintf(name, sizeof name, "%.*s", STR_ARG(path));
    int fd = root->os->openat(root->fd, path.n ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return fail_dir(listing, name, errno);
    int number = listing->unfinished ? 0 : make_durable(listing, fd);
    DIR *dir = number ? NULL : fdopendir(fd);
    if (!dir) {
        number = number ? number : errno;
        close(fd);
        return fail_dir(listing, name, number);
    }
    int code = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            code = fail_dir(listing, name, errno);
        if (!entry || code)
            break;
        code = take_name(listing, fd, path, entry->d_name);
        if (code)
            break;
    }
    closedir(dir);
    return code;
}

static int compare_entries(const void *a, const void *b)
{
    const struct store_entry *first = a, *second = b;
    int order = str_cmp(first->key, second->key);
    return order ? order : str_cmp(first->id, second->id);
}

int local_list(struct local_call *call, struct str prefix, bool unfinished, struct arena *arena,
               const struct store_entry **entries, uint32_t *count)
{
    struct listing listing = {
        .call = call, .prefix = prefix, .unfinished = unfinished, .arena = arena};
    struct str start = prefix; /* the directory part of the prefix */
    while (start.n && start.p[start.n - 1] != '/')
        start.n--;
    int code = push_dir(&listing, start);
    while (code == 0 && listing.pending) {
        struct pending_dir *dir = listing.pending;
        listing.pending = dir->next;
        if (atomic_load(call->cancelled))
            return err_set(call->err, ERR_CANCELLED, "cancelled: listing %s", call->root->path);
        code = read_dir(&listing, dir->path);
    }
    if (code)
        return code;
    if (listing.count)
        qsort(listing.entries, listing.count, sizeof *listing.entries, compare_entries);
    *entries = listing.entries;
    *count = listing.count;
    return 0;
}
