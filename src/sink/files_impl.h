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
    struct record_file *outputs; /* per file, from prepared on */
    struct record_held *held;    /* the rolled files that stay open, likewise */
    uint32_t held_count;
    struct err failed; /* while filling; code 0: not */
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
    bool restoring;            /* files of the record */
    struct err restore_err;    /* the first failure */
    struct files_sweep *sweep; /* or NULL: files_recover.c */
    /* Closing. */
    bool closing;
    enum sink_close_mode close_mode;
    struct err close_err;
};

struct files_sink *files_sink_of(struct sink *sink);
struct files_batch *files_batch_of(struct sink_batch *batch);
void files_destroy(struct sink *sink);
int files_open(struct sink *sink, int64_t batch_id, struct sink_batch **out, struct err *err);
bool files_roll(const struct files_sink *sink);
/* What a part_file of this sink is told. */
struct part_file_config files_config(struct files_sink *sink);
int files_add(struct files_batch *batch, struct part_file *file, struct err *err);
/* The partition's file, which was just set, takes rows. */
void files_link_last(struct files_sink *sink, struct partition *partition);

/* Takes the partition's file from those that are being written. */
void files_unlink(struct files_sink *sink, struct partition *partition);
/* Closes rolled files that have their size or take too much memory, once all are saved: then their
 * rows are encoded, and neither depends on how fast that went. True: there was one, or it failed.
 */
bool files_close_full(struct files_batch *batch);
/* Notes what the batch's files, all of them sealed, publish. ERR_NOMEM. */
int files_note_outputs(struct files_batch *batch);
/* Ends the batch's operation if its files are done with it. */
void files_update(struct files_batch *batch);
void files_changed(struct part_file *file, void *user);
void files_observe(void *user, double seconds);
void files_health_changed(void *user);
const struct health *files_health(const struct sink *sink);
void files_close(struct sink *sink, enum sink_close_mode mode);

/* files_recover.c */
int files_recover(struct sink *sink, const struct sink_recovery *recovery, struct sink_batch **out,
                  struct err *err);
void files_restore(struct sink *sink, const struct record_held *held, uint32_t count);
/* Looks whether the files are restored. */
void files_restore_step(struct files_sink *sink);
void files_sweep(struct sink *sink, int64_t batch_max);
void files_cancel_task(struct sink *sink);
/* Notes the rolled files of a prepared batch. ERR_NOMEM. */
int files_note_held(struct files_batch *batch);
void files_forget_held(struct files_sink *sink);
