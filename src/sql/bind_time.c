/* bind_time.c: arithmetic with dates, timestamps and intervals (Spark's ResolveBinaryArithmetic).
 */
#include "sql/binder_impl.h"
#include "sql/kernels_time.h"
#include "vec/interval.h"

/* One arithmetic expression under way. */
struct operation {
    struct binder *binder;
    uint32_t offset;
    bool minus;
    struct expr *left, *right;
    struct expr **out;
};

static int call(struct operation *o, const struct type *type, kernel_fn kernel, struct expr *a,
                struct expr *b, struct expr **out)
{
    struct expr *args[] = {a, b};
    *out = binder_call(o->binder, o->offset, type, kernel, args, b ? 2 : 1);
    return *out ? 0 : ERR_NOMEM;
}

/* Spark names these without parentheses: "a + b". */
static int name_plain(struct operation *o, const struct expr *a, const struct expr *b)
{
    struct buf text = {0};
    expr_print(a, &text);
    buf_append_str(&text, o->minus ? STR(" - ") : STR(" + "));
    expr_print(b, &text);
    struct str label = arena_buf(o->binder->arena, &text);
    buf_fini(&text);
    if (!label.p)
        return diag_nomem(o->binder->diag);
    (*o->out)->form = FORM_TEXT;
    (*o->out)->label = label;
    return 0;
}

static void name_infix(struct operation *o, const char *symbol)
{
    (*o->out)->form = FORM_INFIX;
    (*o->out)->label = str_of(symbol);
}

static int negate(struct operation *o, struct expr **interval)
{
    struct expr *negative;
    kernel_fn kernel = kernel_interval_negate((*interval)->type->kind);
    int code = call(o, (*interval)->type, kernel, *interval, NULL, &negative);
    if (code != 0)
        return code;
    negative->form = FORM_PREFIX;
    negative->label = STR("-");
    *interval = negative;
    return 0;
}

static bool is_days(const struct type *type)
{
    return type->kind == TYPE_INTERVAL_DAY_TIME && type->precision == INTERVAL_DAY &&
           type->scale == INTERVAL_DAY;
}

/* A DATE and whole days: date_add(d, extractansiintervaldays(i)). */
static int shift_days(struct operation *o, struct expr *date, struct expr *interval)
{
    struct expr *days;
    int code = call(o, type_simple(TYPE_INT), kernel_interval_days, interval, NULL, &days);
    if (code != 0)
        return code;
    days->label = STR("extractansiintervaldays");
    if (o->minus) {
        code = bind_unary(o->binder, o->offset, OP_MINUS, days, &days);
        if (code != 0)
            return code;
    }
    code = call(o, type_simple(TYPE_DATE), kernel_date_add, date, days, o->out);
    if (code == 0)
        (*o->out)->label = STR("date_add");
    return code;
}

/* A DATE and a number of days. */
static int shift_number(struct operation *o, struct expr *date, struct expr *days)
{
    enum type_kind kind = days->type->kind;
    char name[120];
    if (kind != TYPE_VOID && (kind > TYPE_INT || !type_is_integral(kind)))
        return diag_fail(o->binder->diag, ERR_INVALID, o->offset,
                         "to a DATE an INT or an INTERVAL is added, not %s",
                         types_name(days->type, name));
    int code = binder_convert(o->binder, &days, type_simple(TYPE_INT));
    if (code == 0)
        code = call(o, type_simple(TYPE_DATE), o->minus ? kernel_date_sub : kernel_date_add, date,
                    days, o->out);
    if (code == 0)
        (*o->out)->label = o->minus ? STR("date_sub") : STR("date_add");
    return code;
}

