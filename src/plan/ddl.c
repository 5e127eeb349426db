#include "plan/ddl.h"

#include <stdarg.h>
#include <stdio.h>

struct parser {
    struct str text;
    size_t i;
    struct arena *arena;
    struct ddl_error *error;
    uint32_t depth;
};

struct column_list {
    struct ddl_column *items;
    uint32_t count, capacity;
};

static const struct {
    const char *name;
    enum type_kind kind;
} type_names[] = {
    {"BOOLEAN", TYPE_BOOLEAN},   {"TINYINT", TYPE_TINYINT},     {"BYTE", TYPE_TINYINT},
    {"SMALLINT", TYPE_SMALLINT}, {"SHORT", TYPE_SMALLINT},      {"INT", TYPE_INT},
    {"INTEGER", TYPE_INT},       {"BIGINT", TYPE_BIGINT},       {"LONG", TYPE_BIGINT},
    {"FLOAT", TYPE_FLOAT},       {"REAL", TYPE_FLOAT},          {"DOUBLE", TYPE_DOUBLE},
    {"DATE", TYPE_DATE},         {"TIMESTAMP", TYPE_TIMESTAMP}, {"TIMESTAMP_LTZ", TYPE_TIMESTAMP},
    {"STRING", TYPE_STRING},     {"BINARY", TYPE_BINARY},       {"DECIMAL", TYPE_DECIMAL},
    {"DEC", TYPE_DECIMAL},       {"NUMERIC", TYPE_DECIMAL},     {"STRUCT", TYPE_STRUCT},
    {"ARRAY", TYPE_ARRAY},
};

/* Names that Spark knows and a schema here does not take. */
static const struct {
    const char *name, *sentence;
} refused_types[] = {
    {"MAP", "MAP is not supported: use STRUCT, or STRING to keep the JSON text"},
    {"TIMESTAMP_NTZ", "TIMESTAMP_NTZ is not supported: use TIMESTAMP (the session zone is UTC)"},
    {"VARCHAR", "VARCHAR(n) is not supported in a schema for JSON: use STRING"},
    {"CHAR", "CHAR(n) is not supported in a schema for JSON: use STRING"},
    {"CHARACTER", "CHARACTER(n) is not supported in a schema for JSON: use STRING"},
    {"INTERVAL", "INTERVAL is not supported in a schema for JSON: use STRING"},
    {"VOID", "VOID is not supported in a schema for JSON: leave the column out"},
};

