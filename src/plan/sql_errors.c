#include "plan/sql_errors.h"

#include "base/utf8.h"
#include "plan/doc.h"
#include "plan/errors.h"

enum { EXCERPT_BEFORE = 60, EXCERPT_AFTER = 50 }; /* code points of a long line around the caret */

static uint32_t count_lines(struct str text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return lines;
}

/* Appends one JSON string as one or more lines. */
static char *add_string(struct plan_sql *sql, const struct doc_node *string, char *out)
{
    size_t start = 0;
    for (size_t i = 0; i <= string->text.n; i++) {
        if (i < string->text.n && string->text.p[i] != '\n')
            continue;
        struct plan_where where = doc_where_in(string, start);
        uint32_t line = sql->line_count++;
        sql->line_numbers[line] = where.line;
        sql->column_numbers[line] = where.column;
        sql->line_strings[line] = string;
        sql->line_offsets[line] = start;
        if (line)
            *out++ = '\n';
        memcpy(out, string->text.p + start, i - start);
        out += i - start;
        start = i + 1;
    }
    return out;
}

int plan_sql_init(struct plan_sql *sql, const struct doc_node *node, struct arena *arena)
{
    const struct doc_node *first = node->kind == DOC_STRING ? node : node->first;
    const struct doc_node *end = node->kind == DOC_STRING ? node->next : NULL;
    size_t bytes = 0, lines = 0;
    for (const struct doc_node *string = first; string != end; string = string->next) {
        bytes += string->text.n + 1;
        lines += count_lines(string->text);
    }
    *sql = (struct plan_sql){0};
    char *text = arena_alloc(arena, bytes);
    sql->line_numbers = ARENA_ARRAY(arena, uint32_t, lines);
    sql->column_numbers = ARENA_ARRAY(arena, uint32_t, lines);
    sql->line_strings = ARENA_ARRAY(arena, const struct doc_node *, lines);
    sql->line_offsets = ARENA_ARRAY(arena, size_t, lines);
    if (!text || !sql->line_numbers || !sql->column_numbers || !sql->line_strings ||
        !sql->line_offsets)
        return ERR_NOMEM;
    char *out = text;
    for (const struct doc_node *string = first; string != end; string = string->next)
        out = add_string(sql, string, out);
    sql->text = (struct str){text, (size_t)(out - text)};
    return 0;
}

static bool starts_char(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* Line `line` (from 0) of the text. */
static struct str line_of(struct str text, uint32_t line)
{
    const char *p = text.p, *end = str_end(text);
    for (; line > 0; line--) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        if (!newline)
            break;
        p = newline + 1;
    }
    const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    return (struct str){p, (size_t)((newline ? newline : end) - p)};
}

/* Bytes of the first `chars` code points, at most all. */
static size_t bytes_of(struct str s, size_t chars)
{
    size_t i = 0;
    while (i < s.n && chars--) {
        for (i++; i < s.n && !starts_char(s.p[i]);)
            i++;
    }
    return i;
}

/* The line and a caret under byte `at`; a long line is cut on both sides. */
static void append_excerpt(struct buf *out, struct str line, size_t at)
{
    size_t start = at, chars = 0;
    while (start > 0 && chars < EXCERPT_BEFORE)
        chars += starts_char(line.p[--start]);
    while (start > 0 && !starts_char(line.p[start]))
        start--;
    struct str rest = {line.p + at, line.n - at};
    size_t end = at + bytes_of(rest, EXCERPT_AFTER);
    const char *left = start ? "..." : "", *right = end < line.n ? "..." : "";
    buf_printf(out, "%s%.*s%s\n%*s", left, (int)(end - start), line.p + start, right,
               (int)strlen(left), "");
    for (size_t i = start, n; i < at; i += n) {
        n = bytes_of((struct str){line.p + i, at - i}, 1);
        if (line.p[i] == '\t')
            buf_append_char(out, '\t');
        else
            buf_append_repeat(out, ' ', utf8_width((struct str){line.p + i, n}));
    }
    buf_append_char(out, '^');
}

void plan_sql_error(struct plan_errors *errors, struct arena *error_arena,
                    const struct plan_sql *sql, uint32_t sql_line, uint32_t sql_column, int code,
                    const char *message)
{
    REQUIRE(sql->line_count > 0);
    uint32_t line = sql_line == 0 ? 0 : sql_line - 1;
    if (line >= sql->line_count)
        line = sql->line_count - 1;
    struct str text = line_of(sql->text, line);
    size_t at = bytes_of(text, sql_column ? sql_column - 1 : 0);
    struct plan_where where = doc_where_in(sql->line_strings[line], sql->line_offsets[line] + at);
    struct buf excerpt = {0};
    append_excerpt(&excerpt, text, at);
    struct str shown = excerpt.failed ? (struct str){NULL, 0} : buf_str(&excerpt);
    if (sql->line_count > 1)
        plan_error_add_full(errors, error_arena, where, code, shown, "%s (line %u of the query)",
                            message, line + 1);
    else
        plan_error_add_full(errors, error_arena, where, code, shown, "%s", message);
    buf_fini(&excerpt);
}
