/* pushdown.c: where the terms of WHERE and HAVING act. Spark's optimizer moves them down its plan,
 * past grouping, sliding windows and the watermark, in turns with simplifying them; then it infers
 * conditions, once, and moves again. What it leaves above the watermark and what it takes below
 * decides which rows move the watermark. The levels here are the stretches of that plan between
 * what stops terms (PushPredicateThroughNonJoin, CombineFilters, InferFiltersFromConstraints). */
#include "sql/binder_impl.h"
#include "sql/kernel.h"

enum level { ABOVE_GROUPS, ABOVE_WINDOWS, ABOVE_WATERMARK, BELOW_WATERMARK, LEVELS };

enum { PASSES_MAX = 100 }; /* spark.sql.optimizer.maxIterations */

/* A condition and those below it on the same level, which it has not been joined with yet. */
struct filter {
    struct expr *condition;
    struct filter *below;
};

struct pushdown {
    struct binder *binder;
    const struct expr *window; /* of GROUP BY or of the select list; NULL: none */
    struct filter *levels[LEVELS];
    bool changed;
    bool empty; /* HAVING is false */
};

static int put(struct pushdown *push, enum level level, struct expr *condition)
{
    struct filter *filter = ARENA_NEW(push->binder->arena, struct filter);
    if (!filter)
        return diag_nomem(push->binder->diag);
    *filter = (struct filter){condition, push->levels[level]};
    push->levels[level] = filter;
    return 0;
}

static bool names_event_time(const struct pushdown *push, const struct expr *term)
{
    uint8_t traits = term->traits;
    if (traits & TRAIT_WINDOW)
        traits |= push->window->args[0]->traits;
    return traits & TRAIT_EVENT_TIME;
}

/* Whether a term leaves its level downwards. */
static bool passes(const struct pushdown *push, enum level level, const struct expr *term)
{
    const struct window_spec *spec = push->window ? push->window->prepared : NULL;
    switch (level) {
    case ABOVE_GROUPS: /* on keys alone */
        return push->binder->group_count && !(term->traits & TRAIT_BATCH_TIME) &&
               (term->traits & (TRAIT_COLUMN | TRAIT_WINDOW)) && !(term->traits & TRAIT_CALCULATED);
    case ABOVE_WINDOWS: /* a window that does not slide is computed from its row alone */
        return !(term->traits & TRAIT_WINDOW) || spec->session || spec->size_us == spec->slide_us;
    case ABOVE_WATERMARK:
        return !push->binder->scope->hold_conditions && !names_event_time(push, term) &&
               !(term->traits & TRAIT_BATCH_TIME);
    default:
        return false;
    }
}

/* Joins a filter with the one below it, whose terms come first. */
static int combine(struct pushdown *push, struct filter *filter)
{
    struct binder *binder = push->binder;
    struct conjuncts lower = {0}, upper = {0}, both = {0};
    int code = conjuncts_flatten(binder, filter->below->condition, true, &lower);
    if (code == 0)
        code = conjuncts_flatten(binder, filter->condition, true, &upper);
    if (code == 0)
        code = conjuncts_select(binder, &upper, &lower, false, &both);
    filter->condition = filter->below->condition;
    filter->below = filter->below->below;
    push->changed = true;
    if (code != 0 || both.count == 0)
        return code;
    struct expr *rest;
    code = conjuncts_reduce(binder, &both, true, &rest);
    return code == 0
               ? bind_logic(binder, rest->offset, true, filter->condition, rest, &filter->condition)
               : code;
}

/* The lowest filter of a level lets go of the terms that pass. */
static int sink(struct pushdown *push, enum level level, struct filter **at)
{
    struct binder *binder = push->binder;
    struct conjuncts terms = {0}, stay = {0}, down = {0};
    int code = conjuncts_flatten(binder, (*at)->condition, true, &terms);
    for (uint32_t i = 0; i < terms.count && code == 0; i++)
        code = conjuncts_add(binder, passes(push, level, terms.items[i]) ? &down : &stay,
                             terms.items[i]);
    if (code != 0 || down.count == 0)
        return code;
    push->changed = true;
    struct expr *condition;
    code = conjuncts_reduce(binder, &down, true, &condition);
    if (code == 0)
        code = put(push, level + 1, condition);
    if (code == 0)
        code = conjuncts_reduce(binder, &stay, true, &(*at)->condition);
    if (stay.count == 0)
        *at = NULL;
    return code;
}

/* From the top down, each filter once: one that was joined with the next waits for the next pass.
 */
static int move_down(struct pushdown *push)
{
    int code = 0;
    for (enum level level = 0; level < LEVELS; level++) {
        struct filter **at = &push->levels[level];
        while (*at && code == 0) {
            if ((*at)->below)
                code = combine(push, *at);
            else
                code = sink(push, level, at);
            if (*at)
                at = &(*at)->below;
        }
    }
    return code;
}

static bool is_constant(const struct expr *condition, bool *value)
{
    condition = expr_strip(condition);
    if (condition->op != EXPR_CONST)
        return false;
    *value = !vec_is_null(&condition->constant.vec, 0) && condition->constant.vec.boolean[0];
    return true;
}

