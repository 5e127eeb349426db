/* bind_literal.c: literals, with the types and names that Spark gives them. */
#include <math.h>

#include "sql/binder_impl.h"
#include "vec/decimal.h"
#include "vec/number.h"
#include "vec/time.h"

struct expr *binder_constant(struct binder *binder, uint32_t offset, const struct type *type,
                             const void *value, struct str label)
{
    struct expr *expr = ARENA_NEW(binder->arena, struct expr);
    size_t width = type_width(type);
    void *data = arena_calloc(binder->arena, 1, width ? width : 1);
    if (!expr || !data) {
        diag_nomem(binder->diag);
        return NULL;
    }
    if (value)
        memcpy(data, value, width);
    *expr = (struct expr){.op = EXPR_CONST, .type = type, .offset = offset, .label = label};
    expr->folded = true;
    expr->constant = (struct value){.constant = true, .valid_shared = true};
    expr->constant.vec = (struct vec){.type = type, .rows = 1};
    expr->constant.vec.data = data;
    return expr;
}

struct expr *binder_null(struct binder *binder, uint32_t offset, const struct type *type)
{
    struct expr *expr = binder_constant(binder, offset, type, NULL, STR("NULL"));
    if (expr && vec_init_null(&expr->constant.vec, type, 1, binder->arena) == 0)
        return expr;
    diag_nomem(binder->diag);
    return NULL;
}

static int finish(struct binder *binder, uint32_t offset, enum type_kind kind, const void *value,
                  struct str label, struct expr **out)
{
    label = arena_str(binder->arena, label);
    if (!label.p)
        return diag_nomem(binder->diag);
    *out = binder_constant(binder, offset, type_simple(kind), value, label);
    return *out ? 0 : ERR_NOMEM;
}

/* The same, and frees the label. */
static int finish_printed(struct binder *binder, uint32_t offset, enum type_kind kind,
                          const void *value, struct buf *label, struct expr **out)
{
    int code = label->failed ? diag_nomem(binder->diag)
                             : finish(binder, offset, kind, value, buf_str(label), out);
    buf_fini(label);
    return code;
}

static int out_of_range(struct binder *binder, const struct ast *ast, const char *type)
{
    return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                     "the number %.*s is outside the range of %s", DIAG_ARG(ast->text), type);
}

/* Precision and scale of digits[.digits][e[+-]digits], as BigDecimal and DecimalType count them: an
 * exponent moves the point; zeros that it adds count. False: an exponent beyond all limits. */
static bool measure(struct str s, int64_t *precision, int64_t *scale)
{
    int64_t digits = 0, exponent = 0;
    bool point = false;
    *scale = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == 'e' || s.p[i] == 'E') {
            i += i + 1 < s.n && s.p[i + 1] == '+';
            if (!str_to_i64((struct str){s.p + i + 1, s.n - i - 1}, &exponent) ||
                exponent > INT32_MAX || exponent < INT32_MIN)
                return false;
            break;
        }
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        point |= s.p[i] == '.';
        *scale += digit && point;
        digits += digit && (digits || s.p[i] != '0');
    }
    *scale -= exponent;
    *precision = digits ? digits : 1;
    if (*scale < 0) {
        *precision -= *scale;
        *scale = 0;
    }
    if (*precision < *scale)
        *precision = *scale;
    return true;
}

static int bind_decimal(struct binder *binder, const struct ast *ast, struct expr **out)
{
    int64_t precision, scale;
    __int128 value;
    if (!measure(ast->text, &precision, &scale) || precision > DECIMAL_DIGITS_MAX)
        return out_of_range(binder, ast, "DECIMAL(38)");
    const struct type *type = decimal_type((int)precision, (int)scale);
    if (!decimal_from_text(ast->text, type, &value))
        return out_of_range(binder, ast, "DECIMAL(38)");
    char text[NUMBER_TEXT_MAX];
    struct str label = {text, number_format_decimal_java(value, type->scale, text)};
    label = arena_str(binder->arena, label);
    if (!label.p)
        return diag_nomem(binder->diag);
    *out = binder_constant(binder, ast->offset, type, &value, label);
    return *out ? 0 : ERR_NOMEM;
}

