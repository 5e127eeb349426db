/* engine_explain.c: the plan in words, for `sluice validate`. */
#include "engine/engine_impl.h"

static void print_time(struct buf *out, int64_t ms)
{
    if (ms % 1000 == 0)
        buf_printf(out, "%lld s", (long long)ms / 1000);
    else
        buf_printf(out, "%lld ms", (long long)ms);
}

/* What a query over `scope` does, a line each behind `indent`. */
static int print_query(struct buf *out, const char *indent, const struct plan_sql *sql,
                       const struct sql_scope *scope)
{
    struct buf lines = {0};
    int code = sql_query_explain(sql->text, scope, &lines);
    for (struct str text = buf_str(&lines); text.n;) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        buf_printf(out, "%s%.*s\n", indent, (int)n, text.p);
        text = (struct str){text.p + n + (end != NULL), text.n - n - (end != NULL)};
    }
    code = code == 0 && lines.failed ? ERR_NOMEM : code;
    buf_fini(&lines);
    return code;
}

static void print_columns(struct buf *out, const struct scope *scope)
{
    uint32_t unread = 0;
    for (uint32_t i = 0; i < scope->sql.count; i++) {
        const struct sql_column *column = &scope->columns[i];
        unread += !scope->used[i] && !column->hidden;
        if (!scope->used[i])
            continue;
        buf_printf(out, "    %.*s ", STR_ARG(column->name));
        type_print(column->type, out);
        buf_append_char(out, '\n');
    }
    if (unread)
        buf_printf(out, "    (%u more column%s checked, but not kept: no query reads %s)\n", unread,
                   unread == 1 ? " is" : "s are", unread == 1 ? "it" : "them");
}

static void print_watermark(struct buf *out, const struct plan_watermark *mark)
{
    buf_printf(out, "  watermark: %.*s, delay ", STR_ARG(mark->event_time));
    print_time(out, mark->delay_ms);
    if (mark->per_partition)
        buf_append_str(out, STR(", by the slowest partition with unread data"));
    if (mark->future_limit_ms >= 0) {
        buf_append_str(out, STR(", at most "));
        print_time(out, mark->future_limit_ms);
        buf_append_str(out, STR(" ahead of the broker's time"));
    }
    if (mark->idle_timeout_ms >= 0) {
        buf_append_str(out, STR(", follows the clock after "));
        print_time(out, mark->idle_timeout_ms);
        buf_append_str(out, STR(" of silence"));
    }
    buf_append_char(out, '\n');
}

static void print_warning(struct buf *out, const char *sentence)
{
    if (sentence)
        buf_printf(out, "  warning: %s\n", sentence);
}

static int print_transform(struct buf *out, const struct engine *engine)
{
    struct sql_scope source = engine->scope.sql;
    source.view = STR("source");
    buf_append_str(out, STR("  transform:\n"));
    int code = print_query(out, "    ", &engine->plan->transform, &source);
    buf_append_str(out, STR("    columns:"));
    for (uint32_t i = 0; i < engine->view.count; i++) {
        const struct sql_column *column = &engine->view.columns[i];
        buf_printf(out, "%s %.*s ", i ? "," : "", STR_ARG(column->name));
        type_print(column->type, out);
    }
    buf_append_char(out, '\n');
    return code;
}

static void print_dedup(struct buf *out, const struct plan *plan)
{
    buf_append_str(out, STR("  drop duplicates of"));
    for (uint32_t i = 0; i < plan->dedup_count; i++)
        buf_printf(out, "%s %.*s", i ? "," : "", STR_ARG(plan->dedup[i].name));
    buf_append_str(out, STR("; state: each key until the watermark is "));
    print_time(out, plan->watermark.delay_ms);
    buf_append_str(out, STR(" past its first row\n"));
}

int engine_explain_source(const struct engine *engine, struct buf *out)
{
    print_columns(out, &engine->scope);
    int code = engine->transform ? print_transform(out, engine) : 0;
    if (engine->plan->watermark.given)
        print_watermark(out, &engine->plan->watermark);
    print_warning(out, engine_source_warning(engine));
    if (engine->dedup)
        print_dedup(out, engine->plan);
    return code;
}

/* What is kept, and when it goes. */
static const char *lifetime(const struct engine *engine, uint32_t index,
                            const struct sql_grouping *grouping)
{
    if (engine->plan->queries[index].output_mode == OUTPUT_COMPLETE)
        return "all groups for ever, as complete mode gives them with every batch";
    if (!grouping->watermarked)
        return grouping->key_count || grouping->window
                   ? "all groups for ever: the keys do not follow the watermark"
                   : "one group";
    if (grouping->window == SQL_WINDOW_SESSION)
        return "open sessions, each until the watermark passes its end";
    return grouping->window == SQL_WINDOW_TIME
               ? "groups of open windows, each until the watermark passes its window's end"
               : "groups, each until the watermark passes its time";
}

int engine_explain_query(const struct engine *engine, uint32_t index, struct buf *out)
{
    const struct sql_query *query = engine->queries[index].sql;
    const struct sql_grouping *grouping = sql_query_grouping(query);
    int code = print_query(out, "  ", &engine->plan->queries[index].sql, &engine->view);
    if (!grouping) {
        buf_append_str(out, STR("  state: none\n"));
        return code;
    }
    buf_printf(out, "  state: %s\n", lifetime(engine, index, grouping));
    print_warning(out, engine_query_warning(engine, index));
    return code;
}

/* ---- what has no effect ---- */

/* Whether rows of a query can be late in its state. Of sessions in complete mode, too, as in Spark.
 */
static bool drops_late(const struct engine *engine, uint32_t index)
{
    const struct sql_grouping *grouping = sql_query_grouping(engine->queries[index].sql);
    return grouping && grouping->watermarked &&
           (grouping->window == SQL_WINDOW_SESSION ||
            engine->plan->queries[index].output_mode != OUTPUT_COMPLETE);
}

const char *engine_source_warning(const struct engine *engine)
{
    const struct plan *plan = engine->plan;
    if (!plan->late_rows)
        return NULL;
    if (!plan->watermark.given)
        return "lateRows stays empty: without a watermark nothing is late";
    bool drops = engine->dedup || plan->watermark.future_limit_ms >= 0;
    for (uint32_t i = 0; i < plan->query_count; i++)
        drops |= drops_late(engine, i);
    return drops ? NULL : "lateRows stays empty: no query drops rows for being late";
}

const char *engine_query_warning(const struct engine *engine, uint32_t index)
{
    const struct plan *plan = engine->plan;
    const struct sql_grouping *grouping = sql_query_grouping(engine->queries[index].sql);
    if (!grouping || plan->queries[index].output_mode != OUTPUT_COMPLETE || !plan->watermark.given)
        return NULL;
    if (engine->dedup || drops_late(engine, index))
        return "complete mode ignores the watermark: rows can be late, but nothing leaves the "
               "state";
    return grouping->window == SQL_WINDOW_TIME
               ? "complete mode ignores the watermark: nothing is late, and no window leaves the "
                 "state"
               : "complete mode ignores the watermark: nothing is late, and no group leaves the "
                 "state";
}
