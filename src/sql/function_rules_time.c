#include "sql/function_rules_time.h"

#include "sql/binder_impl.h"
#include "sql/kernels_time.h"
#include "vec/decimal.h"
#include "vec/interval.h"

static int wrong_type(struct binder *binder, const struct function *function,
                      const struct expr *arg, uint32_t i, const char *wanted)
{
    char name[120];
    return diag_fail(binder->diag, ERR_INVALID, arg->offset, "argument %u of %s must be %s, not %s",
                     i + 1, function->name, wanted, types_name(arg->type, name));
}

/* The call with one more argument. */
static int append(struct binder *binder, struct expr *call, struct expr *arg)
{
    if (!arg)
        return ERR_NOMEM;
    struct expr **args = ARENA_ARRAY(binder->arena, struct expr *, call->arg_count + 1);
    if (!args)
        return diag_nomem(binder->diag);
    memcpy(args, call->args, call->arg_count * sizeof *args);
    args[call->arg_count++] = arg;
    call->args = args;
    return 0;
}

/* A text of digits as the number of days; a NULL stays one. */
static int convert_text_days(struct binder *binder, const struct function *function,
                             struct expr **arg)
{
    const struct value *value;
    int code = binder_constant_value(binder, *arg, &value);
    if (code != 0)
        return code;
    if (!value)
        return wrong_type(binder, function, *arg, 1, "an INT, SMALLINT or TINYINT");
    if (vec_is_null(&value->vec, 0))
        return binder_convert(binder, arg, type_simple(TYPE_INT));
    int64_t days;
    if (!str_to_i64(str_trim(value->vec.str[0]), &days) || days != (int32_t)days)
        return diag_fail(binder->diag, ERR_INVALID, (*arg)->offset,
                         "argument 2 of %s must be an INT: '%.*s' is none", function->name,
                         DIAG_ARG(value->vec.str[0]));
    int32_t stored = (int32_t)days;
    *arg = binder_constant(binder, (*arg)->offset, type_simple(TYPE_INT), &stored, (*arg)->label);
    return *arg ? 0 : ERR_NOMEM;
}

int rule_current_date(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)binder;
    call->label = str_of(function->name); /* also of curdate */
    return 0;
}

int rule_add_days(struct binder *binder, const struct function *function, struct expr *call)
{
    enum type_kind kind = call->args[1]->type->kind;
    call->label = str_of(function->name); /* also of dateadd */
    if (kind == TYPE_STRING)
        return convert_text_days(binder, function, &call->args[1]);
    if (kind != TYPE_VOID && kind != TYPE_INT && kind != TYPE_SMALLINT && kind != TYPE_TINYINT)
        return wrong_type(binder, function, call->args[1], 1, "an INT, SMALLINT or TINYINT");
    return binder_convert(binder, &call->args[1], type_simple(TYPE_INT));
}

int rule_months_between(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    uint8_t yes = 1;
    if (call->arg_count == 3)
        return 0;
    return append(
        binder, call,
        binder_constant(binder, call->offset, type_simple(TYPE_BOOLEAN), &yes, STR("true")));
}

static int exact(struct binder *binder, const struct function *function, struct expr *call,
                 enum type_kind kind, const char *wanted)
{
    struct expr *arg = call->args[0];
    if (arg->type->kind != kind && arg->type->kind != TYPE_VOID)
        return wrong_type(binder, function, arg, 0, wanted);
    return binder_convert(binder, &call->args[0], type_simple(kind));
}

int rule_exact_date(struct binder *binder, const struct function *function, struct expr *call)
{
    return exact(binder, function, call, TYPE_DATE, "a DATE");
}

int rule_exact_timestamp(struct binder *binder, const struct function *function, struct expr *call)
{
    return exact(binder, function, call, TYPE_TIMESTAMP, "a TIMESTAMP");
}

int rule_exact_integer(struct binder *binder, const struct function *function, struct expr *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (!type_is_integral(kind) && kind != TYPE_VOID)
        return wrong_type(binder, function, call->args[0], 0, "an integer");
    return binder_convert(binder, &call->args[0], type_simple(TYPE_BIGINT));
}

