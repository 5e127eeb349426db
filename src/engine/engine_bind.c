/* engine_bind.c: binds transform and queries, and checks what depends on their types and on the
 * output mode (Spark's UnsupportedOperationChecker; the sentences are Spark's). */
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "plan/sinks_check.h"
#include "plan/sql_errors.h"

/* Where problems go. */
struct report {
    struct engine *engine;
    struct arena *arena;
    struct plan_errors *errors;
    struct sql_errors found; /* in one text */
};

/* Passes on what was found in a text. The code that is left is no problem of the document. */
static int report_found(struct report *report, const struct plan_sql *sql, int code)
{
    const struct sql_errors *found = &report->found;
    if (code != ERR_INVALID && code != ERR_UNSUPPORTED)
        return code;
    for (uint32_t i = 0; i < found->count && i < found->capacity; i++) {
        const struct sql_error *error = &found->items[i];
        plan_sql_error(report->errors, report->arena, sql, error->line, error->column, error->code,
                       error->message);
    }
    if (found->count > found->capacity)
        report->errors->left_out += found->count - found->capacity;
    return 0;
}

static int create_query(struct report *report, struct sql_query **out, const struct plan_sql *sql,
                        const struct sql_scope *scope)
{
    return report_found(report, sql, sql_query_create(out, sql->text, scope, &report->found));
}

/* What can be said of a query while the columns it reads are not known. */
static int check_syntax(struct report *report, const struct plan_sql *sql)
{
    return report_found(report, sql, sql_query_check_syntax(sql->text, &report->found));
}

/* ---- the transform ---- */

static void refuse_transform(struct report *report, const struct plan_sql *sql)
{
    uint32_t line, column;
    sql_place(sql->text, sql_query_group_offset(report->engine->transform), &line, &column);
    plan_sql_error(report->errors, report->arena, sql, line, column, ERR_INVALID,
                   "\"transform\" works record by record: aggregates, GROUP BY and DISTINCT belong "
                   "in a query");
}

static int bind_transform(struct report *report)
{
    struct engine *engine = report->engine;
    const struct plan_sql *sql = &engine->plan->transform;
    struct sql_scope source = engine->scope.sql;
    engine->view = engine->scope.sql;
    if (!sql->line_count)
        return 0;
    source.view = STR("source");
    int code = create_query(report, &engine->transform, sql, &source);
    if (code != 0 || !engine->transform)
        return code;
    if (sql_query_grouping(engine->transform))
        refuse_transform(report, sql);
    const struct type *schema = sql_query_schema(engine->transform);
    engine->view_columns = calloc(schema->field_count, sizeof *engine->view_columns);
    if (!engine->view_columns)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < schema->field_count; i++)
        engine->view_columns[i] =
            (struct sql_column){.name = schema->fields[i].name, .type = schema->fields[i].type};
    engine->view = (struct sql_scope){.view = engine->plan->view,
                                      .columns = engine->view_columns,
                                      .count = schema->field_count,
                                      .event_time = -1};
    return 0;
}

/* ---- watermark and dedup ---- */

/* A column of the view; -1 (and an error) when there is none, or more than one. */
static int find_column(struct report *report, struct str name, uint32_t line, uint32_t column,
                       const char *key)
{
    const struct sql_scope *view = &report->engine->view;
    int found = -1;
    for (uint32_t i = 0; i < view->count; i++) {
        if (!str_eq_nocase(view->columns[i].name, name))
            continue;
        if (found >= 0 && !view->columns[i].hidden && !view->columns[found].hidden) {
            plan_error_add(report->errors, report->arena, line, column, ERR_INVALID,
                           "\"%s\": %.*s is ambiguous: several columns have this name", key,
                           STR_ARG(name));
            return -1;
        }
        if (found < 0 || view->columns[found].hidden)
            found = (int)i;
    }
    if (found < 0)
        plan_error_add(report->errors, report->arena, line, column, ERR_INVALID,
                       "\"%s\": %.*s has no column \"%.*s\"", key, STR_ARG(view->view),
                       STR_ARG(name));
    return found;
}

