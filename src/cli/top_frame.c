#include "cli/top_frame.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "cli/top_json.h"
#include "cli/top_tables.h"
#include "cli/top_verdict.h"

static double positions_of(const cJSON *status)
{
    const cJSON *source, *partition;
    double sum = 0;
    cJSON_ArrayForEach(source, json_get(status, "sources"))
    {
        cJSON_ArrayForEach(partition, json_get(source, "partitions"))
        {
            double position = json_number(partition, "position");
            sum += isfinite(position) ? position : 0;
        }
    }
    return sum;
}

/* The query that was in a batch last. */
static const cJSON *newest_query(const cJSON *status)
{
    const cJSON *query, *newest = NULL;
    double best = -1;
    cJSON_ArrayForEach(query, json_get(status, "queries"))
    {
        double id = json_number(query, "batchId");
        if (id > best) {
            best = id;
            newest = query;
        }
    }
    return newest;
}

static double duration_of(const cJSON *query)
{
    return json_number(json_get(query, "durationMs"), "triggerExecution") / 1000;
}

void top_history_add(struct top_history *history, const cJSON *status, int64_t now_us)
{
    double read = positions_of(status);
    double seconds = (double)(now_us - history->sampled_us) / 1e6;
    const cJSON *query = newest_query(status);
    if (history->sampled_us && seconds > 0) {
        history->rated = read >= history->read; /* another run may begin earlier */
        history->records_per_s = (read - history->read) / seconds;
    }
    history->sampled_us = now_us;
    history->read = read;
    if (!query)
        return;
    int64_t id = (int64_t)json_number(query, "batchId");
    if (history->durations == 0 || id != history->batch_id)
        history->durations_s[history->durations++ % TOP_BATCHES_MAX] = duration_of(query);
    history->batch_id = id;
}

/* ---- the head ---- */

