/* Scenarios of a process that goes on where another one ended. */
#include "world.h"

#include "store/store_impl.h"

enum { PART_BYTES = 5 * 1024 * 1024 };

/* What a checkpoint records of an upload. */
struct record {
    const char *key;
    char id[1024], tags[1024];
    uint64_t bytes;
};

static struct record record_of(const struct store_upload *upload, const char *key)
{
    struct record record = {.key = key, .bytes = upload->bytes};
    struct str tags = store_upload_tags(upload);
    EXPECT(upload->id.n < sizeof record.id && tags.n < sizeof record.tags, "room");
    snprintf(record.id, sizeof record.id, "%.*s", STR_ARG(upload->id));
    snprintf(record.tags, sizeof record.tags, "%.*s", STR_ARG(tags));
    return record;
}

static struct store_upload *resumed(struct world *world, const struct record *record, bool sealed)
{
    struct store_upload *upload;
    EXPECT(world_resume(world, record->key, str_of(record->id), str_of(record->tags), record->bytes,
                        sealed, &upload) == 0,
           "%s", world->request.err.msg);
    EXPECT(str_is(upload->key, record->key) && str_is(upload->id, record->id) &&
               upload->bytes == record->bytes && str_is(store_upload_tags(upload), record->tags),
           "%s", record->key);
    return upload;
}

static bool object_is(struct world *world, const char *key, struct str bytes)
{
    return world_get(world, key) == 0 && str_eq(buf_str(&world->request.data), bytes);
}

/* Sealed by one process, published, published again, or aborted by others. */
static void resume_sealed(struct world *world)
{
    struct str bytes = world_bytes(PART_BYTES + 1234, 11);
    struct record a = record_of(world_upload(world, "r/a", bytes, PART_BYTES), "r/a");
    struct record b = record_of(world_upload(world, "r/b", bytes, PART_BYTES), "r/b");
    struct record empty = record_of(world_upload(world, "r/empty", STR(""), 1), "r/empty");
    world_reopen(world);
    struct store_upload *upload = resumed(world, &a, true);
    EXPECT(world_append(world, upload, bytes) == ERR_INVALID, "sealed");
    EXPECT(world_publish(world, upload) == 0, "%s", world->request.err.msg);
    EXPECT(object_is(world, "r/a", bytes), "published");
    EXPECT(world_publish(world, resumed(world, &empty, true)) == 0, "publish of nothing");
    world_reopen(world);
    for (int i = 0; i < 2; i++)
        EXPECT(world_publish(world, resumed(world, &a, true)) == 0, "published already: %s",
               world->request.err.msg);
    EXPECT(world_publish(world, resumed(world, &empty, true)) == 0, "published already: %s",
           world->request.err.msg);
    EXPECT(world_abort(world, resumed(world, &a, true)) == 0, "abort of one that is published");
    EXPECT(object_is(world, "r/a", bytes), "the object stays");
    for (int i = 0; i < 2; i++)
        EXPECT(world_abort(world, resumed(world, &b, true)) == 0, "abort: %s",
               world->request.err.msg);
    upload = resumed(world, &b, true);
    EXPECT(world_publish(world, upload) == ERR_NOT_FOUND, "gone");
    EXPECT(strstr(world->request.err.msg, "r/b") &&
               strstr(world->request.err.msg, "the unfinished upload is gone (expired by a "
                                              "lifecycle rule of the bucket, or removed), and "
                                              "there is no such object"),
           "%s", world->request.err.msg);
    EXPECT(world_put(world, "r/b", STR("another")) == 0, "put");
    EXPECT(world_publish(world, upload) == ERR_EXISTS, "another object");
    EXPECT(world_abort(world, upload) == 0, "abort");
    free((char *)bytes.p);
}

