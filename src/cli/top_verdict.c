#include "cli/top_verdict.h"

#include <math.h>
#include <stdio.h>

#include "cli/top_json.h"

enum {
    LATE_TRIGGERS = 3,   /* records wait for longer than that: /readyz says 503 */
    STUCK_FACTOR = 10,   /* and this much longer: it is not only slow */
    STARTING_S_MAX = 30, /* a start that takes longer is trouble */
    AHEAD_S_MAX = 60,    /* of a watermark before the clock */
};

static void say(struct top_verdict *out, enum top_style style, const char *word, struct str why)
{
    out->style = style;
    snprintf(out->word, sizeof out->word, "%s", word);
    snprintf(out->why, sizeof out->why, "%.*s", STR_ARG(why));
}

static void add_why(struct top_verdict *out, const char *more)
{
    size_t n = strlen(out->why);
    snprintf(out->why + n, sizeof out->why - n, "%s%s", n ? "; " : "", more);
}

static bool is_held(const cJSON *status)
{
    const cJSON *source;
    cJSON_ArrayForEach(source, json_get(status, "sources"))
    {
        if (json_true(source, "held"))
            return true;
    }
    return false;
}

/* The query whose watermark is furthest ahead of the clock by more than a bit; NULL: there is none.
 */
static const cJSON *find_ahead(const cJSON *status, double now_s, double *ahead_s)
{
    const cJSON *query, *found = NULL;
    *ahead_s = AHEAD_S_MAX;
    cJSON_ArrayForEach(query, json_get(status, "queries"))
    {
        double ahead = json_time(json_get(query, "eventTime"), "watermark") - now_s;
        if (ahead > *ahead_s) {
            *ahead_s = ahead;
            found = query;
        }
    }
    return found;
}

static void judge_stuck(const cJSON *status, double old_s, struct top_verdict *out)
{
    char nothing[80];
    snprintf(nothing, sizeof nothing, "nothing has been committed for %s", top_time(old_s).text);
    say(out, TOP_RED, "stuck", json_text(status, "reason"));
    add_why(out, nothing);
}

static void judge_start(const cJSON *status, struct str reason, struct top_verdict *out)
{
    double up_s = json_number(status, "uptimeSeconds");
    bool slow = up_s > STARTING_S_MAX;
    say(out, slow ? TOP_YELLOW : TOP_CYAN, "starting", reason);
    if (slow)
        snprintf(out->why, sizeof out->why, "for %s: %.*s", top_time(up_s).text, STR_ARG(reason));
}

/* The server says that it runs. */
static void judge_running(const cJSON *status, double now_s, struct str reason, bool catching_up,
                          struct top_verdict *out)
{
    double ahead_s, behind = json_number(json_get(status, "pace"), "behind");
    const cJSON *ahead = find_ahead(status, now_s, &ahead_s);
    if (cJSON_IsFalse(json_get(status, "ready"))) {
        say(out, TOP_YELLOW, "degraded", reason.n ? reason : STR("not ready"));
    } else if (ahead) {
        say(out, TOP_YELLOW, "warning", STR(""));
        snprintf(out->why, sizeof out->why, "the watermark of %.60s is %s ahead of the clock",
                 json_text(ahead, "name").p, top_time(ahead_s).text);
    } else if (catching_up) {
        say(out, TOP_CYAN, "catching up", STR(""));
        if (isfinite(behind))
            snprintf(out->why, sizeof out->why, "%s records wait", top_count(behind).text);
    } else {
        say(out, TOP_GREEN, "ok", reason);
    }
    if (is_held(status))
        add_why(out, "back pressure holds the source");
}

void top_judge(const cJSON *status, double now_s, struct top_verdict *out)
{
    struct str state = json_text(status, "state"), reason = json_text(status, "reason");
    double interval_s = json_number(status, "triggerIntervalMs") / 1000;
    double old_s = json_number(status, "uncommittedSeconds");
    double limit_s = LATE_TRIGGERS * fmax(1, interval_s); /* fmax leaves a NAN out */
    bool degraded = str_is(state, "degraded"), starting = str_is(state, "starting");
    *out = (struct top_verdict){.style = TOP_PLAIN};
    if (!reason.n)
        reason = json_text(status, "notReady");
    if (str_is(state, "failed"))
        say(out, TOP_RED, "failed", reason);
    else if (str_is(state, "stopping"))
        say(out, TOP_YELLOW, "stopping", reason);
    else if (old_s > (degraded || starting ? limit_s : STUCK_FACTOR * limit_s))
        judge_stuck(status, old_s, out);
    else if (degraded)
        say(out, TOP_YELLOW, "degraded", reason);
    else if (starting)
        judge_start(status, reason, out);
    else if (str_is(state, "running") || str_is(state, "catching_up"))
        judge_running(status, now_s, reason, str_is(state, "catching_up"), out);
    else
        snprintf(out->word, sizeof out->word, "%.*s", STR_ARG(state)); /* of another version */
}
