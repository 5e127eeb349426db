/* The options of `sluice run` about a checkpoint. */
#include <criterion/criterion.h>

#include "cli/recovery.h"

static void expect_parse(const char *to, int64_t batch, const char *location)
{
    struct recovery recovery = {.to = to};
    struct err err = {0};
    cr_assert_eq(recovery_parse(&recovery, &err), 0, "%s", err.msg);
    cr_expect_eq(recovery.batch, batch);
    cr_expect(str_is(recovery.location, location), "%.*s", STR_ARG(recovery.location));
}

static void expect_problem(const char *to, const char *problem)
{
    struct recovery recovery = {.to = to};
    struct err err = {0};
    cr_expect_eq(recovery_parse(&recovery, &err), ERR_INVALID, "%s", to);
    cr_expect_str_eq(err.msg, problem);
}

Test(recovery, batch_and_location)
{
    expect_parse(NULL, -1, "");
    expect_parse("0=cp", 0, "cp");
    expect_parse("41=s3://lake/a=b", 41, "s3://lake/a=b");
    expect_parse("9223372036854775807=/cp", INT64_MAX, "/cp");
}

#define EXPECTED                                                                                   \
    "--recover-to: expected BATCH=LOCATION with a batch's number, such as "                        \
    "41=s3://lake/_checkpoints/new, found "

Test(recovery, what_is_wrong_with_them)
{
    expect_problem("", EXPECTED "\"\"");
    expect_problem("5", EXPECTED "\"5\"");
    expect_problem("=cp", EXPECTED "\"=cp\"");
    expect_problem("-1=cp", EXPECTED "\"-1=cp\"");
    expect_problem("+1=cp", EXPECTED "\"+1=cp\"");
    expect_problem("1.5=cp", EXPECTED "\"1.5=cp\"");
    expect_problem("9223372036854775808=cp", EXPECTED "\"9223372036854775808=cp\"");
    expect_problem("5=", "--recover-to: \"LOCATION\" must not be empty");
    expect_problem("5=gs://x", "--recover-to: \"LOCATION\" must be a directory or start with "
                               "s3://, not \"gs://x\"");
}

static struct plan_query queries[] = {{.name = STR("by_type")}, {.name = STR("by_day")}};
static const struct plan plan = {.queries = queries, .query_count = 2, .checkpoint = STR("/cp")};
static const struct plan bare = {.queries = queries, .query_count = 2};

static void expect_check(const char *to, const char *reset, const struct plan *of, bool preview,
                         const char *problem)
{
    const char *names[] = {"by_day", reset};
    struct recovery recovery = {.to = to, .reset = {names, reset ? 2 : 0}};
    struct err err = {0};
    cr_assert_eq(recovery_parse(&recovery, &err), 0, "%s", err.msg);
    int code = recovery_check(&recovery, of, preview, &err);
    cr_expect_eq(code, problem[0] ? ERR_INVALID : 0);
    cr_expect_str_eq(err.msg, problem);
}

Test(recovery, fits_the_plan)
{
    expect_check(NULL, NULL, &bare, true, "");
    expect_check("5=/new", "by_type", &plan, false, "");
    expect_check("5=/new", NULL, &bare, false,
                 "--recover-to needs a checkpoint: the pipeline has no \"checkpointLocation\"");
    expect_check(NULL, "by_type", &bare, false,
                 "--reset-query needs a checkpoint: the pipeline has no \"checkpointLocation\"");
    expect_check("5=/new", NULL, &plan, true,
                 "--recover-to and --preview exclude each other: a preview never touches the "
                 "checkpoint");
    expect_check(NULL, "by_type", &plan, true,
                 "--reset-query and --preview exclude each other: a preview never touches the "
                 "checkpoint");
    expect_check(NULL, "by_typ", &plan, false,
                 "--reset-query: the pipeline has no query \"by_typ\": did you mean \"by_type\"?");
    expect_check(NULL, "zzz", &plan, false, "--reset-query: the pipeline has no query \"zzz\"");
    expect_check("5=/cp/", NULL, &plan, false,
                 "--recover-to: \"LOCATION\" is \"checkpointLocation\": the old checkpoint stays "
                 "as it is, and the new one needs a location apart from it");
}
