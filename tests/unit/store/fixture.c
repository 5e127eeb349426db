#define _GNU_SOURCE
#include "fixture.h"
#include "leaks.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    cr_assert_eq(uv_loop_init(&fixture->loop), 0);
    strcpy(fixture->dir, "/tmp/sluice-store-XXXXXX");
    cr_assert(mkdtemp(fixture->dir));
    fixture_open_store(fixture);
}

void fixture_open_store(struct fixture *fixture)
{
    struct err err;
    char root[80];
    snprintf(root, sizeof root, "%s/root", fixture->dir);
    cr_assert_eq(local_store_create(&fixture->store, &fixture->loop, str_of(root),
                                    fixture->os ? fixture->os : &local_os_system, &err),
                 0, "%s", err.msg);
    fixture->closed = false;
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

void fixture_close_store(struct fixture *fixture)
{
    store_close(fixture->store, on_closed, &fixture->closed);
    cr_assert_not(fixture->closed, "never from inside the call");
    while (!fixture->closed)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void fixture_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_fini(struct fixture *fixture)
{
    if (!fixture->closed)
        fixture_close_store(fixture);
    cr_assert_eq(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(uv_loop_close(&fixture->loop), 0);
    fixture_remove(fixture->dir);
    leaks_check();
}

const char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char paths[4][1400];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/root/%s", fixture->dir, name);
    return path;
}

bool fixture_file_is(const struct fixture *fixture, const char *name, struct str bytes)
{
    FILE *file = fopen(fixture_path(fixture, name), "rb");
    if (!file)
        return false;
    char *p = malloc(bytes.n + 1);
    cr_assert(p);
    size_t n = fread(p, 1, bytes.n + 1, file);
    fclose(file);
    bool same = str_eq((struct str){p, n}, bytes);
    free(p);
    return same;
}

uint32_t fixture_count_files(const struct fixture *fixture, const char *dir, bool hidden_only)
{
    DIR *stream = opendir(fixture_path(fixture, dir));
    uint32_t count = 0;
    if (!stream)
        return 0;
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (entry->d_type == DT_REG && (!hidden_only || entry->d_name[0] == '.'))
            count++;
    closedir(stream);
    return count;
}

void probe_callback(struct store_request *request)
{
    struct probe *probe = CONTAINER_OF(request, struct probe, request);
    probe->calls++;
}

int probe_wait(struct fixture *fixture, struct probe *probe)
{
    cr_assert_eq(probe->calls, 0, "never from inside the call");
    while (probe->calls == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    cr_assert_eq(probe->calls, 1);
    probe->calls = 0;
    if (probe->request.code)
        cr_assert_eq(probe->request.code, probe->request.err.code);
    return probe->request.code;
}

int fixture_put(struct fixture *fixture, struct probe *probe, const char *key, struct str bytes)
{
    store_put(fixture->store, &probe->request, str_of(key), bytes, probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_put_if_absent(struct fixture *fixture, struct probe *probe, const char *key,
                          struct str bytes)
{
    store_put_if_absent(fixture->store, &probe->request, str_of(key), bytes, probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_get(struct fixture *fixture, struct probe *probe, const char *key)
{
    store_get(fixture->store, &probe->request, str_of(key), probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_delete(struct fixture *fixture, struct probe *probe, const char *key)
{
    store_delete(fixture->store, &probe->request, str_of(key), probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_list(struct fixture *fixture, struct probe *probe, const char *prefix)
{
    store_list(fixture->store, &probe->request, str_of(prefix), probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_list_uploads(struct fixture *fixture, struct probe *probe, const char *prefix)
{
    store_list_uploads(fixture->store, &probe->request, str_of(prefix), probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_resume(struct fixture *fixture, struct probe *probe, const char *key, const char *id,
                   uint64_t bytes, bool sealed, struct store_upload **upload)
{
    store_upload_resume(fixture->store, &probe->request, str_of(key), str_of(id), STR(""), bytes,
                        sealed, probe_callback, NULL);
    int code = probe_wait(fixture, probe);
    *upload = probe->request.upload;
    return code;
}

int fixture_sync(struct fixture *fixture, struct probe *probe, struct store_upload *upload)
{
    store_upload_sync(upload, &probe->request, probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_begin(struct fixture *fixture, struct probe *probe, const char *key,
                  struct store_upload **upload)
{
    store_upload_begin(fixture->store, &probe->request, str_of(key), probe_callback, NULL);
    int code = probe_wait(fixture, probe);
    *upload = probe->request.upload;
    return code;
}

int fixture_append(struct fixture *fixture, struct probe *probe, struct store_upload *upload,
                   struct str bytes)
{
    store_upload_append(upload, &probe->request, bytes, probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_seal(struct fixture *fixture, struct probe *probe, struct store_upload *upload)
{
    store_upload_seal(upload, &probe->request, probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_publish(struct fixture *fixture, struct probe *probe, struct store_upload *upload)
{
    store_upload_publish(upload, &probe->request, probe_callback, NULL);
    return probe_wait(fixture, probe);
}

int fixture_abort(struct fixture *fixture, struct probe *probe, struct store_upload *upload)
{
    store_upload_abort(upload, &probe->request, probe_callback, NULL);
    return probe_wait(fixture, probe);
}
