#include "cli/top_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/top_json.h"

enum {
    WIDE = 100,
    HEADS = 3,
    TABLE_LINES = 7 /* heads, the source's line, lines between, the last line */
};

/* A line of a table: the item, and what it belongs to. */
struct item {
    const cJSON *self;
    struct str owner;
    double weight; /* what is shown first */
};

struct table {
    struct item *items;
    size_t count, room; /* lines it may take */
};

static void add(struct table *table, const cJSON *self, struct str owner, double weight)
{
    if (table->items)
        table->items[table->count++] = (struct item){self, owner, weight};
}

static int by_weight(const void *a, const void *b)
{
    double x = ((const struct item *)a)->weight, y = ((const struct item *)b)->weight;
    return x < y ? 1 : x > y ? -1 : 0;
}

static size_t count_nested(const cJSON *array, const char *name)
{
    const cJSON *one;
    size_t sum = 0;
    cJSON_ArrayForEach(one, array)
    {
        sum += (size_t)cJSON_GetArraySize(json_get(one, name));
    }
    return sum;
}

static void add_sinks(struct table *table, const cJSON *owner)
{
    const cJSON *sink;
    cJSON_ArrayForEach(sink, json_get(owner, "sinks"))
    {
        add(table, sink, json_text(owner, "name"), json_true(sink, "failing"));
    }
}

/* Partitions, those with the largest lag first; queries; sinks, failing ones first. */
static void collect(const cJSON *status, struct table tables[HEADS])
{
    const cJSON *sources = json_get(status, "sources"), *queries = json_get(status, "queries"),
                *one, *part;
    size_t sizes[HEADS] = {count_nested(sources, "partitions"), (size_t)cJSON_GetArraySize(queries),
                           count_nested(queries, "sinks") + count_nested(sources, "sinks")};
    for (int i = 0; i < HEADS; i++)
        tables[i] = (struct table){.items = calloc(sizes[i] + 1, sizeof(struct item))};
    cJSON_ArrayForEach(one, sources)
    {
        cJSON_ArrayForEach(part, json_get(one, "partitions"))
        {
            double lag = json_number(part, "lag");
            add(&tables[0], part, json_text(one, "name"), isfinite(lag) ? lag : -1);
        }
    }
    cJSON_ArrayForEach(one, queries)
    {
        add(&tables[1], one, (struct str){0}, 0);
        add_sinks(&tables[2], one);
    }
    cJSON_ArrayForEach(one, sources)
    {
        add_sinks(&tables[2], one);
    }
    qsort(tables[0].items, tables[0].count, sizeof(struct item), by_weight);
    qsort(tables[2].items, tables[2].count, sizeof(struct item), by_weight);
}

/* Shares the lines, in turns. */
static void share(struct table tables[HEADS], size_t lines)
{
    bool more = true;
    while (more && lines > 0) {
        more = false;
        for (int i = 0; i < HEADS && lines > 0; i++) {
            if (tables[i].room == tables[i].count)
                continue;
            tables[i].room++;
            lines--;
            more = true;
        }
    }
}

/* How many items are shown: one line may be for those that are not. */
static size_t shown(const struct table *table)
{
    return table->room == table->count ? table->count : table->room ? table->room - 1 : 0;
}

static void draw_rest(struct top_canvas *canvas, const struct table *table, const char *what)
{
    if (table->room == table->count || table->room == 0)
        return;
    top_printf(canvas, TOP_DIM, "   and %zu more %s", table->count - shown(table), what);
    top_end_line(canvas);
}

/* A number in a column, or "-". */
static void number_cell(struct top_canvas *canvas, enum top_style style, int width, double n)
{
    top_cell(canvas, style, -width, isfinite(n) ? str_of(top_count(n).text) : STR("-"));
}

static void bytes_cell(struct top_canvas *canvas, int width, double n)
{
    top_cell(canvas, TOP_PLAIN, -width, isfinite(n) ? str_of(top_bytes(n).text) : STR("-"));
}

struct column {
    const char *title;
    int width; /* as of top_cell */
};

static void draw_head(struct top_canvas *canvas, const struct column *columns, size_t count)
{
    top_put(canvas, TOP_HEAD, STR(" "));
    for (size_t i = 0; i < count; i++)
        top_cell(canvas, TOP_HEAD, columns[i].width - (i == 0), str_of(columns[i].title));
    top_cell(canvas, TOP_HEAD, (int)(canvas->columns - canvas->column), STR(""));
}