/* A DATE, TIMESTAMP or STRING, and an interval. */
static int shift(struct operation *o, struct expr *time, struct expr *interval)
{
    struct binder *binder = o->binder;
    const struct expr *shown_time = time, *shown_interval = interval;
    enum type_kind unit = interval->type->kind, kind = time->type->kind;
    bool date = kind == TYPE_DATE && unit != TYPE_INTERVAL_DAY_TIME;
    if (kind == TYPE_DATE && is_days(interval->type))
        return shift_days(o, time, interval);
    if (!type_is_time(kind) && !(kind == TYPE_STRING && unit != TYPE_INTERVAL_YEAR_MONTH))
        return binder_mismatch(binder, o->offset, o->minus ? "subtract" : "add", o->left, o->right);
    int code = date ? 0 : binder_convert(binder, &time, type_simple(TYPE_TIMESTAMP));
    if (code == 0 && o->minus)
        code = negate(o, &interval);
    if (code != 0)
        return code;
    kernel_fn kernel = unit == TYPE_INTERVAL_YEAR_MONTH
                           ? (date ? kernel_add_months : kernel_ts_add_months)
                       : unit == TYPE_INTERVAL_DAY_TIME ? kernel_ts_add_micros
                       : date                           ? kernel_date_add_mixed
                                                        : kernel_ts_add_mixed;
    code = call(o, type_simple(date ? TYPE_DATE : TYPE_TIMESTAMP), kernel, time, interval, o->out);
    if (code == 0)
        code = name_plain(o, shown_time, shown_interval);
    if (code == 0 && kind == TYPE_STRING) /* Spark gives back what it was given */
        code = binder_convert(binder, o->out, type_simple(TYPE_STRING));
    return code;
}

/* The interval type that two of one kind fit in. */
static const struct type *common_interval(const struct type *a, const struct type *b)
{
    if (a->kind == TYPE_INTERVAL)
        return a;
    return interval_type(a->kind, a->precision < b->precision ? a->precision : b->precision,
                         a->scale > b->scale ? a->scale : b->scale);
}

static int combine(struct operation *o)
{
    struct binder *binder = o->binder;
    const struct type *a = o->left->type, *b = o->right->type;
    if (a->kind == TYPE_VOID || b->kind == TYPE_VOID) {
        a = a->kind == TYPE_VOID ? b : a;
        b = a;
    }
    if (a->kind != b->kind)
        return binder_mismatch(binder, o->offset, o->minus ? "subtract" : "add", o->left, o->right);
    const struct type *type = common_interval(a, b);
    int code = binder_convert(binder, &o->left, type);
    if (code == 0)
        code = binder_convert(binder, &o->right, type);
    kernel_fn kernel = kernel_interval_add(o->minus ? INTERVAL_SUBTRACT : INTERVAL_ADD, type->kind);
    if (code == 0)
        code = call(o, type, kernel, o->left, o->right, o->out);
    if (code == 0)
        name_infix(o, o->minus ? "-" : "+");
    return code;
}

/* TIMESTAMP - TIMESTAMP, DATE - DATE: an interval. */
static int difference(struct operation *o, bool dates)
{
    const struct expr *sides[] = {o->left, o->right};
    for (int i = 0; i < 2; i++) {
        enum type_kind kind = sides[i]->type->kind;
        bool fits = kind == TYPE_VOID || kind == TYPE_DATE ||
                    (dates ? kind == TYPE_STRING && i == 0 : kind == TYPE_TIMESTAMP);
        if (!fits)
            return binder_mismatch(o->binder, o->offset, "subtract", o->left, o->right);
    }
    const struct type *from = type_simple(dates ? TYPE_DATE : TYPE_TIMESTAMP);
    int code = binder_convert(o->binder, &o->left, from);
    if (code == 0)
        code = binder_convert(o->binder, &o->right, from);
    if (code == 0)
        code =
            call(o,
                 interval_type(TYPE_INTERVAL_DAY_TIME, INTERVAL_DAY,
                               dates ? INTERVAL_DAY : INTERVAL_SECOND),
                 dates ? kernel_date_difference : kernel_ts_difference, o->left, o->right, o->out);
    if (code == 0)
        name_infix(o, "-");
    return code;
}