static int simplify_filter(struct pushdown *push, enum level level, struct filter **at)
{
    struct expr *condition = (*at)->condition;
    bool value;
    int code = infer_constants(push->binder, level == ABOVE_GROUPS, condition, &condition);
    if (code == 0)
        code = condition_simplify(push->binder, condition, &condition);
    if (code != 0)
        return code;
    if (condition != (*at)->condition)
        push->changed = true;
    (*at)->condition = condition;
    if (!is_constant(condition, &value) || level == BELOW_WATERMARK)
        return 0;
    if (level == ABOVE_GROUPS) { /* stays: without GROUP BY there is a group of no rows */
        if (value || push->empty)
            return 0;
        push->empty = true;
    } else {
        *at = (*at)->below;
    }
    push->changed = true;
    return value ? 0
                 : put(push, BELOW_WATERMARK, condition); /* an empty relation, all below gone */
}

static int settle(struct pushdown *push)
{
    int code = 0;
    push->changed = true;
    for (uint32_t pass = 0; pass < PASSES_MAX && push->changed && code == 0; pass++) {
        push->changed = false;
        code = move_down(push);
        for (enum level level = 0; level < LEVELS; level++) {
            struct filter **at = &push->levels[level];
            while (*at && code == 0) {
                const struct filter *filter = *at;
                code = simplify_filter(push, level, at);
                if (*at == filter)
                    at = &(*at)->below;
            }
        }
    }
    return code;
}

/* The terms of a level. */
static int terms_of(const struct pushdown *push, enum level level, struct conjuncts *out)
{
    int code = 0;
    for (const struct filter *filter = push->levels[level]; filter && code == 0;
         filter = filter->below)
        code = conjuncts_flatten(push->binder, filter->condition, true, out);
    return code;
}

/* What follows from the terms of a level, unless it is known below already or would stay there. */
static int infer_level(struct pushdown *push, enum level level, struct conjuncts *known)
{
    struct binder *binder = push->binder;
    bool groups = level == ABOVE_GROUPS;
    struct conjuncts terms = {0}, needed = {0}, made = {0};
    int code = terms_of(push, level, &terms);
    if (code == 0)
        code = infer_equal(binder, groups, &terms, &made);
    if (code == 0)
        code = infer_not_null(binder, groups, &terms, &needed);
    for (uint32_t i = 0; i < needed.count && code == 0; i++) {
        struct expr *term = needed.items[i];
        if (conjuncts_contain(known, term))
            continue;
        code = conjuncts_add(binder, known, term);
        if (code == 0)
            code = bind_null_test(binder, term->offset, true, term, &term);
        if (code == 0)
            code = conjuncts_add(binder, &made, term);
    }
    for (uint32_t i = 0; i < made.count && code == 0; i++) {
        bool useful = passes(push, level, made.items[i]) && !names_event_time(push, made.items[i]);
        if (useful && !conjuncts_contain(&terms, made.items[i]))
            code = put(push, level, made.items[i]);
    }
    return code;
}

static int infer(struct pushdown *push)
{
    struct conjuncts below = {0}, known = {0};
    int code = terms_of(push, BELOW_WATERMARK, &below);
    if (code == 0)
        code = infer_not_null(push->binder, false, &below, &known);
    for (enum level level = BELOW_WATERMARK; level-- > ABOVE_GROUPS && code == 0;)
        code = infer_level(push, level, &known);
    return code;
}

/* The condition that Spark puts on the time of a window. *out: the term. */
static int put_window(struct pushdown *push, struct expr **out)
{
    struct binder *binder = push->binder;
    struct expr *window = (struct expr *)(uintptr_t)push->window, *time = window->args[0], *start;
    const struct window_spec *spec = window->prepared;
    bool slides = !spec->session && spec->size_us != spec->slide_us;
    int code;
    if (slides && spec->size_us % spec->slide_us) {
        code = bind_field_at(binder, window, 0, STR("start"), window->offset, &start);
        if (code == 0)
            code = bind_comparison(binder, window->offset, OP_GTE, time, start, out);
    } else {
        code = bind_null_test(binder, window->offset, true, time, out);
    }
    return code == 0 ? put(push, slides ? ABOVE_WINDOWS : ABOVE_WATERMARK, *out) : code;
}

int binder_push_conditions(struct binder *binder, const struct expr *window, struct expr *having)
{
    struct pushdown push = {.binder = binder, .window = window};
    struct expr *timed = NULL;
    int code = binder->where ? put(&push, ABOVE_WATERMARK, binder->where) : 0;
    if (code == 0 && window)
        code = put_window(&push, &timed);
    if (code == 0 && having)
        code = put(&push, ABOVE_GROUPS, having);
    if (code == 0)
        code = settle(&push);
    if (code == 0)
        code = infer(&push);
    if (code == 0)
        code = settle(&push);
    struct conjuncts *lists[LEVELS] = {&binder->grouped, &binder->grouped, &binder->late,
                                       &binder->early};
    for (enum level level = 0; level < LEVELS && code == 0; level++) {
        struct conjuncts terms = {0};
        code = terms_of(&push, level, &terms);
        for (uint32_t i = 0; i < terms.count && code == 0; i++) {
            bool own = terms.items[i] == timed && level != BELOW_WATERMARK;
            if (!own) /* rows without a time are counted on their own */
                code = conjuncts_add(binder, lists[level], terms.items[i]);
        }
    }
    return code;
}
