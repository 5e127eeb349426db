/* Listings of objects and of unfinished uploads, page by page; and a check, which is a short one.
 */
#include <stdlib.h>

#include "store/s3_impl.h"

enum { WHOLE_BUCKET_PAGES_MAX = 10 };

static struct s3_operation *operation_of(struct s3_call *call)
{
    return CONTAINER_OF(call, struct s3_operation, call);
}

static int compare_entries(const void *a, const void *b)
{
    const struct store_entry *first = a, *second = b;
    int order = str_cmp(first->key, second->key);
    return order ? order : str_cmp(first->id, second->id);
}

static void add_entry(struct s3_operation *operation, struct str key, uint64_t bytes, struct str id)
{
    struct arena *arena = &operation->request->arena;
    struct str prefix = operation->store->prefix;
    if (!str_starts_with(key, buf_str(&operation->key)))
        return;
    struct str name = {key.p + prefix.n, key.n - prefix.n};
    if (store_key_check(name, false, NULL)) /* a folder's marker, or somebody's hidden file */
        return;
    struct store_entry entry = {.key = arena_str(arena, name), .bytes = bytes};
    if (id.n)
        entry.id = arena_str(arena, id);
    operation->failed_memory |= !entry.key.p || (id.n && !entry.id.p);
    buf_append(&operation->entries, &entry, sizeof entry);
}

static void on_object(void *user, struct str key, uint64_t bytes)
{
    add_entry(user, key, bytes, (struct str){0});
}

static void on_upload(void *user, struct str key, struct str id)
{
    add_entry(user, key, 0, id);
}

static void on_page(struct s3_call *call);

static void send_page(struct s3_operation *operation)
{
    s3_operation_call(operation, "GET", on_page);
    operation->call.key = (struct str){0};
    if (operation->request->op == STORE_LIST_UPLOADS) {
        s3_operation_query(operation, "uploads", (struct str){0});
        if (operation->token.n)
            s3_operation_query(operation, "key-marker", buf_str(&operation->token));
        if (operation->token.n && operation->id_token.n && !operation->keys_only)
            s3_operation_query(operation, "upload-id-marker", buf_str(&operation->id_token));
        if (!operation->whole_bucket)
            s3_operation_query(operation, "prefix", buf_str(&operation->key));
    } else {
        s3_operation_query(operation, "list-type", STR("2"));
        s3_operation_query(operation, "prefix", buf_str(&operation->key));
        if (operation->token.n)
            s3_operation_query(operation, "continuation-token", buf_str(&operation->token));
    }
    if (operation->request->op == STORE_CHECK)
        s3_operation_query(operation, "max-keys", STR("1"));
    s3_operation_send(operation);
}

static void list_end(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    size_t count = operation->entries.n / sizeof(struct store_entry);
    struct store_entry *entries = ARENA_ARRAY(&request->arena, struct store_entry, count + 1);
    if (operation->failed_memory || operation->entries.failed || !entries) {
        s3_operation_fail(operation, ERR_NOMEM, false, "out of memory");
    } else if (count) {
        memcpy(entries, operation->entries.p, operation->entries.n);
        qsort(entries, count, sizeof *entries, compare_entries); /* not every server sorts */
        request->entries = entries;
        request->entry_count = (uint32_t)count;
    }
    s3_operation_end(operation);
}

/* MinIO takes the prefix of a listing of uploads for a whole key, and lists all of them only when
 * there is none: when nothing was found, all are looked through. That may fail: elsewhere there is
 * nothing more to be found. */
static bool look_through_bucket(struct s3_operation *operation)
{
    if (operation->request->op != STORE_LIST_UPLOADS || operation->whole_bucket ||
        operation->entries.n || operation->key.n == 0)
        return false;
    operation->whole_bucket = true;
    operation->pages = 0;
    send_page(operation);
    return true;
}

static void on_failed(struct s3_operation *operation)
{
    struct store_request *request = operation->request;
    if (operation->id_token.n && !operation->keys_only && operation->call.answer.status == 400) {
        /* versitygw refuses the ids it names: better to miss what more there is of one key. */
        operation->keys_only = true;
        request->code = 0;
        send_page(operation);
        return;
    }
    if (operation->whole_bucket && !request->transient && request->code != ERR_CANCELLED) {
        request->code = 0;
        list_end(operation);
        return;
    }
    s3_operation_end(operation);
}

/* The page's entries, and where the next one begins. */
static int read_page(struct s3_operation *operation, struct err *err)
{
    struct str doc = buf_str(&operation->call.answer.body);
    if (operation->request->op != STORE_LIST_UPLOADS)
        return s3_xml_list(doc, on_object, operation, &operation->token, err);
    struct buf key = operation->token, id = operation->id_token;
    operation->token = operation->id_token = (struct buf){0};
    int code =
        s3_xml_uploads(doc, on_upload, operation, &operation->token, &operation->id_token, err);
    if (code == 0 && key.n && str_eq(buf_str(&key), buf_str(&operation->token)) &&
        str_eq(buf_str(&id), buf_str(&operation->id_token)))
        code = err_set(err, ERR_CORRUPT, "the listing does not go on");
    buf_fini(&key);
    buf_fini(&id);
    return code;
}

static void on_page(struct s3_call *call)
{
    struct s3_operation *operation = operation_of(call);
    struct err err;
    bool check = operation->request->op == STORE_CHECK;
    if (s3_operation_failed(operation)) {
        on_failed(operation);
        return;
    }
    int code = read_page(operation, &err);
    bool more = operation->token.n &&
                !(operation->whole_bucket && ++operation->pages >= WHOLE_BUCKET_PAGES_MAX);
    if (code) {
        s3_operation_fail(operation, ERR_IO, code != ERR_NOMEM && !check, err.msg);
        s3_operation_end(operation);
    } else if (check) {
        s3_operation_end(operation);
    } else if (more) {
        send_page(operation);
    } else if (!look_through_bucket(operation)) {
        list_end(operation);
    }
}

void s3_list_start(struct s3_operation *operation)
{
    send_page(operation);
}
