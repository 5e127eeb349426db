#include "plan/doc.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/doc_string.h"

/* Columns are counted as the text is read, from a mark that only moves forward: counting them from
 * the line's start each time would be quadratic on a long line. */
struct parser {
    const char *start, *p, *end;
    const char *mark;
    uint32_t mark_line, mark_column;
    const struct doc_source *source;
    struct arena *arena;
    struct doc_error *error;
    uint32_t depth, values;
};

static void mark_move(struct parser *parser, const char *to)
{
    for (; parser->mark < to; parser->mark++) {
        if (*parser->mark == '\n') {
            parser->mark_line++;
            parser->mark_column = 1;
        } else if (((unsigned char)*parser->mark & 0xC0) != 0x80 || parser->mark == parser->start) {
            parser->mark_column++;
        }
    }
}

/* Fails at `at`, which is not before the mark. */
static int fail_at(struct parser *parser, const char *at, const char *message)
{
    mark_move(parser, at);
    *parser->error = (struct doc_error){.offset = (size_t)(at - parser->start),
                                        .line = parser->mark_line,
                                        .column = parser->mark_column};
    snprintf(parser->error->message, sizeof parser->error->message, "%s", message);
    return ERR_INVALID;
}

/* Names the character at p. Words and numbers are not quoted: what was meant as a password may have
 * lost its quotes. */
static const char *found(const struct parser *parser, char out[32])
{
    unsigned char c = parser->p < parser->end ? (unsigned char)*parser->p : 0;
    if (parser->p == parser->end)
        snprintf(out, 32, "the end of the text");
    else if (c == ' ' || c == '\t')
        snprintf(out, 32, "a space");
    else if (c == '\n' || c == '\r')
        snprintf(out, 32, "the end of the line");
    else if (c == '"')
        snprintf(out, 32, "a string");
    else if (c >= '0' && c <= '9')
        snprintf(out, 32, "a number");
    else if ((c | 32) >= 'a' && (c | 32) <= 'z')
        snprintf(out, 32, "a word");
    else if (c > ' ' && c < 0x7F)
        snprintf(out, 32, "'%c'", c);
    else
        snprintf(out, 32, "the byte 0x%02X", c);
    return out;
}

static int fail_expected(struct parser *parser, const char *expected)
{
    char word[32], message[200];
    snprintf(message, sizeof message, "expected %s, found %s", expected, found(parser, word));
    return fail_at(parser, parser->p, message);
}

static int skip_comment(struct parser *parser)
{
    const char *start = parser->p;
    if (start + 1 < parser->end && start[1] == '/') {
        while (parser->p < parser->end && *parser->p != '\n')
            parser->p++;
    } else if (start + 1 < parser->end && start[1] == '*') {
        parser->p += 2;
        while (parser->p + 1 < parser->end && (parser->p[0] != '*' || parser->p[1] != '/'))
            parser->p++;
        if (parser->p + 1 >= parser->end)
            return fail_at(parser, start, "this comment is never closed: expected */");
        parser->p += 2;
    } else {
        return fail_at(parser, start, "expected a comment (// or /*) after '/'");
    }
    size_t bad = doc_utf8_invalid((struct str){start, (size_t)(parser->p - start)});
    return bad ? fail_at(parser, start + bad - 1, "this byte is not valid UTF-8") : 0;
}

static int skip_space(struct parser *parser)
{
    while (parser->p < parser->end) {
        char c = *parser->p;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            parser->p++;
        } else if (c == '/') {
            int code = skip_comment(parser);
            if (code)
                return code;
        } else {
            break;
        }
    }
    return 0;
}

/* The string at p, with its quotes; *raw is what stands between them. */
static int parse_string(struct parser *parser, struct str *raw, struct str *text)
{
    struct str rest = {parser->p + 1, (size_t)(parser->end - parser->p - 1)};
    struct doc_string_error error;
    int code =
        doc_string_decode(rest, parser->source->nul_allowed, raw, text, parser->arena, &error);
    if (code == ERR_INVALID)
        return fail_at(parser, error.at, error.message);
    if (code)
        return code;
    parser->p = raw->p + raw->n + 1;
    return 0;
}