/* An open one goes on behind what was recorded; what came later is forgotten. */
static void resume_open(struct world *world)
{
    struct str bytes = world_bytes(3 * PART_BYTES, 12);
    struct str first = {bytes.p, PART_BYTES}, rest = {bytes.p + PART_BYTES, PART_BYTES + 77};
    struct str lost = {bytes.p + 2 * PART_BYTES, PART_BYTES};
    struct store_upload *upload;
    EXPECT(world_begin(world, "o/a", &upload) == 0, "begin");
    EXPECT(store_upload_tags(upload).n == 0, "nothing yet");
    EXPECT(world_append(world, upload, first) == 0, "append");
    EXPECT(world_sync(world, upload) == 0, "sync");
    struct record record = record_of(upload, "o/a");
    EXPECT(world_append(world, upload, lost) == 0, "append");
    EXPECT(world_append(world, upload, lost) == 0, "append");
    world_reopen(world);
    upload = resumed(world, &record, false);
    EXPECT(world_publish(world, upload) == ERR_INVALID, "not sealed");
    EXPECT(world_append(world, upload, rest) == 0, "%s", world->request.err.msg);
    EXPECT(world_seal(world, upload) == 0 && world_publish(world, upload) == 0, "publish");
    EXPECT(object_is(world, "o/a", (struct str){bytes.p, first.n + rest.n}), "get");
    upload = resumed(world, &record, false);
    EXPECT(world_append(world, upload, rest) == ERR_NOT_FOUND, "gone");
    EXPECT(strstr(world->request.err.msg, "the unfinished upload is gone"), "%s",
           world->request.err.msg);
    EXPECT(world_abort(world, upload) == 0, "abort");
    record.bytes++;
    EXPECT(world_resume(world, "o/a", str_of(record.id), str_of(record.tags), record.bytes, false,
                        &upload) == ERR_CORRUPT &&
               !upload,
           "another size");
    EXPECT(world_resume(world, "o/a", STR(""), STR(""), 0, true, &upload) == ERR_CORRUPT, "no id");
    free((char *)bytes.p);
}

/* Behind a server that says so while it is sent megabytes. */
static void append_gone(struct world *world)
{
    struct str bytes = world_bytes(3 * PART_BYTES, 14);
    struct store_upload *upload;
    for (int i = 0; i < 5; i++) {
        EXPECT(world_begin(world, "gone", &upload) == 0, "begin");
        EXPECT(world_append(world, upload, bytes) == ERR_NOT_FOUND, "%d", world->request.code);
        EXPECT(world_abort(world, upload) == 0, "abort");
    }
    free((char *)bytes.p);
}

static void list_uploads(struct world *world)
{
    static const char *const keys[] = {"l/x=1/a", "l/x=1/a", "l/x=2/b & c", "m/d"};
    struct store_upload *upload;
    char id[1024];
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        EXPECT(world_begin(world, keys[i], &upload) == 0, "begin");
    EXPECT(world_put(world, "l/whole", STR("x")) == 0, "put");
    world_reopen(world);
    EXPECT(world_list_uploads(world, "") == 0 && world->request.entry_count == 4, "%u",
           world->request.entry_count);
    EXPECT(world_list_uploads(world, "l/x=1/a") == 0 && world->request.entry_count == 2, "%u",
           world->request.entry_count);
    EXPECT(world_list_uploads(world, "none/") == 0 && world->request.entry_count == 0, "none");
    for (uint32_t left = 3; left > 0; left--) {
        EXPECT(world_list_uploads(world, "l/") == 0 && world->request.entry_count == left,
               "%u of %u", world->request.entry_count, left);
        const struct store_entry *entry = &world->request.entries[left - 1];
        EXPECT(str_is(entry->key, keys[left - 1]) && entry->bytes == 0, "%.*s",
               STR_ARG(entry->key));
        snprintf(id, sizeof id, "%.*s", STR_ARG(entry->id));
        EXPECT(world_resume(world, keys[left - 1], str_of(id), STR(""), 0, true, &upload) == 0,
               "resume");
        EXPECT(world_publish(world, upload) == ERR_INVALID, "its parts are not known");
        EXPECT(world_abort(world, upload) == 0, "abort");
    }
    EXPECT(world_list_uploads(world, "m/") == 0 && world->request.entry_count == 1, "the other");
}

