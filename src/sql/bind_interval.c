/* bind_interval.c: INTERVAL literals, and casts from and to intervals. */
#include "sql/binder_impl.h"
#include "sql/kernels_time.h"
#include "vec/interval.h"
#include "vec/interval_text.h"
#include "vec/time.h"

enum { UNITS_MAX = 2 };

/* Which fields a literal names: from the largest to the smallest is its type. */
struct fields {
    int first[UNITS_MAX], last[UNITS_MAX]; /* year-month, day-time */
    bool any[UNITS_MAX];
};

/* Adds a unit by its name, in the singular or plural; others are left out. */
static void add_unit(struct fields *fields, struct str word)
{
    static const struct {
        const char *name;
        uint8_t kind, field;
    } units[] = {
        {"year", 0, INTERVAL_YEAR},          {"month", 0, INTERVAL_MONTH},
        {"week", 1, INTERVAL_DAY},           {"day", 1, INTERVAL_DAY},
        {"hour", 1, INTERVAL_HOUR},          {"minute", 1, INTERVAL_MINUTE},
        {"second", 1, INTERVAL_SECOND},      {"millisecond", 1, INTERVAL_SECOND},
        {"microsecond", 1, INTERVAL_SECOND},
    };
    if (word.n && (word.p[word.n - 1] | 0x20) == 's')
        word.n--;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_eq_nocase(word, str_of(units[i].name)))
            continue;
        int kind = units[i].kind, field = units[i].field;
        bool any = fields->any[kind];
        fields->first[kind] = any && fields->first[kind] < field ? fields->first[kind] : field;
        fields->last[kind] = any && fields->last[kind] > field ? fields->last[kind] : field;
        fields->any[kind] = true;
    }
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The units in a text of its own: '1 day 2 hours'. */
static void add_text_units(struct fields *fields, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t start = i;
        while (i < text.n && is_letter(text.p[i]))
            i++;
        if (i > start)
            add_unit(fields, (struct str){text.p + start, i - start});
        else
            i++;
    }
}

static int finish(struct binder *binder, uint32_t offset, const struct type *type,
                  const void *value, struct expr **out)
{
    char text[INTERVAL_TEXT_MAX];
    size_t n = type->kind == TYPE_INTERVAL_DAY_TIME
                   ? interval_format_day_time(*(const int64_t *)value, type, text)
                   : interval_format_year_month(*(const int32_t *)value, type, text);
    struct str label = arena_str(binder->arena, (struct str){text, n});
    if (!label.p)
        return diag_nomem(binder->diag);
    *out = binder_constant(binder, offset, type, value, label);
    return *out ? 0 : ERR_NOMEM;
}

