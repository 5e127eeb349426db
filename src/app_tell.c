/* What an app tells by itself: batches in the log, progress on the terminal, its state to the
 * service manager. */
#include <math.h>

#include "app_impl.h"
#include "os/clock.h"
#include "vec/time.h"

enum {
    LINE_US_MIN = 1000000, /* batches have one line per second at most */
    BACKLOG_QUIET = 3,     /* seconds without a backlog until it is over */
};

#define RATE_WEIGHT 0.3 /* of the newest second */

/* ---- the backlog ---- */

struct extent {
    int64_t start, position, behind; /* sums over the partitions, offsets */
};

static struct extent extent_of(const struct app *app)
{
    struct extent sum = {0};
    for (uint32_t i = 0; app->source && i < app->source->partition_count; i++) {
        const struct source_partition *p = &app->source->partitions[i];
        if (!p->resolved)
            continue;
        sum.start += p->start;
        sum.position += p->position;
        sum.behind += p->end > p->position ? p->end - p->position : 0;
    }
    if (app->options.available_now && app->machine_ready && app->stage == APP_RUNNING)
        sum.behind = app->source->ops->pending(app->source);
    return sum;
}

static bool catching_up(const struct app *app)
{
    struct str reason;
    return app_state(app, &reason) == STATUS_CATCHING_UP;
}

/* The first backlog begins where the run began. A short pause does not end one: at its end the
 * state goes to and fro. */
static void sample_backlog(struct app *app)
{
    struct app_backlog *backlog = &app->backlog;
    struct extent now = extent_of(app);
    int64_t now_us = clock_monotonic_us();
    double seconds = (double)(now_us - backlog->sampled_us) / 1e6;
    if (backlog->sampled_us && seconds > 0) {
        double read = (double)(app->records_read - backlog->records) / seconds;
        double gained = (double)(backlog->behind - now.behind) / seconds;
        double weight = backlog->rated ? RATE_WEIGHT : 1;
        backlog->records_per_s += weight * (read - backlog->records_per_s);
        backlog->gained_per_s += weight * (gained - backlog->gained_per_s);
        backlog->rated |= app->records_read > backlog->records;
    }
    backlog->sampled_us = now_us;
    backlog->records = app->records_read;
    backlog->behind = now.behind;
    if (catching_up(app)) {
        if (!backlog->active)
            backlog->base = app->batches > 0 && backlog->told ? now.position : now.start;
        backlog->active = backlog->told = true;
        backlog->quiet = 0;
    } else if (backlog->active && ++backlog->quiet >= BACKLOG_QUIET) {
        backlog->active = false;
    }
}

bool app_progress_of(const struct app *app, struct status_progress *out)
{
    const struct app_backlog *backlog = &app->backlog;
    if (!catching_up(app))
        return false;
    struct extent now = extent_of(app);
    int64_t base = backlog->active                     ? backlog->base
                   : backlog->told || app->batches > 0 ? now.position
                                                       : now.start;
    double done = (double)(now.position - base), all = done + (double)now.behind;
    bool ends = backlog->rated && backlog->gained_per_s > 0;
    *out = (struct status_progress){
        .percent = all > 0 ? fmin(100, fmax(0, 100 * done / all)) : 100,
        .records_per_second = backlog->rated ? backlog->records_per_s : NAN,
        .eta_seconds = ends ? (double)now.behind / backlog->gained_per_s : NAN};
    return true;
}

/* 950, 12.3k, 4.5M */
static void print_count(double n, char *out, size_t size)
{
    if (n < 1000)
        snprintf(out, size, "%.0f", n);
    else if (n < 999950)
        snprintf(out, size, "%.1fk", n / 1e3);
    else
        snprintf(out, size, "%.1fM", n / 1e6);
}

/* 12s, 3m05s, 2h07m */
static void print_time(double seconds, char *out, size_t size)
{
    long s = (long)ceil(seconds);
    if (s < 60)
        snprintf(out, size, "%lds", s);
    else if (s < 3600)
        snprintf(out, size, "%ldm%02lds", s / 60, s % 60);
    else
        snprintf(out, size, "%ldh%02ldm", s / 3600, s / 60 % 60);
}

static void print_progress(const struct status_progress *progress, double behind, char *out,
                           size_t size)
{
    char rate[32] = "?", eta[40] = "?", left[32];
    if (isfinite(progress->records_per_second))
        print_count(progress->records_per_second, rate, sizeof rate);
    if (isfinite(progress->eta_seconds) && progress->eta_seconds < 1e7)
        print_time(progress->eta_seconds, eta, sizeof eta);
    print_count(behind, left, sizeof left);
    /* What changes stands first: a narrow terminal cuts the end. */
    snprintf(out, size, "%.1f %%, %s records/s, ETA %s; catching up: %s behind", progress->percent,
             rate, eta, left);
}

static void show_progress(struct app *app)
{
    struct status_progress progress;
    char line[LOG_STATUS_BYTES_MAX] = "";
    if (app->options.preview_records == 0 && app->backlog.rated && app_progress_of(app, &progress))
        print_progress(&progress, (double)app->backlog.behind, line, sizeof line);
    log_status(app->options.log, line);
}

