#include "sim/pipelines.h"

#include <stddef.h>

#define HEAD                                                                                       \
    "{\"name\":\"sim\",\"checkpointLocation\":\"$R/checkpoint\",\"http\":false,"                   \
    "\"source\":{\"name\":\"tx\",\"format\":\"kafka\",\"options\":{"                               \
    "\"kafka.bootstrap.servers\":\"localhost:1\",\"subscribe\":\"t\","                             \
    "\"startingOffsets\":\"earliest\",\"maxOffsetsPerTrigger\":12},"                               \
    "\"value\":{\"format\":\"json\",\"mode\":\"DROPMALFORMED\","                                   \
    "\"schema\":\"id STRING, user STRING, v BIGINT, ts TIMESTAMP\"}"
#define WATERMARK                                                                                  \
    ",\"watermark\":{\"eventTime\":\"ts\",\"delayThreshold\":\"6 seconds\"},"                      \
    "\"lateRows\":{\"format\":\"json\",\"path\":\"$R/late\"}"
#define QUERY "},\"queries\":[{\"name\":\"q\",\"sql\":\"SELECT "
#define SINKS "\",\"sinks\":["
#define END   "]}]}"

static const char windows[] =
    HEAD WATERMARK QUERY "window, user, count(*) AS n, sum(v) AS total, collect_list(id) AS ids "
                         "FROM tx GROUP BY window(ts, '10 seconds'), user" SINKS
                         "{\"format\":\"json\",\"path\":\"$R/out\",\"partitionBy\":[\"user\"]}" END;

static const char sessions[] =
    HEAD WATERMARK QUERY "session_window, user, count(*) AS n, sum(v) AS total, "
                         "collect_list(id) AS ids FROM tx "
                         "GROUP BY session_window(ts, '5 seconds'), user" SINKS
                         "{\"format\":\"json\",\"path\":\"$R/out\"}" END;

static const char dedup[] =
    HEAD WATERMARK ",\"dropDuplicatesWithinWatermark\":[\"id\"]" QUERY "id, v FROM tx" SINKS
                   "{\"format\":\"json\",\"path\":\"$R/out\"}" END;

static const char plain[] =
    HEAD ",\"deadLetter\":{\"format\":\"json\",\"path\":\"$R/dead\"}" QUERY "id, v FROM tx" SINKS
         "{\"format\":\"json\",\"path\":\"$R/json\"},"
         "{\"format\":\"csv\",\"path\":\"$R/csv\"},{\"format\":\"console\"},"
         "{\"format\":\"parquet\",\"path\":\"$R/parquet\","
         "\"options\":{\"compression\":\"none\"}}" END;

static const char rolled[] = HEAD QUERY
    "id, v FROM tx" SINKS
    "{\"format\":\"json\",\"path\":\"$R/json\",\"options\":{\"targetFileSize\":\"250\"}},"
    "{\"format\":\"csv\",\"path\":\"$R/csv\","
    "\"options\":{\"rollInterval\":\"3 milliseconds\"}},"
    "{\"format\":\"parquet\",\"path\":\"$R/parquet\","
    "\"options\":{\"targetFileSize\":\"1k\",\"compression\":\"none\"}},"
    "{\"name\":\"zst\",\"format\":\"json\",\"path\":\"$R/zst\","
    "\"options\":{\"targetFileSize\":\"200\",\"compression\":\"zstd\"}}" END;

static const char rolled_last[] =
    HEAD QUERY "id, v FROM tx" SINKS "{\"format\":\"json\",\"path\":\"$R/json\"},"
               "{\"format\":\"csv\",\"path\":\"$R/csv\"},"
               "{\"format\":\"parquet\",\"path\":\"$R/parquet\","
               "\"options\":{\"compression\":\"none\"}},"
               "{\"name\":\"zst\",\"format\":\"json\",\"path\":\"$R/zst\","
               "\"options\":{\"compression\":\"zstd\"}}" END;

const struct sim_pipeline sim_pipelines[SIM_KINDS] = {
    [SIM_PLAIN] = {"plain", plain, NULL, {"json", "csv", "parquet"}, SIM_EACH_ONCE, false, true},
    [SIM_WINDOWS] = {"windows", windows, NULL, {"out"}, SIM_ONCE_OR_LATE, false, false},
    [SIM_SESSIONS] = {"sessions", sessions, NULL, {"out"}, SIM_ONCE_OR_LATE, false, false},
    [SIM_DEDUP] = {"dedup", dedup, NULL, {"out"}, SIM_DISTINCT, true, false},
    [SIM_ROLLED] = {"rolled",
                    rolled,
                    rolled_last,
                    {"json", "csv", "parquet", "zst"},
                    SIM_EACH_ONCE,
                    false,
                    false},
};
