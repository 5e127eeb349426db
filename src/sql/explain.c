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

int sql_query_explain(struct str text, const struct sql_scope *scope, struct buf *out)
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
    if (code == 0)
        explain_bound(out, &bound, scope->event_time >= 0);
    bound_query_fini(&bound);
    arena_fini(&arena);
    return code;
}