/* ---- sources ---- */

static void draw_source_line(struct top_canvas *canvas, const struct top_view *view,
                             const struct table *partitions)
{
    const cJSON *source;
    double lag = 0;
    for (size_t i = 0; i < partitions->count; i++)
        lag += partitions->items[i].weight > 0 ? partitions->items[i].weight : 0;
    top_put(canvas, TOP_PLAIN, STR(" source   "));
    cJSON_ArrayForEach(source, json_get(view->status, "sources"))
    {
        bool connected = json_true(source, "connected");
        top_put(canvas, TOP_BOLD, json_text(source, "name"));
        top_put(canvas, connected ? TOP_GREEN : TOP_RED,
                connected ? STR("  connected") : STR("  not connected"));
        top_put(canvas, TOP_YELLOW, json_true(source, "held") ? STR("  held") : STR(""));
    }
    if (view->history->rated)
        top_printf(canvas, TOP_PLAIN, "  %s/s", top_count(view->history->records_per_s).text);
    top_printf(canvas, TOP_PLAIN, "  lag %s", top_count(lag).text);
    cJSON_ArrayForEach(source, json_get(view->status, "sources"))
    {
        top_put(canvas, TOP_DIM, STR("  "));
        top_put(canvas, TOP_DIM, json_text(source, "description"));
    }
    top_end_line(canvas);
}

static void draw_partitions(struct top_canvas *canvas, const struct table *table)
{
    double most = table->count ? table->items[0].weight : 0;
    for (size_t i = 0; i < shown(table); i++) {
        const cJSON *one = table->items[i].self;
        double lag = table->items[i].weight;
        char name[300];
        snprintf(name, sizeof name, "%.*s/%.0f", STR_ARG(json_text(one, "topic")),
                 json_number(one, "partition"));
        top_put(canvas, TOP_PLAIN, STR("   "));
        top_cell(canvas, TOP_PLAIN, 28, str_of(name));
        number_cell(canvas, TOP_PLAIN, 9, json_number(one, "position"));
        number_cell(canvas, TOP_PLAIN, 9, json_number(one, "end"));
        number_cell(canvas, lag > 0 ? TOP_BOLD : TOP_PLAIN, 9, lag < 0 ? NAN : lag);
        top_put(canvas, TOP_PLAIN, STR(" "));
        top_bar(canvas, json_true(one, "leftOut") ? TOP_RED : TOP_CYAN, 20,
                most > 0 ? lag / most : 0,
                json_true(one, "leftOut") ? "left out"
                : json_true(one, "held")  ? "held"
                                          : "");
        top_end_line(canvas);
    }
    draw_rest(canvas, table, "partitions");
}

/* ---- queries ---- */

/* How old a watermark is; +3d02h is ahead of the clock. Before the first event it is 1970. */
static void draw_watermark(struct top_canvas *canvas, double watermark, double now_s)
{
    char text[32] = "-";
    double age = now_s - watermark;
    if (watermark > 0)
        snprintf(text, sizeof text, "%s%s", age < 0 ? "+" : "", top_time(fabs(age)).text);
    top_cell(canvas, age < -60 ? TOP_YELLOW : TOP_PLAIN, -8, str_of(text));
}

static void draw_query(struct top_canvas *canvas, const cJSON *query, double now_s)
{
    const cJSON *totals = json_get(query, "totals");
    const cJSON *state = cJSON_GetArrayItem(json_get(query, "stateOperators"), 0);
    double late = json_number(totals, "late"), malformed = json_number(totals, "malformed");
    double watermark = json_time(json_get(query, "eventTime"), "watermark");
    top_put(canvas, TOP_PLAIN, STR(" "));
    top_cell(canvas, TOP_BOLD, 14, json_text(query, "name"));
    number_cell(canvas, TOP_PLAIN, 8, json_number(query, "inputRowsPerSecond"));
    number_cell(canvas, TOP_PLAIN, 8, json_number(totals, "read"));
    number_cell(canvas, TOP_PLAIN, 8, json_number(totals, "outputRows"));
    number_cell(canvas, malformed > 0 ? TOP_YELLOW : TOP_PLAIN, 8, malformed);
    number_cell(canvas, late > 0 ? TOP_YELLOW : TOP_PLAIN, 7, late);
    number_cell(canvas, TOP_PLAIN, 7, json_number(state, "numRowsTotal"));
    bytes_cell(canvas, 10, json_number(state, "memoryUsedBytes"));
    draw_watermark(canvas, watermark, now_s);
    number_cell(canvas, TOP_PLAIN, 9, json_number(totals, "filtered"));
    number_cell(canvas, TOP_PLAIN, 9, json_number(totals, "deduplicated"));
    top_cell(canvas, TOP_PLAIN, -9, json_text(query, "outputMode"));
    top_end_line(canvas);
}

