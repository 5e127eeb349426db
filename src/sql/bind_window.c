/* bind_window.c: window() and session_window(), Spark's TimeWindowing and SessionWindowing. */
#include "sql/binder_impl.h"
#include "sql/unicode_case.h"
#include "vec/interval_text.h"

static const struct field bounds[] = {
    {{"start", 5}, NULL},
    {{"end", 3}, NULL},
};

static const struct type *window_type(struct binder *binder)
{
    struct type *type = ARENA_NEW(binder->arena, struct type);
    struct field *fields = ARENA_ARRAY(binder->arena, struct field, 2);
    if (!type || !fields)
        return NULL;
    for (uint32_t i = 0; i < 2; i++)
        fields[i] = (struct field){bounds[i].name, type_simple(TYPE_TIMESTAMP)};
    *type = (struct type){.kind = TYPE_STRUCT, .field_count = 2, .fields = fields};
    return type;
}

/* A duration: an interval string of a fixed length, or a number of microseconds. */
static int take_duration(struct binder *binder, const struct ast *ast, const char *what,
                         int64_t *out)
{
    struct expr *expr;
    int code = bind_expr(binder, ast, &expr);
    if (code != 0)
        return code;
    const struct value *value = &expr->constant;
    if (!binder_is_literal(expr) ||
        (expr->type->kind != TYPE_STRING && expr->type->kind != TYPE_INT &&
         expr->type->kind != TYPE_BIGINT))
        return diag_fail(binder->diag, ERR_INVALID, ast->start,
                         "the %s of a window must be a literal like '1 minute'", what);
    if (expr->type->kind == TYPE_INT)
        *out = value->vec.i32[0];
    if (expr->type->kind == TYPE_BIGINT)
        *out = value->vec.i64[0];
    if (expr->type->kind != TYPE_STRING)
        return 0;
    struct vec_interval interval;
    size_t at;
    if (interval_text_parse(value->vec.str[0], &interval, &at))
        return diag_fail(binder->diag, ERR_INVALID, ast->start,
                         "the %s of a window, '%.*s', is no interval: expected one like '1 minute'",
                         what, DIAG_ARG(value->vec.str[0]));
    if (interval.months)
        return diag_fail(binder->diag, ERR_INVALID, ast->start,
                         "Intervals greater than a month is not supported (%.*s).",
                         DIAG_ARG(value->vec.str[0]));
    if (!interval_fixed_us(&interval, out))
        return diag_fail(binder->diag, ERR_INVALID, ast->start, "the %s of a window is too long",
                         what);
    return 0;
}

static int check_spec(struct binder *binder, const struct ast *ast, struct window_spec *spec)
{
    if (spec->size_us <= 0)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "the length of a window must be greater than 0");
    if (spec->slide_us <= 0)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "the slide of a window must be greater than 0");
    if (spec->slide_us > spec->size_us)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "the slide of a window must not be longer than the window");
    if (spec->size_us / spec->slide_us >= 10000)
        return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                         "a record would be in more than 10,000 windows: take a longer slide");
    if (spec->start_us >= spec->slide_us || spec->start_us <= -spec->slide_us)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "the start of a window must be nearer to 0 than its slide");
    if (spec->start_us < 0)
        spec->start_us += spec->slide_us;
    return 0;
}

static int take_durations(struct binder *binder, const struct ast *ast, struct window_spec *spec)
{
    int code = take_duration(binder, ast->args[1], "length", &spec->size_us);
    spec->slide_us = spec->size_us;
    if (code == 0 && ast->arg_count > 2)
        code = take_duration(binder, ast->args[2], "slide", &spec->slide_us);
    if (code == 0 && ast->arg_count > 3)
        code = take_duration(binder, ast->args[3], "start", &spec->start_us);
    return code == 0 ? check_spec(binder, ast, spec) : code;
}

/* time + gap: the end of a session of one record. A gap that is no interval is a NULL, and the
 * record joins no session, as in Spark. */
