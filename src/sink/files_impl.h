/* files_impl.h: the inside of a file sink, shared by files.c (what is asked of it) and
 * files_progress.c (what its files report). */
#pragma once

#include "sink/files.h"
#include "sink/part_file.h"
#include "sink/partitions.h"
#include "sink/row_queue.h"
#include "sink/sink_impl.h"

struct files_batch {
    struct sink_batch base;
    struct files_batch *next;
    /* That it publishes; the first `sealed_count` of them are sealed, or further. */
    struct part_file **files;
    uint32_t count, capacity, sealed_count;
    struct row_queue rolled; /* rows for rolled files, which take them when the batch is sealed */
    struct sink_output *outputs; /* per file, from prepared on */
    struct err failed;           /* while filling; code 0: not */
};

struct files_sink {
    struct sink base;
    struct store *store;
    char *id8;
    struct sink_files_options options;
    struct type file_schema; /* without partition columns */
    uint32_t *file_columns, *partition_columns;
    struct partitions partitions;             /* with the files that are being written */
    struct partition *open_first, *open_last; /* those with a file, longest unused first */
    uint32_t open_count;
    struct part_file_slots slots;
    struct files_batch *batches;
    struct arena scratch;
    /* Closing. */
    bool closing, keep;
    struct err close_err;
};

struct files_sink *files_sink_of(struct sink *sink);
struct files_batch *files_batch_of(struct sink_batch *batch);
void files_destroy(struct sink *sink);

/* Takes the partition's file from those that are being written. */
void files_unlink(struct files_sink *sink, struct partition *partition);
/* Ends the batch's operation if its files are done with it. */
void files_update(struct files_batch *batch);
void files_changed(struct part_file *file, void *user);
void files_observe(void *user, double seconds);
void files_health_changed(void *user);
const struct health *files_health(const struct sink *sink);
void files_close(struct sink *sink, bool keep);
