/* Whichever allocation fails, a batch ends with ERR_NOMEM, leaves nothing and leaks nothing. The
 * executable is linked with --wrap for the three functions below. */
#define _GNU_SOURCE
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "sink/console.h"
#include "sink/files.h"
#include "store/local.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static atomic_int countdown; /* 1: the next allocation fails; 0: none does */

static bool fails(void)
{
    int left = atomic_load(&countdown);
    while (left > 0)
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
            return left == 1;
    return false;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_fini(&fixture);
}

TestSuite(sink_memory, .init = setup, .fini = teardown, .timeout = 60);

static struct sink_config config_of(void)
{
    return (struct sink_config){
        .loop = &fixture.loop, .query = STR("q"), .name = STR("s"), .schema = fixture.schema};
}

/* One batch from open to publish; whatever failed must have been the memory. */
static int run_batch(struct sink *sink, const struct block *rows)
{
    struct sink_batch *batch;
    struct err err = {0};
    int code = sink_batch_open(sink, 1, &batch, &err);
    if (code)
        return code;
    code = sink_batch_write(batch, rows, &err);
    if (code == 0)
        code = fixture_prepare(&fixture, batch);
    if (code == 0)
        code = fixture_publish(&fixture, batch);
    if (code)
        cr_expect_eq(fixture_abort(&fixture, batch), 0);
    fixture.event_count = 0;
    return code;
}

static uint32_t remove_files(void)
{
    DIR *dir = opendir(fixture.dir);
    uint32_t count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_type == DT_REG && unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            count++;
    closedir(dir);
    return count;
}