int rule_timestamp_seconds(struct binder *binder, const struct function *function,
                           struct expr *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (kind == TYPE_DECIMAL) {
        call->kernel = kernel_seconds_ts_decimal;
        return 0;
    }
    if (type_is_floating(kind)) {
        call->kernel = kernel_seconds_ts_double;
        return binder_convert(binder, &call->args[0], type_simple(TYPE_DOUBLE));
    }
    if (!type_is_integral(kind) && kind != TYPE_VOID)
        return wrong_type(binder, function, call->args[0], 0, "a number");
    return binder_convert(binder, &call->args[0], type_simple(TYPE_BIGINT));
}

int rule_zone(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct expr *arg = call->args[call->arg_count - 1];
    const struct value *value;
    struct time_zone zone;
    int code = binder_constant_value(binder, arg, &value);
    if (code != 0 || !value || vec_is_null(&value->vec, 0) ||
        time_zone_find(value->vec.str[0], &zone))
        return code;
    return diag_fail(
        binder->diag, ERR_INVALID, arg->offset,
        "unknown time zone \"%.*s\": expected one like Europe/Amsterdam, UTC or +02:00",
        DIAG_ARG(value->vec.str[0]));
}

int rule_current_timezone(struct binder *binder, const struct function *function, struct expr *call)
{
    (void)function;
    struct str utc = STR("UTC");
    struct expr *constant =
        binder_constant(binder, call->offset, call->type, &utc, STR("current_timezone()"));
    if (!constant)
        return ERR_NOMEM;
    *call = *constant;
    return 0;
}

int rule_make_timestamp(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = 0;
    for (uint32_t i = 0; i < 5 && code == 0; i++)
        code = binder_param(binder, function->name, i, PARAM_INT, &call->args[i]);
    if (code != 0)
        return code;
    enum type_kind kind = call->args[5]->type->kind;
    if (!type_is_numeric(kind) && kind != TYPE_STRING && kind != TYPE_VOID)
        return wrong_type(binder, function, call->args[5], 5, "a number");
    code = binder_convert(binder, &call->args[5], decimal_type(16, 6));
    if (code != 0 || call->arg_count == 6)
        return code;
    code = binder_param(binder, function->name, 6, PARAM_STRING, &call->args[6]);
    return code == 0 ? rule_zone(binder, function, call) : code;
}

int rule_timestamp_unit(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct expr *unit = call->args[0];
    bool diff = function->result == TYPE_BIGINT;
    if (unit->op == EXPR_CONST && !vec_is_null(&unit->constant.vec, 0) &&
        kernel_time_unit(unit->constant.vec.str[0], diff))
        return 0;
    return diag_fail(
        binder->diag, ERR_INVALID, unit->offset,
        "%s takes a unit first: YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, "
        "MILLISECOND or MICROSECOND",
        function->name);
}

/* What EXTRACT reads from what. */
struct extract_field {
    const char *names; /* parted by spaces */
    kernel_fn date, timestamp;
    char interval; /* kernel_interval_field; 0: intervals have none */
};

static const struct extract_field extract_fields[] = {
    {"YEAR Y YEARS YR YRS", kernel_year, NULL, 'Y'},
    {"YEAROFWEEK", kernel_year_of_week, NULL, 0},
    {"QUARTER QTR", kernel_quarter, NULL, 0},
    {"MONTH MON MONS MONTHS", kernel_month, NULL, 'M'},
    {"WEEK W WEEKS", kernel_week_of_year, NULL, 0},
    {"DAY D DAYS", kernel_day, NULL, 'D'},
    {"DAYOFWEEK DOW", kernel_day_of_week, NULL, 0},
    {"DAYOFWEEK_ISO DOW_ISO", kernel_day_of_week_iso, NULL, 0},
    {"DOY", kernel_day_of_year, NULL, 0},
    {"HOUR H HOURS HR HRS", NULL, kernel_hour, 'H'},
    {"MINUTE M MIN MINS MINUTES", NULL, kernel_minute, 'm'},
    {"SECOND S SEC SECONDS SECS", NULL, kernel_second_fraction, 'S'},
};