static void draw_queries(struct top_canvas *canvas, const struct table *table,
                         const struct top_view *view)
{
    static const struct column columns[] = {{"QUERY", 15},    {"IN/S", -8},    {"READ", -8},
                                            {"OUT", -8},      {"MALFORM", -8}, {"LATE", -7},
                                            {"STATE", -7},    {"MEMORY", -10}, {"WMARK", -8},
                                            {"FILTERED", -9}, {"DEDUP", -9},   {"MODE", -9}};
    draw_head(canvas, columns, COUNT_OF(columns));
    top_end_line(canvas);
    for (size_t i = 0; i < shown(table); i++)
        draw_query(canvas, table->items[i].self, (double)view->now_ms / 1000);
    draw_rest(canvas, table, "queries");
}

/* ---- sinks ---- */

static void draw_sink(struct top_canvas *canvas, const struct item *item)
{
    const cJSON *sink = item->self;
    bool failing = json_true(sink, "failing");
    double rows = json_number(sink, "numOutputRows"), retries = json_number(sink, "retries");
    char name[300];
    snprintf(name, sizeof name, "%.*s/%.*s", STR_ARG(item->owner),
             STR_ARG(json_text(sink, "name")));
    top_put(canvas, TOP_PLAIN, STR(" "));
    top_cell(canvas, TOP_BOLD, 18, str_of(name));
    number_cell(canvas, TOP_PLAIN, 7, rows < 0 ? NAN : rows);
    number_cell(canvas, TOP_PLAIN, 7, json_number(sink, "objects"));
    bytes_cell(canvas, 10, json_number(sink, "bytes"));
    bytes_cell(canvas, 10, json_number(sink, "heldBytes"));
    number_cell(canvas, retries > 0 ? TOP_YELLOW : TOP_PLAIN, 8, retries);
    if (canvas->columns >= WIDE) /* bytes on their way */
        bytes_cell(canvas, 10, json_number(sink, "uploadingBytes"));
    top_put(canvas, TOP_PLAIN, STR("  "));
    if (failing)
        top_put(canvas, TOP_RED, STR("failing "));
    else
        top_put(canvas, TOP_GREEN, STR("ok "));
    top_put(canvas, failing ? TOP_RED : TOP_DIM,
            json_text(sink, failing ? "error" : "description"));
    top_end_line(canvas);
}

static void draw_sinks(struct top_canvas *canvas, const struct table *table)
{
    static const struct column columns[] = {{"SINK", 19},     {"ROWS", -7},     {"FILES", -7},
                                            {"BYTES", -10},   {"WAITING", -10}, {"RETRIES", -8},
                                            {"UPLOADS", -10}, {"HEALTH", -8}};
    static const struct column narrow[] = {{"SINK", 19},   {"ROWS", -7},     {"FILES", -7},
                                           {"BYTES", -10}, {"WAITING", -10}, {"RETRIES", -8},
                                           {"HEALTH", -8}};
    if (canvas->columns >= WIDE)
        draw_head(canvas, columns, COUNT_OF(columns));
    else
        draw_head(canvas, narrow, COUNT_OF(narrow));
    top_end_line(canvas);
    for (size_t i = 0; i < shown(table); i++)
        draw_sink(canvas, &table->items[i]);
    draw_rest(canvas, table, "sinks");
}

void top_draw_tables(struct top_canvas *canvas, const struct top_view *view)
{
    struct table tables[HEADS];
    size_t used = canvas->row + TABLE_LINES;
    collect(view->status, tables);
    share(tables, canvas->rows > used ? canvas->rows - used : 0);
    if (canvas->rows >= used) { /* else the head is all there is room for */
        top_end_line(canvas);
        draw_source_line(canvas, view, &tables[0]);
        draw_partitions(canvas, &tables[0]);
        top_end_line(canvas);
        draw_queries(canvas, &tables[1], view);
        top_end_line(canvas);
        draw_sinks(canvas, &tables[2]);
    }
    for (int i = 0; i < HEADS; i++)
        free(tables[i].items);
}