static int fail(struct parser *parser, int code, size_t offset, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static int fail(struct parser *parser, int code, size_t offset, const char *fmt, ...)
{
    parser->error->code = code;
    parser->error->offset = offset;
    va_list args;
    va_start(args, fmt);
    vsnprintf(parser->error->message, sizeof parser->error->message, fmt, args);
    va_end(args);
    return code;
}

static int fail_nomem(struct parser *parser)
{
    return fail(parser, ERR_NOMEM, parser->i, "out of memory");
}

static bool at_end(const struct parser *parser)
{
    return parser->i == parser->text.n;
}

static char peek(const struct parser *parser)
{
    return at_end(parser) ? '\0' : parser->text.p[parser->i];
}

/* A comment at the parser, as in SQL: -- to the end of the line, or between slash-star pairs. */
static size_t comment_length(const struct parser *parser)
{
    struct str rest = {parser->text.p + parser->i, parser->text.n - parser->i};
    bool line = str_starts_with(rest, STR("--"));
    if (!line && !str_starts_with(rest, STR("/*")))
        return 0;
    size_t n = 2;
    if (line) {
        while (n < rest.n && rest.p[n] != '\n')
            n++;
        return n;
    }
    while (n < rest.n && !str_starts_with((struct str){rest.p + n, rest.n - n}, STR("*/")))
        n++;
    return n < rest.n ? n + 2 : 0;
}

static void skip_space(struct parser *parser)
{
    for (size_t n = 1; !at_end(parser) && n; parser->i += n) {
        char c = peek(parser);
        n = c == ' ' || (c >= '\t' && c <= '\r') ? 1 : comment_length(parser);
    }
}

static bool take(struct parser *parser, char c)
{
    skip_space(parser);
    if (at_end(parser) || peek(parser) != c)
        return false;
    parser->i++;
    return true;
}

static bool is_word_char(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str take_word(struct parser *parser)
{
    skip_space(parser);
    size_t start = parser->i;
    while (!at_end(parser) && is_word_char(peek(parser)))
        parser->i++;
    return (struct str){parser->text.p + start, parser->i - start};
}

/* Names what stands at the parser, for messages; may cut it in the middle of nothing but ASCII. */
static const char *found(struct parser *parser, char out[80])
{
    skip_space(parser);
    struct str rest = {parser->text.p + parser->i, parser->text.n - parser->i};
    size_t n = 0;
    while (n < rest.n && n < 40 && is_word_char(rest.p[n]))
        n++;
    if (rest.n == 0)
        snprintf(out, 80, "the end of the schema");
    else if (n > 0)
        snprintf(out, 80, "'%.*s'", (int)n, rest.p);
    else if (rest.p[0] > ' ' && rest.p[0] < 0x7F)
        snprintf(out, 80, "'%c'", rest.p[0]);
    else
        snprintf(out, 80, "a character that needs backquotes");
    return out;
}

static int fail_expected(struct parser *parser, const char *expected)
{
    char word[80];
    const char *shown = found(parser, word);
    return fail(parser, ERR_INVALID, parser->i, "schema: expected %s, found %s", expected, shown);
}

/* `name`, in which `` is one backquote. */
static int parse_quoted(struct parser *parser, struct str *out)
{
    size_t start = parser->i++;
    char *name = arena_alloc(parser->arena, parser->text.n - start);
    if (!name)
        return fail_nomem(parser);
    size_t n = 0;
    for (;; parser->i++) {
        if (at_end(parser))
            return fail(parser, ERR_INVALID, start, "schema: this backquote is never closed");
        if (peek(parser) == '`') {
            parser->i++;
            if (peek(parser) != '`')
                break;
        }
        name[n++] = peek(parser);
    }
    if (n == 0)
        return fail(parser, ERR_INVALID, start, "schema: a column's name must not be empty");
    *out = (struct str){name, n};
    return 0;
}

static int parse_name(struct parser *parser, struct str *out)
{
    skip_space(parser);
    size_t start = parser->i;
    if (peek(parser) == '`')
        return parse_quoted(parser, out);
    struct str word = take_word(parser);
    bool letter = false;
    for (size_t i = 0; i < word.n; i++)
        letter |= word.p[i] < '0' || word.p[i] > '9';
    char next = peek(parser);
    if (word.n && (next == '-' || next == '.' || (unsigned char)next >= 0x80 || next == '$'))
        return fail(parser, ERR_INVALID, parser->i,
                    "schema: a name with this character is written in backquotes, as in `a-b`");
    if (!letter) {
        parser->i = start;
        return fail_expected(parser, "a column's name");
    }
    *out = arena_str(parser->arena, word);
    return out->p ? 0 : fail_nomem(parser);
}

static int parse_type(struct parser *parser, const struct type **out);

static int parse_small_number(struct parser *parser, const char *expected, int64_t *out)
{
    struct str word = take_word(parser);
    if (word.n > 0 && word.n < 6 && str_to_i64(word, out))
        return 0;
    parser->i -= word.n;
    return fail_expected(parser, expected);
}

/* What follows DECIMAL: (precision), (precision, scale) or nothing, which is (10, 0). */
static int parse_decimal(struct parser *parser, struct type *type, size_t start)
{
    int64_t precision = 10, scale = 0;
    if (take(parser, '(')) {
        int code = parse_small_number(parser, "the precision of the DECIMAL", &precision);
        if (!code && take(parser, ','))
            code = parse_small_number(parser, "the scale of the DECIMAL", &scale);
        if (code)
            return code;
        if (!take(parser, ')'))
            return fail_expected(parser, "')'");
    }
    if (precision < 1 || precision > 38 || scale > precision)
        return fail(parser, ERR_INVALID, start,
                    "schema: DECIMAL(%d,%d) must have a precision from 1 to 38 and a scale from 0 "
                    "to the precision",
                    (int)precision, (int)scale);
    type->precision = (uint8_t)precision;
    type->scale = (uint8_t)scale;
    return 0;
}

/* A string literal, for COMMENT; its text is of no use here. */
static int skip_literal(struct parser *parser)
{
    skip_space(parser);
    char quote = peek(parser);
    size_t start = parser->i;
    if (quote != '\'' && quote != '"')
        return fail_expected(parser, "a text in quotes after COMMENT");
    for (parser->i++; !at_end(parser) && peek(parser) != quote; parser->i++)
        parser->i += peek(parser) == '\\' && parser->i + 1 < parser->text.n;
    if (at_end(parser))
        return fail(parser, ERR_INVALID, start, "schema: this text is never closed");
    parser->i++;
    return 0;
}

/* NOT NULL and COMMENT 'text'. JSON columns can always be NULL, so NOT NULL changes nothing. */
static int skip_column_suffix(struct parser *parser)
{
    skip_space(parser);
    size_t before = parser->i;
    struct str word = take_word(parser);
    if (str_eq_nocase(word, STR("NOT"))) {
        if (!str_eq_nocase(take_word(parser), STR("NULL")))
            return fail(parser, ERR_INVALID, before, "schema: expected NOT NULL");
        before = parser->i;
        word = take_word(parser);
    }
    if (str_eq_nocase(word, STR("COMMENT")))
        return skip_literal(parser);
    parser->i = before;
    return 0;
}

static struct ddl_column *add_column(struct parser *parser, struct column_list *list)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        struct ddl_column *items = ARENA_ARRAY(parser->arena, struct ddl_column, capacity);
        if (!items)
            return NULL;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    return &list->items[list->count++];
}

/* Columns up to the end of the text, or fields up to '>' with an optional colon after the name. */
static int parse_columns(struct parser *parser, bool fields, struct column_list *list)
{
    do {
        if (list->count == DDL_COLUMNS_MAX)
            return fail(parser, ERR_INVALID, parser->i, "schema: more than 10000 columns");
        struct ddl_column *column = add_column(parser, list);
        if (!column)
            return fail_nomem(parser);
        skip_space(parser);
        column->name_offset = parser->i;
        int code = parse_name(parser, &column->name);
        if (code)
            return code;
        if (fields)
            take(parser, ':');
        skip_space(parser);
        if (!fields && peek(parser) == ':')
            return fail(parser, ERR_INVALID, parser->i,
                        "schema: a ':' stands only inside STRUCT<...>; expected a type");
        column->type_offset = parser->i;
        code = parse_type(parser, &column->type);
        if (!code)
            code = skip_column_suffix(parser);
        if (code)
            return code;
    } while (take(parser, ','));
    return 0;
}

static int parse_struct(struct parser *parser, struct type *type)
{
    struct column_list list = {0};
    if (!take(parser, '<'))
        return fail_expected(parser, "'<' after STRUCT");
    if (take(parser, '>'))
        return 0;
    int code = parse_columns(parser, true, &list);
    if (code)
        return code;
    if (!take(parser, '>'))
        return fail_expected(parser, "',' or '>'");
    struct field *fields = ARENA_ARRAY(parser->arena, struct field, list.count);
    if (!fields)
        return fail_nomem(parser);
    for (uint32_t i = 0; i < list.count; i++)
        fields[i] = (struct field){list.items[i].name, list.items[i].type};
    type->fields = fields;
    type->field_count = list.count;
    return 0;
}

static int parse_array(struct parser *parser, struct type *type)
{
    if (!take(parser, '<'))
        return fail_expected(parser, "'<' after ARRAY");
    int code = parse_type(parser, &type->element);
    if (code)
        return code;
    return take(parser, '>') ? 0 : fail_expected(parser, "'>'");
}

static int fail_type(struct parser *parser, struct str word, size_t start)
{
    const char *names[COUNT_OF(type_names)];
    for (size_t i = 0; i < COUNT_OF(refused_types); i++) {
        if (str_eq_nocase(word, str_of(refused_types[i].name)))
            return fail(parser, ERR_UNSUPPORTED, start, "schema: %s", refused_types[i].sentence);
    }
    for (size_t i = 0; i < COUNT_OF(type_names); i++)
        names[i] = type_names[i].name;
    const char *near = str_suggest(word, names, COUNT_OF(names));
    int n = word.n < 60 ? (int)word.n : 60;
    if (near)
        return fail(parser, ERR_INVALID, start, "schema: unknown type %.*s: did you mean %s?", n,
                    word.p, near);
    return fail(parser, ERR_INVALID, start,
                "schema: unknown type %.*s: expected STRING, INT, BIGINT, DOUBLE, BOOLEAN, "
                "TIMESTAMP, DATE, DECIMAL(p,s), STRUCT<...> or the like",
                n, word.p);
}

static int parse_parameters(struct parser *parser, struct type *type, size_t start)
{
    if (parser->depth == DDL_DEPTH_MAX)
        return fail(parser, ERR_INVALID, start, "schema: nested too deeply: at most 32 levels");
    parser->depth++;
    int code = type->kind == TYPE_DECIMAL  ? parse_decimal(parser, type, start)
               : type->kind == TYPE_STRUCT ? parse_struct(parser, type)
                                           : parse_array(parser, type);
    parser->depth--;
    return code;
}

static int parse_type(struct parser *parser, const struct type **out)
{
    skip_space(parser);
    size_t start = parser->i, i = 0;
    struct str word = take_word(parser);
    if (word.n == 0)
        return fail_expected(parser, "a type");
    while (i < COUNT_OF(type_names) && !str_eq_nocase(word, str_of(type_names[i].name)))
        i++;
    if (i == COUNT_OF(type_names))
        return fail_type(parser, word, start);
    enum type_kind kind = type_names[i].kind;
    if (kind != TYPE_DECIMAL && kind != TYPE_STRUCT && kind != TYPE_ARRAY) {
        *out = type_simple(kind);
        return 0;
    }
    struct type *type = ARENA_NEW(parser->arena, struct type);
    if (!type)
        return fail_nomem(parser);
    type->kind = kind;
    *out = type;
    return parse_parameters(parser, type, start);
}

/* STRUCT<a: INT> says the same as a INT. The list is left empty when the text is not of this kind.
 */
static int parse_whole_struct(struct parser *parser, struct column_list *list)
{
    size_t start = parser->i;
    if (!str_eq_nocase(take_word(parser), STR("STRUCT")) || !take(parser, '<')) {
        parser->i = start;
        return 0;
    }
    int code = parse_columns(parser, true, list);
    if (code)
        return code;
    return take(parser, '>') ? 0 : fail_expected(parser, "',' or '>'");
}

int ddl_parse(struct ddl_column **out, uint32_t *out_count, struct str text, struct arena *arena,
              struct ddl_error *error)
{
    struct parser parser = {.text = text, .arena = arena, .error = error};
    struct column_list list = {0};
    *error = (struct ddl_error){0};
    int code = parse_whole_struct(&parser, &list);
    if (!code && list.count == 0)
        code = parse_columns(&parser, false, &list);
    skip_space(&parser);
    if (!code && !at_end(&parser))
        code = fail_expected(&parser, "',' or the end of the schema");
    *out = list.items;
    *out_count = list.count;
    return code;
}
