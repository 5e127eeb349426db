/* files.h: the sink that writes files into a store: one JSON lines file per batch with rows.
 *
 * Rows are encoded as they come and sent in parts while the batch fills, into an unfinished object
 * of the destination directory; publish gives it the name of PIPELINE.md 4,
 * part-<id8>-<batchId %08d>-<query>-<sink>-00000.json. */
#pragma once

#include "sink/sink.h"
#include "store/store.h"

struct sink_files_options {
    struct str path;         /* as the user wrote it, for the description */
    struct str id8;          /* 8 hex digits of the checkpoint (or run): marks the files as ours */
    size_t part_bytes;       /* sent at a time; 0: 1 MiB */
    uint32_t attempts_max;   /* of one store operation; 0: 6 */
    uint32_t retry_first_ms; /* pause before the second attempt, doubling; 0: 100 ms */
};

/* Writes at the root of `store`, which outlives the sink. ERR_NOMEM. */
int sink_files_create(struct sink **out, const struct sink_config *config,
                      const struct sink_files_options *options, struct store *store,
                      struct err *err) MUST_CHECK;
