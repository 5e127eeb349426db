/* The frame of `sluice top`. */
#include <criterion/criterion.h>
#include <math.h>

#include "cli/top_frame.h"
#include "cli/top_verdict.h"

static struct buf out;

static struct top_canvas canvas_of(size_t columns, size_t rows)
{
    buf_clear(&out);
    return (struct top_canvas){.out = &out, .columns = columns, .rows = rows};
}

static void release(void)
{
    buf_fini(&out);
}

TestSuite(top, .fini = release);

Test(top, text_is_cut_at_the_edge)
{
    struct top_canvas canvas = canvas_of(6, 1);
    top_put(&canvas, TOP_BOLD, STR("abc"));
    top_put(&canvas, TOP_PLAIN, STR("defgh"));
    top_end_line(&canvas);
    cr_expect_str_eq(buf_cstr(&out), "abcdef\n");
    canvas = canvas_of(3, 1);
    top_put(&canvas, TOP_PLAIN, STR("\xe6\x97\xa5\xe6\x9c\xac")); /* two wide characters */
    cr_expect_str_eq(buf_cstr(&out), "\xe6\x97\xa5");
}

Test(top, foreign_text_moves_no_cursor)
{
    struct top_canvas canvas = canvas_of(80, 1);
    top_put(&canvas, TOP_PLAIN,
            STR("a\x1b[2Jb\r\n\x7f\xc2\x9b"
                "1m\xe2\x80\xae\xff"));
    cr_expect_str_eq(buf_cstr(&out), "a?[2Jb????1m?\xef\xbf\xbd");
}

Test(top, cells_are_filled_and_cut)
{
    struct top_canvas canvas = canvas_of(80, 1);
    top_cell(&canvas, TOP_PLAIN, 5, STR("ab"));
    top_cell(&canvas, TOP_PLAIN, -5, STR("cd"));
    top_cell(&canvas, TOP_PLAIN, 3, STR("efghi"));
    cr_expect_str_eq(buf_cstr(&out), "ab      cdefg");
}

Test(top, bars)
{
    struct top_canvas canvas = canvas_of(80, 1);
    top_bar(&canvas, TOP_GREEN, 12, 0.5, "half");
    top_bar(&canvas, TOP_GREEN, 6, 7, "");
    top_bar(&canvas, TOP_GREEN, 6, NAN, "toolong");
    cr_expect_str_eq(buf_cstr(&out), "[||||| half][||||][tool]");
}

Test(top, numbers_are_short)
{
    cr_expect_str_eq(top_count(999).text, "999");
    cr_expect_str_eq(top_count(12345).text, "12.3k");
    cr_expect_str_eq(top_count(999999).text, "1.0M");
    cr_expect_str_eq(top_bytes(65536).text, "64.0 KiB");
    cr_expect_str_eq(top_time(0.189).text, "189ms");
    cr_expect_str_eq(top_time(2.5).text, "2.5s");
    cr_expect_str_eq(top_time(185).text, "3m05s");
    cr_expect_str_eq(top_time(7620).text, "2h07m");
    cr_expect_str_eq(top_time(-1).text, "-");
    cr_expect_str_eq(top_time(NAN).text, "-");
}

static const char status_text[] =
    "{\"name\":\"p\",\"version\":\"1\",\"state\":\"degraded\",\"reason\":\"no broker\","
    "\"uptimeSeconds\":75,\"triggerIntervalMs\":1000,"
    "\"progress\":{\"percent\":43.5,\"recordsPerSecond\":1000,\"etaSeconds\":null},"
    "\"queries\":[{\"name\":\"q\",\"batchId\":7,\"numInputRows\":10,"
    "\"durationMs\":{\"triggerExecution\":250},\"totals\":{\"read\":100,\"late\":3},"
    "\"sinks\":[{\"name\":\"ok\",\"failing\":false,\"description\":\"files\"},"
    "{\"name\":\"bad\",\"failing\":true,\"error\":\"no room\"}]}],"
    "\"sources\":[{\"name\":\"tx\",\"connected\":false,\"partitions\":["
    "{\"topic\":\"t\",\"partition\":0,\"position\":10,\"end\":20,\"lag\":10},"
    "{\"topic\":\"t\",\"partition\":1,\"position\":10,\"end\":10,\"lag\":0},"
    "{\"topic\":\"t\",\"partition\":2,\"position\":5,\"end\":105,\"lag\":100}],\"sinks\":[]}],"
    "\"checkpoint\":null,\"memory\":{\"residentBytes\":1024,\"budgetBytes\":2048,"
    "\"usedBytes\":{\"kafka\":1024,\"state\":512}}}";

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* The frame of status_text in a terminal of this size, without colours. */
static const char *frame(size_t columns, size_t rows)
{
    cJSON *status = cJSON_Parse(status_text);
    struct top_history history = {0};
    struct top_view view = {.address = "a:1", .status = status, .history = &history};
    struct top_canvas canvas = canvas_of(columns, rows);
    cr_assert(status);
    top_history_add(&history, status, 1);
    canvas.ansi = true;
    top_draw(&canvas, &view);
    cJSON_Delete(status);
    return buf_cstr(&out);
}