static int bind_integer(struct binder *binder, const struct ast *ast, struct expr **out)
{
    static const struct {
        enum type_kind kind;
        int64_t limit;
        const char *name;
    } suffixed[] = {
        [TOKEN_TINYINT] = {TYPE_TINYINT, INT8_MAX, "TINYINT"},
        [TOKEN_SMALLINT] = {TYPE_SMALLINT, INT16_MAX, "SMALLINT"},
        [TOKEN_BIGINT] = {TYPE_BIGINT, INT64_MAX, "BIGINT"},
    };
    int64_t value = 0;
    bool fits = str_to_i64(ast->text, &value);
    enum type_kind kind = value >= INT32_MIN && value <= INT32_MAX ? TYPE_INT : TYPE_BIGINT;
    if (ast->op != TOKEN_INTEGER) {
        if (!fits || value > suffixed[ast->op].limit || value < -suffixed[ast->op].limit - 1)
            return out_of_range(binder, ast, suffixed[ast->op].name);
        kind = suffixed[ast->op].kind;
    } else if (!fits) {
        return bind_decimal(binder, ast, out);
    }
    char text[NUMBER_TEXT_MAX];
    struct str label = {text, number_format_i64(value, text)};
    /* little-endian or not, each width is read back as itself */
    union {
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
    } stored = {0};
    if (kind == TYPE_TINYINT)
        stored.i8 = (int8_t)value;
    else if (kind == TYPE_SMALLINT)
        stored.i16 = (int16_t)value;
    else if (kind == TYPE_INT)
        stored.i32 = (int32_t)value;
    else
        stored.i64 = value;
    return finish(binder, ast->offset, kind, &stored, label, out);
}

/* number.h wants digits on both sides of the point. Without memory the query fails at its end. */
static bool parse_text(struct binder *binder, struct str s, bool single, void *value)
{
    struct buf text = {0};
    size_t i = s.p[0] == '-';
    if (i)
        buf_append_char(&text, '-');
    if (i < s.n && s.p[i] == '.')
        buf_append_char(&text, '0');
    for (; i < s.n; i++) {
        bool digit_next = i + 1 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '9';
        if (s.p[i] != '.' || digit_next)
            buf_append_char(&text, s.p[i]);
    }
    bool ok = single ? number_parse_float(buf_str(&text), value)
                     : number_parse_double(buf_str(&text), value);
    binder->arena->failed |= text.failed;
    buf_fini(&text);
    return ok;
}

