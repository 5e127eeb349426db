#include "status_fixture.h"

#include <math.h>

static const struct status_offset start[] = {{STR("tx"), 0, 10}, {STR("tx"), 1, 20}};
static const struct status_offset end[] = {
    {STR("tx"), 0, 110}, {STR("tx"), 1, 9223372036854775807}, {STR("tx.other"), 0, STATUS_UNKNOWN}};

static const struct status_state_operator operators[] = {{1000, 20, 3, 65536}};

static const struct status_sink sinks[] = {
    {.name = STR("console0"),
     .description = STR("console[numRows=20, truncate=false]"),
     .output_rows = 100},
    {.name = STR("lake"),
     .description = STR("json[/tmp/\xd0\xbe\xd0\xb7\xd0\xb5\xd1\x80\xd0\xbe]"),
     .output_rows = -1,
     .objects = 3,
     .bytes = 4096,
     .held_bytes = 512,
     .uploads = 2,
     .uploading_bytes = 256,
     .retries = 7,
     .failing = true,
     .error = STR("cannot write: no room")}};

static const struct status_query queries[] = {
    {
        .name = STR("by_type"),
        .output_mode = STR("append"),
        .batch_id = 42,
        .timestamp_ms = 1766777776123,
        .input_rows = 123456,
        .input_rows_per_second = 12345.6,
        .processed_rows_per_second = 654321.5,
        .duration = {3, 90, 0, 12, 70, 14, 189},
        .event_time = {1766777770000, 1766777776000, 1766777760000, 1766777716000},
        .state_operators = operators,
        .state_operator_count = 1,
        .source = {STR("KafkaV2[Subscribe[tx]]"), {start, 2}, {end, 3}, {end, 3}},
        .sinks = sinks,
        .sink_count = 2,
        .books = {123456789, 12, 23456, 1, 2, 3, 4, 123433311},
        .output_rows_total = 123433311,
    },
    {
        .name = STR("new"),
        .output_mode = STR("complete"),
        .batch_id = STATUS_UNKNOWN,
        .timestamp_ms = STATUS_UNKNOWN,
        .input_rows_per_second = NAN,
        .processed_rows_per_second = INFINITY,
        .event_time = {STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN},
        .source = {.description = STR("KafkaV2[Subscribe[tx]]")},
    }};

static const struct status_partition partitions[] = {
    {STR("tx"), 0, 110, 1200, 1090, true, false},
    {STR("tx"), 1, 9007199254740993, 9007199254740994, 1, false, false},
    {STR("tx.other"), 0, STATUS_UNKNOWN, STATUS_UNKNOWN, STATUS_UNKNOWN, false, true}};

static const struct status_source sources[] = {{
    .name = STR("tx"),
    .description = STR("KafkaV2[Subscribe[tx]]"),
    .connected = false,
    .held = true,
    .malformed = 5,
    .error = STR("localhost:9092: \"refused\"\n\x01\xff<b>"),
    .partitions = partitions,
    .partition_count = 3,
}};

static const struct mem_account memory = {128 << 20, {1 << 20, 2 << 20, 3 << 20, 4 << 20}};

static const struct status_checkpoint checkpoint = {STR("s3://lake/_checkpoints/tx"), 41, 4096,
                                                    1766777776000};

static const struct status_progress progress = {
    .percent = 43.5, .records_per_second = 125000, .eta_seconds = NAN};

const struct status status_full = {
    .name = STR("transactions"),
    .version = STR("0.1.0"),
    .id = STR("6d4cbf5e-5a0e-4a1c-9f7e-0c1f2a3b4c5d"),
    .run_id = STR("0b5a1c9e-1111-4222-8333-444455556666"),
    .state = STATUS_DEGRADED,
    .reason = STR("no broker for 12 s"),
    .uptime_seconds = 3723.25,
    .not_ready = STR("degraded: no broker for 12 s"),
    .uncommitted_seconds = 12.5,
    .committed_ms = 1766777776000,
    .read_per_second = 1234.5,
    .added_per_second = 100.25,
    .behind = 1091,
    .trigger_interval_ms = 10000,
    .progress = &progress,
    .resident_bytes = 45 << 20,
    .memory = &memory,
    .queries = queries,
    .query_count = 2,
    .sources = sources,
    .source_count = 1,
    .checkpoint = &checkpoint,
};

const struct status status_empty = {
    .name = STR("transactions"),
    .version = STR("0.1.0"),
    .id = STR("6d4cbf5e-5a0e-4a1c-9f7e-0c1f2a3b4c5d"),
    .run_id = STR("0b5a1c9e-1111-4222-8333-444455556666"),
    .state = STATUS_STARTING,
    .uncommitted_seconds = NAN,
    .committed_ms = STATUS_UNKNOWN,
    .read_per_second = NAN,
    .added_per_second = NAN,
    .behind = STATUS_UNKNOWN,
    .trigger_interval_ms = STATUS_UNKNOWN,
};