static bool is_digit(const struct parser *parser)
{
    return parser->p < parser->end && *parser->p >= '0' && *parser->p <= '9';
}

static void skip_digits(struct parser *parser)
{
    while (is_digit(parser))
        parser->p++;
}

static int parse_number(struct parser *parser, struct doc_node *node)
{
    const char *start = parser->p;
    if (*parser->p == '-')
        parser->p++;
    if (!is_digit(parser))
        return fail_expected(parser, "a digit after '-'");
    bool zero = *parser->p++ == '0';
    if (zero && is_digit(parser))
        return fail_at(parser, start, "a number does not start with 0");
    if (!zero)
        skip_digits(parser);
    if (parser->p < parser->end && *parser->p == '.') {
        parser->p++;
        if (!is_digit(parser))
            return fail_expected(parser, "a digit after the decimal point");
        skip_digits(parser);
    }
    if (parser->p < parser->end && (*parser->p | 32) == 'e') {
        parser->p++;
        if (parser->p < parser->end && (*parser->p == '+' || *parser->p == '-'))
            parser->p++;
        if (!is_digit(parser))
            return fail_expected(parser, "a digit in the exponent");
        skip_digits(parser);
    }
    node->kind = DOC_NUMBER;
    node->text = (struct str){start, (size_t)(parser->p - start)};
    return 0;
}

static bool is_word_char(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static int parse_word(struct parser *parser, struct doc_node *node)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = parser->p;
    while (parser->p < parser->end && is_word_char(*parser->p))
        parser->p++;
    node->text = (struct str){start, (size_t)(parser->p - start)};
    node->boolean = str_is(node->text, "true");
    node->kind = str_is(node->text, "null") ? DOC_NULL : DOC_BOOLEAN;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_is(node->text, words[i]))
            return 0;
    }
    const char *near = str_suggest(node->text, words, COUNT_OF(words));
    char message[120];
    snprintf(message, sizeof message,
             near ? "expected a value, found a bare word: did you mean %s?"
                  : "expected a value, found a bare word: text is written in double quotes",
             near);
    return fail_at(parser, start, message);
}

static int parse_value(struct parser *parser, struct doc_node **out);

static int parse_key(struct parser *parser, struct str *key)
{
    char c = parser->p < parser->end ? *parser->p : 0;
    if (c == '\'' || is_word_char(c))
        return fail_at(parser, parser->p, "expected a key in double quotes");
    if (c != '"')
        return fail_expected(parser, "a key in double quotes");
    struct str raw;
    return parse_string(parser, &raw, key);
}

static int parse_member(struct parser *parser, struct doc_node **out)
{
    mark_move(parser, parser->p);
    uint32_t line = parser->mark_line, column = parser->mark_column;
    size_t offset = (size_t)(parser->p - parser->start);
    struct str key;
    int code = parse_key(parser, &key);
    if (!code)
        code = skip_space(parser);
    if (code)
        return code;
    if (parser->p == parser->end || *parser->p != ':')
        return fail_expected(parser, "':' after the key");
    parser->p++;
    code = skip_space(parser);
    if (!code)
        code = parse_value(parser, out);
    if (code)
        return code;
    (*out)->key = key;
    (*out)->key_source = parser->source;
    (*out)->key_offset = offset;
    (*out)->key_line = line;
    (*out)->key_column = column;
    return 0;
}

/* What follows a member: *more, or the closing bracket is consumed. */
static int parse_separator(struct parser *parser, char close, bool *more)
{
    int code = skip_space(parser);
    if (code)
        return code;
    char c = parser->p < parser->end ? *parser->p : 0;
    *more = c == ',';
    if (c == close && parser->p < parser->end) {
        parser->p++;
        return 0;
    }
    if (c != ',')
        return fail_expected(parser, close == '}' ? "',' or '}'" : "',' or ']'");
    const char *comma = parser->p++;
    code = skip_space(parser);
    if (code)
        return code;
    if (parser->p < parser->end && *parser->p == close) {
        /* The mark has not passed the comma: only comments that fail move it. */
        return fail_at(parser, comma, "trailing comma: expected nothing after the last element");
    }
    return 0;
}

