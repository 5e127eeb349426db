/* Locations: one by itself, one beside another, a checkpoint's beside those of the sinks. */
#include <criterion/criterion.h>

#include "plan/checkpoint.h"
#include "plan/location.h"
#include "plan_help.h"

static void expect_parse(const char *location, const char *problem)
{
    struct err err = {0};
    int code = plan_location_parse(str_of(location), "LOCATION", &err);
    cr_expect_eq(code, problem[0] ? ERR_INVALID : 0, "%s", location);
    cr_expect_str_eq(err.msg, problem);
}

Test(plan_location, of_the_command_line)
{
    expect_parse("s3://lake/_checkpoints/p", "");
    expect_parse("/var/lib/sluice", "");
    expect_parse("cp", "");
    expect_parse(" ", "\"LOCATION\" must not be empty");
    expect_parse("file:///cp",
                 "\"LOCATION\" must be a directory or start with s3://, not \"file:///cp\"");
    expect_parse("s3://", "\"LOCATION\" \"s3://\": the bucket is missing: expected "
                          "s3://bucket/prefix");
    expect_parse("s3://lake/a/../b",
                 "\"LOCATION\" \"s3://lake/a/../b\": the prefix must not have \".\" or \"..\" as "
                 "a part");
}

/* What `a` is to `b`, and the other way round. */
static void relate(const char *a, enum location_relation expected, bool expected_hidden,
                   const char *b)
{
    static const enum location_relation opposite[] = {[LOCATION_APART] = LOCATION_APART,
                                                      [LOCATION_SAME] = LOCATION_SAME,
                                                      [LOCATION_INSIDE] = LOCATION_AROUND,
                                                      [LOCATION_AROUND] = LOCATION_INSIDE};
    enum location_relation relation;
    bool hidden;
    cr_assert_eq(plan_location_compare(str_of(a), str_of(b), &relation, &hidden), 0);
    cr_expect_eq(relation, expected, "%s, %s: %d", a, b, relation);
    cr_expect_eq(hidden, expected_hidden, "%s, %s", a, b);
    cr_assert_eq(plan_location_compare(str_of(b), str_of(a), &relation, &hidden), 0);
    cr_expect_eq(relation, opposite[expected], "%s, %s: %d", b, a, relation);
    cr_expect_eq(hidden, expected_hidden, "%s, %s", b, a);
}

Test(plan_location, in_s3)
{
    relate("s3://lake/a", LOCATION_SAME, false, "s3://lake/a");
    relate("s3://lake/a/", LOCATION_SAME, false, "s3://lake/a");
    relate("s3://lake/", LOCATION_SAME, false, "s3://lake");
    relate("s3://lake/a/b", LOCATION_INSIDE, false, "s3://lake/a");
    relate("s3://lake/a", LOCATION_INSIDE, false, "s3://lake");
    relate("s3://lake/_checkpoints/a", LOCATION_INSIDE, true, "s3://lake");
    relate("s3://lake/_a/b", LOCATION_INSIDE, false, "s3://lake/_a");
    relate("s3://lake/a/.b", LOCATION_INSIDE, true, "s3://lake/a");
    relate("s3://lake/a/_b=1", LOCATION_INSIDE, false, "s3://lake/a");
    relate("s3://lake/ab", LOCATION_APART, false, "s3://lake/a");
    relate("s3://lake/by_type", LOCATION_APART, false, "s3://lake/_checkpoints/transactions");
    relate("s3://lake/a", LOCATION_APART, false, "s3://lake2/a");
    relate("s3://lake/a", LOCATION_APART, false, "/lake/a");
}

Test(plan_location, in_directories)
{
    relate("/a/b", LOCATION_SAME, false, "//a/./b/");
    relate("/a/b", LOCATION_SAME, false, "/../a/c/../b");
    relate("/a/b", LOCATION_INSIDE, false, "/");
    relate("/a/_b/c", LOCATION_INSIDE, true, "/a");
    relate("/a/bc", LOCATION_APART, false, "/a/b");
    relate("a", LOCATION_APART, false, "/a");
    relate("a/..", LOCATION_SAME, false, ".");
    relate("a", LOCATION_INSIDE, false, ".");
    relate(".a", LOCATION_INSIDE, true, ".");
    relate("a", LOCATION_INSIDE, false, "..");
    relate("a", LOCATION_INSIDE, false, "b/../../c/../..");
    relate("../a", LOCATION_INSIDE, false, "..");
    relate("..", LOCATION_INSIDE, false, "../..");
    relate(".", LOCATION_APART, false, "../a");
    relate("a", LOCATION_APART, false, "../a");
    relate("../a", LOCATION_APART, false, "../b");
}

