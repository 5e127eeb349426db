/* engine_fingerprint.c: what may not change as long as saved state is to be read: lines of text.
 * Delays, conditions, the select list and sinks may. */
#include "engine/engine_impl.h"

static int print_query(struct engine *engine, uint32_t index, struct buf *out)
{
    const struct plan_query *plan = &engine->plan->queries[index];
    const struct sql_grouping *grouping = sql_query_grouping(engine->queries[index].sql);
    if (!grouping)
        return 0;
    int code = sql_query_fingerprint(plan->sql.text, &engine->view, out);
    if (code)
        return code;
    if (grouping->watermarked)
        buf_printf(out, "closed by %.*s\noutput %s\n",
                   STR_ARG(engine->view.columns[engine->view.event_time].name),
                   plan->output_mode == OUTPUT_COMPLETE ? "complete" : "append or update");
    return out->failed ? ERR_NOMEM : 0;
}

static int print_source(struct engine *engine, struct buf *out)
{
    if (!engine->dedup)
        return 0;
    for (uint32_t i = 0; i < engine->plan->dedup_count; i++) {
        const struct sql_column *column = &engine->view.columns[engine->dedup_columns[i]];
        buf_printf(out, "drop duplicates of %.*s ", STR_ARG(column->name));
        type_print(column->type, out);
        buf_append_char(out, '\n');
    }
    buf_printf(out, "until %.*s\n", STR_ARG(engine->view.columns[engine->view.event_time].name));
    return out->failed ? ERR_NOMEM : 0;
}

int engine_fingerprints(struct engine *engine)
{
    int code = print_source(engine, &engine->fingerprint);
    engine->fresh = true;
    for (uint32_t i = 0; i < engine->plan->query_count && code == 0; i++) {
        engine->queries[i].fresh = true;
        code = print_query(engine, i, &engine->queries[i].fingerprint);
    }
    return code;
}

int engine_query_fingerprint(const struct engine *engine, uint32_t query, struct buf *out)
{
    buf_append_str(out, buf_str(&engine->queries[query].fingerprint));
    return out->failed ? ERR_NOMEM : 0;
}

int engine_source_fingerprint(const struct engine *engine, struct buf *out)
{
    buf_append_str(out, buf_str(&engine->fingerprint));
    return out->failed ? ERR_NOMEM : 0;
}