/* '1-2' YEAR TO MONTH. */
static int bind_fields(struct binder *binder, const struct ast *ast, struct expr **out)
{
    static const char *const days[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    static const char *const months[] = {"YEAR", "MONTH"};
    const struct ast_part *value = &ast->parts[0], *from = &ast->parts[1], *to = &ast->parts[2];
    int first = -1, last = -1;
    bool daily = !str_eq_nocase(from->text, STR("YEAR"));
    for (int i = 0; i < (daily ? 4 : 2); i++) {
        const char *name = daily ? days[i] : months[i];
        first = str_eq_nocase(from->text, str_of(name)) ? i : first;
        last = str_eq_nocase(to->text, str_of(name)) ? i : last;
    }
    if (first < 0 || last <= first)
        return diag_fail(binder->diag, ERR_INVALID, from->offset,
                         "there are no intervals from %.*s to %.*s: expected YEAR TO MONTH, or two "
                         "of DAY, HOUR, MINUTE and SECOND",
                         DIAG_ARG(from->text), DIAG_ARG(to->text));
    const struct type *type =
        interval_type(daily ? TYPE_INTERVAL_DAY_TIME : TYPE_INTERVAL_YEAR_MONTH, first, last);
    int64_t micros = 0;
    int32_t total = 0;
    if (daily ? !interval_parse_day_time(value->text, type, &micros)
              : !interval_parse_year_month(value->text, type, &total))
        return diag_fail(binder->diag, ERR_INVALID, value->offset,
                         "'%.*s' is no interval from %.*s to %.*s: expected one like %s",
                         DIAG_ARG(value->text), DIAG_ARG(from->text), DIAG_ARG(to->text),
                         daily ? "'1 02:03:04.5', with these fields" : "'1-2'");
    return finish(binder, ast->offset, type, daily ? (const void *)&micros : &total, out);
}

/* All values with their units as one text; *fields gets the units. */
static int join_text(struct binder *binder, const struct ast *ast, struct fields *fields,
                     struct buf *text)
{
    if (ast->part_count == 1) {
        buf_append_str(text, ast->parts[0].text);
        add_text_units(fields, ast->parts[0].text);
    }
    for (uint32_t i = 0; i + 1 < ast->part_count; i += 2) {
        struct str value = ast->parts[i].text, unit = ast->parts[i + 1].text;
        for (size_t k = 0; k < value.n; k++) {
            if (is_letter(value.p[k]) || (unsigned char)value.p[k] >= 0x80)
                return diag_fail(binder->diag, ERR_INVALID, ast->parts[i].offset,
                                 "'%.*s' is no number of %.*s", DIAG_ARG(value), DIAG_ARG(unit));
        }
        buf_append_char(text, ' ');
        buf_append_str(text, value);
        buf_append_char(text, ' ');
        buf_append_str(text, unit);
        add_unit(fields, unit);
    }
    return text->failed ? diag_nomem(binder->diag) : 0;
}

static int bind_units(struct binder *binder, const struct ast *ast, struct str text,
                      const struct fields *fields, struct expr **out)
{
    struct vec_interval interval;
    size_t at;
    uint32_t offset = ast->parts[0].offset;
    const char *problem = interval_text_parse(text, &interval, &at);
    if (problem)
        return diag_fail(binder->diag, ERR_INVALID, offset, "INTERVAL: %s", problem);
    if (fields->any[0] && fields->any[1])
        return diag_fail(binder->diag, ERR_INVALID, offset,
                         "an INTERVAL cannot mix years and months with days, hours, minutes and "
                         "seconds: write two, or make_interval()");
    if (fields->any[0]) {
        const struct type *type =
            interval_type(TYPE_INTERVAL_YEAR_MONTH, fields->first[0], fields->last[0]);
        return finish(binder, ast->offset, type, &interval.months, out);
    }
    int64_t micros;
    if (__builtin_mul_overflow((int64_t)interval.days, TIME_MICROS_PER_DAY, &micros) ||
        __builtin_add_overflow(micros, interval.micros, &micros))
        return diag_fail(binder->diag, ERR_INVALID, offset,
                         "this INTERVAL is too long: at most 106751991 days");
    const struct type *type =
        interval_type(TYPE_INTERVAL_DAY_TIME, fields->first[1], fields->last[1]);
    return finish(binder, ast->offset, type, &micros, out);
}

int bind_interval(struct binder *binder, const struct ast *ast, struct expr **out)
{
    *out = NULL;
    if (ast->flag)
        return bind_fields(binder, ast, out);
    struct fields fields = {0};
    struct buf text = {0};
    int code = join_text(binder, ast, &fields, &text);
    if (text.failed)
        code = diag_nomem(binder->diag);
    if (code == 0)
        code = bind_units(binder, ast, buf_str(&text), &fields, out);
    buf_fini(&text);
    return code;
}

bool binder_has_interval(const struct type *type, bool mixed)
{
    if (type->kind == TYPE_ARRAY)
        return binder_has_interval(type->element, mixed);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++) {
        if (binder_has_interval(type->fields[i].type, mixed))
            return true;
    }
    return mixed ? type->kind == TYPE_INTERVAL : type_is_interval(type->kind);
}

int binder_check_parts(struct binder *binder, const struct type *type, uint32_t offset)
{
    char name[120];
    if (type_is_interval(type->kind) || !binder_has_interval(type, false))
        return 0;
    return diag_fail(binder->diag, ERR_UNSUPPORTED, offset,
                     "a value of type %s is not supported: CAST the interval in it to STRING",
                     types_name(type, name));
}

/* The kernel of a cast from an interval; NULL: there is none. */
static kernel_fn from_interval(const struct type *from, const struct type *to, bool exact)
{
    if (to->kind == TYPE_STRING)
        return from->kind == TYPE_INTERVAL_YEAR_MONTH ? kernel_months_text
               : from->kind == TYPE_INTERVAL_DAY_TIME ? kernel_micros_text
                                                      : kernel_mixed_text;
    if (to->kind == from->kind && to->kind != TYPE_INTERVAL)
        return kernel_interval_truncate;
    if (type_is_integral(to->kind) && from->kind != TYPE_INTERVAL)
        return kernel_interval_number(exact);
    return NULL;
}

int bind_interval_cast(struct binder *binder, uint32_t offset, struct expr *value,
                       const struct type *to, bool exact, struct expr **out)
{
    const struct type *from = value->type;
    kernel_fn kernel = NULL;
    int code = 0;
    *out = NULL;
    if (type_is_interval(from->kind)) {
        kernel = from_interval(from, to, exact);
    } else if (from->kind == TYPE_STRING) {
        kernel = to->kind == TYPE_INTERVAL ? kernel_text_mixed : kernel_text_interval(exact);
    } else if (type_is_integral(from->kind) && to->kind != TYPE_INTERVAL) {
        kernel = kernel_number_interval;
        code = binder_convert(binder, &value, type_simple(TYPE_BIGINT));
    }
    if (code != 0 || !kernel)
        return code;
    *out = binder_call(binder, offset, to, kernel, &value, 1);
    return *out ? 0 : ERR_NOMEM;
}
