#include <criterion/criterion.h>

#include "plan/errors.h"
#include "plan/sql_errors.h"
#include "plan_help.h"

Test(plan_errors, printed_in_order)
{
    struct arena arena = {0};
    struct plan_errors errors = {0};
    struct buf out = {0};
    plan_error_add_full(&errors, &arena, (struct plan_where){STR("--set a"), 1, 3}, ERR_INVALID,
                        STR("ab\n ^"), "last");
    plan_error_add(&errors, &arena, 2, 1, ERR_INVALID, "second");
    plan_error_add(&errors, &arena, 1, 9, ERR_UNSUPPORTED, "first\n\x1b[31m%s", "\xFF\u00fc");
    plan_error_add(&errors, &arena, 2, 1, ERR_INVALID, "third");
    plan_errors_print(&errors, STR("dir/p.json"), &out);
    cr_expect_str_eq(buf_cstr(&out), "dir/p.json:1:9: error: first\\u000A\\u001B[31m\\xFF\u00fc\n"
                                     "dir/p.json:2:1: error: second\n"
                                     "dir/p.json:2:1: error: third\n"
                                     "--set a:1:3: error: last\n"
                                     "    ab\n"
                                     "     ^\n"
                                     "4 errors\n");
    buf_fini(&out);
    arena_fini(&arena);
}

/* The errors that an SQL problem at (line, column) gives, as printed. */
static void expect_sql(const char *query, uint32_t line, uint32_t column, const char *printed)
{
    struct help help = {0};
    struct buf out = {0};
    help_parse(&help, help_document("", "", query, ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    plan_sql_error(&help.errors, &help.arena, &help.plan->queries[0].sql, line, column, ERR_INVALID,
                   "wrong");
    plan_errors_print(&help.errors, STR("p"), &out);
    cr_expect_str_eq(buf_cstr(&out), printed);
    buf_fini(&out);
    help_fini(&help);
}

#define SINKS ",\"sinks\":[{\"format\":\"console\"}]}"

Test(plan_errors, sql_in_one_line)
{
    expect_sql("{\"name\":\"q\",\"sql\":\"SELECT x FROM tx\"" SINKS, 1, 8,
               "p:4:38: error: wrong\n"
               "    SELECT x FROM tx\n"
               "           ^\n"
               "1 error\n");
}

Test(plan_errors, sql_in_lines)
{
    expect_sql("{\"name\":\"q\",\"sql\":[\"SELECT \u00fc,\",\n  \"\\tx FROM tx\"]" SINKS, 2, 2,
               "p:5:6: error: wrong (line 2 of the query)\n"
               "    \tx FROM tx\n"
               "    \t^\n"
               "1 error\n");
}

Test(plan_errors, sql_with_escapes_and_variables)
{
    expect_sql("{\"name\":\"q\",\"sql\":\"SELECT \\\"\\u00fc\\\",\\n${HOST} x FROM tx\"" SINKS, 2,
               8,
               "p:4:59: error: wrong (line 2 of the query)\n"
               "    broker x FROM tx\n"
               "           ^\n"
               "1 error\n");
}

/* The caret stands below the character, also behind wide ones. */
Test(plan_errors, sql_behind_wide_characters)
{
    expect_sql("{\"name\":\"q\",\"sql\":\"SELECT '\u540d\u524d' x\"" SINKS, 1, 13,
               "p:4:43: error: wrong\n"
               "    SELECT '\u540d\u524d' x\n"
               "                  ^\n"
               "1 error\n");
}

/* At the end of the text, and beyond: the last character's successor. */
Test(plan_errors, sql_at_the_end)
{
    expect_sql("{\"name\":\"q\",\"sql\":\"SELECT\"" SINKS, 1, 7,
               "p:4:37: error: wrong\n"
               "    SELECT\n"
               "          ^\n"
               "1 error\n");
    expect_sql("{\"name\":\"q\",\"sql\":\"SELECT\"" SINKS, 9, 99,
               "p:4:37: error: wrong\n"
               "    SELECT\n"
               "          ^\n"
               "1 error\n");
}

Test(plan_errors, long_lines_are_cut)
{
    struct help help = {0};
    struct buf sql = {0}, out = {0};
    buf_append_str(&sql, STR("{\"name\":\"q\",\"sql\":\""));
    for (int i = 0; i < 100; i++)
        buf_append_str(&sql, STR("\u00e4b"));
    buf_append_str(&sql, STR("\"" SINKS));
    help_parse(&help, help_document("", "", buf_cstr(&sql), ""));
    cr_assert_eq(help.code, 0, "%s", buf_cstr(&help.printed));
    plan_sql_error(&help.errors, &help.arena, &help.plan->queries[0].sql, 1, 101, ERR_INVALID,
                   "wrong");
    struct str excerpt = help.errors.items[0].excerpt;
    const char *newline = memchr(excerpt.p, '\n', excerpt.n);
    cr_assert(newline);
    cr_expect(str_starts_with(excerpt, STR("...\u00e4b")));
    cr_expect_eq(newline - excerpt.p, 3 + 110 * 3 / 2 + 3);
    cr_expect_eq((size_t)(excerpt.p + excerpt.n - newline), 1 + 3 + 60 + 1);
    buf_fini(&out);
    buf_fini(&sql);
    help_fini(&help);
}
