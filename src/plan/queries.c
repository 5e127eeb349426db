#include "plan/queries.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/sinks.h"
#include "plan/sql_errors.h"

enum { KEY_NAME, KEY_SQL, KEY_OUTPUT_MODE, KEY_SINKS, KEY_COUNT };

static const struct rule_key keys[KEY_COUNT] = {
    [KEY_NAME] = {"name", FORM_STRING, true, "a string"},
    [KEY_SQL] = {"sql", FORM_STRING | FORM_ARRAY, true, "a query, or an array of its lines"},
    [KEY_OUTPUT_MODE] = {"outputMode", FORM_STRING, false, "append, update or complete"},
    [KEY_SINKS] = {"sinks", FORM_ARRAY, true, "an array of sinks"},
};

static const struct rule_hint hints[] = {
    {"sink", "unknown key \"sink\" in a query: \"sinks\" is an array of them", ERR_INVALID},
    {"trigger", "\"trigger\" belongs to the pipeline: all queries share it", ERR_INVALID},
    {"checkpointLocation", "\"checkpointLocation\" belongs to the pipeline: all queries share it",
     ERR_INVALID},
    {"watermark", "\"watermark\" belongs to the source", ERR_INVALID},
};

static const struct rule_object query_rule = RULE_OBJECT("a query", keys, hints);

static bool is_blank(const struct doc_node *sql)
{
    if (sql->kind == DOC_STRING)
        return str_trim(sql->text).n == 0;
    for (const struct doc_node *line = sql->first; line; line = line->next) {
        if (str_trim(line->text).n)
            return false;
    }
    return true;
}

static void read_sql(struct rules *rules, struct doc_node *node, struct plan_sql *sql)
{
    bool ok = !node->broken;
    for (const struct doc_node *line = node->first; line; line = line->next) {
        if (line->kind != DOC_STRING) {
            rules_error(rules, line, "a line of \"sql\" must be a string, not %s",
                        doc_kind_name(line->kind));
            ok = false;
        }
        ok &= !line->broken;
    }
    if (!ok)
        return;
    if (is_blank(node))
        rules_error(rules, node, "\"sql\" is empty: expected a query like SELECT * FROM %.*s",
                    STR_ARG(rules->plan->view.n ? rules->plan->view : STR("source")));
    else if (plan_sql_init(sql, node, rules->arena))
        rules->out_of_memory = true;
}

static void read_output_mode(struct rules *rules, struct doc_node *node, struct plan_query *query)
{
    static const char *const modes[] = {
        [OUTPUT_APPEND] = "append", [OUTPUT_UPDATE] = "update", [OUTPUT_COMPLETE] = "complete"};
    int mode = rules_enum(rules, node, "outputMode", modes, COUNT_OF(modes));
    if (mode < 0)
        return;
    query->output_mode = (enum plan_output_mode)mode;
    struct plan_where where = doc_where(node);
    query->mode_line = where.line;
    query->mode_column = where.column;
}