static const struct extract_field *find_field(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(extract_fields); i++) {
        if (catalogue_is_name(name, "", extract_fields[i].names))
            return &extract_fields[i];
    }
    return NULL;
}

/* extract(YEAR FROM x), date_part(YEAR, x), datepart(YEAR FROM x). */
static int name_extract(struct binder *binder, struct expr *call)
{
    struct buf text = {0};
    bool comma = str_is(call->label, "date_part");
    buf_append_str(&text, call->label);
    buf_append_char(&text, '(');
    expr_print(call->args[0], &text);
    buf_append_str(&text, comma ? STR(", ") : STR(" FROM "));
    expr_print(call->args[1], &text);
    buf_append_char(&text, ')');
    call->label = arena_buf(binder->arena, &text);
    buf_fini(&text);
    call->form = FORM_TEXT;
    return call->label.p ? 0 : diag_nomem(binder->diag);
}

static int no_field(struct binder *binder, const struct expr *call, struct str name)
{
    char type[120];
    return diag_fail(binder->diag, ERR_INVALID, call->args[0]->offset,
                     "there is no field %.*s to extract from %s", DIAG_ARG(name),
                     types_name(call->args[1]->type, type));
}

/* Converts the source to what the field is read from. */
static int bind_source(struct binder *binder, const struct function *function, struct expr *call,
                       struct str name, const struct extract_field *field)
{
    struct expr **source = &call->args[1];
    enum type_kind kind = (*source)->type->kind;
    if (!field)
        return no_field(binder, call, name);
    if (type_is_interval(kind)) {
        call->kernel = kernel_interval_field((*source)->type, field->interval, &call->type);
        return call->kernel ? 0 : no_field(binder, call, name);
    }
    if (!type_is_time(kind) && kind != TYPE_STRING && kind != TYPE_VOID)
        return wrong_type(binder, function, *source, 1, "a DATE, TIMESTAMP or INTERVAL");
    int code =
        binder_convert(binder, source, type_simple(field->date ? TYPE_DATE : TYPE_TIMESTAMP));
    call->kernel = field->date ? field->date : field->timestamp;
    if (field->timestamp == kernel_second_fraction)
        call->type = decimal_type(8, 6);
    return code;
}

int rule_extract(struct binder *binder, const struct function *function, struct expr *call)
{
    const struct value *value;
    int code = binder_constant_value(binder, call->args[0], &value);
    if (code == 0 && !value)
        return diag_fail(binder->diag, ERR_INVALID, call->args[0]->offset,
                         "argument 1 of %s must be a constant: the field's name", function->name);
    if (code == 0)
        code = name_extract(binder, call);
    if (code != 0)
        return code;
    if (vec_is_null(&value->vec, 0)) {
        struct expr *null = binder_null(binder, call->offset, type_simple(TYPE_DOUBLE));
        if (!null)
            return ERR_NOMEM;
        null->label = call->label;
        *call = *null;
        return 0;
    }
    struct str name = value->vec.str[0];
    code = bind_source(binder, function, call, name, find_field(name));
    call->args++; /* the kernel sees the source alone */
    call->arg_count = 1;
    return code;
}

/* make_interval(years, months, weeks, days, hours, minutes, seconds) and its siblings: what is left
 * out is 0. */
int rule_make_interval(struct binder *binder, const struct function *function, struct expr *call)
{
    int code = 0;
    bool seconds = function->args_max != 2;
    uint32_t integers = function->args_max - seconds;
    for (uint32_t i = 0; i < function->args_max && code == 0; i++) {
        bool integer = i < integers;
        const struct type *type = integer ? type_simple(TYPE_INT) : decimal_type(18, 6);
        if (i == call->arg_count) {
            __int128 zero = 0;
            code = append(binder, call,
                          binder_constant(binder, call->offset, type, &zero,
                                          integer ? STR("0") : STR("0.000000")));
            continue;
        }
        enum type_kind kind = call->args[i]->type->kind;
        if (!type_is_numeric(kind) && kind != TYPE_STRING && kind != TYPE_VOID)
            return wrong_type(binder, function, call->args[i], i, "a number");
        code = binder_convert(binder, &call->args[i], type);
    }
    call->type = type_simple(function->result);
    return code;
}
