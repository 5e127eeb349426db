#include <criterion/criterion.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
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

/* Foreign bytes: JSON stays JSON. */
Test(log, what_is_not_utf8_is_replaced, .init = open_pipe)
{
    struct log log = {.format = LOG_JSON, .fd = ends[1]};
    log_line(&log, LOG_ERROR, "m", LOG_S("a", "x\xff"));
    cr_assert_str_eq(logged(34),
                     ",\"level\":\"error\",\"message\":\"m\",\"a\":\"x\xef\xbf\xbd\"}\n");
}

/* ---- repeats ---- */

static int64_t time_us;

static int64_t fake_now_us(void)
{
    return time_us;
}

/* How often a text is in what was logged since the last call; 0 too when nothing was. */
static int count_logged(const char *text)
{
    static char all[1 << 16];
    int count = 0;
    cr_assert_eq(write(ends[1], "\n", 1), 1); /* so that there is something to read */
    ssize_t n = read(ends[0], all, sizeof all - 1);
    cr_assert(n > 0 && n < (ssize_t)sizeof all - 1);
    all[n] = '\0';
    for (const char *p = all; (p = strstr(p, text)); p++)
        count++;
    return count;
}

Test(log_repeats, are_left_out_and_counted, .init = open_pipe)
{
    struct log_memory memory = {.now_us = fake_now_us};
    struct log log = {.format = LOG_TEXT, .fd = ends[1], .memory = &memory};
    time_us = 5;
    for (int i = 0; i < LOG_REPEATS_MAX + 7; i++)
        log_line(&log, LOG_WARN, "again", LOG_I("i", i));
    log_line(&log, LOG_INFO, "again"); /* another level is another message */
    log_line(&log, LOG_WARN, "other");
    cr_assert_eq(count_logged(" again"), LOG_REPEATS_MAX + 1);
    log_tick(&log); /* the window is open */
    cr_assert_eq(count_logged("left out"), 0);
    time_us += LOG_WINDOW_US;
    log_tick(&log);
    cr_assert_eq(count_logged("WARN  repeats of a message left out count=7 repeated=again\n"), 1);
    log_tick(&log); /* told once */
    cr_assert_eq(count_logged("left out"), 0);
    log_line(&log, LOG_WARN, "again"); /* a new window */
    cr_assert_eq(count_logged("again"), 1);
}

Test(log_repeats, are_told_by_the_next_line_and_at_the_end, .init = open_pipe)
{
    struct log_memory memory = {.now_us = fake_now_us};
    struct log log = {.format = LOG_TEXT, .fd = ends[1], .memory = &memory};
    time_us = 0;
    for (int i = 0; i <= LOG_REPEATS_MAX; i++)
        log_line(&log, LOG_INFO, "again");
    cr_assert_eq(count_logged("left out"), 0);
    time_us = LOG_WINDOW_US;
    log_line(&log, LOG_INFO, "other");
    cr_assert_eq(count_logged("left out count=1 "), 1);
    for (int i = 0; i < LOG_REPEATS_MAX + 2; i++)
        log_line(&log, LOG_INFO, "again");
    log_end(&log);
    cr_assert_eq(count_logged("left out count=2 "), 1);
}

Test(log_repeats, of_more_messages_than_places_end_early, .init = open_pipe)
{
    struct log_memory memory = {.now_us = fake_now_us};
    struct log log = {.format = LOG_TEXT, .fd = ends[1], .memory = &memory};
    time_us = 0;
    for (int i = 0; i <= LOG_REPEATS_MAX; i++)
        log_line(&log, LOG_INFO, "again");
    for (time_us = 1; time_us < LOG_MESSAGES_MAX; time_us++)
        log_printf(&log, LOG_INFO, "message %d", (int)time_us);
    cr_assert_eq(count_logged("left out"), 0);
    log_line(&log, LOG_INFO, "one more");
    cr_assert_eq(count_logged("left out count=1 "), 1);
}

Test(log_repeats, debug_lines_are_all_written, .init = open_pipe)
{
    struct log_memory memory = {.now_us = fake_now_us};
    struct log log = {.level = LOG_DEBUG, .fd = ends[1], .memory = &memory};
    for (int i = 0; i < 3 * LOG_REPEATS_MAX; i++)
        log_line(&log, LOG_DEBUG, "again");
    cr_assert_eq(count_logged("again"), 3 * LOG_REPEATS_MAX);
}

/* ---- the status line ---- */

Test(log_status, is_taken_away_before_a_line_and_drawn_after_it, .init = open_pipe)
{
    struct log_memory memory = {.terminal = true};
    struct log log = {.fd = ends[1], .memory = &memory};
    log_status(&log, "");
    log_status(&log, "43 %");
    cr_assert_str_eq(logged(0), "\r\x1b[K43 %");
    log_line(&log, LOG_INFO, "a line");
    const char *line = logged(0);
    cr_assert_eq(strncmp(line, "\r\x1b[K20", 6), 0, "%s", line);
    cr_assert_str_eq(strchr(line, 'Z'), "Z INFO  a line\n43 %");
    log_end(&log);
    cr_assert_str_eq(logged(0), "\r\x1b[K");
    log_line(&log, LOG_INFO, "a line");
    cr_assert_str_eq(logged(24), " INFO  a line\n");
}

Test(log_status, is_for_terminals, .init = open_pipe)
{
    struct log_memory memory = {0};
    struct log log = {.fd = ends[1], .memory = &memory};
    log_status(&log, "43 %");
    log_line(&log, LOG_INFO, "a line");
    cr_assert_str_eq(logged(24), " INFO  a line\n");
}

Test(log_status, fits_the_terminal)
{
    int master, terminal;
    struct winsize size = {.ws_row = 24, .ws_col = 10};
    char drawn[64];
    cr_assert_eq(openpty(&master, &terminal, NULL, NULL, &size), 0);
    struct log_memory memory = {.terminal = true};
    struct log log = {.fd = terminal, .memory = &memory};
    log_status(&log, "0123456789abc");
    ssize_t n = read(master, drawn, sizeof drawn - 1);
    cr_assert(n > 0);
    drawn[n] = '\0';
    cr_assert_str_eq(drawn, "\r\x1b[K012345678");
    close(master);
    close(terminal);
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
