#include "format/json_file.h"

#include <stdlib.h>

#include "format/json_rows.h"
#include "format/time_text.h"

struct json_encoder {
    struct file_encoder base;
    struct json_style style;
    struct time_text times;
};

static int json_write(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                      struct err *err)
{
    const struct json_encoder *json = (const struct json_encoder *)(const void *)encoder;
    json_rows_append_styled(out, encoder->schema, rows, 0, rows->rows, &json->style);
    return out->failed ? err_set(err, ERR_NOMEM, "out of memory for encoded rows") : 0;
}

static int json_finish(struct file_encoder *encoder, struct buf *out, struct err *err)
{
    (void)encoder;
    return out->failed ? err_set(err, ERR_NOMEM, "out of memory for encoded rows") : 0;
}

static int json_save(struct file_encoder *encoder, size_t state_max, struct buf *out,
                     struct buf *state, struct err *err)
{
    (void)encoder, (void)state_max, (void)out, (void)state, (void)err;
    return 0; /* one row's text knows nothing of the others */
}

static int json_load(struct file_encoder *encoder, struct bytes_reader *state, struct err *err)
{
    (void)encoder, (void)state, (void)err;
    return 0;
}

static size_t json_memory(const struct file_encoder *encoder)
{
    (void)encoder;
    return sizeof(struct json_encoder);
}

static uint64_t json_pending(const struct file_encoder *encoder)
{
    (void)encoder;
    return 0;
}

static void json_destroy(struct file_encoder *encoder)
{
    struct json_encoder *json = (struct json_encoder *)(void *)encoder;
    time_text_fini(&json->times);
    free(json);
}

static const struct file_encoder_ops json_ops = {
    .write = json_write,
    .finish = json_finish,
    .save = json_save,
    .load = json_load,
    .memory = json_memory,
    .pending = json_pending,
    .destroy = json_destroy,
};

int json_check(const struct json_options *options, struct err *err)
{
    struct time_text times;
    int code = time_text_init(&times, options->date_format, options->timestamp_format, err);
    if (!code)
        time_text_fini(&times);
    return code;
}

int json_encoder_create(struct file_encoder **out, const struct file_format *format,
                        const struct type *schema, struct err *err)
{
    const struct json_options *options = &format->json;
    struct json_encoder *json = calloc(1, sizeof *json);
    if (!json)
        return err_set(err, ERR_NOMEM, "out of memory");
    int code = time_text_init(&json->times, options->date_format, options->timestamp_format, err);
    if (code) {
        free(json);
        return code;
    }
    json->base.ops = &json_ops;
    json->base.schema = schema;
    json->style = (struct json_style){
        .write_nulls = options->write_nulls,
        .times = &json->times,
        .line_separator = options->line_separator.p ? options->line_separator : STR("\n"),
    };
    *out = &json->base;
    return 0;
}
