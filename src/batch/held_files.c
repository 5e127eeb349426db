/* Rolled files between two batches, as bytes: a line of JSON, then the states one after the other.
 */
#include "batch/envelope.h"
#include "batch/record.h"
#include "batch/record_json.h"

enum { ROLLED_VERSION = 1 };

static const char kind[] = "rolled";

int held_files_encode(const struct record_held *held, uint32_t count, struct buf *out)
{
    struct buf text = {0};
    record_put_open(&text, '{');
    record_put_key(&text, "files");
    record_put_open(&text, '[');
    for (uint32_t i = 0; i < count; i++) {
        record_put_open(&text, '{');
        record_put_str(&text, "name", held[i].name);
        record_put_str(&text, "uploadId", held[i].upload_id);
        record_put_str(&text, "parts", held[i].tags);
        record_put_int(&text, "rows", (int64_t)held[i].rows);
        record_put_int(&text, "bytes", (int64_t)held[i].bytes);
        record_put_int(&text, "openedMs", held[i].opened_ms);
        record_put_int(&text, "stateBytes", (int64_t)held[i].state.n);
        record_put_close(&text, '}');
    }
    record_put_close(&text, ']');
    record_put_close(&text, '}');
    buf_append_char(&text, '\n');
    for (uint32_t i = 0; i < count; i++)
        buf_append_str(&text, held[i].state);
    if (!text.failed)
        envelope_append(out, kind, ROLLED_VERSION, buf_str(&text));
    bool failed = text.failed || out->failed;
    buf_fini(&text);
    return failed ? ERR_NOMEM : 0;
}

static void get_file(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_held *out = to;
    out->name = record_get_str(in, from, "name");
    out->upload_id = record_get_str(in, from, "uploadId");
    out->tags = record_get_str(in, from, "parts");
    out->rows = (uint64_t)record_get_int(in, from, "rows");
    out->bytes = (uint64_t)record_get_int(in, from, "bytes");
    out->opened_ms = record_get_int(in, from, "openedMs");
    out->state.n = (size_t)record_get_int(in, from, "stateBytes");
}

/* Gives each file its part of what follows the line. */
static bool cut_states(struct record_held *held, uint32_t count, struct str rest)
{
    for (uint32_t i = 0; i < count; i++) {
        if (held[i].state.n > rest.n)
            return false;
        held[i].state.p = rest.p;
        rest.p += held[i].state.n;
        rest.n -= held[i].state.n;
    }
    return rest.n == 0;
}

int held_files_decode(const struct record_held **out, uint32_t *count, struct str bytes,
                      struct arena *arena, struct err *err)
{
    struct record_reader in;
    struct record_held *held = NULL;
    struct str text;
    *count = 0;
    int code = envelope_open(bytes, kind, ROLLED_VERSION, NULL, &text, err);
    if (code)
        return code;
    const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
    if (!end)
        return err_set(err, ERR_CORRUPT, "its content is not in order: no line");
    struct str line = {text.p, (size_t)(end - text.p)};
    const struct doc_node *top = record_read(&in, line, arena, err);
    if (top)
        held = record_get_array(&in, top, "files", sizeof *held, get_file, count);
    code = record_read_end(&in);
    if (code == 0 && !cut_states(held, *count, (struct str){end + 1, text.n - line.n - 1}))
        code = err_set(err, ERR_CORRUPT,
                       "its content is not in order: the files' states do not "
                       "fill it");
    *out = held;
    return code;
}
