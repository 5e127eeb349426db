#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan_help.h"

static struct str client(const struct plan *plan, const char *key)
{
    for (uint32_t i = 0; i < plan->kafka.client_count; i++) {
        if (str_is(plan->kafka.client[i].key, key))
            return plan->kafka.client[i].value;
    }
    return (struct str){NULL, 0};
}

Test(plan, defaults)
{
    struct help help = {0};
    help_parse(&help, help_document("", "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    const struct plan *plan = help.plan;
    cr_expect(str_is(plan->file, "test.json") && str_is(plan->name, "p"));
    cr_expect(str_is(plan->view, "tx"));
    cr_expect(plan->kafka.subscription == SUBSCRIBE_TOPICS && plan->kafka.topic_count == 1);
    cr_expect(str_is(plan->kafka.topics[0], "t"));
    cr_expect_eq(plan->kafka.starting, START_LATEST);
    cr_expect_eq(plan->kafka.max_offsets_per_trigger, 0);
    cr_expect(plan->kafka.fail_on_data_loss);
    cr_expect(str_is(client(plan, "bootstrap.servers"), "h:9092"));
    cr_expect(plan->value.format == FORMAT_JSON && plan->value.mode == JSON_PERMISSIVE);
    cr_expect_eq(plan->value.corrupt_column, -1);
    cr_expect_eq(plan->value.schema->field_count, 2);
    cr_expect(!plan->available_now && plan->trigger_interval_ms == 0);
    cr_expect(plan->http_enabled && plan->http_port == 8080);
    cr_expect(str_is(plan->http_host, "127.0.0.1"));
    cr_expect_eq(plan->checkpoint.n, 0);
    const struct plan_query *query = &plan->queries[0];
    cr_expect(str_is(query->name, "q") && query->output_mode == OUTPUT_APPEND);
    cr_expect(str_is(query->sql.text, "SELECT * FROM tx"));
    const struct plan_sink *sink = &query->sinks[0];
    cr_expect(str_is(sink->name, "console0") && sink->format == SINK_CONSOLE);
    cr_expect(sink->truncate && sink->truncate_width == 20 && sink->num_rows == 20);
    help_fini(&help);
}

Test(plan, kafka_options)
{
    struct help help = {0};
    help_parse(&help,
               help_document(",\"assign\":\"{\\\"b\\\":[1,0],\\\"a\\\":[7]}\","
                             "\"STARTINGOFFSETS\":{\"b\":{\"0\":\"5\",\"1\":-2},\"a\":{\"7\":"
                             "9007199254740993}},\"maxOffsetsPerTrigger\":9223372036854775807,"
                             "\"failOnDataLoss\":\"False\",\"kafka.sasl.password\":\"pw\","
                             "\"kafka.socket.timeout.ms\":1000,\"kafka.check.crcs\":true",
                             "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    const struct plan_kafka *kafka = &help.plan->kafka;
    cr_assert_eq(kafka->assigned_count, 3);
    cr_expect(str_is(kafka->assigned[0].topic, "a") && kafka->assigned[0].partition == 7);
    cr_expect(str_is(kafka->assigned[1].topic, "b") && kafka->assigned[1].partition == 0);
    cr_assert_eq(kafka->starting, START_OFFSETS);
    cr_assert_eq(kafka->starting_offset_count, 3);
    cr_expect_eq(kafka->starting_offsets[0].offset, 9007199254740993);
    cr_expect_eq(kafka->starting_offsets[1].offset, 5);
    cr_expect_eq(kafka->starting_offsets[2].offset, OFFSET_EARLIEST);
    cr_expect_eq(kafka->max_offsets_per_trigger, INT64_MAX);
    cr_expect(!kafka->fail_on_data_loss);
    cr_assert_eq(kafka->client_count, 4);
    cr_expect(str_is(client(help.plan, "socket.timeout.ms"), "1000"));
    cr_expect(str_is(client(help.plan, "check.crcs"), "true"));
    cr_expect(str_is(kafka->client[1].key, "sasl.password") && kafka->client[1].secret);
    cr_expect(!kafka->client[0].secret && !kafka->client[2].secret);
    help_fini(&help);
}

Test(plan, topics_are_a_set)
{
    struct help help = {0};
    help_parse(&help, help_document(",\"subscribe\":\"b, a,,b ,c\",\"startingTimestamp\":\"5\","
                                    "\"startingOffsets\":\"earliest\","
                                    "\"startingOffsetsByTimestampStrategy\":\"LATEST\"",
                                    "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    const struct plan_kafka *kafka = &help.plan->kafka;
    cr_assert_eq(kafka->topic_count, 3);
    cr_expect(str_is(kafka->topics[0], "a") && str_is(kafka->topics[2], "c"));
    cr_expect(kafka->starting == START_TIMESTAMP && kafka->starting_timestamp_ms == 5);
    cr_expect(kafka->starting_timestamp_or_latest);
    help_fini(&help);
}

Test(plan, values)
{
    struct help help = {0};
    help_parse(&help, help_document("",
                                    "{\"format\":\"json\",\"schema\":\"a INT, _corrupt_record "
                                    "STRING\",\"mode\":\"failfast\"}",
                                    "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect(help.plan->value.mode == JSON_FAILFAST && help.plan->value.corrupt_column == 1);
    help_fini(&help);
    help = (struct help){0};
    help_parse(&help, help_document("", "{\"format\":\"binary\"}", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    const struct type *schema = help.plan->value.schema;
    cr_expect(schema->field_count == 1 && str_is(schema->fields[0].name, "value"));
    cr_expect_eq(schema->fields[0].type->kind, TYPE_BINARY);
    help_fini(&help);
}

Test(plan, queries_and_sinks)
{
    struct help help = {0};
    help_parse(&help, help_document(
                          "", "",
                          "{\"name\":\"a\",\"sql\":[\"SELECT *\",\"FROM tx\"],\"sinks\":["
                          "{\"format\":\"console\",\"options\":{\"TRUNCATE\":0,\"numrows\":\"7\"}},"
                          "{\"format\":\"json\",\"path\":\"/tmp/x\",\"options\":{\"compression\":"
                          "\"NONE\"}},{\"format\":\"console\",\"options\":{\"truncate\":8}}]},"
                          "{\"name\":\"b\",\"sql\":\"SELECT id FROM tx\",\"outputMode\":\"Update\","
                          "\"sinks\":[{\"name\":\"c\",\"format\":\"console\"}]}",
                          ",\"trigger\":{\"availableNow\":true},\"http\":{\"listen\":\"[::1]:0\","
                          "\"token\":\"0123456789abcdef\",\"tls\":{\"certificate\":\"c.pem\","
                          "\"key\":\"k.pem\"}}"));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    const struct plan *plan = help.plan;
    cr_assert(plan->query_count == 2 && plan->queries[0].sink_count == 3);
    const struct plan_sink *sinks = plan->queries[0].sinks;
    cr_expect(str_is(plan->queries[0].sql.text, "SELECT *\nFROM tx"));
    cr_expect(!sinks[0].truncate && sinks[0].num_rows == 7);
    cr_expect(str_is(sinks[1].name, "json1") && str_is(sinks[1].path, "/tmp/x"));
    cr_expect(sinks[1].file.kind == FILE_JSON && sinks[1].file.compression == COMPRESSION_NONE);
    cr_expect(sinks[2].truncate && sinks[2].truncate_width == 8);
    cr_expect_eq(plan->queries[1].output_mode, OUTPUT_UPDATE);
    cr_expect(plan->available_now && str_is(plan->http_host, "::1") && plan->http_port == 0);
    cr_expect(str_is(plan->http_token, "0123456789abcdef"));
    cr_expect(str_is(plan->http_certificate, "c.pem") && str_is(plan->http_key, "k.pem"));
    help_fini(&help);
}

Test(plan, environment)
{
    struct help help = {0};
    help_parse(&help, help_document(",\"subscribe\":\"x${EMPTY}-${EMPTY:-d}-${HOST:-d}-${NO:-}\","
                                    "\"kafka.client.id\":\"$${HOST} $HOST $$${HOST} {}\"",
                                    "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect(str_is(help.plan->kafka.topics[0], "x-d-broker-"));
    cr_expect(str_is(client(help.plan, "client.id"), "${HOST} $HOST $${HOST} {}"));
    help_fini(&help);
    help_expect(help_document(",\"subscribe\":\"ab${BAD}${\"", "", "", ""),
                "2:62: the environment variable \"BAD\" is not valid UTF-8\n"
                "2:68: \"${\" is never closed: expected '}'\n");
}

Test(plan, positions_behind_expansions)
{
    help_expect(help_document(",\"subscribe\":\"${HOST},a\\u0062,a b,${HOST}\"", "", "", ""),
                "2:76: \"a b\" is not a topic's name: expected 1 to 249 of a-z, A-Z, 0-9, '.', '_' "
                "and '-'\n");
}

static void set(struct help *help, const char *path, const char *value)
{
    help->overrides[help->input.override_count++] =
        (struct plan_override){str_of(path), str_of(value)};
}

Test(plan, overrides)
{
    struct help help = {0};
    set(&help, "source.options.kafka.bootstrap.servers", "${HOST}:1");
    set(&help, "queries.q.sinks.console0.options.numRows", "3");
    set(&help, "trigger", "{\"processingTime\":\"5 seconds\"}");
    set(&help, "http", "false");
    help_parse(&help, help_document("", "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect(str_is(client(help.plan, "bootstrap.servers"), "broker:1"));
    cr_expect_eq(help.plan->queries[0].sinks[0].num_rows, 3);
    cr_expect_eq(help.plan->trigger_interval_ms, 5000);
    cr_expect(!help.plan->http_enabled);
    help_fini(&help);
}

Test(plan, override_errors_name_their_place)
{
    struct help help = {0};
    set(&help, "source.options.kafka.\u00fc", "1");
    set(&help, "queries.5.name", "x");
    set(&help, "source.value.schema", "a INT, b INTT");
    set(&help, "trigger.processingTime", "\"5 secs\"");
    help_parse(&help, help_document("", "", "", ",\"x\":1"));
    cr_expect_str_eq(
        buf_cstr(&help.printed),
        "5:2: unknown key \"x\" in the pipeline: expected one of \"name\", \"source\", "
        "\"trigger\", "
        "\"queries\", \"checkpointLocation\", \"s3\", \"http\"\n"
        "--set queries.5.name:1:9: there is no element 5: the array has 1\n"
        "--set source.options.kafka.\u00fc:1:16: unknown option \"kafka.\u00fc\": expected "
        "\"kafka.\" "
        "and a property of librdkafka 2.0.2\n"
        "--set source.value.schema:1:30: schema: unknown type INTT: did you mean INT?\n"
        "--set trigger.processingTime:1:27: interval \"5 secs\": unknown unit: expected "
        "milliseconds, seconds, minutes, hours, days or weeks\n");
    help_fini(&help);
}

Test(plan, override_values_keep_their_text)
{
    struct help help = {0};
    set(&help, "source.options.kafka.sasl.password", "0123");
    set(&help, "source.options.kafka.sasl.username", "1e5");
    help_parse(&help, help_document("", "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect(str_is(client(help.plan, "sasl.password"), "0123"));
    cr_expect(str_is(client(help.plan, "sasl.username"), "1e5"));
    help_fini(&help);
}

/* Whatever is wrong around it, a secret is not shown. */
Test(plan, secrets_stay_hidden)
{
    static const char *const options[] = {
        ",\"kafka.sasl.password\":[\"hunter2\"]",
        ",\"kafka.sasl.password\":{\"x\":\"hunter2\"}",
        ",\"kafka.sasl.pasword\":\"hunter2\"",
        ",\"kafka.sasl.password\":hunter2",
        ",\"kafka.sasl.password\":'hunter2'",
        ",\"kafka.sasl.password\":\"hunter2",
        ",\"kafka.sasl.password\":\"${hunter2!}\"",
        ",\"kafka.sasl.password\":\"hunter2${NO}\"",
        ",\"kafka.sasl.password\":\"${SECRET}${NO}\"",
        ",\"kafka.sasl.jaas.config\":\"password=hunter2\"",
        ",\"kafka.ssl.key.password\":null,\"kafka.ssl.keystore.password\":\"hunter2\"",
        (",\"subscribe\":\"t\"}},\"s3\":{\"secretAccessKey\":[\"hunter2\"],\"secretKey\":"
         "\"hunter2\""),
        ",\"subscribe\":\"t\"}},\"s3\":\"hunter2\",\"x\":{\"a\":\"hunter2\"",
    };
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct help help = {0};
        help_parse(&help, help_document(options[i], "", "", ""));
        cr_expect_eq(help.code, ERR_INVALID, "%s", options[i]);
        cr_expect(!strstr(buf_cstr(&help.printed), "hunter2"), "%s", buf_cstr(&help.printed));
        cr_expect(!strstr(buf_cstr(&help.printed), "hunter"), "%s", buf_cstr(&help.printed));
        help_fini(&help);
    }
    struct help help = {0};
    set(&help, "source.options.kafka.sasl.password", "[\"hunter2\"");
    set(&help, "source.options.kafka.sasl.password.x", "hunter2");
    help_parse(&help, help_document("", "", "", ""));
    cr_expect_eq(help.code, ERR_INVALID);
    cr_expect(!strstr(buf_cstr(&help.printed), "hunter2"), "%s", buf_cstr(&help.printed));
    help_fini(&help);
}

Test(plan, conformance_case_needs_little)
{
    struct help help = {.input.conformance_case = true};
    help_parse(&help,
               "{\"name\":\"c\",\"source\":{\"name\":\"tx\",\"format\":\"kafka\",\"value\":"
               "{\"format\":\"json\",\"schema\":\"a INT\"}},\"trigger\":{},"
               "\"checkpointLocation\":\"x\",\"queries\":[{\"name\":\"q\",\"sql\":\"SELECT a FROM "
               "tx\",\"outputMode\":\"update\",\"sinks\":[{\"format\":\"json\"},{\"format\":"
               "\"parquet\",\"path\":\"s3://x\"},{\"format\":\"console\",\"options\":{\"truncate\":"
               "8}}]}]}");
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect_eq(help.plan->queries[0].sinks[1].format, SINK_PARQUET);
    cr_expect_eq(help.plan->queries[0].sinks[2].truncate_width, 8);
    help_fini(&help);
    help = (struct help){.input.conformance_case = true};
    help_parse(&help,
               help_document(",\"startingOffsets\":5,\"startingOffset\":1", "",
                             "{\"name\":\"q\",\"sql\":\"x\",\"sinks\":[{\"format\":\"x\"}]}", ""));
    cr_expect_str_eq(
        buf_cstr(&help.printed),
        "2:67: unknown key \"startingOffset\" in the options of a Kafka source: did you "
        "mean \"startingOffsets\"?\n"
        "4:53: \"format\" must be console, json, parquet, csv or kafka, not \"x\"\n");
    help_fini(&help);
}

Test(plan, invalid_plan_is_kept_on_demand)
{
    struct help help = {.input.keep_invalid = true};
    help_parse(&help, help_document("", "", "", ",\"http\":true"));
    cr_expect_eq(help.code, ERR_INVALID);
    cr_assert(help.plan);
    cr_expect_eq(help.plan->query_count, 1);
    help_fini(&help);
    help = (struct help){.input.keep_invalid = true};
    help_parse(&help,
               help_document("", "",
                             "{\"name\":\"a\",\"sql\":5,\"sinks\":[{\"format\":\"console\"}]},"
                             "{\"name\":\"b\",\"sql\":\"SELECT\",\"sinks\":[{\"format\":"
                             "\"console\"}]}",
                             ""));
    cr_assert(help.code == ERR_INVALID && help.plan);
    cr_expect(help.plan->query_count == 1 && str_is(help.plan->queries[0].name, "b"));
    help_fini(&help);
    help = (struct help){.input.keep_invalid = true};
    help_parse(&help, help_document("", "{\"format\":\"json\",\"schema\":\"a INTT\"}", "", ""));
    cr_expect(help.code == ERR_INVALID && !help.plan);
    help_fini(&help);
}

Test(plan, many_errors_are_bounded)
{
    struct buf text = {0};
    struct help help = {0};
    buf_append_char(&text, '{');
    for (int i = 0; i < 50000; i++)
        buf_printf(&text, "%s\"kafka.key%d\":1", i ? "," : "", i);
    buf_append_char(&text, '}');
    help_parse(&help, buf_cstr(&text));
    cr_expect_eq(help.code, ERR_INVALID);
    cr_expect_eq(help.errors.count, PLAN_ERRORS_MAX);
    cr_expect_eq(help.errors.left_out, 50003 - PLAN_ERRORS_MAX);
    help_fini(&help);
    buf_fini(&text);
}

/* Every prefix of a good document is an error, never a crash. */
Test(plan, survives_cut_documents)
{
    const char *text = help_document(",\"subscribe\":\"${HOST}\"", "", "", "");
    for (size_t n = 0; n < strlen(text); n++) {
        struct help help = {.input.text = {text, n}};
        help_parse(&help, NULL);
        cr_expect_eq(help.code, ERR_INVALID, "%zu", n);
        help_fini(&help);
    }
}