#define EXPECT_HAS(text, part) cr_expect(strstr(text, part), "%s\nis not in\n%s", part, text)

Test(top, shows_everything_where_there_is_room)
{
    const char *text = frame(80, 24);
    EXPECT_HAS(text, "degraded: no broker");
    EXPECT_HAS(text, "43.5 %]  1.0k records/s  ETA -");
    EXPECT_HAS(text, "250ms of 1.0s]  7: 10 rows");
    EXPECT_HAS(text, "1.0 KiB of 2.0 KiB]  resident 1.0 KiB, state 512 B");
    EXPECT_HAS(text, "tx  not connected  lag 110");
    EXPECT_HAS(text, "failing no room");
    EXPECT_HAS(text, "ok files");
    cr_expect(strstr(text, "t/2") < strstr(text, "t/0"), "the largest lag first");
    cr_expect(strstr(text, "q/bad") < strstr(text, "q/ok"), "failing sinks first");
    cr_expect_eq(count_lines(text), 23);
}

static void expect_fits(const char *text, size_t columns, size_t rows)
{
    size_t width = 0, widest = 0;
    cr_expect_leq(count_lines(text), rows - 1, "%zu rows", rows);
    for (; *text; text++) {
        if (strncmp(text, "\x1b[K", 3) == 0)
            text += 2;
        else
            width = *text == '\r' || *text == '\n' ? 0 : width + 1;
        widest = width > widest ? width : widest;
    }
    cr_expect_leq(widest, columns, "%zu columns", columns);
}

Test(top, fits_any_terminal)
{
    for (size_t rows = 1; rows < 30; rows++) {
        for (size_t columns = 1; columns < 130; columns += 7)
            expect_fits(frame(columns, rows), columns, rows);
    }
    const char *text = frame(80, 16);
    EXPECT_HAS(text, "and 3 more partitions");
    EXPECT_HAS(text, "Ctrl-C quits");
}

Test(top, knows_rates_from_two_answers)
{
    struct top_history history = {0};
    cJSON *status = cJSON_Parse(status_text);
    top_history_add(&history, status, 1000000);
    cr_expect_not(history.rated);
    cJSON *position = cJSON_GetObjectItem(
        cJSON_GetArrayItem(
            cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(status, "sources"), 0),
                                "partitions"),
            0),
        "position");
    cJSON_SetNumberValue(position, 60);
    top_history_add(&history, status, 1500000);
    cr_expect(history.rated);
    cr_expect_eq(history.records_per_s, 100);
    cr_expect_eq(history.durations, 1, "the same batch counts once");
    cJSON_Delete(status);
}

Test(top, takes_a_document_that_lacks_everything)
{
    cJSON *status = cJSON_Parse("{\"state\":7,\"queries\":3,\"sources\":[{},1],\"memory\":[]}");
    struct top_history history = {0};
    struct top_view view = {.address = "a:1", .status = status, .history = &history};
    struct top_canvas canvas = canvas_of(80, 24);
    top_history_add(&history, status, 1);
    top_draw(&canvas, &view);
    cr_expect(out.n > 0);
    cJSON_Delete(status);
}

/* ---- the verdict ---- */

static const struct top_verdict *judge(const char *json)
{
    static struct top_verdict verdict;
    cJSON *status = cJSON_Parse(json);
    cr_assert(status, "%s", json);
    top_judge(status, 1000000, &verdict); /* 1970-01-12T13:46:40Z */
    cJSON_Delete(status);
    return &verdict;
}

