#include "checkpoint/metadata.h"

#include <stdio.h>

#include "batch/envelope.h"
#include "batch/record_json.h"

enum { METADATA_VERSION = 1, ID_SIZE_MIN = 8 };

static const char kind[] = "metadata";

int checkpoint_metadata_encode(const struct checkpoint_metadata *metadata, struct buf *out)
{
    struct buf text = {0};
    record_put_open(&text, '{');
    record_put_str(&text, "id", str_of(metadata->id));
    record_put_int(&text, "createdMs", metadata->created_ms);
    record_put_key(&text, "startingOffsets");
    record_put_open(&text, '[');
    for (uint32_t i = 0; i < metadata->start_count; i++) {
        record_put_open(&text, '{');
        record_put_str(&text, "topic", metadata->starts[i].topic);
        record_put_int(&text, "partition", metadata->starts[i].partition);
        record_put_int(&text, "offset", metadata->starts[i].start);
        record_put_close(&text, '}');
    }
    record_put_close(&text, ']');
    record_put_close(&text, '}');
    buf_append_char(&text, '\n');
    if (!text.failed)
        envelope_append(out, kind, METADATA_VERSION, buf_str(&text));
    bool failed = text.failed || out->failed;
    buf_fini(&text);
    return failed ? ERR_NOMEM : 0;
}

static void get_start(struct record_reader *in, const struct doc_node *from, void *to)
{
    struct record_partition *out = to;
    out->topic = record_get_str(in, from, "topic");
    out->partition = (int32_t)record_get_int(in, from, "partition");
    out->start = out->end = record_get_int(in, from, "offset");
}

int checkpoint_metadata_decode(struct checkpoint_metadata *out, struct str bytes,
                               struct arena *arena, struct err *err)
{
    struct record_reader in;
    struct str text;
    *out = (struct checkpoint_metadata){0};
    int code = envelope_open(bytes, kind, METADATA_VERSION, NULL, &text, err);
    if (code)
        return code;
    const struct doc_node *top = record_read(&in, text, arena, err);
    if (top) {
        struct str id = record_get_str(&in, top, "id");
        out->created_ms = record_get_int(&in, top, "createdMs");
        out->starts = record_get_array(&in, top, "startingOffsets", sizeof *out->starts, get_start,
                                       &out->start_count);
        snprintf(out->id, sizeof out->id, "%.*s", STR_ARG(id));
        if (id.n < ID_SIZE_MIN || id.n >= sizeof out->id)
            record_fail(&in, top, "\"id\" is no checkpoint's id");
    }
    return record_read_end(&in);
}
