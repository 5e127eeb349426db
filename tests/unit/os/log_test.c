#include <criterion/criterion.h>
#include <unistd.h>

#include "os/log.h"
#include "os/random_id.h"

static int ends[2];

static void open_pipe(void)
{
    cr_assert_eq(pipe(ends), 0);
}

/* What was logged, without its first `skip` bytes (the time). */
static const char *logged(size_t skip)
{
    static char line[2000];
    ssize_t n = read(ends[0], line, sizeof line - 1);
    cr_assert(n > (ssize_t)skip);
    line[n] = '\0';
    return line + skip;
}

Test(log, text, .init = open_pipe)
{
    struct log log = {.level = LOG_INFO, .format = LOG_TEXT, .fd = ends[1]};
    log_line(&log, LOG_DEBUG, "dropped");
    log_line(&log, LOG_INFO, "batch committed", LOG_I("id", 7), LOG_S("word", "x"),
             LOG_S("words", "a \"b\"\n"), LOG_RAW("json", "{\"a\":1}"));
    cr_assert_str_eq(logged(24), " INFO  batch committed id=7 word=x words=\"a \\\"b\\\"\\n\" "
                                 "json={\"a\":1}\n");
}

Test(log, json, .init = open_pipe)
{
    struct log log = {.level = LOG_DEBUG, .format = LOG_JSON, .fd = ends[1]};
    log_line(&log, LOG_WARN, "a \"message\"", LOG_I("id", -1), LOG_S("text", "tab\there"));
    cr_assert_str_eq(logged(34), ",\"level\":\"warn\",\"message\":\"a \\\"message\\\"\",\"id\":-1,"
                                 "\"text\":\"tab\\u0009here\"}\n");
}

Test(log, one_line_whatever_the_text, .init = open_pipe)
{
    struct log log = {.format = LOG_TEXT, .fd = ends[1]};
    log_printf(&log, LOG_ERROR, "two\nlines");
    cr_assert_str_eq(logged(24), " ERROR two lines\n");
}

Test(log, levels)
{
    enum log_level level;
    cr_assert(log_level_parse("error", &level));
    cr_assert_eq(level, LOG_ERROR);
    cr_assert_not(log_level_parse("loud", &level));
}

Test(random_id, is_a_version_4_uuid)
{
    char a[RANDOM_ID_SIZE], b[RANDOM_ID_SIZE];
    random_id(a);
    random_id(b);
    cr_assert_eq(strlen(a), 36);
    cr_assert_eq(a[14], '4');
    cr_assert(strchr("89ab", a[19]));
    cr_assert_str_neq(a, b);
}