/* A name and the value it stands at, to be sorted. */
struct named {
    struct str name;
    const struct doc_node *node;
    uint32_t index;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *left = a, *right = b;
    int order = str_cmp(left->name, right->name);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

/* Reports every name that was there before; unnamed ones (their error was reported) are skipped. */
static void check_unique(struct rules *rules, struct named *items, uint32_t count, const char *what)
{
    if (count)
        qsort(items, count, sizeof *items, compare_named);
    for (uint32_t i = 1; i < count; i++) {
        if (items[i].name.n == 0 || !str_eq(items[i - 1].name, items[i].name))
            continue;
        const struct doc_node *given =
            items[i].node->kind == DOC_OBJECT ? doc_member(items[i].node, STR("name")) : NULL;
        rules_error(rules, given ? given : items[i].node, "two %s have the name %s", what,
                    rules_quote(rules, items[i].name));
    }
}

static void read_sinks(struct rules *rules, struct doc_node *array, struct plan_query *query)
{
    query->sinks = RULES_ARRAY(rules, struct plan_sink, array->count);
    struct named *names = RULES_ARRAY(rules, struct named, array->count);
    if (!query->sinks || !names)
        return;
    if (array->count == 0)
        rules_error(rules, array, "\"sinks\" is empty: expected at least one sink");
    for (struct doc_node *node = array->first; node; node = node->next) {
        uint32_t i = query->sink_count++;
        plan_sink_read(rules, node, i, query->output_mode, &query->sinks[i]);
        names[i] = (struct named){query->sinks[i].name, node, i};
    }
    check_unique(rules, names, query->sink_count, "sinks of the query");
}

static void read_query(struct rules *rules, struct doc_node *node, struct plan_query *query)
{
    struct doc_node *found[KEY_COUNT];
    struct plan_where where = doc_where(node);
    query->line = where.line;
    query->column = where.column;
    query->mode_line = where.line;
    query->mode_column = where.column;
    if (!rules_object(rules, node, &query_rule, found))
        return;
    if (found[KEY_NAME] && rules_name(rules, found[KEY_NAME], "the query's name"))
        query->name = found[KEY_NAME]->text;
    if (found[KEY_SQL])
        read_sql(rules, found[KEY_SQL], &query->sql);
    if (found[KEY_OUTPUT_MODE])
        read_output_mode(rules, found[KEY_OUTPUT_MODE], query);
    if (found[KEY_SINKS])
        read_sinks(rules, found[KEY_SINKS], query);
}

/* Whether "<a>-<b>" and "<c>-<d>" are the same text. */
static bool joined_eq(struct str a, struct str b, struct str c, struct str d)
{
    char x[600], y[600];
    int n = snprintf(x, sizeof x, "%.*s-%.*s", STR_ARG(a), STR_ARG(b));
    int m = snprintf(y, sizeof y, "%.*s-%.*s", STR_ARG(c), STR_ARG(d));
    return n == m && n < (int)sizeof x && strcmp(x, y) == 0;
}

static bool is_joined_before(const struct plan *plan, uint32_t query, uint32_t sink)
{
    struct str name = plan->queries[query].sinks[sink].name;
    for (uint32_t q = 0; q < query; q++) {
        for (uint32_t i = 0; i < plan->queries[q].sink_count; i++) {
            if (plan->queries[q].name.n && name.n &&
                !str_eq(plan->queries[q].name, plan->queries[query].name) &&
                joined_eq(plan->queries[q].name, plan->queries[q].sinks[i].name,
                          plan->queries[query].name, name))
                return true;
        }
    }
    return false;
}

/* Files and transactional ids are called <query>-<sink>, and names may hold a '-'. */
static void check_joined(struct rules *rules, const struct doc_node *array)
{
    const struct plan *plan = rules->plan;
    const struct doc_node *node = array->first;
    for (uint32_t q = 0; q < plan->query_count; q++, node = node->next) {
        for (uint32_t i = 0; i < plan->queries[q].sink_count; i++) {
            if (is_joined_before(plan, q, i))
                rules_error(rules, node,
                            "the names of query %s and its sink %s, joined by '-', are also those "
                            "of another query and sink: choose other names",
                            rules_quote(rules, plan->queries[q].name),
                            rules_quote(rules, plan->queries[q].sinks[i].name));
        }
    }
}

void plan_queries_read(struct rules *rules, struct doc_node *array)
{
    struct plan *plan = rules->plan;
    plan->queries = RULES_ARRAY(rules, struct plan_query, array->count);
    struct named *names = RULES_ARRAY(rules, struct named, array->count);
    if (!plan->queries || !names)
        return;
    if (array->count == 0)
        rules_error(rules, array, "\"queries\" is empty: expected at least one query");
    for (struct doc_node *node = array->first; node; node = node->next) {
        uint32_t i = plan->query_count++;
        read_query(rules, node, &plan->queries[i]);
        names[i] = (struct named){plan->queries[i].name, node, i};
    }
    check_unique(rules, names, plan->query_count, "queries");
    check_joined(rules, array);
}
