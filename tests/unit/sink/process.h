/* process.h: a file sink and its store as one process after another has them, and what a commit
 * record keeps between these. */
#pragma once

#include "fixture.h"
#include "sink/files.h"
#include "store/local.h"

/* Copies, as a record in a checkpoint is. */
struct record {
    struct arena memory;
    int64_t batch_id;
    uint64_t rows;
    struct record_file *outputs;
    struct record_held *held;
    uint32_t output_count, held_count;
};

struct process {
    struct fixture *fixture;
    struct store *store;
    struct sink *sink;
    struct err err; /* of the last task */
    bool done;
};

/* Opens a store in the fixture's directory and a sink of query q and name s. */
void process_begin(struct process *process, struct fixture *fixture,
                   const struct sink_files_options *options);
/* Ends both in that way. */
void process_end(struct process *process, enum sink_close_mode mode);
/* Writes rows first..first+count-1 as a batch and prepares it; record (anew) gets what it says. */
struct sink_batch *process_prepare(struct process *process, int64_t id, int64_t first,
                                   uint32_t count, struct record *record);
void process_publish(struct process *process, struct sink_batch *batch);
void process_leave(struct process *process, struct sink_batch *batch);
/* Each waits and returns the code; err has the message. */
int process_recover(struct process *process, const struct record *record, uint32_t output_count);
int process_restore(struct process *process, const struct record *record);
int process_sweep(struct process *process);
/* What every process begins with; all of it must succeed. */
void process_go_on(struct process *process, const struct record *record);

void record_fini(struct record *record);

/* Files below the fixture's directory: published ones, or hidden ones. */
uint32_t files_count(const struct fixture *fixture, bool hidden);
/* The published file with that name, appended; false: there is none. */
bool files_read(const struct fixture *fixture, const char *name, struct buf *out);
/* All published files one behind the other, by name, without what `id8` they have. */
void files_read_all(const struct fixture *fixture, struct buf *out);
/* Removes one hidden file. */
void files_remove_hidden(const struct fixture *fixture);
