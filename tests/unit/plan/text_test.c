/* Intervals, schemas and addresses: the small languages inside strings. */
#include <criterion/criterion.h>

#include "plan/ddl.h"
#include "plan/interval.h"
#include "plan/listen.h"

static void interval_is(const char *text, int64_t ms)
{
    int64_t found = -1;
    size_t at;
    const char *problem = plan_interval_parse(str_of(text), 0, &found, &at);
    cr_expect(!problem && found == ms, "%s: %s %lld", text, problem ? problem : "",
              (long long)found);
}

static void interval_fails(const char *text, size_t at)
{
    int64_t ms;
    size_t found = 999;
    cr_expect(plan_interval_parse(str_of(text), 0, &ms, &found), "%s", text);
    cr_expect_eq(found, at, "%s: %zu", text, found);
}

/* As IntervalUtils.getDuration with its 31 days a month. */
Test(plan_interval, months)
{
    int64_t ms;
    size_t at;
    cr_expect(!plan_interval_parse(STR("1 month"), 31, &ms, &at) && ms == 31 * 86400000LL);
    cr_expect(!plan_interval_parse(STR("-1 year 400 days"), 31, &ms, &at) && ms == 28 * 86400000LL);
    cr_expect(!plan_interval_parse(STR("0 months"), 0, &ms, &at) && ms == 0);
    cr_expect(plan_interval_parse(STR("178956970 years"), 31, &ms, &at) != NULL);
}

/* The values are those of Spark 3.5.3's stringToInterval. */
Test(plan_interval, spark_strings)
{
    interval_is("10 seconds", 10000);
    interval_is("1 second", 1000);
    interval_is("1 seconds", 1000);
    interval_is("2 minutes", 120000);
    interval_is("1 minute 30 seconds", 90000);
    interval_is("INTERVAL 10 SECONDS", 10000);
    interval_is("  interval\t1  Hour ", 3600000);
    interval_is("500 milliseconds", 500);
    interval_is("1500 microseconds", 1);
    interval_is("1 day", 86400000);
    interval_is("1 week -1 day", 6 * 86400000LL);
    interval_is("- 5 seconds", -5000);
    interval_is("+5 seconds", 5000);
    interval_is("1.5 seconds", 1500);
    interval_is("0.123456789 seconds", 123);
    interval_is(".5 seconds", 500);
    interval_is("0 seconds", 0);
}

Test(plan_interval, errors_name_the_place)
{
    interval_fails("", 0);
    interval_fails("interval", 0);
    interval_fails("10", 2);
    interval_fails("10s", 0);
    interval_fails("10 parsecs", 3);
    interval_fails("ten seconds", 0);
    interval_fails("1 minute x seconds", 9);
    interval_fails("1 year", 2);
    interval_fails("2 months", 2);
    interval_fails("1.5 minutes", 4);
    interval_fails(". seconds", 0);
    interval_fails("1.1234567891 seconds", 0);
    interval_fails("9223372036854775808 seconds", 0);
    interval_fails("9223372036854775807 seconds", 20);
    interval_fails("-", 1);
}

static void schema_is(const char *text, const char *printed)
{
    struct arena arena = {0};
    struct ddl_column *columns;
    uint32_t count;
    struct ddl_error error;
    struct buf out = {0};
    int code = ddl_parse(&columns, &count, str_of(text), &arena, &error);
    cr_expect_eq(code, 0, "%s: %s", text, error.message);
    for (uint32_t i = 0; !code && i < count; i++) {
        buf_printf(&out, "%s%.*s ", i ? ", " : "", STR_ARG(columns[i].name));
        type_print(columns[i].type, &out);
    }
    cr_expect_str_eq(buf_cstr(&out), printed);
    buf_fini(&out);
    arena_fini(&arena);
}

static void schema_fails(const char *text, int code, size_t offset)
{
    struct arena arena = {0};
    struct ddl_column *columns;
    uint32_t count;
    struct ddl_error error;
    cr_expect_eq(ddl_parse(&columns, &count, str_of(text), &arena, &error), code, "%s", text);
    cr_expect(error.offset == offset, "%s: %zu %s", text, error.offset, error.message);
    arena_fini(&arena);
}

Test(plan_ddl, types_and_synonyms)
{
    schema_is("a BOOLEAN, b byte, c TINYINT, d short, e Smallint",
              "a BOOLEAN, b TINYINT, c TINYINT, d SMALLINT, e SMALLINT");
    schema_is("a INT,b INTEGER,c LONG,d BIGINT", "a INT, b INT, c BIGINT, d BIGINT");
    schema_is("a REAL, b FLOAT, c DOUBLE", "a FLOAT, b FLOAT, c DOUBLE");
    schema_is("a DEC, b NUMERIC(5), c DECIMAL( 38 , 38 )",
              "a DECIMAL(10,0), b DECIMAL(5,0), c DECIMAL(38,38)");
    schema_is("a DATE, b TIMESTAMP, c TIMESTAMP_LTZ, d STRING, e BINARY",
              "a DATE, b TIMESTAMP, c TIMESTAMP, d STRING, e BINARY");
    schema_is("u STRUCT<name: STRING, geo STRUCT<lat: DOUBLE NOT NULL, lon:DOUBLE COMMENT 'e'>>",
              "u STRUCT<name: STRING, geo: STRUCT<lat: DOUBLE, lon: DOUBLE>>");
    schema_is("t ARRAY<ARRAY<STRUCT<a: INT>>>, e STRUCT<>",
              "t ARRAY<ARRAY<STRUCT<a: INT>>>, e STRUCT<>");
}