static int bind_session_end(struct binder *binder, const struct ast *ast, struct expr *time,
                            struct expr **end)
{
    struct expr *gap;
    char name[120];
    int code = bind_expr(binder, ast->args[1], &gap);
    if (code != 0)
        return code;
    if (gap->type->kind != TYPE_STRING && gap->type->kind != TYPE_INTERVAL &&
        gap->type->kind != TYPE_VOID)
        return diag_fail(binder->diag, ERR_INVALID, ast->args[1]->start,
                         "the gap of a session must be a STRING like '5 minutes', not %s",
                         types_name(gap->type, name));
    code = binder_convert(binder, &gap, type_simple(TYPE_INTERVAL));
    if (code == 0)
        code = bind_arithmetic(binder, ast->offset, OP_PLUS, time, gap, end);
    return code;
}

/* The call as the query has it. */
static int write_window(struct binder *binder, const struct ast *ast, const char *name,
                        struct window_spec *spec)
{
    struct buf text = {0};
    int code = 0;
    buf_printf(&text, "%s(", name);
    for (uint32_t i = 0; i < ast->arg_count && code == 0; i++) {
        struct expr *arg;
        code = bind_expr(binder, ast->args[i], &arg);
        buf_append_str(&text, i ? STR(", ") : STR(""));
        if (code == 0)
            expr_print(arg, &text);
    }
    buf_append_char(&text, ')');
    spec->written = arena_buf(binder->arena, &text);
    bool failed = text.failed || !spec->written.p;
    buf_fini(&text);
    return code == 0 && failed ? diag_nomem(binder->diag) : code;
}

static int make_window(struct binder *binder, const struct ast *ast, bool session,
                       struct expr **out)
{
    struct window_spec *spec = ARENA_NEW(binder->arena, struct window_spec);
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, 2);
    const struct type *type = window_type(binder);
    if (!spec || !args || !type || !(*out = ARENA_NEW(binder->arena, struct expr)))
        return diag_nomem(binder->diag);
    spec->session = session;
    int code = bind_expr(binder, ast->args[0], &args[0]);
    if (code == 0)
        code = binder_param(binder, session ? "session_window" : "window", 0, PARAM_TIMESTAMP,
                            &args[0]);
    if (!session)
        code = diag_both(code, take_durations(binder, ast, spec));
    else if (code == 0)
        code = bind_session_end(binder, ast, args[0], &args[1]);
    if (code == 0 && binder->as_text)
        code = write_window(binder, ast, session ? "session_window" : "window", spec);
    **out = (struct expr){.op = EXPR_WINDOW,
                          .form = FORM_LABEL,
                          .type = type,
                          .offset = ast->offset,
                          .arg_count = session ? 2 : 1,
                          .args = args,
                          .prepared = spec,
                          .traits = TRAIT_WINDOW,
                          .label = session ? STR("session_window") : STR("window"),
                          .folded = true};
    return code;
}

int bind_window(struct binder *binder, const struct ast *ast, bool session, struct expr **out)
{
    const char *name = session ? "session_window" : "window";
    const struct ast_call *call = ast->call;
    bool lost = binder->window_lost;
    binder->window_lost = true; /* unless it goes well */
    if (call->star || call->distinct || call->filter || call->ignore_nulls)
        return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                         "%s takes a time and %s, and no clauses", name,
                         session ? "a gap" : "a length");
    if (ast->arg_count < 2 || ast->arg_count > (session ? 2 : 4))
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "%s takes %s arguments, not %u",
                         name, session ? "2" : "2 to 4", ast->arg_count);
    const char *place = binder->no_aggregates;
    binder->no_aggregates = "the arguments of a window";
    int code = make_window(binder, ast, session, out);
    binder->no_aggregates = place;
    binder->window_lost = code != 0 || lost;
    return code;
}

int bind_window_name(struct binder *binder, const struct ast_part *part, struct expr **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < binder->group_count; i++) {
        struct expr *group = binder->groups[i];
        if (group->op == EXPR_WINDOW && unicode_eq_nocase(part->text, group->label))
            *out = group;
    }
    return 0;
}
