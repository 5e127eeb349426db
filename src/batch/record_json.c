#include "batch/record_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/json_rows.h"

/* ---- writing ---- */

static void put_comma(struct buf *out)
{
    if (out->n && !out->failed && !strchr("[{:", out->p[out->n - 1]))
        buf_append_char(out, ',');
}

void record_put_open(struct buf *out, char bracket)
{
    put_comma(out);
    buf_append_char(out, bracket);
}

void record_put_close(struct buf *out, char bracket)
{
    buf_append_char(out, bracket);
}

void record_put_key(struct buf *out, const char *key)
{
    put_comma(out);
    buf_printf(out, "\"%s\":", key);
}

void record_put_str(struct buf *out, const char *key, struct str value)
{
    record_put_key(out, key);
    json_string_append(out, value);
}

void record_put_int(struct buf *out, const char *key, int64_t value)
{
    record_put_key(out, key);
    buf_printf(out, "%" PRId64, value);
}

void record_put_bool(struct buf *out, const char *key, bool value)
{
    record_put_key(out, key);
    buf_printf(out, "%s", value ? "true" : "false");
}

void record_put_item(struct buf *out, struct str value)
{
    put_comma(out);
    json_string_append(out, value);
}

/* ---- reading ---- */

static const struct doc_node nothing = {.kind = DOC_OBJECT};

void record_fail(struct record_reader *in, const struct doc_node *at, const char *what)
{
    if (!in->err->code)
        err_set(in->err, ERR_CORRUPT, "its content is not in order at byte %zu: %s", at->offset,
                what);
}

static void fail_memory(struct record_reader *in)
{
    if (!in->err->code)
        err_set(in->err, ERR_NOMEM, "out of memory");
}

const struct doc_node *record_read(struct record_reader *in, struct str text, struct arena *arena,
                                   struct err *err)
{
    struct doc_error error;
    struct doc_node *top = NULL;
    *in = (struct record_reader){.arena = arena,
                                 .err = err,
                                 .source = {.column = 1, .nul_allowed = true, .unbounded = true}};
    *err = (struct err){0};
    int code = doc_parse(&top, text, &in->source, &in->nodes, &error);
    if (code == ERR_NOMEM)
        fail_memory(in);
    else if (code)
        err_set(err, ERR_CORRUPT, "its content is not JSON at byte %zu: %s", error.offset,
                error.message);
    else if (top->kind != DOC_OBJECT)
        record_fail(in, top, "an object is expected");
    return err->code ? NULL : top;
}

int record_read_end(struct record_reader *in)
{
    arena_fini(&in->nodes);
    return in->err->code;
}

static const struct doc_node *member(struct record_reader *in, const struct doc_node *from,
                                     const char *key, enum doc_kind kind)
{
    const struct doc_node *node = doc_member(from, str_of(key));
    char what[100];
    if (node && node->kind == kind)
        return node;
    snprintf(what, sizeof what, "\"%s\" is %s, %s is expected", key,
             node ? doc_kind_name(node->kind) : "missing", doc_kind_name(kind));
    if (from != &nothing)
        record_fail(in, node ? node : from, what);
    return NULL;
}

int64_t record_get_int(struct record_reader *in, const struct doc_node *from, const char *key)
{
    const struct doc_node *node = member(in, from, key, DOC_NUMBER);
    int64_t value = 0;
    if (node && !str_to_i64(node->text, &value))
        record_fail(in, node, "a whole number of 64 bits is expected");
    return value;
}

bool record_get_bool(struct record_reader *in, const struct doc_node *from, const char *key)
{
    const struct doc_node *node = member(in, from, key, DOC_BOOLEAN);
    return node && node->boolean;
}

static struct str keep(struct record_reader *in, struct str text)
{
    struct str copy = arena_str(in->arena, text);
    if (!copy.p)
        fail_memory(in);
    return copy.p ? copy : (struct str){"", 0};
}

struct str record_get_str(struct record_reader *in, const struct doc_node *from, const char *key)
{
    const struct doc_node *node = member(in, from, key, DOC_STRING);
    return node ? keep(in, node->text) : (struct str){"", 0};
}

struct str record_take_str(struct record_reader *in, const struct doc_node *node)
{
    if (node->kind == DOC_STRING)
        return keep(in, node->text);
    record_fail(in, node, "a string is expected");
    return (struct str){"", 0};
}

const struct doc_node *record_get_object(struct record_reader *in, const struct doc_node *from,
                                         const char *key)
{
    const struct doc_node *node = member(in, from, key, DOC_OBJECT);
    return node ? node : &nothing;
}

void *record_get_array(
    struct record_reader *in, const struct doc_node *from, const char *key, size_t size,
    void (*take)(struct record_reader *in, const struct doc_node *from, void *to), uint32_t *count)
{
    const struct doc_node *array = member(in, from, key, DOC_ARRAY);
    *count = 0;
    if (!array)
        return NULL;
    char *out = arena_calloc(in->arena, array->count + 1, size);
    if (!out) {
        fail_memory(in);
        return NULL;
    }
    for (const struct doc_node *node = array->first; node && !in->err->code; node = node->next)
        take(in, node, out + size * (*count)++);
    return out;
}