static void bind_watermark(struct report *report)
{
    struct engine *engine = report->engine;
    const struct plan_watermark *mark = &engine->plan->watermark;
    if (!mark->given)
        return;
    /* Without a transform the plan has checked the column, and reported what is wrong. */
    struct plan_errors unused = {0};
    struct plan_errors *errors = report->errors;
    report->errors = engine->transform ? errors : &unused;
    int column = find_column(report, mark->event_time, mark->line, mark->column, "eventTime");
    if (column >= 0 && engine->view.columns[column].type->kind != TYPE_TIMESTAMP) {
        plan_error_add(report->errors, report->arena, mark->line, mark->column, ERR_INVALID,
                       "\"eventTime\": column \"%.*s\" must be a TIMESTAMP",
                       STR_ARG(mark->event_time));
        column = -1;
    }
    report->errors = errors;
    engine->view.event_time = column;
    engine->view.hold_conditions = engine->plan->dedup_count > 0;
    if (column >= 0 && !engine->transform)
        engine->scope.used[column] = true;
}

static int bind_dedup(struct report *report)
{
    struct engine *engine = report->engine;
    const struct plan *plan = engine->plan;
    uint32_t n = plan->dedup_count, problems = plan_errors_found(report->errors);
    if (n == 0)
        return 0;
    const struct type **types = ARENA_ARRAY(&engine->types, const struct type *, n);
    engine->dedup_columns = calloc(n, sizeof *engine->dedup_columns);
    if (!types || !engine->dedup_columns)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct plan_name *name = &plan->dedup[i];
        int column = find_column(report, name->name, name->line, name->column,
                                 "dropDuplicatesWithinWatermark");
        if (column < 0)
            continue;
        types[i] = engine->view.columns[column].type;
        engine->dedup_columns[i] = (uint32_t)column;
        if (!engine->transform)
            engine->scope.used[column] = true;
        if (types[i]->kind == TYPE_ARRAY)
            plan_error_add(report->errors, report->arena, name->line, name->column, ERR_UNSUPPORTED,
                           "a column of type ARRAY cannot tell duplicates");
    }
    if (plan_errors_found(report->errors) > problems)
        return 0;
    engine->dedup_types = types;
    return dedup_create(&engine->dedup, types, n, plan->watermark.delay_ms * 1000);
}

/* ---- queries ---- */

static void refuse_mode(struct report *report, uint32_t index, const char *sentence)
{
    const struct plan_sql *sql = &report->engine->plan->queries[index].sql;
    uint32_t line, column;
    sql_place(sql->text, sql_query_group_offset(report->engine->queries[index].sql), &line,
              &column);
    plan_sql_error(report->errors, report->arena, sql, line, column, ERR_INVALID, sentence);
}

static void check_mode(struct report *report, uint32_t index)
{
    const struct plan_query *query = &report->engine->plan->queries[index];
    const struct sql_grouping *grouping = sql_query_grouping(report->engine->queries[index].sql);
    if (!grouping) {
        if (query->output_mode == OUTPUT_COMPLETE)
            plan_error_add(report->errors, report->arena, query->mode_line, query->mode_column,
                           ERR_INVALID,
                           "Complete output mode not supported when there are no streaming "
                           "aggregations on streaming DataFrames/Datasets");
        return;
    }
    if (query->output_mode == OUTPUT_APPEND && !grouping->watermarked)
        refuse_mode(report, index,
                    "Append output mode not supported when there are streaming aggregations on "
                    "streaming DataFrames/DataSets without watermark");
    else if (grouping->window == SQL_WINDOW_SESSION && query->output_mode == OUTPUT_UPDATE)
        refuse_mode(report, index,
                    "Update output mode not supported for session window on streaming "
                    "DataFrames/DataSets");
    else if (grouping->window == SQL_WINDOW_SESSION && grouping->varying_key_count == 0)
        refuse_mode(report, index,
                    "Global aggregation with session window in streaming query is not supported.");
}

static int check_sinks(struct report *report, uint32_t index)
{
    const struct plan_query *query = &report->engine->plan->queries[index];
    const struct type *schema = sql_query_schema(report->engine->queries[index].sql);
    int code = 0;
    for (uint32_t i = 0; i < query->sink_count && code == 0; i++)
        code = plan_sink_check_schema(&query->sinks[i], schema, "query", report->errors,
                                      report->arena);
    return code;
}

/* Dead letters and late rows; the latter hold the view's columns, which the transform may have
 * named alike. */
