#include "format/json_reader.h"

#include <stdlib.h>

#include "base/utf8.h"

enum { END = -1, FAILED = -2 }; /* besides UTF-16 units */

void json_reader_fini(struct json_reader *reader)
{
    free(reader->in.p);
    free(reader->text.p);
    free(reader->names.p);
    *reader = (struct json_reader){0};
}

bool json_units_reserve(struct json_units *units, size_t extra)
{
    size_t need = units->n + extra;
    if (need <= units->capacity)
        return true;
    size_t capacity = units->capacity ? units->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    uint16_t *p = reallocarray(units->p, capacity, sizeof *p);
    if (!p)
        return false;
    units->p = p;
    units->capacity = capacity;
    return true;
}

bool json_units_add(struct json_units *units, uint16_t unit)
{
    if (units->n == units->capacity && !json_units_reserve(units, 1))
        return false;
    units->p[units->n++] = unit;
    return true;
}

bool json_reader_open(struct json_reader *reader, struct str text)
{
    reader->in.n = 0;
    reader->names.n = reader->text.n = 0;
    /* UTF-16 has never more units than UTF-8 bytes; an empty name or string is a pointer, too */
    if (!json_units_reserve(&reader->in, text.n + 1) || !json_units_reserve(&reader->names, 1) ||
        !json_units_reserve(&reader->text, 1))
        return false;
    for (size_t i = 0; i < text.n;) {
        uint32_t code;
        i += utf8_decode((struct str){text.p + i, text.n - i}, &code);
        if (code > 0xffff) {
            reader->in.p[reader->in.n++] = (uint16_t)(0xd7c0 + (code >> 10));
            code = 0xdc00 | (code & 0x3ff);
        }
        reader->in.p[reader->in.n++] = (uint16_t)code;
    }
    reader->pos = 0;
    reader->token = reader->next = JSON_NONE;
    reader->incomplete = false;
    reader->special = NULL;
    reader->depth = 0;
    reader->contexts[0] = (struct json_context){0};
    return true;
}

static struct json_context *context(struct json_reader *reader)
{
    return &reader->contexts[reader->depth];
}

int json_reader_take(struct json_reader *reader)
{
    return reader->pos < reader->in.n ? reader->in.p[reader->pos++] : END;
}

static int peek(const struct json_reader *reader)
{
    return reader->pos < reader->in.n ? reader->in.p[reader->pos] : END;
}

/* The first unit that is not white space: END, or FAILED at another control character or a comment.
 */
static int take_token_start(struct json_reader *reader)
{
    for (;;) {
        int c = json_reader_take(reader);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        return c == '/' || (c >= 0 && c < ' ') ? FAILED : c;
    }
}

