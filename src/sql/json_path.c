#include "sql/json_path.h"

#include "format/json_copy.h"

enum step_kind { STEP_KEY, STEP_NAMED, STEP_SUBSCRIPT, STEP_INDEX, STEP_WILDCARD, STEP_END };

struct step {
    enum step_kind kind;
    struct str name; /* STEP_NAMED */
    int64_t index;   /* STEP_INDEX */
};

struct json_path {
    struct step *steps; /* up to STEP_END */
};

/* ---- parsing ---- */

struct path_parser {
    const char *p, *end;
    struct step *steps;
    uint32_t count;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What Scala's RegexParsers skip in front of a literal or a pattern. */
static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static bool take(struct path_parser *parser, const char *literal)
{
    const char *p = skip_space(parser->p, parser->end);
    size_t n = strlen(literal);
    if ((size_t)(parser->end - p) < n || memcmp(p, literal, n) != 0)
        return false;
    parser->p = p + n;
    return true;
}

static void add(struct path_parser *parser, struct step step)
{
    parser->steps[parser->count++] = step;
}

static bool take_name(struct path_parser *parser, const char *stops, struct str *name)
{
    const char *p = skip_space(parser->p, parser->end), *start = p;
    while (p < parser->end && (!*p || !strchr(stops, *p)))
        p++;
    *name = (struct str){start, (size_t)(p - start)};
    if (name->n == 0)
        return false;
    parser->p = p;
    return true;
}

/* .name or ['name'] */
static bool take_named(struct path_parser *parser)
{
    struct str name;
    const char *before = parser->p;
    bool found = false;
    if (parser->p < parser->end && *parser->p == '.') {
        parser->p++;
        found = take_name(parser, ".[", &name);
    } else if (take(parser, "['")) {
        found = take_name(parser, "'?", &name) && take(parser, "']");
    }
    if (!found) {
        parser->p = before;
        return false;
    }
    add(parser, (struct step){.kind = STEP_KEY});
    add(parser, (struct step){.kind = STEP_NAMED, .name = name});
    return true;
}

/* [*] or [12]; no spaces before the closing bracket. */
static bool take_subscript(struct path_parser *parser)
{
    const char *before = parser->p;
    struct step step = {.kind = STEP_WILDCARD};
    if (parser->p == parser->end || *parser->p != '[')
        return false;
    const char *p = ++parser->p;
    if (p < parser->end && *p == '*') {
        p++;
    } else {
        p = skip_space(p, parser->end);
        const char *digits = p;
        while (p < parser->end && *p >= '0' && *p <= '9')
            p++;
        step.kind = STEP_INDEX;
        if (!str_to_i64((struct str){digits, (size_t)(p - digits)}, &step.index))
            p = parser->end; /* empty, or too large: an error in Spark */
    }
    if (p == parser->end || *p != ']') {
        parser->p = before;
        return false;
    }
    parser->p = p + 1;
    add(parser, (struct step){.kind = STEP_SUBSCRIPT});
    add(parser, step);
    return true;
}

bool json_path_parse(struct str text, struct arena *arena, const struct json_path **out)
{
    struct path_parser parser = {.p = text.p, .end = str_end(text)};
    struct json_path *path = ARENA_NEW(arena, struct json_path);
    *out = NULL;
    parser.steps = ARENA_ARRAY(arena, struct step, text.n * 2 + 1);
    if (!path || !parser.steps)
        return false;
    if (text.n == 0 || *parser.p++ != '$')
        return true;
    while (skip_space(parser.p, parser.end) < parser.end) {
        if (take(&parser, ".*") || take(&parser, "['*']"))
            add(&parser, (struct step){.kind = STEP_WILDCARD});
        else if (!take_named(&parser) && !take_subscript(&parser))
            return true;
    }
    add(&parser, (struct step){.kind = STEP_END});
    path->steps = parser.steps;
    *out = path;
    return true;
}

/* ---- finding ---- */

enum style { STYLE_RAW, STYLE_QUOTED, STYLE_FLATTEN };

/* Jackson's generator, as far as it is needed. */
struct writer {
    struct buf *text;
    enum json_pairs pairs;
    bool array;      /* inside an array */
    uint32_t values; /* written there, or outside of all */
};

struct finder {
    struct json_reader *reader;
    struct buf name;
    bool failed; /* the text is no JSON: nothing is found */
    bool nomem;
};

static void begin_value(struct writer *writer)
{
    if (writer->values++ > 0)
        buf_append_char(writer->text, writer->array ? ',' : ' ');
}

static struct writer begin_array(struct writer *writer)
{
    begin_value(writer);
    buf_append_char(writer->text, '[');
    return (struct writer){.text = writer->text, .pairs = writer->pairs, .array = true};
}

/* The next token; JSON_ERROR ends everything. */
static enum json_token next(struct finder *finder)
{
    enum json_token token = finder->failed ? JSON_ERROR : json_reader_next(finder->reader);
    finder->nomem |= token == JSON_NOMEM;
    finder->failed |= token == JSON_ERROR || token == JSON_NOMEM || token == JSON_NONE;
    return finder->failed ? JSON_ERROR : token;
}

static void skip(struct finder *finder)
{
    enum json_token token = json_reader_skip_children(finder->reader);
    finder->nomem |= token == JSON_NOMEM;
    finder->failed |= token == JSON_ERROR || token == JSON_NOMEM;
}

static bool find(struct finder *finder, struct writer *writer, enum style style,
                 const struct step *path);

static bool is_high(uint16_t unit)
{
    return (unit & 0xfc00) == 0xd800;
}

static bool is_low(uint16_t unit)
{
    return (unit & 0xfc00) == 0xdc00;
}

/* The text of a string without quotes; half of a character is an error. */
static bool write_raw(struct finder *finder, struct writer *writer)
{
    struct json_reader *reader = finder->reader;
    enum json_token token = json_reader_string(reader);
    finder->nomem |= token == JSON_NOMEM;
    finder->failed |= token != JSON_STRING;
    for (size_t i = 0; i < reader->text.n && !finder->failed; i++) {
        uint16_t unit = reader->text.p[i];
        bool pair = is_high(unit) && i + 1 < reader->text.n && is_low(reader->text.p[i + 1]);
        finder->failed |= (is_high(unit) || is_low(unit)) && !pair;
        i += pair;
    }
    if (!finder->failed)
        json_units_append(writer->text, reader->text.p, reader->text.n);
    return true;
}

static bool write_copy(struct finder *finder, struct writer *writer)
{
    begin_value(writer);
    if (finder->reader->token == JSON_NONE) {
        finder->failed = true;
        return true;
    }
    enum json_token token = json_copy_value(finder->reader, writer->pairs, writer->text);
    finder->nomem |= token == JSON_NOMEM;
    finder->failed |= token == JSON_ERROR || token == JSON_NOMEM;
    return true;
}

/* All elements by one path; how many gave something. */
static uint32_t find_elements(struct finder *finder, struct writer *writer, enum style style,
                              const struct step *path)
{
    uint32_t found = 0;
    for (enum json_token token = next(finder); token != JSON_ERROR && token != JSON_END_ARRAY;
         token = next(finder))
        found += find(finder, writer, style, path);
    return found;
}

static bool find_in_object(struct finder *finder, struct writer *writer, enum style style,
                           const struct step *path)
{
    bool found = false;
    for (enum json_token token = next(finder); token != JSON_ERROR && token != JSON_END_OBJECT;
         token = next(finder)) {
        if (found)
            skip(finder);
        else
            found = find(finder, writer, style, path);
    }
    return found;
}

static bool write_array(struct finder *finder, struct writer *writer, enum style style,
                        const struct step *path)
{
    struct writer inside = begin_array(writer);
    bool found = find_elements(finder, &inside, style, path) > 0;
    buf_append_char(writer->text, ']');
    return found;
}

/* [*] outside of another: one match alone stands without brackets. */
static bool find_wildcard(struct finder *finder, struct writer *writer, enum style style,
                          const struct step *path)
{
    struct buf text = {0};
    struct writer inside = {.text = &text, .pairs = JSON_PAIRS_PLAIN, .array = true};
    enum style inner = style == STYLE_RAW ? STYLE_QUOTED : STYLE_FLATTEN;
    uint32_t found = find_elements(finder, &inside, inner, path);
    if (found > 0) {
        begin_value(writer);
        buf_append(writer->text, "[", found > 1);
        buf_append_str(writer->text, buf_str(&text));
        buf_append(writer->text, "]", found > 1);
    }
    writer->text->failed |= text.failed;
    buf_fini(&text);
    return found > 0;
}

/* Behind `[`: the element number `index`. */
static bool find_index(struct finder *finder, struct writer *writer, enum style style,
                       const struct step *path, int64_t index)
{
    enum json_token token = next(finder);
    for (; token != JSON_ERROR && token != JSON_END_ARRAY && index > 0; index--) {
        skip(finder);
        token = next(finder);
    }
    if (token == JSON_ERROR || token == JSON_END_ARRAY)
        return false;
    bool found = find(finder, writer, style, path);
    for (token = next(finder); token != JSON_ERROR && token != JSON_END_ARRAY; token = next(finder))
        skip(finder);
    return found;
}

static bool is_wildcard(const struct step *path)
{
    return path->kind == STEP_SUBSCRIPT && path[1].kind == STEP_WILDCARD;
}

static bool find_in_array(struct finder *finder, struct writer *writer, enum style style,
                          const struct step *path)
{
    if (is_wildcard(path) && is_wildcard(path + 2))
        return write_array(finder, writer, STYLE_FLATTEN, path + 4);
    if (is_wildcard(path) && style != STYLE_QUOTED)
        return find_wildcard(finder, writer, style, path + 2);
    if (is_wildcard(path))
        return write_array(finder, writer, STYLE_QUOTED, path + 2);
    return find_index(finder, writer, is_wildcard(path + 2) ? STYLE_QUOTED : style, path + 2,
                      path[1].index);
}

static bool is_named(struct finder *finder, const struct step *step)
{
    size_t n;
    const uint16_t *name = json_reader_name(finder->reader, &n);
    buf_clear(&finder->name);
    json_units_append(&finder->name, name, n);
    finder->nomem |= finder->name.failed;
    return name && str_eq(buf_str(&finder->name), step->name);
}

/* On a field's name: the value, if it is the one. */
static bool find_in_field(struct finder *finder, struct writer *writer, enum style style,
                          const struct step *path)
{
    bool any = path->kind == STEP_WILDCARD;
    if (!any && (path->kind != STEP_NAMED || !is_named(finder, path))) {
        skip(finder);
        return false;
    }
    enum json_token token = next(finder);
    if (token == JSON_ERROR || (token == JSON_NULL && !any))
        return false;
    return find(finder, writer, style, path + 1);
}

static bool find(struct finder *finder, struct writer *writer, enum style style,
                 const struct step *path)
{
    enum json_token token = finder->reader->token;
    bool end = path->kind == STEP_END;
    if (finder->failed)
        return false;
    if (end && token == JSON_STRING && style == STYLE_RAW)
        return write_raw(finder, writer);
    if (end && token == JSON_START_ARRAY && style == STYLE_FLATTEN)
        return find_elements(finder, writer, style, path) > 0;
    if (end)
        return write_copy(finder, writer);
    if (token == JSON_START_OBJECT && path->kind == STEP_KEY)
        return find_in_object(finder, writer, style, path + 1);
    if (token == JSON_START_ARRAY && path->kind == STEP_SUBSCRIPT)
        return find_in_array(finder, writer, style, path);
    if (token == JSON_FIELD_NAME)
        return find_in_field(finder, writer, style, path);
    skip(finder);
    return false;
}

enum json_found json_path_find(const struct json_path *path, struct json_reader *reader,
                               struct str text, struct buf *out)
{
    struct finder finder = {.reader = reader};
    struct writer writer = {.text = out};
    reader->hive = true;
    if (!json_reader_open(reader, text))
        return JSON_FOUND_NOMEM;
    enum json_token token = json_reader_next(reader);
    finder.nomem = token == JSON_NOMEM;
    bool found = token != JSON_ERROR && token != JSON_NOMEM &&
                 find(&finder, &writer, STYLE_RAW, path->steps);
    buf_fini(&finder.name);
    if (finder.nomem || out->failed)
        return JSON_FOUND_NOMEM;
    return found && !finder.failed ? JSON_FOUND : JSON_NOT_FOUND;
}
