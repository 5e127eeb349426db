/* explain.c: a query in words. It is bound once more for that, with other labels: Spark's names
 * show the literal 'a' and the column a alike, leave out arguments, and do not say what an alias
 * is. */
#include "sql/aggregate.h"
#include "sql/binder.h"
#include "sql/parser.h"
#include "sql/window.h"

enum { SHOWN_MAX = 2000 }; /* bytes of one expression */

static void append_cut(struct buf *out, struct str text)
{
    bool cut = text.n > SHOWN_MAX;
    if (cut) {
        text.n = SHOWN_MAX;
        while (text.n && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
            text.n--;
    }
    buf_append_str(out, text);
    buf_append_str(out, cut ? STR("...") : STR(""));
}

static void append_expr(struct buf *out, const struct expr *expr)
{
    struct buf text = {0};
    expr_print(expr, &text);
    append_cut(out, buf_str(&text));
    buf_fini(&text);
}

static void explain_one(struct buf *out, const char *what, const struct expr *expr)
{
    if (!expr)
        return;
    buf_printf(out, "%s: ", what);
    append_expr(out, expr);
    buf_append_char(out, '\n');
}

static void explain_key(struct buf *out, const struct expr *key)
{
    if (key->op == EXPR_WINDOW)
        append_cut(out, ((const struct window_spec *)key->prepared)->written);
    else
        append_expr(out, key);
}

static void explain_groups(struct buf *out, const struct bound_query *bound)
{
    const struct sql_grouping *grouping = &bound->grouping;
    buf_append_str(out, STR("keys: "));
    for (uint32_t i = 0; i < bound->group_count; i++) {
        buf_append_str(out, i ? STR(", ") : STR(""));
        explain_key(out, bound->groups[i]);
    }
    buf_append_str(out, bound->group_count ? STR("\n") : STR("none, one group of all rows\n"));
    for (uint32_t i = 0; i < grouping->aggregate_count; i++) {
        buf_append_str(out, i ? STR(", ") : STR("aggregates: "));
        append_cut(out, grouping->aggregates[i].label);
    }
    if (grouping->aggregate_count)
        buf_append_char(out, '\n');
}

static void explain_bound(struct buf *out, const struct bound_query *bound, bool watermarked)
{
    explain_one(out, watermarked ? "filter before the watermark" : "filter", bound->early);
    explain_one(out, watermarked ? "filter after the watermark" : "filter", bound->late);
    if (bound->row_window) {
        buf_append_str(out, STR("rows per record: one for each "));
        append_cut(out, ((const struct window_spec *)bound->row_window->prepared)->written);
        buf_append_char(out, '\n');
    }
    if (!bound->grouped)
        return;
    explain_groups(out, bound);
    explain_one(out, "filter groups", bound->having);
}

/* ---- what state is made of ---- */

static void print_window(struct buf *out, const struct expr *key)
{
    const struct window_spec *spec = key->prepared;
    if (spec->session) { /* its gap is what stands behind the time */
        buf_append_str(out, STR("window "));
        buf_append_str(out, spec->written);
    } else {
        buf_append_str(out, STR("window of "));
        expr_print(key->args[0], out);
        buf_printf(out, ", size %lld us, slide %lld us, start %lld us", (long long)spec->size_us,
                   (long long)spec->slide_us, (long long)spec->start_us);
    }
    buf_append_char(out, '\n');
}

static void print_aggregate(struct buf *out, const struct aggregate_call *call)
{
    buf_append_str(out, STR("aggregate "));
    buf_append_str(out, call->label);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        buf_append_str(out, i ? STR(", ") : STR(" of "));
        type_print(call->args[i]->type, out);
    }
    buf_append_char(out, '\n');
}

static void print_state(struct buf *out, const struct bound_query *bound)
{
    const struct sql_grouping *grouping = &bound->grouping;
    for (uint32_t i = 0; i < bound->group_count; i++) {
        const struct expr *key = bound->groups[i];
        if (key->op == EXPR_WINDOW) {
            print_window(out, key);
            continue;
        }
        buf_append_str(out, STR("key "));
        expr_print(key, out);
        buf_append_char(out, ' ');
        type_print(key->type, out);
        buf_append_char(out, '\n');
    }
    if (bound->group_count == 0)
        buf_append_str(out, STR("no keys\n"));
    for (uint32_t i = 0; i < grouping->aggregate_count; i++)
        print_aggregate(out, &grouping->aggregates[i]);
}

/* ---- both ---- */

typedef void (*print_function)(struct buf *out, const struct bound_query *bound);

static void explain_watermarked(struct buf *out, const struct bound_query *bound)
{
    explain_bound(out, bound, true);
}

static void explain_plain(struct buf *out, const struct bound_query *bound)
{
    explain_bound(out, bound, false);
}

static int bind_and_print(struct str text, const struct sql_scope *scope, print_function print,
                          struct buf *out)
{
    struct sql_error error;
    struct sql_errors errors = {&error, 1, 0};
    struct diag diag = {.text = text, .errors = &errors};
    struct arena arena = {0};
    struct ast_query ast;
    struct bound_query bound = {0};
    int code = parser_run(&diag, &arena, &ast);
    if (code == 0)
        code = binder_run(&diag, &arena, &ast, scope, true, &bound);
    if (arena.failed)
        code = ERR_NOMEM;
    if (code == 0)
        print(out, &bound);
    bound_query_fini(&bound);
    arena_fini(&arena);
    return code;
}

int sql_query_explain(struct str text, const struct sql_scope *scope, struct buf *out)
{
    return bind_and_print(text, scope, scope->event_time >= 0 ? explain_watermarked : explain_plain,
                          out);
}

int sql_query_fingerprint(struct str text, const struct sql_scope *scope, struct buf *out)
{
    return bind_and_print(text, scope, print_state, out);
}
