#include "sink/console.h"

#include <stdlib.h>

#include "format/console.h"
#include "sink/sink_impl.h"

struct console_sink {
    struct sink base;
    struct sink_console_options options;
    struct stdout_writer *writer;
};

struct console_batch {
    struct sink_batch base;
    struct console_table table;
    struct buf text;   /* from prepare on, instead of the table */
    struct str staged; /* instead of both: of a batch that is recovered */
    struct stdout_write write;
};

static struct console_batch *console_of(struct sink_batch *batch)
{
    return (struct console_batch *)(void *)batch;
}

static int console_open(struct sink *sink, int64_t batch_id, struct sink_batch **out,
                        struct err *err)
{
    struct console_sink *console = (struct console_sink *)(void *)sink;
    struct console_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return err_set(err, ERR_NOMEM, "out of memory");
    int code = console_table_init(&batch->table, sink->schema, console->options.num_rows,
                                  console->options.truncate_width, err);
    if (code) {
        free(batch);
        return code;
    }
    sink_batch_init(&batch->base, sink, batch_id);
    *out = &batch->base;
    return 0;
}

static int console_write(struct sink_batch *batch, const struct block *rows, struct err *err)
{
    return console_table_add(&console_of(batch)->table, rows, err);
}

static size_t console_bytes(const struct sink_batch *batch)
{
    const struct console_batch *console = (const struct console_batch *)(const void *)batch;
    return console_table_bytes(&console->table) + console->text.capacity;
}

static void console_prepare(struct sink_batch *batch)
{
    struct console_batch *console = console_of(batch);
    console_batch_print(&console->table, batch->id, &console->text);
    console_table_fini(&console->table);
    console->table = (struct console_table){0};
    if (console->text.failed)
        err_set(&batch->err, ERR_NOMEM, "out of memory for the rows to print");
    batch->bytes_out = console->text.n;
    sink_batch_done(batch, batch->err.code);
}

static void on_written(struct stdout_write *write, int code, const struct err *err)
{
    struct sink_batch *batch = write->user;
    if (code)
        batch->err = *err;
    sink_batch_done(batch, code);
}

static struct str console_staged(const struct sink_batch *batch)
{
    const struct console_batch *console = (const struct console_batch *)(const void *)batch;
    return console->staged.n ? console->staged : buf_str(&console->text);
}

static void console_publish(struct sink_batch *batch)
{
    struct console_batch *console = console_of(batch);
    const struct console_sink *sink = (const struct console_sink *)(void *)batch->sink;
    stdout_writer_write(sink->writer, &console->write, console_staged(batch), on_written, batch);
}

static int console_recover(struct sink *sink, const struct sink_recovery *recovery,
                           struct sink_batch **out, struct err *err)
{
    struct console_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return err_set(err, ERR_NOMEM, "out of memory");
    sink_batch_init(&batch->base, sink, recovery->batch_id);
    batch->staged = recovery->staged;
    batch->base.bytes_out = recovery->staged.n;
    *out = &batch->base;
    return 0;
}

static void console_cancel(struct sink_batch *batch)
{
    /* Prepare is never left running, so this is a publish. */
    stdout_writer_cancel(&console_of(batch)->write);
}

static void console_abort(struct sink_batch *batch)
{
    sink_batch_done(batch, 0);
}

static void console_free_batch(struct sink_batch *batch)
{
    struct console_batch *console = console_of(batch);
    console_table_fini(&console->table);
    buf_fini(&console->text);
    free(console);
}

static void console_destroy(struct sink *sink)
{
    sink_fini(sink);
    free(sink);
}

static void console_close(struct sink *sink, enum sink_close_mode mode)
{
    (void)mode; /* nothing is held between batches */
    sink_closed(sink, console_destroy, &(struct err){0});
}

static const struct sink_ops console_ops = {
    .open = console_open,
    .write = console_write,
    .bytes = console_bytes,
    .prepare = console_prepare,
    .publish = console_publish,
    .cancel = console_cancel,
    .abort = console_abort,
    .free_batch = console_free_batch,
    .recover = console_recover,
    .staged = console_staged,
    .close = console_close,
};

int sink_console_create(struct sink **out, const struct sink_config *config,
                        const struct sink_console_options *options, struct stdout_writer *writer,
                        struct err *err)
{
    struct console_sink *console = calloc(1, sizeof *console);
    if (!console)
        return err_set(err, ERR_NOMEM, "out of memory");
    struct buf description = {0};
    buf_append_str(&description, STR("ConsoleSink"));
    int code = sink_init(&console->base, &console_ops, config, buf_take_cstr(&description), err);
    if (code) {
        console_destroy(&console->base);
        return code;
    }
    console->options = *options;
    console->writer = writer;
    *out = &console->base;
    return 0;
}