static void draw_title(struct top_canvas *canvas, const struct top_view *view)
{
    char right[48], at[16];
    time_t seconds = (time_t)(view->now_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(at, sizeof at, "%H:%M:%S", &local);
    snprintf(right, sizeof right, "up %s  %s ",
             top_time(json_number(view->status, "uptimeSeconds")).text, at);
    top_put(canvas, TOP_BOLD, STR(" sluice top  "));
    top_put(canvas, TOP_BOLD, json_text(view->status, "name"));
    top_printf(canvas, TOP_DIM, "  %.*s  %s", STR_ARG(json_text(view->status, "version")),
               view->address);
    top_right(canvas, TOP_PLAIN, str_of(right));
    top_end_line(canvas);
}

static void draw_state(struct top_canvas *canvas, const struct top_view *view)
{
    struct top_verdict verdict;
    top_judge(view->status, (double)view->now_ms / 1000, &verdict);
    if (view->trouble) {
        top_put(canvas, TOP_RED, STR(" unreachable "));
        top_printf(canvas, TOP_PLAIN, "for %s: %s; trying again", top_time(view->trouble_s).text,
                   view->trouble);
    } else {
        top_put(canvas, TOP_PLAIN, STR(" "));
        top_put(canvas, verdict.style, str_of(verdict.word));
        top_put(canvas, TOP_PLAIN, verdict.why[0] ? STR(": ") : STR(""));
        top_put(canvas, TOP_PLAIN, str_of(verdict.why));
    }
    top_end_line(canvas);
}

/* As /status has it: on a backlog only. False: there is none. */
static bool find_progress(const cJSON *status, double *percent, double *rate, double *eta_s)
{
    const cJSON *progress = json_get(status, "progress");
    *percent = json_number(progress, "percent");
    *rate = json_number(progress, "recordsPerSecond");
    *eta_s = json_number(progress, "etaSeconds");
    return isfinite(*percent);
}

static void draw_progress(struct top_canvas *canvas, const struct top_view *view)
{
    double percent, rate, eta_s;
    char label[64];
    if (find_progress(view->status, &percent, &rate, &eta_s)) {
        snprintf(label, sizeof label, "%.1f %%", percent);
        top_put(canvas, TOP_PLAIN, STR(" progress "));
        top_bar(canvas, TOP_CYAN, 32, percent / 100, label);
        top_printf(canvas, TOP_PLAIN, "  %s records/s  ETA %s",
                   isfinite(rate) ? top_count(rate).text : "-", top_time(eta_s).text);
    }
    top_end_line(canvas);
}

/* A character per batch, the newest last: how long it took, of the trigger's interval or, without
 * one, of the longest. */
static void draw_durations(struct top_canvas *canvas, const struct top_history *history,
                           double whole_s)
{
    static const char levels[] = ".:-=+*#@";
    char text[TOP_BATCHES_MAX / 3 + 1];
    uint32_t n = history->durations < sizeof text - 1 ? history->durations : sizeof text - 1;
    for (uint32_t i = 0; i < n; i++) {
        double took = history->durations_s[(history->durations - n + i) % TOP_BATCHES_MAX];
        double share = whole_s > 0 && took > 0 ? fmin(1, took / whole_s) : 0;
        text[i] = levels[(size_t)(share * (sizeof levels - 2))];
    }
    text[n] = '\0';
    top_printf(canvas, TOP_PLAIN, "  last %s", text);
}

static double longest_of(const struct top_history *history)
{
    double longest = 0;
    for (uint32_t i = 0; i < TOP_BATCHES_MAX && i < history->durations; i++)
        longest = fmax(longest, history->durations_s[i]);
    return longest;
}

static void draw_batch(struct top_canvas *canvas, const struct top_view *view)
{
    const cJSON *query = newest_query(view->status);
    double interval_s = json_number(view->status, "triggerIntervalMs") / 1000;
    char label[64] = "";
    if (!query) {
        top_put(canvas, TOP_PLAIN, STR(" batch    none yet"));
        top_end_line(canvas);
        return;
    }
    double took = duration_of(query), longest = longest_of(view->history);
    top_printf(canvas, TOP_PLAIN, " batch    ");
    if (interval_s > 0) {
        snprintf(label, sizeof label, "%s of %s", top_time(took).text, top_time(interval_s).text);
        top_bar(canvas, took > interval_s ? TOP_YELLOW : TOP_GREEN, 32, took / interval_s, label);
    } else {
        top_printf(canvas, TOP_PLAIN, "%s", top_time(took).text);
    }
    top_printf(canvas, TOP_PLAIN, "  %.0f: %s rows", json_number(query, "batchId"),
               top_count(json_number(query, "numInputRows")).text);
    draw_durations(canvas, view->history, interval_s > 0 ? interval_s : longest);
    top_end_line(canvas);
}

static void draw_commit(struct top_canvas *canvas, const struct top_view *view)
{
    const cJSON *checkpoint = json_get(view->status, "checkpoint");
    double now_s = (double)view->now_ms / 1000;
    top_put(canvas, TOP_PLAIN, STR(" commit   "));
    if (cJSON_IsObject(checkpoint)) {
        double bytes = json_number(checkpoint, "bytes");
        top_printf(canvas, TOP_PLAIN, "%s ago",
                   top_time(now_s - json_time(checkpoint, "committedAt")).text);
        if (isfinite(bytes))
            top_printf(canvas, TOP_PLAIN, ", %s", top_bytes(bytes).text);
        top_put(canvas, TOP_DIM, STR("  "));
        top_put(canvas, TOP_DIM, json_text(checkpoint, "location"));
    } else {
        const cJSON *query = newest_query(view->status);
        double at = json_time(query, "timestamp");
        top_printf(canvas, TOP_PLAIN, "%s ago", top_time(now_s - at).text);
        top_put(canvas, TOP_DIM, STR("  without a checkpoint"));
    }
    top_end_line(canvas);
}

static void draw_memory(struct top_canvas *canvas, const struct top_view *view)
{
    const cJSON *memory = json_get(view->status, "memory"), *use;
    double budget = json_number(memory, "budgetBytes"), used = 0;
    char label[64];
    cJSON_ArrayForEach(use, json_get(memory, "usedBytes"))
    {
        used += strcmp(use->string, "state") == 0 ? 0 : use->valuedouble;
    }
    snprintf(label, sizeof label, "%s of %s", top_bytes(used).text,
             isfinite(budget) ? top_bytes(budget).text : "-");
    top_put(canvas, TOP_PLAIN, STR(" memory   "));
    top_bar(canvas, used > budget * 0.9 ? TOP_YELLOW : TOP_GREEN, 32, used / budget, label);
    top_printf(canvas, TOP_PLAIN, "  resident %s",
               top_bytes(json_number(memory, "residentBytes")).text);
    cJSON_ArrayForEach(use, json_get(memory, "usedBytes"))
    {
        if (strcmp(use->string, "state") == 0)
            top_printf(canvas, TOP_PLAIN, ", state %s", top_bytes(use->valuedouble).text);
    }
    top_end_line(canvas);
}

/* ---- the frame ---- */

void top_draw(struct top_canvas *canvas, const struct top_view *view)
{
    draw_title(canvas, view);
    draw_state(canvas, view);
    if (view->status) {
        draw_progress(canvas, view);
        draw_batch(canvas, view);
        draw_commit(canvas, view);
        draw_memory(canvas, view);
        top_draw_tables(canvas, view);
    }
    if (!canvas->ansi)
        return;
    while (canvas->row + 1 < canvas->rows)
        top_end_line(canvas);
    top_put(canvas, TOP_DIM, view->keys ? STR(" q quit") : STR(" Ctrl-C quits"));
    top_end_line(canvas);
}
