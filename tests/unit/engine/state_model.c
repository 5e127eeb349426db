#include "state_model.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { GROUPS_MAX = 20000 };

static void free_group(struct model_group *group)
{
    free(group->key);
    free(group->state);
    free(group->batch);
}

void model_fini(struct model *model)
{
    for (uint32_t i = 0; i < model->count; i++)
        free_group(&model->groups[i]);
    free(model->groups);
    free(model->parts);
}

static void merge_lows(int64_t *into, const int64_t *from)
{
    for (int p = 0; p < 4; p++)
        into[p] = from[p] >= 0 && (into[p] < 0 || from[p] < into[p]) ? from[p] : into[p];
}

static void add_row(struct model_values **values, const struct test_row *row)
{
    if (!*values)
        *values = calloc(1, sizeof **values);
    struct model_values *v = *values;
    v->rows++;
    if (row->has_value && row->filter && v->count < COUNT_OF(v->items))
        v->items[v->count++] = row->value;
}

static void merge_values(struct model_values **into, struct model_values **from)
{
    if (*into && *from) {
        (*into)->rows += (*from)->rows;
        for (uint32_t i = 0; i < (*from)->count; i++)
            (*into)->items[(*into)->count++] = (*from)->items[i];
        free(*from);
    } else if (*from) {
        *into = *from;
    }
    *from = NULL;
}

static struct model_group *find(struct model_group **groups, uint32_t *count, const char *key,
                                bool timed, int64_t start, int64_t end)
{
    if (!*groups)
        *groups = calloc(GROUPS_MAX, sizeof **groups);
    for (uint32_t i = 0; i < *count; i++) {
        struct model_group *g = &(*groups)[i];
        if (g->timed == timed && g->start == start && g->end == end && strcmp(g->key, key) == 0)
            return g;
    }
    cr_assert(*count < GROUPS_MAX);
    struct model_group *g = &(*groups)[(*count)++];
    *g = (struct model_group){.key = strdup(key), .timed = timed, .start = start, .end = end};
    for (int p = 0; p < 4; p++)
        g->lows[p] = -1;
    return g;
}

static void window_low(struct model *model, bool timed, int64_t start, uint32_t partition,
                       int64_t offset)
{
    uint32_t i = 0;
    while (i < model->window_count &&
           (model->windows[i].start != start || model->windows[i].timed != timed))
        i++;
    if (i == model->window_count) {
        model->window_count++;
        model->windows[i].start = start;
        model->windows[i].timed = timed;
        for (int p = 0; p < 4; p++)
            model->windows[i].lows[p] = -1;
    }
    int64_t *low = &model->windows[i].lows[partition];
    *low = *low < 0 || offset < *low ? offset : *low;
}

static int64_t floor_to(int64_t time, int64_t step, int64_t offset)
{
    int64_t rest = (time - offset) % step;
    return time - (rest < 0 ? rest + step : rest);
}

static uint8_t fold_windows(struct model *model, const struct test_row *row, const char *key,
                            uint32_t partition, int64_t offset, int64_t late_us,
                            struct state_counts *counts)
{
    const struct sql_grouping *sql = &model->grouping->sql;
    bool can_be_late = sql->watermarked && model->mode != OUTPUT_COMPLETE;
    uint32_t late = 0, taken = 0;
    if (!row->has_time)
        return STATE_NO_EVENT_TIME;
    for (int64_t start = floor_to(row->time, sql->slide_us, sql->start_us);
         start + sql->size_us > row->time; start -= sql->slide_us) {
        if (can_be_late && start + sql->size_us <= late_us) {
            late++;
            continue;
        }
        taken++;
        add_row(&find(&model->groups, &model->count, key, true, start, start + sql->size_us)->batch,
                row);
        window_low(model, true, start, partition, offset);
    }
    counts->late_pairs += late;
    return !late ? STATE_ACCEPTED : taken ? STATE_LATE_SOME : STATE_LATE;
}

static uint8_t fold_row(struct model *model, const struct test_row *row, const char *key,
                        uint32_t partition, int64_t offset, int64_t late_us,
                        struct state_counts *counts)
{
    const struct sql_grouping *sql = &model->grouping->sql;
    bool closes = sql->watermarked && model->mode != OUTPUT_COMPLETE;
    if (sql->window == SQL_WINDOW_TIME)
        return fold_windows(model, row, key, partition, offset, late_us, counts);
    if (sql->window == SQL_WINDOW_SESSION) {
        if (!row->has_time || !row->has_end || row->end <= row->time)
            return STATE_NO_EVENT_TIME;
        if (sql->watermarked && row->end <= late_us) {
            counts->late_pairs++;
            return STATE_LATE;
        }
        struct model_group *part =
            find(&model->parts, &model->part_count, key, true, row->time, row->end);
        add_row(&part->batch, row);
        if (part->lows[partition] < 0)
            part->lows[partition] = offset;
        return STATE_ACCEPTED;
    }
    bool timed = sql->event_key >= 0 && row->has_time;
    if (timed && closes && row->time <= late_us) {
        counts->late_pairs++;
        return STATE_LATE;
    }
    int64_t start = timed ? floor_to(row->time, 1000000, 0) : 0;
    add_row(&find(&model->groups, &model->count, key, timed, start, timed ? row->time : 0)->batch,
            row);
    window_low(model, timed, start, partition, offset);
    return STATE_ACCEPTED;
}