static int check_extra_sinks(struct report *report)
{
    struct engine *engine = report->engine;
    const struct plan_sink *dead = engine->plan->dead_letter, *late = engine->plan->late_rows;
    int code = engine_extra_init(engine);
    if (code == 0 && dead)
        code = plan_sink_check_schema(dead, engine_extra_schema(engine, EXTRA_DEAD_LETTER),
                                      "dead letter", report->errors, report->arena);
    if (code != 0 || !late)
        return code;
    const struct type *schema = engine_extra_schema(engine, EXTRA_LATE_ROWS);
    const struct type *row = schema->fields[schema->field_count - 1].type;
    code = plan_sink_check_schema(late, schema, "late row", report->errors, report->arena);
    if (code == 0 && plan_sink_has_place(late))
        code = plan_sink_check_names(late, row, "transform", report->errors, report->arena);
    return code;
}

static int bind_query(struct report *report, uint32_t index)
{
    struct engine *engine = report->engine;
    const struct plan_query *plan = &engine->plan->queries[index];
    struct engine_query *query = &engine->queries[index];
    uint32_t problems = plan_errors_found(report->errors);
    int code = create_query(report, &query->sql, &plan->sql, &engine->view);
    if (code != 0 || !query->sql)
        return code;
    query->mark.delay_us = engine->plan->watermark.delay_ms * 1000;
    query->mark.per_partition = engine->plan->watermark.per_partition;
    check_mode(report, index);
    code = check_sinks(report, index);
    const struct sql_grouping *grouping = sql_query_grouping(query->sql);
    if (code == 0 && grouping && plan_errors_found(report->errors) == problems)
        code = state_create(&query->state, grouping, plan->output_mode);
    return code;
}

/* ---- which columns are decoded ---- */

static void mark_used(struct engine *engine)
{
    struct scope *scope = &engine->scope;
    bool all = engine->plan->late_rows && !engine->transform;
    for (uint32_t i = 0; i < scope->sql.count; i++) {
        if (engine->transform)
            scope->used[i] |= sql_query_uses(engine->transform, i);
        for (uint32_t q = 0; !engine->transform && q < engine->plan->query_count; q++)
            scope->used[i] |= sql_query_uses(engine->queries[q].sql, i);
        scope->used[i] |= all && !scope->columns[i].hidden;
    }
}

/* Blocks hold BLOCK_ROWS_MAX rows: those of one record must fit. */
static void check_fanout(struct report *report)
{
    struct engine *engine = report->engine;
    uint32_t transform = engine->transform ? sql_query_fanout(engine->transform) : 1;
    engine->fanout = transform;
    for (uint32_t i = 0; i < engine->plan->query_count; i++) {
        uint32_t rows = transform * sql_query_fanout(engine->queries[i].sql);
        const struct plan_sql *sql = &engine->plan->queries[i].sql;
        engine->fanout = rows > engine->fanout ? rows : engine->fanout;
        if (rows > BLOCK_ROWS_MAX) {
            uint32_t line, column;
            sql_place(sql->text, sql_query_group_offset(engine->queries[i].sql), &line, &column);
            plan_sql_error(report->errors, report->arena, sql, line, column, ERR_UNSUPPORTED,
                           "a record would become more than 4,096 rows, one per window: take a "
                           "longer slide");
        }
    }
}

static int bind_all(struct report *report)
{
    struct engine *engine = report->engine;
    const struct plan *plan = engine->plan;
    int code = bind_transform(report);
    bool known = !plan->transform.line_count || engine->transform; /* the columns of the view */
    if (code == 0 && known) {
        bind_watermark(report);
        code = check_extra_sinks(report);
        if (code == 0)
            code = bind_dedup(report);
    }
    for (uint32_t i = 0; i < plan->query_count && code == 0; i++)
        code = known ? bind_query(report, i) : check_syntax(report, &plan->queries[i].sql);
    return code;
}

int engine_bind(struct engine *engine, struct arena *error_arena, struct plan_errors *errors)
{
    struct report report = {.engine = engine, .arena = error_arena, .errors = errors};
    uint32_t problems = plan_errors_found(errors);
    report.found.capacity = PLAN_ERRORS_MAX;
    report.found.items = ARENA_ARRAY(error_arena, struct sql_error, PLAN_ERRORS_MAX);
    if (!report.found.items)
        return ERR_NOMEM;
    int code = bind_all(&report);
    if (code == 0 && plan_errors_found(errors) == problems)
        check_fanout(&report);
    if (code == 0 && plan_errors_found(errors) == problems)
        mark_used(engine);
    return code;
}
