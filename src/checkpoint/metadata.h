/* metadata.h: what the file `metadata` of a checkpoint says. */
#pragma once

#include "batch/record.h"

struct checkpoint_metadata {
    char id[40];
    int64_t created_ms;
    const struct record_partition *starts; /* .start counts: where the first run began */
    uint32_t start_count;
};

/* ERR_NOMEM. */
int checkpoint_metadata_encode(const struct checkpoint_metadata *metadata,
                               struct buf *out) MUST_CHECK;
/* Arrays and strings are in the arena. ERR_NOMEM, ERR_CORRUPT. */
int checkpoint_metadata_decode(struct checkpoint_metadata *out, struct str bytes,
                               struct arena *arena, struct err *err) MUST_CHECK;