/* Creates, runs and closes all there is with the k-th allocation failing. */
static int run_files(int k, const struct block *rows)
{
    static const struct file_format format = {.kind = FILE_JSON};
    struct sink_files_options options = {
        .format = &format, .path = STR("out"), .id8 = STR("01234567"), .part_bytes = 2000};
    struct sink_config config = config_of();
    struct store *store = NULL;
    struct sink *sink = NULL;
    struct err err = {0};
    atomic_store(&countdown, k);
    int code = store_local_create(&store, &fixture.loop, str_of(fixture.dir), &err);
    if (code == 0)
        code = sink_files_create(&sink, &config, &options, store, &err);
    if (code == 0)
        code = run_batch(sink, rows);
    fixture_close_sink(&fixture, sink, SINK_CLOSE_DISCARD);
    if (store)
        store_close(store, NULL, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    return code;
}

struct kept {
    struct record_held held;
    char bytes[4][8192];
};

static struct str keep(char *to, struct str bytes)
{
    cr_assert_lt(bytes.n, sizeof((struct kept *)0)->bytes[0]);
    memcpy(to, bytes.p ? bytes.p : "", bytes.n);
    return (struct str){to, bytes.n};
}

static void on_done(struct sink *sink, int code, const struct err *err, void *user)
{
    (void)sink, (void)err;
    *(int *)user = code;
}

static int restore(struct sink *sink, const struct kept *kept)
{
    enum { NOT_YET = 1 };
    int code = NOT_YET;
    sink_restore_held(sink, &kept->held, 1, on_done, &code);
    while (code == NOT_YET)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    return code;
}

/* A batch whose rolled file stays open; kept gets what its record says. */
static int run_rolled_batch(struct sink *sink, int64_t id, const struct block *rows,
                            struct kept *kept)
{
    struct fixture_user user = {&fixture};
    struct sink_batch *batch;
    struct err err = {0};
    uint32_t count;
    int code = sink_batch_open(sink, id, &batch, &err);
    if (code)
        return code;
    code = sink_batch_write(batch, rows, &err);
    if (code == 0)
        code = fixture_prepare(&fixture, batch);
    fixture.event_count = 0;
    if (code == 0) {
        kept->held = *sink_batch_held(batch, &count);
        cr_assert_eq(count, 1);
        kept->held.name = keep(kept->bytes[0], kept->held.name);
        kept->held.upload_id = keep(kept->bytes[1], kept->held.upload_id);
        kept->held.tags = keep(kept->bytes[2], kept->held.tags);
        kept->held.state = keep(kept->bytes[3], kept->held.state);
        code = fixture_publish(&fixture, batch);
    } else {
        sink_batch_leave(batch, fixture_callback, &user);
        fixture_wait(&fixture, 1);
    }
    fixture.event_count = 0;
    return code;
}

/* Two processes one after the other with one rolled file. */
static int run_rolled(int k, const struct block *rows, struct kept *kept)
{
    static const struct file_format format = {.kind = FILE_PARQUET};
    struct sink_files_options options = {.format = &format,
                                         .path = STR("out"),
                                         .id8 = STR("01234567"),
                                         .recoverable = true,
                                         .target_file_bytes = 1 << 30,
                                         .part_bytes = 1};
    struct sink_config config = config_of();
    int code = 0;
    atomic_store(&countdown, k);
    for (int64_t id = 0; id < 2 && code == 0; id++) {
        struct store *store = NULL;
        struct sink *sink = NULL;
        struct err err = {0};
        code = store_local_create(&store, &fixture.loop, str_of(fixture.dir), &err);
        if (code == 0)
            code = sink_files_create(&sink, &config, &options, store, &err);
        if (code == 0 && id > 0)
            code = restore(sink, kept);
        if (code == 0)
            code = run_rolled_batch(sink, id, rows, kept);
        fixture_close_sink(&fixture, sink, SINK_CLOSE_LEAVE);
        if (store)
            store_close(store, NULL, NULL);
        uv_run(&fixture.loop, UV_RUN_DEFAULT);
    }
    return code;
}

static int run_console(int k, const struct block *rows, int fd)
{
    struct sink_console_options options = {.num_rows = 100, .truncate_width = 20};
    struct sink_config config = config_of();
    struct stdout_writer *writer = NULL;
    struct sink *sink = NULL;
    struct err err = {0};
    atomic_store(&countdown, k);
    int code = stdout_writer_create(&writer, &fixture.loop, fd, &err);
    if (code == 0)
        code = sink_console_create(&sink, &config, &options, writer, &err);
    if (code == 0)
        code = run_batch(sink, rows);
    fixture_close_sink(&fixture, sink, SINK_CLOSE_DISCARD);
    if (writer)
        stdout_writer_close(writer, NULL, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    return code;
}

Test(sink_memory, files)
{
    struct block rows = fixture_rows(&fixture, 1, 500);
    int k = 1;
    for (; k < 1000; k++) {
        int code = run_files(k, &rows);
        bool untouched = atomic_exchange(&countdown, 0) > 0;
        cr_assert_eq(code, untouched ? 0 : ERR_NOMEM, "allocation %d: %d", k, code);
        cr_assert_eq(remove_files(), code == 0, "allocation %d", k);
        if (untouched)
            break;
    }
    cr_expect(k > 15 && k < 1000, "%d allocations", k);
}

Test(sink_memory, rolled_files)
{
    struct block rows = fixture_rows(&fixture, 1, 50);
    static struct kept kept;
    int k = 1;
    for (; k < 3000; k++) {
        int code = run_rolled(k, &rows, &kept);
        bool untouched = atomic_exchange(&countdown, 0) > 0;
        cr_assert_eq(code, untouched ? 0 : ERR_NOMEM, "allocation %d: %d", k, code);
        remove_files();
        if (untouched)
            break;
    }
    cr_expect(k > 50 && k < 3000, "%d allocations", k);
    cr_expect_eq(kept.held.rows, 100);
}

Test(sink_memory, console)
{
    struct block rows = fixture_rows(&fixture, 1, 50);
    int fd = open("/dev/null", O_WRONLY), k = 1;
    for (; k < 1000; k++) {
        int code = run_console(k, &rows, fd);
        bool untouched = atomic_exchange(&countdown, 0) > 0;
        cr_assert_eq(code, untouched ? 0 : ERR_NOMEM, "allocation %d: %d", k, code);
        if (untouched)
            break;
    }
    cr_expect(k > 8 && k < 1000, "%d allocations", k);
    close(fd);
}