Test(plan_ddl, names_and_suffixes)
{
    schema_is("`order id` STRING, `a``b` INT, `\u00dcn\u00ef` DOUBLE",
              "order id STRING, a`b INT, \u00dcn\u00ef DOUBLE");
    schema_is("date DATE, string STRING, int INT, 2nd INT, _x INT",
              "date DATE, string STRING, int INT, 2nd INT, _x INT");
    schema_is("a INT -- first\n, /* , x INT */ b INT--", "a INT, b INT");
    schema_is("struct < a: INT, b STRING >", "a INT, b STRING");
    schema_is("STRUCT INT", "STRUCT INT");
    schema_is(" a INT NOT NULL , b INT COMMENT 'it\\'s, b' , c INT not null comment \"x\" ",
              "a INT, b INT, c INT");
}

Test(plan_ddl, errors_name_the_place)
{
    schema_fails("", ERR_INVALID, 0);
    schema_fails("a", ERR_INVALID, 1);
    schema_fails("a INT,", ERR_INVALID, 6);
    schema_fails("a INT b INT", ERR_INVALID, 6);
    schema_fails("a INTT", ERR_INVALID, 2);
    schema_fails("a: INT", ERR_INVALID, 1);
    schema_fails("a-b INT", ERR_INVALID, 1);
    schema_fails("\u00fc INT", ERR_INVALID, 0);
    schema_fails("1 INT", ERR_INVALID, 0);
    schema_fails("`a INT", ERR_INVALID, 0);
    schema_fails("`` INT", ERR_INVALID, 0);
    schema_fails("a MAP<STRING, INT>", ERR_UNSUPPORTED, 2);
    schema_fails("a TIMESTAMP_NTZ", ERR_UNSUPPORTED, 2);
    schema_fails("a VARCHAR(10)", ERR_UNSUPPORTED, 2);
    schema_fails("a DECIMAL(39)", ERR_INVALID, 2);
    schema_fails("a DECIMAL(5,6)", ERR_INVALID, 2);
    schema_fails("a DECIMAL()", ERR_INVALID, 10);
    schema_fails("a DECIMAL(5", ERR_INVALID, 11);
    schema_fails("a STRUCT", ERR_INVALID, 8);
    schema_fails("a STRUCT<b: INT", ERR_INVALID, 15);
    schema_fails("STRUCT<a INT", ERR_INVALID, 12);
    schema_fails("STRUCT<a INT> b", ERR_INVALID, 14);
    schema_fails("a INT /* x", ERR_INVALID, 6);
    schema_fails("a ARRAY<INT", ERR_INVALID, 11);
    schema_fails("a INT NOT", ERR_INVALID, 6);
    schema_fails("a INT COMMENT", ERR_INVALID, 13);
    schema_fails("a INT COMMENT 'x", ERR_INVALID, 14);
}

Test(plan_ddl, bounds_depth)
{
    struct buf text = {0};
    buf_append_str(&text, STR("a "));
    for (int i = 0; i < DDL_DEPTH_MAX; i++)
        buf_append_str(&text, STR("ARRAY<"));
    size_t base = text.n;
    buf_append_str(&text, STR("ARRAY<INT"));
    schema_fails(buf_cstr(&text), ERR_INVALID, base);
    buf_fini(&text);
}

static void address_is(const char *text, const char *host, uint16_t port)
{
    struct str found_host;
    uint16_t found_port;
    const char *problem = listen_parse(str_of(text), &found_host, &found_port);
    cr_assert(!problem, "%s: %s", text, problem);
    cr_expect(str_is(found_host, host) && found_port == port, "%s", text);
}

static void address_fails(const char *text)
{
    struct str host;
    uint16_t port;
    cr_expect(listen_parse(str_of(text), &host, &port), "%s", text);
}

Test(plan_listen, addresses)
{
    address_is("127.0.0.1:8080", "127.0.0.1", 8080);
    address_is("localhost:0", "localhost", 0);
    address_is("[::1]:65535", "::1", 65535);
    address_is("[::]:80", "::", 80);
    address_fails("");
    address_fails("8080");
    address_fails(":8080");
    address_fails("::1:8080");
    address_fails("[]:8080");
    address_fails("[::1]8080");
    address_fails("host:");
    address_fails("host:65536");
    address_fails("host:-1");
    address_fails("host:+1");
    address_fails("host:0x10");
    address_fails("ho st:80");
    address_fails("http://host:80");
}

Test(plan_listen, which_only_this_machine_reaches)
{
    static const char *const yes[] = {"127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"};
    static const char *const no[] = {"0.0.0.0",
                                     "::",
                                     "10.0.0.1",
                                     "127.example.com",
                                     "127.0.0.1.nip.io",
                                     "localhost.example.com",
                                     "127.1",
                                     "fe80::1",
                                     "::ffff:127.0.0.1",
                                     "example.com",
                                     ""};
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        cr_expect(listen_is_loopback(str_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < COUNT_OF(no); i++)
        cr_expect(!listen_is_loopback(str_of(no[i])), "%s", no[i]);
}
