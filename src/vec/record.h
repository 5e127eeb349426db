/* record.h: a message as it came from a source, before its value is decoded. */
#pragma once

#include "base/str.h"

/* What every record of a block shares is in the block: its topic and partition. */
struct record {
    struct str value; /* value.p == NULL: the message has a NULL value (a tombstone) */
    struct str key;   /* key.p == NULL: no key */
    int64_t offset;
    int64_t timestamp_ms; /* broker timestamp, milliseconds since 1970; -1: none */
};

struct record_header {
    struct str key;
    struct str value; /* value.p == NULL: a NULL value */
};

/* Consecutive records of one partition, in offset order. The payloads belong to the source and
 * stay valid until the call that was given the block returns. */
struct record_block {
    struct str topic;
    int32_t partition;
    const struct record *records;
    uint32_t count; /* at most BLOCK_ROWS_MAX */
    /* Only when asked for (source_hooks.headers), else NULL: those of record i are headers
     * header_starts[i] up to header_starts[i + 1], which is not one of them. */
    const struct record_header *headers;
    const uint32_t *header_starts;
};
