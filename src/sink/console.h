/* console.h: the console sink: prints each batch as Spark's does (format/console.h).
 *
 * A batch keeps only the rows it will show. Nothing is printed before publish; a published batch is
 * printed even when it has no rows, so a query that takes no part in a batch is not published. */
#pragma once

#include "sink/sink.h"
#include "sink/stdout_writer.h"

struct sink_console_options {
    int64_t num_rows;       /* rows shown */
    int64_t truncate_width; /* characters per cell; 0: whole cells */
};

/* The writer is shared by all console sinks and outlives them. ERR_NOMEM. */
int sink_console_create(struct sink **out, const struct sink_config *config,
                        const struct sink_console_options *options, struct stdout_writer *writer,
                        struct err *err) MUST_CHECK;