void model_fold(struct model *model, const struct test_row *rows, uint32_t n, uint32_t partition,
                const int64_t *offsets, int64_t late_us, uint8_t *fates,
                struct state_counts *counts)
{
    struct arena arena = {0};
    struct vec *keys = test_keys(model->grouping, rows, n, &arena);
    for (uint32_t i = 0; i < n; i++) {
        struct buf key = {0};
        for (uint32_t k = 0; k < model->grouping->sql.key_count; k++) {
            test_print(&keys[k], i, true, &key);
            buf_append_char(&key, ' ');
        }
        fates[i] =
            fold_row(model, &rows[i], buf_cstr(&key), partition, offsets[i], late_us, counts);
        buf_fini(&key);
    }
    arena_fini(&arena);
}

/* ---- sessions ---- */

static int compare_parts(const void *a, const void *b)
{
    const struct model_group *x = a, *y = b;
    int key = strcmp(x->key, y->key);
    if (key || x->start != y->start)
        return key ? key : x->start < y->start ? -1 : 1;
    if (!x->state != !y->state)
        return x->state ? -1 : 1; /* the state's first */
    return (x->end > y->end) - (x->end < y->end);
}

static bool has_key(const struct model_group *groups, uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(groups[i].key, key) == 0)
            return true;
    }
    return false;
}

static void join_sessions(struct model *model, struct state_counts *counts)
{
    struct model_group *all = calloc(GROUPS_MAX, sizeof *all);
    uint32_t n = 0, left = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        bool touched = has_key(model->parts, model->part_count, model->groups[i].key);
        if (touched)
            all[n++] = model->groups[i];
        else
            model->groups[left++] = model->groups[i];
    }
    for (uint32_t i = 0; i < model->part_count; i++)
        all[n++] = model->parts[i];
    qsort(all, n, sizeof *all, compare_parts);
    if (!model->groups)
        model->groups = calloc(GROUPS_MAX, sizeof *model->groups);
    uint32_t first = left;
    for (uint32_t i = 0; i < n; i++) {
        struct model_group *last = left > first ? &model->groups[left - 1] : NULL;
        if (!all[i].state) {
            all[i].state = all[i].batch;
            all[i].batch = NULL;
        }
        if (last && strcmp(last->key, all[i].key) == 0 && all[i].start <= last->end) {
            last->end = all[i].end > last->end ? all[i].end : last->end;
            merge_lows(last->lows, all[i].lows);
            merge_values(&last->state, &all[i].state);
            free_group(&all[i]);
        } else {
            model->groups[left++] = all[i];
            model->groups[left - 1].touched = true;
        }
    }
    counts->updated += left - first;
    model->count = left;
    model->part_count = 0;
    free(all);
}

/* ---- seal ---- */

static void print_group(const struct model *model, const struct model_group *group, struct buf *out)
{
    const struct sql_grouping *sql = &model->grouping->sql;
    if (sql->window != SQL_WINDOW_NONE)
        buf_printf(out, "{%lld;%lld;} ", (long long)group->start, (long long)group->end);
    buf_printf(out, "%s%u '", group->key, group->state->rows);
    for (uint32_t i = 0; i < group->state->count; i++)
        buf_printf(out, "%s%lld", i ? "," : "", (long long)group->state->items[i]);
    buf_printf(out, "'\n");
}

static void drop_windows(struct model *model)
{
    uint32_t left = 0;
    for (uint32_t w = 0; w < model->window_count; w++) {
        bool open = false;
        for (uint32_t i = 0; i < model->count && !open; i++)
            open = model->groups[i].start == model->windows[w].start &&
                   model->groups[i].timed == model->windows[w].timed;
        if (open)
            model->windows[left++] = model->windows[w];
    }
    model->window_count = left;
}

void model_seal(struct model *model, int64_t closing_us, struct state_counts *counts,
                struct buf *out)
{
    bool closes = model->grouping->sql.watermarked && model->mode != OUTPUT_COMPLETE;
    for (uint32_t i = 0; i < model->count; i++)
        model->groups[i].touched = false;
    if (model->kind == TEST_GLOBAL) {
        struct model_group *group = find(&model->groups, &model->count, "", false, 0, 0);
        if (!group->batch)
            group->batch = calloc(1, sizeof *group->batch);
    }
    if (model->kind == TEST_SESSION)
        join_sessions(model, counts);
    uint32_t left = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        struct model_group *group = &model->groups[i];
        if (group->batch) {
            counts->updated++;
            group->touched = true;
            merge_values(&group->state, &group->batch);
        }
        bool over = closes && group->timed && group->end <= closing_us;
        if (model->mode == OUTPUT_COMPLETE || (model->mode == OUTPUT_UPDATE && group->touched) ||
            (model->mode == OUTPUT_APPEND && over))
            print_group(model, group, out);
        if (over)
            free_group(group);
        else
            model->groups[left++] = *group;
    }
    model->count = left;
    drop_windows(model);
}

int64_t model_low(const struct model *model, uint32_t partition)
{
    int64_t lows[4] = {-1, -1, -1, -1};
    for (uint32_t i = 0; i < model->window_count; i++)
        merge_lows(lows, model->windows[i].lows);
    for (uint32_t i = 0; i < model->count && model->kind == TEST_SESSION; i++)
        merge_lows(lows, model->groups[i].lows);
    return lows[partition];
}
