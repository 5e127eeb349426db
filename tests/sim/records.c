#include "sim/records.h"

#include <stdio.h>
#include <time.h>

enum { BEGIN_S = 1767225600 /* 2026-01-01 */, DAY_S = 86400 };

uint64_t sim_random(uint64_t *state)
{
    uint64_t x = *state ? *state : 88172645463325252U;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static void add(struct sim_records *records, uint32_t partition, const char *id, int64_t v,
                int64_t ts_s, bool malformed)
{
    struct sim_partition *p = &records->partitions[partition];
    struct sim_record *record = &p->records[p->count++];
    char time[32];
    struct tm tm;
    time_t seconds = (time_t)ts_s;
    strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    record->offset = p->end;
    int n = snprintf(record->value, sizeof record->value,
                     malformed ? "{\"id\":\"%s\",\"user\":"
                               : "{\"id\":\"%s\",\"user\":\"u%lld\",\"v\":%lld,\"ts\":\"%s\"}",
                     id, (long long)(v % 3), (long long)v, time);
    record->bytes = (size_t)n;
    records->total++;
}

/* The next offset, behind a gap or not. */
static void step(struct sim_records *records, uint32_t partition, uint64_t *random)
{
    records->partitions[partition].end += 1 + (int64_t)(sim_random(random) % 4 ? 0 : 2);
}

static void flush(struct sim_records *records, const char *name, int64_t ts_s, uint64_t *random)
{
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        char id[32];
        snprintf(id, sizeof id, "%s-%u", name, i);
        add(records, i, id, 0, ts_s, false);
        step(records, i, random);
    }
}

static void add_id(struct sim_records *records, uint32_t number, uint64_t *random)
{
    char name[32];
    uint32_t partition = (uint32_t)(sim_random(random) % SIM_PARTITIONS);
    struct sim_id *id = &records->ids[number];
    snprintf(name, sizeof name, "id-%06u", number);
    add(records, partition, name, id->v, id->ts_s, id->malformed);
    step(records, partition, random);
    id->copies++;
}

void sim_records_make(struct sim_records *records, const struct sim_records_options *options)
{
    uint64_t random = options->seed * 2654435761U + 1;
    *records = (struct sim_records){.id_count = options->ids};
    for (uint32_t i = 0; i < options->ids; i++) {
        records->ids[i] = (struct sim_id){
            .ts_s = BEGIN_S + 2 * i - (int64_t)(sim_random(&random) % 4 ? 0 : 8),
            .v = 1 + (int64_t)(sim_random(&random) % 1000),
            .malformed = options->malformed && sim_random(&random) % 16 == 0,
        };
        add_id(records, i, &random);
        if (options->copies && sim_random(&random) % 3 == 0)
            add_id(records, i - (uint32_t)(sim_random(&random) % (i < 5 ? i + 1 : 5)), &random);
    }
    flush(records, "flush", BEGIN_S + DAY_S, &random);
    records->first_total = records->total;
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        struct sim_partition *p = &records->partitions[i];
        p->first_count = p->count;
        p->end += (int64_t)i; /* ends behind its last record */
        p->first_end = p->end;
    }
    flush(records, "last", BEGIN_S + 2 * DAY_S, &random);
}