static int parse_members(struct parser *parser, struct doc_node *node)
{
    char close = node->kind == DOC_OBJECT ? '}' : ']';
    parser->p++;
    int code = skip_space(parser);
    if (code)
        return code;
    if (parser->p < parser->end && *parser->p == close) {
        parser->p++;
        return 0;
    }
    struct doc_node **link = &node->first;
    for (bool more = true; more && !code;) {
        code = close == '}' ? parse_member(parser, link) : parse_value(parser, link);
        if (code)
            return code;
        (*link)->parent = node;
        link = &(*link)->next;
        node->count++;
        code = parse_separator(parser, close, &more);
    }
    return code;
}

static int parse_container(struct parser *parser, struct doc_node *node)
{
    node->kind = *parser->p == '{' ? DOC_OBJECT : DOC_ARRAY;
    if (parser->depth == DOC_DEPTH_MAX)
        return fail_at(parser, parser->p, "nested too deeply: at most 64 levels");
    parser->depth++;
    int code = parse_members(parser, node);
    parser->depth--;
    return code;
}

static int parse_value(struct parser *parser, struct doc_node **out)
{
    mark_move(parser, parser->p);
    if (parser->values++ == DOC_VALUES_MAX && !parser->source->unbounded)
        return fail_at(parser, parser->p, "too many values: at most 100000");
    struct doc_node *node = ARENA_NEW(parser->arena, struct doc_node);
    if (!node)
        return ERR_NOMEM;
    *out = node;
    node->source = parser->source;
    node->offset = (size_t)(parser->p - parser->start);
    node->line = parser->mark_line;
    node->column = parser->mark_column;
    char c = parser->p < parser->end ? *parser->p : 0;
    if (c == '{' || c == '[')
        return parse_container(parser, node);
    if (c == '"') {
        node->kind = DOC_STRING;
        return parse_string(parser, &node->raw, &node->text);
    }
    if (c == '-' || is_digit(parser))
        return parse_number(parser, node);
    if (c == '\'')
        return fail_at(parser, parser->p, "strings are written in double quotes");
    if (is_word_char(c))
        return parse_word(parser, node);
    return fail_expected(parser, "a value");
}

int doc_parse(struct doc_node **out, struct str text, const struct doc_source *source,
              struct arena *arena, struct doc_error *error)
{
    *out = NULL;
    *error = (struct doc_error){0};
    const char *start = text.n ? text.p : "";
    struct parser parser = {.start = start,
                            .p = start,
                            .end = start + text.n,
                            .mark = start,
                            .mark_line = 1,
                            .mark_column = source->column,
                            .source = source,
                            .arena = arena,
                            .error = error};
    if (text.n > DOC_BYTES_MAX && !source->unbounded)
        return fail_at(&parser, parser.p, "the text is too long: at most 16 MiB");
    if (str_starts_with(text, STR("\xEF\xBB\xBF")))
        return fail_at(&parser, parser.p,
                       "the text starts with a byte order mark: save it as plain UTF-8");
    int code = skip_space(&parser);
    if (!code)
        code = parse_value(&parser, out);
    if (!code)
        code = skip_space(&parser);
    if (!code && parser.p < parser.end)
        code = fail_at(&parser, parser.p, "unexpected text after the end of the JSON value");
    return code;
}

struct doc_node *doc_member(const struct doc_node *object, struct str key)
{
    for (struct doc_node *node = object->first; node; node = node->next) {
        if (str_eq(node->key, key))
            return node;
    }
    return NULL;
}

const char *doc_kind_name(enum doc_kind kind)
{
    static const char *const names[] = {
        [DOC_NULL] = "null",       [DOC_BOOLEAN] = "a boolean", [DOC_NUMBER] = "a number",
        [DOC_STRING] = "a string", [DOC_ARRAY] = "an array",    [DOC_OBJECT] = "an object",
    };
    return names[kind];
}