static void expect_verdict(const char *json, enum top_style style, const char *word,
                           const char *why)
{
    const struct top_verdict *verdict = judge(json);
    cr_expect_str_eq(verdict->word, word, "%s: %s", json, verdict->word);
    cr_expect_str_eq(verdict->why, why, "%s: %s", json, verdict->why);
    cr_expect_eq(verdict->style, style, "%s", json);
}

Test(top, says_what_readyz_says)
{
    expect_verdict("{\"state\":\"running\",\"ready\":true}", TOP_GREEN, "ok", "");
    expect_verdict("{\"state\":\"running\",\"ready\":false,\"notReady\":\"read 9 s ago\","
                   "\"uncommittedSeconds\":9,\"triggerIntervalMs\":1000}",
                   TOP_YELLOW, "degraded", "read 9 s ago");
    expect_verdict("{\"state\":\"catching_up\",\"ready\":false}", TOP_YELLOW, "degraded",
                   "not ready");
    expect_verdict("{\"state\":\"catching_up\",\"ready\":true,\"pace\":{\"behind\":1200}}",
                   TOP_CYAN, "catching up", "1.2k records wait");
    expect_verdict("{\"state\":\"failed\",\"reason\":\"gone\"}", TOP_RED, "failed", "gone");
    expect_verdict("{\"state\":\"new\"}", TOP_PLAIN, "new", "");
}

Test(top, knows_what_is_stuck)
{
    expect_verdict("{\"state\":\"degraded\",\"reason\":\"down\",\"uncommittedSeconds\":31,"
                   "\"triggerIntervalMs\":10000}",
                   TOP_RED, "stuck", "down; nothing has been committed for 31s");
    expect_verdict("{\"state\":\"degraded\",\"reason\":\"down\",\"uncommittedSeconds\":29,"
                   "\"triggerIntervalMs\":10000}",
                   TOP_YELLOW, "degraded", "down");
    expect_verdict("{\"state\":\"running\",\"ready\":false,\"notReady\":\"old\","
                   "\"uncommittedSeconds\":31,\"triggerIntervalMs\":null}",
                   TOP_RED, "stuck", "nothing has been committed for 31s");
}

Test(top, a_long_start_is_a_warning)
{
    expect_verdict("{\"state\":\"starting\",\"notReady\":\"no broker\",\"uptimeSeconds\":5}",
                   TOP_CYAN, "starting", "no broker");
    expect_verdict("{\"state\":\"starting\",\"reason\":\"no broker\",\"uptimeSeconds\":45}",
                   TOP_YELLOW, "starting", "for 45s: no broker");
}

Test(top, back_pressure_and_watermarks_ahead_are_said)
{
    expect_verdict("{\"state\":\"running\",\"sources\":[{\"held\":true}]}", TOP_GREEN, "ok",
                   "back pressure holds the source");
    expect_verdict("{\"state\":\"running\",\"queries\":[{\"name\":\"q\",\"eventTime\":"
                   "{\"watermark\":\"1970-01-15T13:46:40.000Z\"}}]}",
                   TOP_YELLOW, "warning", "the watermark of q is 3d00h ahead of the clock");
    expect_verdict("{\"state\":\"running\",\"queries\":[{\"name\":\"q\",\"eventTime\":"
                   "{\"watermark\":\"10000-01-01T00:00:00.000Z\"}}]}",
                   TOP_YELLOW, "warning", "the watermark of q is 8030.0y ahead of the clock");
    expect_verdict("{\"state\":\"running\",\"queries\":[{\"name\":\"q\",\"eventTime\":"
                   "{\"watermark\":\"1970-01-12T13:47:00.000Z\"}}]}",
                   TOP_GREEN, "ok", "");
}

Test(top, a_watermark_ahead_has_a_sign)
{
    cJSON *status = cJSON_Parse("{\"queries\":[{\"name\":\"q\",\"eventTime\":"
                                "{\"watermark\":\"1970-01-15T13:46:40.000Z\"}}]}");
    struct top_history history = {0};
    struct top_view view = {
        .address = "a:1", .status = status, .history = &history, .now_ms = 1000000000};
    struct top_canvas canvas = canvas_of(120, 24);
    top_draw(&canvas, &view);
    EXPECT_HAS(buf_cstr(&out), " +3d00h ");
    cJSON_Delete(status);
}
