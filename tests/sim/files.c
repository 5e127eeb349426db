#define _GNU_SOURCE /* nftw */
#include "sim/files.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "files.c:%d: not %s: %s\n", __LINE__, #cond, strerror(errno));         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void read_file(struct buf *out, const char *path)
{
    char part[65536];
    size_t n;
    FILE *file = fopen(path, "rb");
    MUST(file);
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        buf_append(out, part, n);
    MUST(!ferror(file) && !out->failed);
    fclose(file);
}

static void add(struct sim_files *files, const char *root, const char *path)
{
    char full[1024];
    files->items = realloc(files->items, (files->count + 1) * sizeof *files->items);
    MUST(files->items);
    struct sim_file *file = &files->items[files->count++];
    *file = (struct sim_file){.path = strdup(path)};
    snprintf(full, sizeof full, "%s/%s", root, path);
    MUST(file->path);
    read_file(&file->bytes, full);
}

void sim_files_read(struct sim_files *files, const char *root, const char *dir)
{
    char path[512], full[1024];
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", root, dir);
    DIR *names = opendir(full);
    if (!names) {
        MUST(errno == ENOENT);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(names));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        snprintf(full, sizeof full, "%s/%s", root, path);
        MUST(stat(full, &st) == 0);
        if (S_ISDIR(st.st_mode))
            sim_files_read(files, root, path);
        else
            add(files, root, path);
    }
    closedir(names);
}

const struct sim_file *sim_files_find(const struct sim_files *files, const char *path)
{
    for (uint32_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].path, path) == 0)
            return &files->items[i];
    return NULL;
}

void sim_files_fini(struct sim_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
        buf_fini(&files->items[i].bytes);
    }
    free(files->items);
    *files = (struct sim_files){0};
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st, (void)type, (void)place;
    return remove(path);
}

void sim_files_remove(const char *path)
{
    MUST(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
}