static int bind_floating(struct binder *binder, const struct ast *ast, struct expr **out)
{
    char text[NUMBER_TEXT_MAX];
    if (ast->op == TOKEN_FLOAT) {
        float value = 0;
        if (!parse_text(binder, ast->text, true, &value) || isinf(value))
            return out_of_range(binder, ast, "FLOAT");
        struct str label = {text, number_format_float(value, text)};
        return finish(binder, ast->offset, TYPE_FLOAT, &value, label, out);
    }
    double value = 0;
    if (!parse_text(binder, ast->text, false, &value) || isinf(value))
        return out_of_range(binder, ast, "DOUBLE");
    struct str label = {text, number_format_double(value, text)};
    return finish(binder, ast->offset, TYPE_DOUBLE, &value, label, out);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* X'1F'; an odd number of digits has a zero before it. */
static int bind_binary(struct binder *binder, const struct ast *ast, struct expr **out)
{
    size_t n = (ast->text.n + 1) / 2, odd = ast->text.n % 2;
    char *bytes = arena_calloc(binder->arena, n + 1, 1);
    if (!bytes)
        return diag_nomem(binder->diag);
    struct buf label = {0};
    buf_append_str(&label, STR("X'"));
    for (size_t i = 0; i < ast->text.n; i++) {
        int digit = hex_digit(ast->text.p[i]);
        if (digit < 0) {
            buf_fini(&label);
            return diag_fail(binder->diag, ERR_INVALID, ast->offset,
                             "X'%.*s' is no BINARY: expected hexadecimal digits",
                             DIAG_ARG(ast->text));
        }
        size_t at = (i + odd) / 2;
        bytes[at] = (char)((unsigned char)bytes[at] << 4 | digit);
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(&label, "%02X", (unsigned char)bytes[i]);
    buf_append_char(&label, '\'');
    struct str value = {bytes, n};
    return finish_printed(binder, ast->offset, TYPE_BINARY, &value, &label, out);
}

/* DATE '...', TIMESTAMP '...'. */
static int bind_time(struct binder *binder, const struct ast *ast, struct expr **out)
{
    bool date = ast->op == KW_DATE;
    static const char *const moving[] = {"now", "today", "tomorrow", "yesterday", "epoch"};
    for (size_t i = 0; i < COUNT_OF(moving); i++) {
        if (str_eq_nocase(str_trim(ast->text), str_of(moving[i])))
            return diag_fail(binder->diag, ERR_UNSUPPORTED, ast->offset,
                             "the literal '%s' is not supported: use current_timestamp() or "
                             "current_date()",
                             moving[i]);
    }
    int32_t days = 0;
    int64_t micros = 0;
    if (date ? !time_parse_date(ast->text, &days) : !time_parse_timestamp(ast->text, &micros))
        return diag_fail(binder->diag, ERR_INVALID, ast->offset, "'%.*s' is no %s: expected %s",
                         DIAG_ARG(ast->text), date ? "DATE" : "TIMESTAMP",
                         date ? "'2025-12-31'" : "'2025-12-31 23:59:59.123'");
    char text[TIME_TEXT_MAX];
    size_t n = date ? time_format_date(days, text) : time_format_timestamp(micros, text);
    struct buf label = {0};
    buf_printf(&label, "%s '%.*s'", date ? "DATE" : "TIMESTAMP", (int)n, text);
    return finish_printed(binder, ast->offset, date ? TYPE_DATE : TYPE_TIMESTAMP,
                          date ? (const void *)&days : (const void *)&micros, &label, out);
}

/* A STRING under its SQL text. */
static int finish_quoted(struct binder *binder, uint32_t offset, struct str value,
                         struct expr **out)
{
    struct buf label = {0};
    buf_append_char(&label, '\'');
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\n')
            buf_append_str(&label, STR("\\n"));
        else if ((unsigned char)c < 0x20)
            buf_printf(&label, "\\u%04X", c);
        else if (c == '\'' || c == '\\')
            buf_printf(&label, "\\%c", c);
        else
            buf_append_char(&label, c);
    }
    buf_append_char(&label, '\'');
    return finish_printed(binder, offset, TYPE_STRING, &value, &label, out);
}

int bind_literal(struct binder *binder, const struct ast *ast, struct expr **out)
{
    switch (ast->kind) {
    case AST_NULL:
        *out = binder_null(binder, ast->offset, type_simple(TYPE_VOID));
        return *out ? 0 : ERR_NOMEM;
    case AST_BOOLEAN: {
        uint8_t value = ast->flag;
        return finish(binder, ast->offset, TYPE_BOOLEAN, &value, value ? STR("true") : STR("false"),
                      out);
    }
    case AST_STRING: {
        /* The syntax tree's text ends with the binding; the value stays. */
        struct str value = arena_str(binder->arena, ast->text);
        if (!value.p)
            return diag_nomem(binder->diag);
        return binder->as_text ? finish_quoted(binder, ast->offset, value, out)
                               : finish(binder, ast->offset, TYPE_STRING, &value, value, out);
    }
    case AST_TYPED:
        return ast->op == KW_X ? bind_binary(binder, ast, out) : bind_time(binder, ast, out);
    default:
        break;
    }
    switch (ast->op) {
    case TOKEN_INTEGER:
    case TOKEN_TINYINT:
    case TOKEN_SMALLINT:
    case TOKEN_BIGINT:
        return bind_integer(binder, ast, out);
    case TOKEN_DECIMAL:
    case TOKEN_BIGDECIMAL:
        return bind_decimal(binder, ast, out);
    default:
        return bind_floating(binder, ast, out);
    }
}
