/* Command lines. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "cli/args.h"

static struct {
    bool flag, given;
    const char *text;
    int64_t count, number, duration_ms, size;
    double rate;
    struct arg_list list;
} got;

static const struct arg_option options[] = {
    {"--flag", ARG_FLAG, &got.flag, NULL, "a flag", NULL},
    {"--topic", ARG_STRING, &got.text, "NAME", "a text", &got.given},
    {"--count", ARG_COUNT, &got.count, "N", "a count", NULL},
    {"--seed", ARG_I64, &got.number, "N", "a number", NULL},
    {"--interval", ARG_DURATION, &got.duration_ms, "TIME", "a duration", NULL},
    {"--memory", ARG_SIZE, &got.size, "SIZE", "a size", NULL},
    {"--rate", ARG_RATE, &got.rate, "N", "a rate", NULL},
    {"--set", ARG_LIST, &got.list, "PATH=VALUE", "again and again", NULL},
};

static const struct arg_spec spec = {
    .command = "sluice probe",
    .summary = "a probe",
    .operand = "FILE...",
    .operands_min = 1,
    .operands_max = 2,
    .options = options,
    .option_count = COUNT_OF(options),
};

static struct arg_list operands;
static struct err err;

/* argv up to NULL, without the command's name. */
static int parse(const char *const *args)
{
    const char *argv[16] = {"probe"};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = args[argc - 1];
    return args_parse(&spec, argc, (char **)argv, &operands, &err);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void release(void)
{
    arg_list_fini(&operands);
    arg_list_fini(&got.list);
}

TestSuite(args, .fini = release);

Test(args, takes_values_with_and_without_equals)
{
    cr_assert_eq(PARSE("a.json", "--flag", "--topic", "x", "--count=5m", "--seed", "-3",
                       "--interval=1.5s", "--memory", "64m", "--rate=2.5k", "--set", "a=1",
                       "--set=b=2", "b.json"),
                 0, "%s", err.msg);
    cr_expect(got.flag);
    cr_expect(got.given);
    cr_expect_str_eq(got.text, "x");
    cr_expect_eq(got.count, 5000000);
    cr_expect_eq(got.number, -3);
    cr_expect_eq(got.duration_ms, 1500);
    cr_expect_eq(got.size, 64 << 20);
    cr_expect_eq(got.rate, 2500);
    cr_expect_eq(got.list.count, 2);
    cr_expect_str_eq(got.list.items[0], "a=1");
    cr_expect_str_eq(got.list.items[1], "b=2");
    cr_expect_eq(operands.count, 2);
    cr_expect_str_eq(operands.items[1], "b.json");
}

Test(args, leaves_what_is_not_given)
{
    got.count = 17;
    cr_assert_eq(PARSE("a"), 0);
    cr_expect_eq(got.count, 17);
    cr_expect_not(got.given);
}

Test(args, two_dashes_end_the_options)
{
    cr_assert_eq(PARSE("--", "--flag"), 0);
    cr_expect_not(got.flag);
    cr_expect_str_eq(operands.items[0], "--flag");
}

Test(args, help_wins)
{
    cr_expect_eq(PARSE("--flag", "--help", "--nonsense"), ARGS_HELP);
    cr_expect_eq(PARSE("-h"), ARGS_HELP);
}

static void expect_error(int rc, const char *message)
{
    cr_expect_eq(rc, ERR_INVALID);
    cr_expect_str_eq(err.msg, message);
}

Test(args, says_what_was_expected)
{
    expect_error(PARSE("a", "--tpoic", "x"), "unknown option --tpoic: did you mean --topic?");
    expect_error(PARSE("a", "--zzzzzzzz"), "unknown option --zzzzzzzz");
    expect_error(PARSE("a", "--count"), "--count needs a whole number from 1, such as 1000 or 5m");
    expect_error(PARSE("a", "--count=0"),
                 "--count: expected a whole number from 1, such as 1000 or 5m, found \"0\"");
    expect_error(PARSE("a", "--interval", "2"),
                 "--interval: expected a duration, such as 500ms, 2s, 1m or 1h, found \"2\"");
    expect_error(PARSE("a", "--rate=-1"),
                 "--rate: expected a number above 0, such as 100 or 50k, found \"-1\"");
    expect_error(PARSE("a", "--memory=lots"),
                 "--memory: expected a size, such as 65536, 128m or 1g, found \"lots\"");
    expect_error(PARSE("a", "--flag=yes"), "--flag takes no value");
    expect_error(PARSE("a", "--topic="), "--topic: expected a value, found \"\"");
    expect_error(PARSE("a", "b", "c"), "one operand too many: \"c\"");
    expect_error(PARSE("--flag"), "FILE... is missing");
}

Test(args, reads_durations_and_sizes)
{
    int64_t value;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1ms", 1},      {"500ms", 500},  {"2s", 2000},  {"1m", 60000},
                {"1.5m", 90000}, {"1h", 3600000}, {"0.5s", 500}, {"30S", 30000}};
    static const char *const bad[] = {"", "s", "2", "0s", "-1s", "1 s", "1d", "1.2.3s", "0.1ms"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        cr_expect(arg_to_duration_ms(str_of(good[i].text), &value), "%s", good[i].text);
        cr_expect_eq(value, good[i].ms);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect_not(arg_to_duration_ms(str_of(bad[i]), &value), "%s", bad[i]);
    cr_expect(size_parse(STR("1g"), &value));
    cr_expect_eq(value, 1 << 30);
    cr_expect(size_parse(STR("128MB"), &value));
    cr_expect_eq(value, 128 << 20);
    cr_expect(size_parse(STR("64 MiB"), &value));
    cr_expect_eq(value, 64 << 20);
    cr_expect(size_parse(STR("1.5k"), &value));
    cr_expect_eq(value, 1536);
    cr_expect_not(size_parse(STR("1t"), &value));
    cr_expect_not(size_parse(STR("0"), &value));
    cr_expect_not(size_parse(STR("-1m"), &value));
    cr_expect_not(size_parse(STR(" "), &value));
    cr_expect_not(size_parse(STR("10000000g"), &value));
}