void app_tell_publish(struct app *app)
{
    if (app->writer) /* a console sink may share the terminal: no line till the batch is told */
        log_status(app->options.log, "");
}

/* Its table is on its way there. */
static bool console_writes(const struct app *app)
{
    return app->writer && app->machine_ready && app->machine.committing &&
           app->machine.committing->stage == BATCH_PUBLISHING;
}

/* ---- a line per batch ---- */

/* Of the query that is furthest behind. False: there are no watermarks. */
static bool print_watermark(const struct app *app, char *out, size_t size)
{
    const struct plan *plan = app->options.plan;
    int64_t lowest_us = INT64_MAX;
    for (uint32_t i = 0; plan->watermark.given && i < plan->query_count; i++) {
        int64_t at_us = app->last.queries[i].watermark_us;
        lowest_us = at_us < lowest_us ? at_us : lowest_us;
    }
    if (lowest_us == INT64_MAX)
        return false;
    char text[TIME_TEXT_MAX];
    size_t n = time_format_iso_millis(lowest_us, text);
    snprintf(out, size, "%.*s", (int)n, text);
    return true;
}

static void flush_batches(struct app *app)
{
    struct app_batch_line *line = &app->batch_line;
    char watermark[48];
    if (line->batches == 0)
        return;
    bool marked = print_watermark(app, watermark, sizeof watermark);
    log_line(app->options.log, LOG_INFO, "batch committed", LOG_I("batch", line->id),
             LOG_I("batches", line->batches), LOG_I("records", line->records),
             LOG_I("rows", line->rows), LOG_I("durationMs", line->duration_ms),
             LOG_I("lag", extent_of(app).behind),
             marked ? LOG_S("watermark", watermark) : (struct log_field){NULL, NULL, 0, false});
    *line = (struct app_batch_line){.told_us = clock_monotonic_us()};
}

static bool line_is_due(const struct app *app)
{
    return clock_monotonic_us() - app->batch_line.told_us >= LINE_US_MIN;
}

void app_tell_batch(struct app *app)
{
    struct app_batch_line *line = &app->batch_line;
    const struct app_progress *last = &app->last;
    line->batches++;
    line->id = last->batch_id;
    line->records += last->records;
    for (uint32_t i = 0; i < app->options.plan->query_count; i++)
        line->rows += (int64_t)last->queries[i].rows_out;
    line->duration_ms = last->total_ms > line->duration_ms ? last->total_ms : line->duration_ms;
    if (line_is_due(app))
        flush_batches(app);
    if (app->writer)
        show_progress(app);
}

/* ---- the service manager ---- */

static void print_state(const struct app *app, enum status_state state, struct str reason,
                        struct buf *out)
{
    struct status_progress progress;
    char line[LOG_STATUS_BYTES_MAX];
    if (state == STATUS_CATCHING_UP && app_progress_of(app, &progress)) {
        print_progress(&progress, (double)app->backlog.behind, line, sizeof line);
        buf_append_str(out, str_of(line));
        return;
    }
    buf_append_str(out, str_of(status_state_name(state)));
    if (reason.n)
        buf_append_str(out, STR(": "));
    for (size_t i = 0; i < reason.n; i++) /* a new line would begin another assignment */
        buf_append_char(out, (unsigned char)reason.p[i] < 0x20 ? ' ' : reason.p[i]);
    if (state == STATUS_RUNNING && app->batches)
        buf_printf(out, ": batch %lld, %lld records behind", (long long)app->last.batch_id,
                   (long long)extent_of(app).behind);
}

void app_tell_manager(struct app *app)
{
    const struct notify *notify = app->options.notify;
    struct str reason;
    struct buf lines = {0};
    if (!notify || notify->fd < 0)
        return;
    enum status_state state = app_state(app, &reason);
    bool ready = state != STATUS_STARTING && state != STATUS_STOPPING && state != STATUS_FAILED;
    if (ready && !app->told_ready)
        buf_append_str(&lines, STR("READY=1\n"));
    if (state == STATUS_STOPPING || state == STATUS_FAILED)
        buf_append_str(&lines, STR("STOPPING=1\n"));
    if (notify->watchdog)
        buf_append_str(&lines, STR("WATCHDOG=1\n"));
    buf_append_str(&lines, STR("STATUS="));
    print_state(app, state, reason, &lines);
    if (!lines.failed) {
        notify_send(notify, buf_cstr(&lines));
        app->told_ready |= ready;
    }
    buf_fini(&lines);
}

/* ---- ---- */

void app_tell_second(struct app *app)
{
    sample_backlog(app);
    if (line_is_due(app))
        flush_batches(app);
    if (!console_writes(app))
        show_progress(app);
    app_tell_manager(app);
    log_tick(app->options.log);
}

void app_tell_end(struct app *app)
{
    flush_batches(app);
    log_end(app->options.log);
}