static int add_or_subtract(struct operation *o)
{
    struct expr *left = o->left, *right = o->right;
    enum type_kind a = left->type->kind, b = right->type->kind;
    bool a_interval = type_is_interval(a), b_interval = type_is_interval(b);
    if ((a_interval && (b_interval || b == TYPE_VOID)) || (b_interval && a == TYPE_VOID))
        return combine(o);
    if (b_interval)
        return shift(o, left, right);
    if (a_interval && !o->minus)
        return shift(o, right, left);
    if (o->minus && (a == TYPE_TIMESTAMP || b == TYPE_TIMESTAMP))
        return difference(o, false);
    if (o->minus && b == TYPE_DATE)
        return difference(o, true);
    if (a == TYPE_DATE)
        return shift_number(o, left, right);
    if (b == TYPE_DATE && !o->minus)
        return shift_number(o, right, left);
    return binder_mismatch(o->binder, o->offset, o->minus ? "subtract" : "add", left, right);
}

/* An interval times or by a number: of all fields of its kind. */
static int scale(struct operation *o, bool divide)
{
    struct binder *binder = o->binder;
    struct expr *interval = o->left, *number = o->right;
    if (!divide && !type_is_interval(interval->type->kind)) {
        interval = o->right;
        number = o->left;
    }
    enum type_kind unit = interval->type->kind, kind = number->type->kind;
    bool text = kind == TYPE_STRING || kind == TYPE_VOID;
    if (!type_is_interval(unit) || !(text || type_is_numeric(kind)))
        return binder_mismatch(binder, o->offset, divide ? "divide" : "multiply", o->left,
                               o->right);
    const struct type *to = unit == TYPE_INTERVAL    ? type_simple(TYPE_DOUBLE)
                            : kind == TYPE_DECIMAL   ? number->type
                            : type_is_integral(kind) ? type_simple(TYPE_BIGINT)
                                                     : type_simple(TYPE_DOUBLE);
    int code = binder_convert(binder, &number, to);
    kernel_fn kernel = divide ? kernel_interval_divide(unit) : kernel_interval_multiply(unit);
    if (code == 0)
        code = call(o, type_simple(unit), kernel, interval, number, o->out);
    if (code == 0)
        name_infix(o, divide ? "/" : "*");
    return code;
}

/* An interval by one of its kind, as a BIGINT. */
static int quotient(struct operation *o)
{
    const struct type *a = o->left->type, *b = o->right->type;
    a = a->kind == TYPE_VOID ? b : a;
    b = b->kind == TYPE_VOID ? a : b;
    kernel_fn kernel = a->kind == b->kind ? kernel_interval_quotient(a->kind) : NULL;
    if (!kernel)
        return binder_mismatch(o->binder, o->offset, "divide", o->left, o->right);
    int code = binder_convert(o->binder, &o->left, common_interval(a, b));
    if (code == 0)
        code = binder_convert(o->binder, &o->right, common_interval(a, b));
    if (code == 0)
        code = call(o, type_simple(TYPE_BIGINT), kernel, o->left, o->right, o->out);
    if (code == 0)
        name_infix(o, "div");
    return code;
}

int bind_time_arithmetic(struct binder *binder, uint32_t offset, enum operator_token op,
                         struct expr *left, struct expr *right, struct expr **out)
{
    struct operation o = {binder, offset, op == OP_MINUS, left, right, out};
    enum type_kind a = left->type->kind, b = right->type->kind;
    bool interval = type_is_interval(a) || type_is_interval(b);
    *out = NULL;
    if (!interval && !type_is_time(a) && !type_is_time(b))
        return 0;
    if (op == OP_PLUS || op == OP_MINUS)
        return add_or_subtract(&o);
    if (interval && (op == OP_STAR || op == OP_SLASH))
        return scale(&o, op == OP_SLASH);
    if (interval && op == OP_DIV)
        return quotient(&o);
    return 0; /* no other operator takes these: the common message */
}