static int hex_value(int c)
{
    c &= 0xff; /* Jackson looks at the low byte only */
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int json_reader_escape(struct json_reader *reader)
{
    int c = json_reader_take(reader), value = 0;
    switch (c) {
    case 'b':
        return '\b';
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'f':
        return '\f';
    case 'r':
        return '\r';
    case '"':
    case '/':
    case '\\':
    case '\'':
        return c;
    case 'u':
        for (int i = 0; i < 4; i++) {
            c = json_reader_take(reader);
            if (c == END || hex_value(c) < 0)
                return FAILED;
            value = value << 4 | hex_value(c);
        }
        return value;
    default:
        return FAILED;
    }
}

/* Adds units up to the closing quote to *out (NULL: only skips them). */
static enum json_token take_quoted(struct json_reader *reader, int quote, struct json_units *out)
{
    for (;;) {
        int c = json_reader_take(reader);
        if (c == quote)
            return JSON_STRING;
        if (c < (reader->hive ? 0 : ' '))
            return JSON_ERROR; /* the end, too */
        if (c == '\\') {
            c = json_reader_escape(reader);
            if (c < 0)
                return JSON_ERROR;
        }
        if (out && !json_units_add(out, (uint16_t)c))
            return JSON_NOMEM;
    }
}

enum json_token json_reader_string(struct json_reader *reader)
{
    if (!reader->incomplete)
        return JSON_STRING;
    reader->incomplete = false;
    reader->text.n = 0;
    return take_quoted(reader, '"', &reader->text);
}

/* Character.isJavaIdentifierPart of a char, nearly: beyond ASCII everything but surrogates and the
 * replacement character counts. It decides only how much of a wrong token an error skips. */
static bool is_identifier_part(int c)
{
    if (c >= 0x80)
        return !(c >= 0xd800 && c <= 0xdfff) && c != UTF8_REPLACEMENT;
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c == '$' || (c >= 0 && c <= 8) || (c >= 0x0e && c <= 0x1b) || c == 0x7f;
}

/* An unknown word of which `seen` units are read: skips the rest as Jackson's error message does.
 */
static enum json_token bad_word(struct json_reader *reader, int seen)
{
    while (seen < 256 && is_identifier_part(peek(reader))) {
        reader->pos++;
        seen++;
    }
    return JSON_ERROR;
}

/* The rest of `word` from unit `i` on, and behind it nothing that would continue it. */
static enum json_token match_word(struct json_reader *reader, const char *word, int i,
                                  enum json_token token)
{
    for (; word[i]; i++) {
        if (peek(reader) != word[i])
            return bad_word(reader, i);
        reader->pos++;
    }
    int c = peek(reader);
    if (c >= '0' && c != ']' && c != '}' && is_identifier_part(c))
        return bad_word(reader, i);
    return token;
}

static enum json_token match_special(struct json_reader *reader, const char *word, int i)
{
    enum json_token token = match_word(reader, word, i, JSON_FLOAT);
    if (token == JSON_FLOAT)
        reader->special = word;
    return token;
}

/* Behind a sign comes no digit. */
static enum json_token take_signed_infinity(struct json_reader *reader, bool negative)
{
    int c = json_reader_take(reader);
    if (c != 'I' || reader->hive)
        return JSON_ERROR;
    c = json_reader_take(reader);
    if (c == 'N')
        return match_special(reader, negative ? "-INF" : "+INF", 3);
    if (c == 'n')
        return match_special(reader, negative ? "-Infinity" : "+Infinity", 3);
    return JSON_ERROR;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(const struct json_reader *reader, size_t *p)
{
    size_t start = *p;
    while (*p < reader->in.n && is_digit(reader->in.p[*p]))
        ++*p;
    return *p - start;
}

static int unit_at(const struct json_reader *reader, size_t p)
{
    return p < reader->in.n ? reader->in.p[p] : END;
}

/* A number from `start`, whose integer part begins at `p`. Where reading goes on after an error
 * depends on Jackson's two number parsers: the one for numbers with a leading zero moves on unit by
 * unit, the other one only at the end of the integer part. */
static enum json_token take_number(struct json_reader *reader, size_t start, size_t p)
{
    bool leading_zero = reader->in.p[p] == '0';
    size_t limit_extra = leading_zero ? 1 : 0, fraction = 0, exponent = 0, whole;
    if (leading_zero && is_digit(unit_at(reader, p + 1))) {
        reader->pos = p + 1;
        return JSON_ERROR;
    }
    whole = skip_digits(reader, &p);
    int c = unit_at(reader, p);
    bool is_float = c == '.' || c == 'e' || c == 'E';
    size_t resume = p + is_float;
    if (c == '.') {
        p++;
        fraction = skip_digits(reader, &p);
        if (fraction == 0) {
            reader->pos = leading_zero && p < reader->in.n ? p + 1 : resume;
            return JSON_ERROR;
        }
        limit_extra = 0;
        c = unit_at(reader, p);
    }
    if (c == 'e' || c == 'E') {
        p++;
        if (unit_at(reader, p) == '-' || unit_at(reader, p) == '+')
            p++;
        exponent = skip_digits(reader, &p);
        if (exponent == 0) {
            reader->pos = leading_zero && p < reader->in.n ? p + 1 : resume;
            return JSON_ERROR;
        }
    } else if (is_float && leading_zero) {
        limit_extra = 1; /* an absent exponent counts as -1 there */
    }
    reader->pos = p;
    reader->number_start = start;
    reader->number_n = p - start;
    reader->special = NULL;
    c = unit_at(reader, p);
    if (reader->depth == 0 && c >= 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
        return JSON_ERROR; /* values outside objects and arrays are parted by space */
    size_t digits = whole + fraction + exponent;
    if (!is_float)
        return whole > JSON_NUMBER_MAX ? JSON_ERROR : JSON_INT;
    return digits > JSON_NUMBER_MAX + limit_extra ? JSON_ERROR : JSON_FLOAT;
}

static enum json_token take_odd_value(struct json_reader *reader, int c)
{
    switch (c) {
    case '\'':
        reader->text.n = 0;
        return take_quoted(reader, '\'', &reader->text);
    case 'N':
        return reader->hive ? JSON_ERROR : match_special(reader, "NaN", 1);
    case 'I':
        return reader->hive ? JSON_ERROR : match_special(reader, "Infinity", 1);
    case '+':
        return take_signed_infinity(reader, false);
    default:
        return is_identifier_part(c) && !is_digit(c) ? bad_word(reader, 1) : JSON_ERROR;
    }
}

/* The value that begins with unit c. */
static enum json_token take_value(struct json_reader *reader, int c)
{
    switch (c) {
    case '"':
        reader->incomplete = true;
        return JSON_STRING;
    case '[':
        return JSON_START_ARRAY;
    case '{':
        return JSON_START_OBJECT;
    case 't':
        return match_word(reader, "true", 1, JSON_TRUE);
    case 'f':
        return match_word(reader, "false", 1, JSON_FALSE);
    case 'n':
        return match_word(reader, "null", 1, JSON_NULL);
    case '-':
        if (is_digit(peek(reader)))
            return take_number(reader, reader->pos - 1, reader->pos);
        return take_signed_infinity(reader, true);
    default:
        if (is_digit(c))
            return take_number(reader, reader->pos - 1, reader->pos - 1);
        return c < 0 ? JSON_ERROR : take_odd_value(reader, c);
    }
}

static enum json_token take_name(struct json_reader *reader, int quote)
{
    struct json_context *in = context(reader);
    if (quote != '"' && quote != '\'')
        return JSON_ERROR;
    reader->names.n = in->name_start;
    enum json_token token = take_quoted(reader, quote, &reader->names);
    if (token != JSON_STRING) { /* the name before it stays; nobody asks for it */
        in->named = false;
        return token;
    }
    in->named = true;
    in->name_n = (uint32_t)(reader->names.n - in->name_start);
    return JSON_FIELD_NAME;
}

/* Behind a name: the colon, and the first unit of the value. */
static int take_colon(struct json_reader *reader)
{
    int c = take_token_start(reader);
    return c == ':' ? take_token_start(reader) : FAILED;
}

static enum json_token open_context(struct json_reader *reader, bool array)
{
    if (reader->depth > JSON_DEPTH_MAX)
        return JSON_ERROR;
    reader->contexts[++reader->depth] =
        (struct json_context){.array = array, .name_start = (uint32_t)reader->names.n};
    return reader->depth > JSON_DEPTH_MAX ? JSON_ERROR : JSON_TRUE; /* Jackson enters it, too */
}

/* Makes `token` the current one, entering what it opens. */
static enum json_token enter(struct json_reader *reader, enum json_token token)
{
    if (token == JSON_START_ARRAY || token == JSON_START_OBJECT) {
        if (open_context(reader, token == JSON_START_ARRAY) == JSON_ERROR)
            return JSON_ERROR;
    }
    return reader->token = token;
}

static enum json_token close_context(struct json_reader *reader, bool array)
{
    if (reader->depth == 0 || context(reader)->array != array)
        return JSON_ERROR;
    reader->names.n = context(reader)->name_start;
    reader->depth--;
    return reader->token = array ? JSON_END_ARRAY : JSON_END_OBJECT;
}

/* The next name or element begins with c. */
static enum json_token next_in_context(struct json_reader *reader, int c)
{
    struct json_context *in = context(reader);
    if (reader->depth > 0 && in->values++ > 0) {
        if (c != ',')
            return JSON_ERROR;
        c = take_token_start(reader);
        if (c < 0)
            return JSON_ERROR;
    }
    if (reader->depth == 0 || in->array) {
        enum json_token token = take_value(reader, c);
        return token == JSON_ERROR || token == JSON_NOMEM ? token : enter(reader, token);
    }
    enum json_token name = take_name(reader, c);
    if (name != JSON_FIELD_NAME)
        return name;
    reader->token = JSON_FIELD_NAME;
    c = take_colon(reader);
    enum json_token value = c < 0 ? JSON_ERROR : take_value(reader, c);
    if (value == JSON_ERROR || value == JSON_NOMEM)
        return value;
    reader->next = value;
    return JSON_FIELD_NAME;
}

enum json_token json_reader_next(struct json_reader *reader)
{
    if (reader->token == JSON_FIELD_NAME) {
        enum json_token token = reader->next;
        reader->next = JSON_NONE;
        return enter(reader, token);
    }
    if (reader->incomplete) {
        reader->incomplete = false;
        if (take_quoted(reader, '"', NULL) == JSON_ERROR)
            return JSON_ERROR;
    }
    int c = take_token_start(reader);
    if (c == FAILED)
        return JSON_ERROR;
    if (c == END)
        return reader->depth > 0 ? JSON_ERROR : (reader->token = JSON_NONE);
    if (c == ']' || c == '}')
        return close_context(reader, c == ']');
    return next_in_context(reader, c);
}

enum json_token json_reader_skip_children(struct json_reader *reader)
{
    int open = reader->token == JSON_START_OBJECT || reader->token == JSON_START_ARRAY;
    while (open > 0) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return token;
        if (token == JSON_NONE)
            return reader->depth > 0 ? JSON_ERROR : JSON_NONE;
        open += token == JSON_START_OBJECT || token == JSON_START_ARRAY;
        open -= token == JSON_END_OBJECT || token == JSON_END_ARRAY;
    }
    return reader->token;
}

const uint16_t *json_reader_name(const struct json_reader *reader, size_t *n)
{
    uint32_t depth = reader->depth;
    if ((reader->token == JSON_START_OBJECT || reader->token == JSON_START_ARRAY) && depth > 0)
        depth--;
    const struct json_context *in = &reader->contexts[depth];
    *n = in->named ? in->name_n : 0;
    return in->named ? reader->names.p + in->name_start : NULL;
}
