/* records.h: what the fake source holds: partitions of JSON records by a seed, and what the oracles
 * must know of each id. The offsets have gaps, the event times go up with the offset, with some
 * disorder. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    SIM_PARTITIONS = 3,
    SIM_IDS_MAX = 400,
    SIM_RECORDS_MAX = 400, /* of a partition */
    SIM_VALUE_SIZE = 120,
    SIM_ID_BYTES = 9, /* id-000123 */
};

struct sim_record {
    int64_t offset;
    char value[SIM_VALUE_SIZE];
    size_t bytes;
};

struct sim_partition {
    struct sim_record records[SIM_RECORDS_MAX];
    uint32_t count;
    uint32_t first_count; /* the others come in the last life only */
    int64_t first_end, end;
};

struct sim_id {
    int64_t ts_s; /* event time, seconds since 1970 */
    int64_t v;
    uint32_t copies;
    bool malformed;
};

struct sim_records {
    struct sim_partition partitions[SIM_PARTITIONS];
    struct sim_id ids[SIM_IDS_MAX];
    uint32_t id_count;
    uint32_t total, first_total;
};

struct sim_records_options {
    uint64_t seed;
    uint32_t ids;
    bool copies;    /* some ids come more than once */
    bool malformed; /* some values are cut off behind their id */
};

/* Each partition's last record of the first lives, and of the last life, closes all windows. */
void sim_records_make(struct sim_records *records, const struct sim_records_options *options);

/* The next of a sequence: xorshift. */
uint64_t sim_random(uint64_t *state);
