#include "sink/kafka.h"

#include <stdlib.h>

#include "format/kafka_rows.h"
#include "sink/sink_impl.h"

struct kafka_sink {
    struct sink base;
    struct kafka_writer *writer;
    char *topic; /* "": of the rows */
};

struct kafka_batch_out {
    struct sink_batch base;
    struct kafka_rows rows;
    struct str staged; /* instead of rows: those of a batch that is recovered */
    struct kafka_write write;
};

static struct kafka_batch_out *batch_of(struct sink_batch *batch)
{
    return (struct kafka_batch_out *)(void *)batch;
}

static struct kafka_sink *sink_of(struct sink *sink)
{
    return (struct kafka_sink *)(void *)sink;
}

static int kafka_open(struct sink *sink, int64_t batch_id, struct sink_batch **out, struct err *err)
{
    struct kafka_batch_out *batch = calloc(1, sizeof *batch);
    if (!batch)
        return err_set(err, ERR_NOMEM, "out of memory");
    sink_batch_init(&batch->base, sink, batch_id);
    *out = &batch->base;
    return 0;
}

static int kafka_write_rows(struct sink_batch *batch, const struct block *rows, struct err *err)
{
    return kafka_rows_append(&batch_of(batch)->rows, batch->sink->schema, rows,
                             str_of(sink_of(batch->sink)->topic), err);
}

static size_t kafka_bytes(const struct sink_batch *batch)
{
    const struct kafka_batch_out *out = (const struct kafka_batch_out *)(const void *)batch;
    return sizeof *out + out->rows.bytes.capacity;
}

static void kafka_prepare(struct sink_batch *batch)
{
    batch->bytes_out = batch_of(batch)->rows.bytes.n;
    sink_batch_done(batch, 0);
}

static void on_written(struct kafka_write *write)
{
    struct sink_batch *batch = write->user;
    batch->err = write->err;
    sink_batch_done(batch, write->code);
}

static struct str kafka_staged(const struct sink_batch *batch)
{
    const struct kafka_batch_out *out = (const struct kafka_batch_out *)(const void *)batch;
    return out->staged.n ? out->staged : buf_str(&out->rows.bytes);
}

static void kafka_publish(struct sink_batch *batch)
{
    struct kafka_batch_out *out = batch_of(batch);
    kafka_writer_write(sink_of(batch->sink)->writer, &out->write, kafka_staged(batch), batch->id,
                       on_written, batch);
}

static int kafka_recover(struct sink *sink, const struct sink_recovery *recovery,
                         struct sink_batch **out, struct err *err)
{
    int code = kafka_open(sink, recovery->batch_id, out, err);
    if (code)
        return code;
    batch_of(*out)->staged = recovery->staged;
    (*out)->bytes_out = recovery->staged.n;
    return 0;
}

static void kafka_cancel(struct sink_batch *batch)
{
    /* Prepare is never left running, so this is a publish. */
    kafka_writer_cancel(&batch_of(batch)->write);
}

static void kafka_abort(struct sink_batch *batch)
{
    sink_batch_done(batch, 0);
}

static void kafka_free_batch(struct sink_batch *batch)
{
    struct kafka_batch_out *out = batch_of(batch);
    kafka_rows_fini(&out->rows);
    free(out);
}

static void kafka_destroy(struct sink *sink)
{
    free(sink_of(sink)->topic);
    sink_fini(sink);
    free(sink);
}

static const struct health *kafka_health(const struct sink *sink)
{
    return kafka_writer_health(((const struct kafka_sink *)(const void *)sink)->writer);
}

static void on_health_changed(void *user)
{
    struct sink *sink = user;
    if (sink->health_changed)
        sink->health_changed(sink, sink->user);
}

static void kafka_close(struct sink *sink, enum sink_close_mode mode)
{
    (void)mode; /* nothing is held between batches */
    kafka_writer_on_health(sink_of(sink)->writer, NULL, NULL);
    sink_closed(sink, kafka_destroy, &(struct err){0});
}

static const struct sink_ops kafka_ops = {
    .open = kafka_open,
    .write = kafka_write_rows,
    .bytes = kafka_bytes,
    .prepare = kafka_prepare,
    .publish = kafka_publish,
    .cancel = kafka_cancel,
    .abort = kafka_abort,
    .free_batch = kafka_free_batch,
    .health = kafka_health,
    .recover = kafka_recover,
    .staged = kafka_staged,
    .close = kafka_close,
};

int sink_kafka_create(struct sink **out, const struct sink_config *config,
                      const struct sink_kafka_options *options, struct kafka_writer *writer,
                      struct err *err)
{
    int code = kafka_rows_check(config->schema, options->topic.n > 0, err);
    if (code)
        return code;
    struct kafka_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return err_set(err, ERR_NOMEM, "out of memory");
    struct buf description = {0};
    buf_printf(&description, "KafkaSink[%.*s]", STR_ARG(options->topic));
    sink->topic = str_copy(options->topic);
    code = sink_init(&sink->base, &kafka_ops, config, buf_take_cstr(&description), err);
    if (!code && !sink->topic)
        code = err_set(err, ERR_NOMEM, "out of memory");
    if (code) {
        kafka_destroy(&sink->base);
        return code;
    }
    sink->writer = writer;
    kafka_writer_on_health(writer, on_health_changed, sink);
    *out = &sink->base;
    return 0;
}
