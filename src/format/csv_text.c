#include "format/csv_text.h"

#include "base/utf8.h"

/* How a field is written, in univocity's order:
 *   1. an empty text is emptyValue, a NULL is nullValue;
 *   2. white space before it (all up to U+0020) is dropped;
 *   3. it is quoted if it begins with a quote, or begins the line with the comment character; else
 *      from the first separator, line break, or quote (escapeQuotes) on. A quote or escape
 *      character that is no such reason is left as it is, unless a reason follows;
 *   4. in what is quoted, quotes are escaped, and so are escape characters;
 *   5. white space behind it is dropped: it may have been the reason for the quotes. */

static struct csv_mark mark_of(uint32_t code)
{
    struct csv_mark mark = {{0}, 0};
    mark.n = (uint8_t)utf8_encode(code, mark.bytes);
    return mark;
}

static bool begins_with_mark(struct str s, const struct csv_mark *mark)
{
    return mark->n && str_starts_with(s, (struct str){mark->bytes, mark->n});
}

static void append_mark(struct buf *out, const struct csv_mark *mark)
{
    buf_append(out, mark->bytes, mark->n);
}

static void add_stop(struct csv_rules *rules, const char *bytes, size_t n)
{
    if (n)
        rules->stops[(unsigned char)bytes[0]] = true;
}

/* A line separator of one character also is what stands for a line break in values; a longer one
 * is written for each \n in them. */
static struct csv_mark newline_of(struct str separator)
{
    uint32_t code = '\n';
    if (separator.n && utf8_decode(separator, &code) != separator.n)
        code = '\n';
    return mark_of(code);
}

void csv_rules_init(struct csv_rules *rules, const struct csv_options *options)
{
    *rules = (struct csv_rules){
        .separator = options->separator,
        .line_separator = options->line_separator,
        .null_value = options->null_value,
        .empty_value = options->empty_value,
        .quote = mark_of(options->quote),
        .escape = mark_of(options->escape),
        .comment = mark_of(options->comment),
        .newline = newline_of(options->line_separator),
        .quote_all = options->quote_all,
        .escape_quotes = options->escape_quotes,
        .trim_leading = !options->keep_leading_space,
        .trim_trailing = !options->keep_trailing_space,
    };
    if (options->escape_escape)
        rules->escape_escape = mark_of(options->escape_escape);
    else if (options->escape && options->escape != options->quote)
        rules->escape_escape = rules->escape;
    add_stop(rules, rules->separator.p, rules->separator.n);
    add_stop(rules, rules->quote.bytes, rules->quote.n);
    add_stop(rules, rules->escape.bytes, rules->escape.n);
    add_stop(rules, rules->newline.bytes, rules->newline.n);
    rules->stops['\n'] = rules->stops['\r'] = true;
}

/* The first place from p on that may need a closer look. */
static const char *next_stop(const struct csv_rules *rules, const char *p, const char *end)
{
    while (p < end && !rules->stops[(unsigned char)*p])
        p++;
    return p;
}

/* Whether what s begins with is a reason to quote. */
static bool is_trigger(const struct csv_rules *rules, struct str s)
{
    return *s.p == '\n' || *s.p == '\r' || begins_with_mark(s, &rules->newline) ||
           (rules->separator.n && str_starts_with(s, rules->separator)) ||
           (rules->escape_quotes && begins_with_mark(s, &rules->quote));
}

static bool has_trigger(const struct csv_rules *rules, struct str s)
{
    const char *end = str_end(s);
    for (const char *p = next_stop(rules, s.p, end); p < end; p = next_stop(rules, p + 1, end))
        if (is_trigger(rules, (struct str){p, (size_t)(end - p)}))
            return true;
    return false;
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

/* Appends s escaped, for between quotes. */
static void append_escaped(struct buf *out, const struct csv_rules *rules, struct str s)
{
    const char *p = s.p, *end = str_end(s);
    while (p < end) {
        const char *stop = next_stop(rules, p, end);
        buf_append(out, p, (size_t)(stop - p));
        p = stop;
        if (p == end)
            break;
        struct str rest = {p, (size_t)(end - p)};
        if (begins_with_mark(rest, &rules->newline)) {
            buf_append_str(out, rules->line_separator);
            p += rules->newline.n;
            continue;
        }
        if (begins_with_mark(rest, &rules->quote))
            append_mark(out, &rules->escape);
        else if (begins_with_mark(rest, &rules->escape))
            append_mark(out, &rules->escape_escape);
        buf_append_char(out, *p++); /* what else there is of the character is no stop */
    }
}

static struct str without_trailing(struct str s)
{
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static struct str without_leading(struct str s)
{
    while (s.n && is_space(*s.p)) {
        s.p++;
        s.n--;
    }
    return s;
}

static bool ends_with_mark(struct str s, const struct csv_mark *mark)
{
    return s.n >= mark->n && memcmp(s.p + s.n - mark->n, mark->bytes, mark->n) == 0;
}

/* The field of valid UTF-8. `given`: it is nullValue or emptyValue, which may bring its quotes. */
static void append_text(struct buf *out, const struct csv_rules *rules, struct str text, bool first,
                        bool given)
{
    struct str s = rules->trim_leading ? without_leading(text) : text;
    bool quoted = rules->quote_all || begins_with_mark(s, &rules->quote) ||
                  (first && begins_with_mark(text, &rules->comment));
    if (quoted && given && text.n > rules->quote.n && begins_with_mark(text, &rules->quote) &&
        ends_with_mark(text, &rules->quote))
        return buf_append_str(out, text);
    quoted = quoted || has_trigger(rules, s);
    if (rules->trim_trailing)
        s = without_trailing(s);
    if (!quoted)
        return buf_append_str(out, s);
    append_mark(out, &rules->quote);
    append_escaped(out, rules, s);
    append_mark(out, &rules->quote);
}

/* With only the white space behind values dropped, Spark writes a part of emptyValue in escapes for
 * a text of white space: taken as the mistake it is. */
static bool is_blank(const struct csv_rules *rules, struct str text)
{
    return text.n == 0 ||
           ((rules->trim_leading || rules->trim_trailing) && without_leading(text).n == 0);
}

void csv_field_append(struct buf *out, const struct csv_rules *rules, struct str text, bool first)
{
    if (is_blank(rules, text))
        return append_text(out, rules, rules->empty_value, first, true);
    if (utf8_valid(text))
        return append_text(out, rules, text, first, false);
    struct buf clean = {0};
    utf8_append_clean(&clean, text);
    append_text(out, rules, buf_str(&clean), first, false);
    out->failed |= clean.failed;
    buf_fini(&clean);
}

void csv_null_append(struct buf *out, const struct csv_rules *rules, bool first)
{
    append_text(out, rules, rules->null_value, first, true);
}
