/* What sinks and `s3` become in the plan; what is refused is in tests/pipelines/bad. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "plan/sinks_check.h"
#include "plan_help.h"

/* A document with these sinks and, on top, `top`. */
static const struct plan *parse(struct help *help, const char *sinks, const char *top)
{
    static char query[4096];
    snprintf(query, sizeof query, "{\"name\":\"q\",\"sql\":\"SELECT * FROM tx\",\"sinks\":[%s]}",
             sinks);
    help_parse(help, help_document("", "", query, top));
    cr_assert_eq(help->code, 0, "%s", buf_cstr(&help->printed));
    return help->plan;
}

Test(plan_sinks, file_defaults)
{
    struct help help = {0};
    const struct plan_sink *sinks =
        parse(&help,
              "{\"format\":\"json\",\"path\":\"a\"},{\"format\":\"csv\",\"path\":\"b\"},"
              "{\"format\":\"parquet\",\"path\":\"s3://lake\"}",
              "")
            ->queries[0]
            .sinks;
    cr_expect(sinks[0].file.kind == FILE_JSON && sinks[0].file.compression == COMPRESSION_NONE);
    cr_expect(sinks[2].file.kind == FILE_PARQUET &&
              sinks[2].file.compression == COMPRESSION_SNAPPY);
    for (int i = 0; i < 3; i++) {
        cr_expect(sinks[i].max_open_partitions == 100 && sinks[i].roll_interval_ms == 0);
        cr_expect(sinks[i].target_file_bytes == 0 && sinks[i].max_records_per_file == 0);
        cr_expect(sinks[i].partition_count == 0 && !sinks[i].file.parquet.bloom_count);
    }
    const struct csv_options *csv = &sinks[1].file.csv;
    cr_expect(sinks[1].file.kind == FILE_CSV && !csv->header && !csv->quote_all);
    cr_expect(str_is(csv->separator, ",") && csv->quote == '"' && csv->escape == '\\');
    cr_expect(str_is(csv->null_value, "") && str_is(csv->empty_value, "\"\""));
    cr_expect(csv->escape_quotes && !csv->keep_leading_space && !csv->keep_trailing_space);
    cr_expect(!csv->date_format.p && !csv->timestamp_format.p);
    help_fini(&help);
}

Test(plan_sinks, shared_options)
{
    struct help help = {0};
    const struct plan_sink *sink =
        parse(&help,
              "{\"format\":\"json\",\"path\":\"a\",\n\"partitionBy\":[\"id\",\"N\"],\"options\":{"
              "\"COMPRESSION\":\"GZip\",\"maxrecordsperfile\":\"5\",\"rollInterval\":\"1 hour\","
              "\"targetFileSize\":\"64 MiB\",\"maxOpenPartitions\":7}}",
              "")
            ->queries[0]
            .sinks;
    cr_expect_eq(sink->file.compression, COMPRESSION_GZIP);
    cr_expect(sink->max_records_per_file == 5 && sink->roll_interval_ms == 3600000);
    cr_expect(sink->target_file_bytes == 64 << 20 && sink->max_open_partitions == 7);
    cr_assert_eq(sink->partition_count, 2);
    cr_expect(str_is(sink->partition_by[1].name, "N") && sink->partition_by[1].line == 5 &&
              sink->partition_by[1].column == 21);
    cr_expect_eq(plan_sink_partition_column(sink, 1, help.plan->value.schema), 1);
    help_fini(&help);
}

Test(plan_sinks, csv_options)
{
    struct help help = {0};
    const struct plan_sink *sink =
        parse(&help,
              "{\"format\":\"csv\",\"path\":\"a\",\"options\":{\"Header\":\"TRUE\",\"sep\":"
              "\"\\\\t|\\\\\\\\\",\"quote\":\"\xC2\xA7\",\"escape\":\"\xE2\x82\xAC\",\"nullValue\":"
              "0,\"emptyValue\":\"\",\"quoteAll\":true,\"escapeQuotes\":false,"
              "\"ignoreLeadingWhiteSpace\":false,\"ignoreTrailingWhiteSpace\":\"false\","
              "\"dateFormat\":\"dd.MM.yyyy\",\"timestampFormat\":\"HH:mm\"}},"
              "{\"format\":\"csv\",\"path\":\"a\",\"options\":{\"quote\":\"\"}}",
              "")
            ->queries[0]
            .sinks;
    const struct csv_options *csv = &sink->file.csv;
    cr_expect(csv->header && csv->quote_all && !csv->escape_quotes);
    cr_expect(csv->keep_leading_space && csv->keep_trailing_space);
    cr_expect(str_is(csv->separator, "\t|\\"), "%.*s", STR_ARG(csv->separator));
    cr_expect(csv->quote == 0xA7 && csv->escape == 0x20AC);
    cr_expect(str_is(csv->null_value, "0") && csv->empty_value.n == 0);
    cr_expect(str_is(csv->date_format, "dd.MM.yyyy") && str_is(csv->timestamp_format, "HH:mm"));
    cr_expect_eq(sink[1].file.csv.quote, 0);
    help_fini(&help);
}

