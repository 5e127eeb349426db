#include "sql/expr.h"

static void print_arguments(const struct expr *expr, uint32_t first, struct buf *out)
{
    for (uint32_t i = first; i < expr->arg_count; i++) {
        if (i > first)
            buf_append(out, ", ", 2);
        expr_print(expr->args[i], out);
    }
}

static void print_case(const struct expr *expr, struct buf *out)
{
    buf_append_str(out, STR("CASE"));
    uint32_t i = 0;
    for (; i + 1 < expr->arg_count; i += 2) {
        buf_append_str(out, STR(" WHEN "));
        expr_print(expr->args[i], out);
        buf_append_str(out, STR(" THEN "));
        expr_print(expr->args[i + 1], out);
    }
    if (i < expr->arg_count) {
        buf_append_str(out, STR(" ELSE "));
        expr_print(expr->args[i], out);
    }
    buf_append_str(out, STR(" END"));
}

static void print_operator(const struct expr *expr, struct buf *out)
{
    buf_append_char(out, '(');
    if (expr->form == FORM_PREFIX) {
        buf_append_str(out, expr->label);
        buf_append_char(out, ' ');
    }
    expr_print(expr->args[0], out);
    if (expr->form != FORM_PREFIX) {
        buf_append_char(out, ' ');
        buf_append_str(out, expr->label);
    }
    if (expr->form == FORM_INFIX) {
        buf_append_char(out, ' ');
        expr_print(expr->args[1], out);
    }
    buf_append_char(out, ')');
}

static void print_cast(const struct expr *expr, struct buf *out)
{
    buf_append_str(out, expr->label);
    buf_append_char(out, '(');
    expr_print(expr->args[0], out);
    buf_append_str(out, STR(" AS "));
    type_print(expr->type, out);
    buf_append_char(out, ')');
}

void expr_print(const struct expr *expr, struct buf *out)
{
    if (out->n > EXPR_NAME_MAX)
        return;
    switch ((enum expr_form)expr->form) {
    case FORM_LABEL:
    case FORM_TEXT:
        buf_append_str(out, expr->label);
        break;
    case FORM_CALL:
        buf_append_str(out, expr->label);
        buf_append_char(out, '(');
        print_arguments(expr, 0, out);
        buf_append_char(out, ')');
        break;
    case FORM_INFIX:
    case FORM_PREFIX:
    case FORM_POSTFIX:
        print_operator(expr, out);
        break;
    case FORM_TILDE:
        buf_append_char(out, '~');
        expr_print(expr->args[0], out);
        break;
    case FORM_IN:
        buf_append_char(out, '(');
        expr_print(expr->args[0], out);
        buf_append_str(out, STR(" IN ("));
        print_arguments(expr, 1, out);
        buf_append_str(out, STR("))"));
        break;
    case FORM_IF:
        buf_append_str(out, STR("(IF("));
        print_arguments(expr, 0, out);
        buf_append_str(out, STR("))"));
        break;
    case FORM_CASE:
        print_case(expr, out);
        break;
    case FORM_CAST:
        print_cast(expr, out);
        break;
    case FORM_HIDDEN:
        expr_print(expr->args[0], out);
        break;
    }
}