static const char two_sinks[] =
    "{\"name\":\"q\",\"sql\":\"SELECT * FROM tx\",\"sinks\":[{\"format\":\"console\"},"
    "{\"format\":\"json\",\"path\":\"/lake/q\"}]}";

static void expect_check(const struct plan *plan, const char *location, const char *problem)
{
    struct err err = {0};
    int code = plan_checkpoint_check(plan, str_of(location), "LOCATION", &err);
    cr_expect_eq(code, problem[0] ? ERR_INVALID : 0, "%s", location);
    cr_expect_str_eq(err.msg, problem);
}

Test(plan_checkpoint, goes_on_elsewhere)
{
    struct help help = {0};
    help_parse(&help, help_document("", "", two_sinks, ",\"checkpointLocation\":\"/lake/_cp/a\""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    const struct plan *plan = help.plan;
    cr_expect(str_is(plan->checkpoint, "/lake/_cp/a"));
    cr_expect_null(plan_checkpoint_warning(plan));
    expect_check(plan, "/lake/_cp/b", "");
    expect_check(plan, "/lake/q/_cp", "");
    expect_check(plan, "s3://lake/_cp/a", "");
    expect_check(plan, "", "\"LOCATION\" must not be empty");
    expect_check(plan, "/lake/_cp/a/",
                 "\"LOCATION\" is \"checkpointLocation\": the old checkpoint stays as it is, and "
                 "the new one needs a location apart from it");
    expect_check(plan, "/lake/_cp/a/_b",
                 "\"LOCATION\" lies inside of \"checkpointLocation\": the old checkpoint stays as "
                 "it is, and the new one needs a location apart from it");
    expect_check(plan, "/lake/_cp",
                 "\"LOCATION\" lies around \"checkpointLocation\": the old checkpoint stays as it "
                 "is, and the new one needs a location apart from it");
    expect_check(plan, "/lake/q",
                 "\"LOCATION\" is also the path of sink \"json1\" of query \"q\", whose readers "
                 "would list the checkpoint's files: choose another location, or one below it in "
                 "a directory whose name begins with '_' or '.', which readers skip");
    help_fini(&help);
}

Test(plan_checkpoint, set_for_one_run)
{
    struct help help = {0};
    help.overrides[help.input.override_count++] =
        (struct plan_override){STR("checkpointLocation"), STR("${HOST}/cp")};
    help_parse(&help, help_document("", "", "", ",\"checkpointLocation\":\"/lake/_cp/a\""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect(str_is(help.plan->checkpoint, "broker/cp"));
    help_fini(&help);
    help = (struct help){.input.override_count = 2};
    help.overrides[0] = (struct plan_override){STR("checkpointLocation"), STR("/lake/q/cp")};
    help.overrides[1] = (struct plan_override){STR("trigger"), STR("{\"availableNow\":true}")};
    help_parse(&help, help_document("", "", two_sinks, ""));
    cr_expect_str_eq(buf_cstr(&help.printed),
                     "--set checkpointLocation:1:20: \"checkpointLocation\" lies inside of the "
                     "path of sink \"json1\" of query \"q\", whose readers would list the "
                     "checkpoint's files: choose another location, or one below it in a "
                     "directory whose name begins with '_' or '.', which readers skip\n");
    help_fini(&help);
}

Test(plan_checkpoint, absent_is_a_warning)
{
    struct help help = {0};
    help_parse(&help, help_document("", "", "", ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    cr_expect_eq(help.plan->checkpoint.n, 0);
    cr_expect_str_eq(plan_checkpoint_warning(help.plan),
                     "no checkpointLocation, so no recovery: after a stop or a crash a run starts "
                     "at startingOffsets again");
    help_fini(&help);
}
