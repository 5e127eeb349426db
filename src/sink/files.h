/* files.h: the sink that writes files into a store (PIPELINE.md 4): Parquet, JSON lines or CSV,
 * in directories by partition columns, one or more files per batch and directory, or files that
 * take the rows of several batches.
 *
 * Names: [<column>=<value>/...]part-<id8>-<batchId %08d>-<query>-<sink>-<seq %05d>.<ext>, seq from
 * 0 in each directory and batch. A rolled file carries the batch that opened it and is published
 * with the batch that closes it; that is decided when a batch is prepared.
 *
 * The same rows give the same files, but for rollInterval, however they are divided into writes. */
#pragma once

#include "format/file_encoder.h"
#include "sink/sink.h"
#include "store/store.h"

struct sink_files_options {
    struct str path; /* as the user wrote it, for the description */
    struct str id8;  /* 8 hex digits of the checkpoint (or run): marks files as ours */
    const struct file_format *format;  /* outlives the sink */
    const uint32_t *partition_columns; /* indices in the schema; copied */
    uint32_t partition_count;
    uint64_t max_records_per_file; /* 0: no limit */
    uint32_t max_open_partitions;  /* 0: 100 */
    int64_t roll_interval_ms;      /* 0: files end with their batch, unless there is a target */
    uint64_t target_file_bytes;    /* 0: no target */
    bool recoverable;              /* there is a checkpoint: rolled files go on in a next process */
    size_t held_bytes_max;         /* memory of rolled files between batches; 0: no limit */
    size_t encode_bytes;           /* rows gathered before they are encoded; 0: 512 KiB */
    size_t part_bytes;             /* sent at a time; 0: 1 MiB; at least the store's minimum */
};

/* Writes at the root of `store`, which outlives the sink. ERR_NOMEM; ERR_UNSUPPORTED of
 * file_encoder_create. */
int sink_files_create(struct sink **out, const struct sink_config *config,
                      const struct sink_files_options *options, struct store *store,
                      struct err *err) MUST_CHECK;