Test(plan_sinks, parquet_options)
{
    struct help help = {0};
    const struct plan_sink *sink =
        parse(&help,
              "{\"format\":\"parquet\",\"path\":\"a\",\"options\":{\"compression\":\"lz4_raw\","
              "\"Parquet.Block.Size\":\"64mb\",\"parquet.page.size\":1000,"
              "\"parquet.enable.dictionary\":false,\"parquet.bloom.filter.enabled#n\":false,"
              "\n\"PARQUET.bloom.filter.enabled#Id\":\"true\"}}",
              "")
            ->queries[0]
            .sinks;
    const struct parquet_options *parquet = &sink->file.parquet;
    cr_expect_eq(sink->file.compression, COMPRESSION_LZ4_RAW);
    cr_expect(parquet->row_group_bytes == 64 << 20 && parquet->page_bytes == 1000);
    cr_expect(parquet->no_dictionary && parquet->bloom_count == 1);
    cr_expect(str_is(parquet->bloom[0], "Id") && sink->bloom[0].line == 5);
    help_fini(&help);
}

Test(plan_sinks, kafka)
{
    struct help help = {0};
    const struct plan_sink *sinks =
        parse(&help,
              "{\"format\":\"kafka\",\"options\":{\"kafka.bootstrap.servers\":\"${HOST}:1\","
              "\"Topic\":\"u\",\"kafka.sasl.password\":\"${SECRET}\",\"kafka.linger.ms\":5}},"
              "{\"format\":\"kafka\",\"options\":{\"kafka.bootstrap.servers\":\"h\"}}",
              "")
            ->queries[0]
            .sinks;
    cr_expect(str_is(sinks[0].topic, "u") && sinks[1].topic.n == 0);
    cr_assert(sinks[0].client_count == 3 && sinks[1].client_count == 1);
    cr_expect(str_is(sinks[0].client[0].key, "bootstrap.servers") &&
              str_is(sinks[0].client[0].value, "broker:1") && !sinks[0].client[0].secret);
    cr_expect(str_is(sinks[0].client[1].value, "hunter2") && sinks[0].client[1].secret);
    cr_expect(str_is(sinks[0].client[2].value, "5"));
    help_fini(&help);
}

Test(plan_sinks, s3)
{
    struct help help = {0};
    const char *sink = "{\"format\":\"console\"}";
    const struct plan_s3 *s3 = &parse(&help, sink, "")->s3;
    cr_expect(s3->endpoint.n == 0 && s3->region.n == 0 && !s3->path_style && !s3->insecure_tls);
    help_fini(&help);
    help = (struct help){0};
    s3 = &parse(&help, sink,
                ",\"s3\":{\"endpoint\":\"https://[::1]:9000/\",\"region\":\"r\",\"accessKeyId\":"
                "5,\"secretAccessKey\":\"${SECRET}\",\"sessionToken\":\"${EMPTY}\",\"caFile\":"
                "\"/ca\",\"verifyTls\":\"false\"}")
              ->s3;
    cr_expect(str_is(s3->endpoint, "https://[::1]:9000") && str_is(s3->region, "r"));
    cr_expect(s3->path_style && s3->insecure_tls && str_is(s3->ca_file, "/ca"));
    cr_expect(str_is(s3->access_key_id, "5") && str_is(s3->secret_access_key, "hunter2"));
    cr_expect_eq(s3->session_token.n, 0);
    help_fini(&help);
    help = (struct help){0};
    s3 = &parse(&help, sink, ",\"s3\":{\"endpoint\":\"http://h\",\"pathStyle\":false}")->s3;
    cr_expect(!s3->path_style && str_is(s3->endpoint, "http://h"));
    help_fini(&help);
    help = (struct help){0};
    s3 = &parse(&help, sink,
                ",\"s3\":{\"endpoint\":\"${EMPTY}\",\"accessKeyId\":\"\","
                "\"secretAccessKey\":\"${EMPTY}\"}")
              ->s3;
    cr_expect(s3->endpoint.n == 0 && !s3->path_style && s3->access_key_id.n == 0);
    help_fini(&help);
}
