#include "http/status.h"

#include <criterion/criterion.h>

#include "fixture.h"
#include "leaks.h"
#include "status_fixture.h"

static struct buf text;

static void teardown(void)
{
    buf_fini(&text);
    leaks_check();
}

TestSuite(status, .fini = teardown);

static const char *printed(const struct status *status)
{
    buf_clear(&text);
    status_print(status, &text);
    cr_assert(!text.failed);
    return buf_cstr(&text);
}

#define EXPECT_HAS(part) cr_expect(strstr(json, part), "%s\nis not in\n%s", part, json)

Test(status, run_that_has_only_begun)
{
    cr_expect_str_eq(
        printed(&status_empty),
        "{\"name\":\"transactions\",\"version\":\"0.1.0\","
        "\"id\":\"6d4cbf5e-5a0e-4a1c-9f7e-0c1f2a3b4c5d\","
        "\"runId\":\"0b5a1c9e-1111-4222-8333-444455556666\",\"state\":\"starting\","
        "\"reason\":null,\"uptimeSeconds\":0,\"triggerIntervalMs\":null,\"ready\":false,"
        "\"notReady\":null,\"uncommittedSeconds\":null,\"lastCommit\":null,"
        "\"progress\":null,\"pace\":{\"readPerSecond\":null,\"addedPerSecond\":null,\"behind\":"
        "null},"
        "\"queries\":[],"
        "\"sources\":[],\"checkpoint\":null,\"memory\":{\"residentBytes\":0,\"budgetBytes\":null,"
        "\"usedBytes\":null}}\n");
}

Test(status, integers_of_64_bits_are_exact)
{
    const char *json = printed(&status_full);
    EXPECT_HAS("\"endOffset\":{\"tx\":{\"0\":110,\"1\":9223372036854775807},"
               "\"tx.other\":{\"0\":null}}");
    EXPECT_HAS("\"position\":9007199254740993,\"end\":9007199254740994,\"lag\":1,");
}

Test(status, queries_may_share_their_offsets)
{
    static const struct status_offset here[] = {{STR("a"), 0, 1}},
                                      there[] = {{STR("b\"\xff"), 7, 2}};
    struct status_query queries[3] = {{.batch_id = 1}, {.batch_id = 1}, {.batch_id = 1}};
    struct status status = status_empty;
    queries[0].source.end = queries[1].source.end = (struct status_offsets){here, 1};
    queries[1].source.latest = queries[2].source.end = (struct status_offsets){there, 1};
    status.queries = queries;
    status.query_count = 3;
    const char *json = printed(&status);
    const char *a = strstr(json, "\"endOffset\":{\"a\":{\"0\":1}},\"latestOffset\":null");
    cr_assert(a, "%s", json);
    const char *b = strstr(a, "\"endOffset\":{\"a\":{\"0\":1}},"
                              "\"latestOffset\":{\"b\\\"\xef\xbf\xbd\":{\"7\":2}}");
    cr_assert(b, "%s", json);
    cr_expect(
        strstr(b + 1, "\"endOffset\":{\"b\\\"\xef\xbf\xbd\":{\"7\":2}},\"latestOffset\":null"),
        "%s", json);
}

Test(status, progress_on_a_backlog)
{
    const char *json = printed(&status_full);
    EXPECT_HAS("\"progress\":{\"percent\":43.5,\"recordsPerSecond\":125000,\"etaSeconds\":null},");
}

Test(status, progress_has_sparks_names)
{
    const char *json = printed(&status_full);
    EXPECT_HAS("\"batchId\":42,\"timestamp\":\"2025-12-26T19:36:16.123Z\",\"numInputRows\":123456,"
               "\"inputRowsPerSecond\":12345.6,\"processedRowsPerSecond\":654321.5,");
    EXPECT_HAS("\"durationMs\":{\"latestOffset\":3,\"getBatch\":90,\"queryPlanning\":0,"
               "\"walCommit\":12,\"addBatch\":70,\"commitOffsets\":14,\"triggerExecution\":189}");
    EXPECT_HAS("\"eventTime\":{\"avg\":\"2025-12-26T19:36:10.000Z\",");
    EXPECT_HAS("\"stateOperators\":[{\"numRowsTotal\":1000,\"numRowsUpdated\":20,"
               "\"numRowsDroppedByWatermark\":3,\"memoryUsedBytes\":65536}]");
    EXPECT_HAS("\"startOffset\":{\"tx\":{\"0\":10,\"1\":20}}");
    EXPECT_HAS("\"sink\":{\"description\":\"console[numRows=20, truncate=false]\","
               "\"numOutputRows\":100}");
    EXPECT_HAS("\"objects\":3,\"bytes\":4096,\"heldBytes\":512,\"uploads\":2,\"uploadingBytes\":"
               "256,\"retries\":7,"
               "\"failing\":true,\"error\":\"cannot write: no room\"}");
}

Test(status, unknown_is_null)
{
    const char *json = printed(&status_full);
    EXPECT_HAS("\"batchId\":null,\"timestamp\":null,\"numInputRows\":0,"
               "\"inputRowsPerSecond\":null,\"processedRowsPerSecond\":null");
    EXPECT_HAS("\"eventTime\":{},\"stateOperators\":[]");
    EXPECT_HAS("\"startOffset\":null,\"endOffset\":null,\"latestOffset\":null");
    EXPECT_HAS("\"sink\":null,\"sinks\":[]");
}

Test(status, any_bytes_make_valid_text)
{
    const char *json = printed(&status_full);
    EXPECT_HAS("\"error\":\"localhost:9092: \\\"refused\\\"\\n\\u0001\xef\xbf\xbd<b>\"");
    struct status status = status_empty;
    status.reason = STR("a\0b\0");
    json = printed(&status);
    EXPECT_HAS("\"reason\":\"a\xef\xbf\xbd"
               "b\xef\xbf\xbd\"");
}

Test(status, times_before_the_epoch)
{
    struct status_checkpoint checkpoint = {.committed_ms = -1};
    struct status status = status_empty;
    status.checkpoint = &checkpoint;
    const char *json = printed(&status);
    EXPECT_HAS("\"committedAt\":\"1969-12-31T23:59:59.999Z\"");
}

Test(status, every_state_has_a_name)
{
    for (int state = STATUS_STARTING; state <= STATUS_FAILED; state++)
        cr_expect(status_state_name((enum status_state)state)[0]);
    cr_expect_str_eq(status_state_name(STATUS_CATCHING_UP), "catching_up");
}