static void list_denied(struct world *world)
{
    EXPECT(world_list_uploads(world, "l/") == ERR_IO, "%d", world->request.code);
    EXPECT(strstr(world->request.err.msg, "cannot list the unfinished uploads of s3://") &&
               strstr(world->request.err.msg, "403 AccessDenied"),
           "%s", world->request.err.msg);
}

static void list_nothing(struct world *world)
{
    EXPECT(world_list_uploads(world, "none/") == 0 && world->request.entry_count == 0, "none");
}

/* More than a page of them. */
static void list_many_uploads(struct world *world)
{
    enum { UPLOADS = 1100, PARALLEL = 50 };
    for (int first = 0; first < UPLOADS; first += PARALLEL) {
        struct store_request requests[PARALLEL] = {0};
        uint32_t calls[PARALLEL] = {0};
        char keys[PARALLEL][40];
        for (int i = 0; i < PARALLEL; i++) {
            snprintf(keys[i], sizeof keys[i], "many/%d", (first + i) / 2);
            store_upload_begin(world->store, &requests[i], str_of(keys[i]), world_started,
                               &calls[i]);
        }
        for (int i = 0; i < PARALLEL; i++) {
            EXPECT(calls[i] || world_wait(world, &requests[i]) == 0, "begin");
            store_request_fini(&requests[i]);
        }
    }
    EXPECT(world_list_uploads(world, "many/") == 0, "list");
    EXPECT(world->request.entry_count == UPLOADS, "%u", world->request.entry_count);
}

/* As a checkpoint looks whether a store can guard it: puts of different bytes under one key. */
static void guard(struct world *world)
{
    EXPECT(world_put_if_absent(world, "probe", STR("1")) == 0, "the first");
    int code = world_put_if_absent(world, "probe", STR("2"));
    EXPECT(world_delete(world, "probe") == 0, "delete");
    printf("guard=%s\n", code == ERR_EXISTS ? "yes" : code == 0 ? "no" : "error");
}

/* A put whose answer was lost (by the server of faults): its own object is success, another's not.
 */
static void own_or_others(struct world *world)
{
    EXPECT(world_put_if_absent(world, "mine", STR("mine")) == 0, "%s", world->request.err.msg);
    EXPECT(object_is(world, "mine", STR("mine")), "get");
    EXPECT(world_put(world, "theirs", STR("theirs, and longer than that of this process")) == 0,
           "put");
    EXPECT(world_put_if_absent(world, "theirs", STR("mine")) == ERR_EXISTS, "another's");
    EXPECT(object_is(world, "theirs", STR("theirs, and longer than that of this process")), "get");
    printf("retries=%llu\n", (unsigned long long)store_health(world->store)->retries);
}

static void large_objects(struct world *world)
{
    struct str bytes = world_bytes(200000, 13);
    EXPECT(world_put(world, "large", bytes) == 0, "put");
    world->store->get_bytes_max = bytes.n;
    EXPECT(object_is(world, "large", bytes), "get");
    world->store->get_bytes_max = bytes.n - 1;
    EXPECT(world_get(world, "large") == ERR_NOMEM, "too large");
    EXPECT(strstr(world->request.err.msg, "large: it has more than 199999 bytes"), "%s",
           world->request.err.msg);
    world->store->get_bytes_max = 1;
    EXPECT(world_get(world, "none") == ERR_NOT_FOUND, "the error's document does not count");
    free((char *)bytes.p);
}

const struct scenario recovery_scenarios[] = {{"resume_sealed", resume_sealed},
                                              {"resume_open", resume_open},
                                              {"append_gone", append_gone},
                                              {"list_uploads", list_uploads},
                                              {"list_many_uploads", list_many_uploads},
                                              {"list_denied", list_denied},
                                              {"list_nothing", list_nothing},
                                              {"guard", guard},
                                              {"own_or_others", own_or_others},
                                              {"large", large_objects},
                                              {NULL, NULL}};
