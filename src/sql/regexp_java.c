/* regexp_java.c: java.util.regex's syntax (JDK 17) → PCRE2's. Every construct is written out so
 * that no option of PCRE2 but the three of regexp.h plays a part. */
#include <stdlib.h>

#include "base/utf8.h"
#include "sql/regexp_impl.h"

enum { DEPTH_MAX = 100, GROUPS_MAX = 10000 };

/* Line terminators but \n. */
#define ENDS "\\r\\x{85}\\x{2028}\\x{2029}"

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool ends_line(const struct regexp_parser *r, uint32_t c)
{
    if (r->flags & REGEXP_UNIX)
        return c == '\n';
    return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

void regexp_skip(struct regexp_parser *r)
{
    while (r->flags & REGEXP_COMMENTS && r->at < r->n) {
        if (is_space(r->p[r->at])) {
            r->at++;
        } else if (r->p[r->at] == '#') {
            while (r->at < r->n && !ends_line(r, r->p[r->at]))
                r->at++;
        } else {
            break;
        }
    }
}

uint32_t regexp_peek(struct regexp_parser *r)
{
    regexp_skip(r);
    return r->p[r->at];
}

bool regexp_at_end(struct regexp_parser *r)
{
    regexp_skip(r);
    return r->at >= r->n;
}

static void put_plain(struct buf *out, uint32_t code)
{
    char text[4];
    if (code >= 0x80)
        buf_append(out, text, utf8_encode(code, text));
    else if (is_alpha(code) || is_digit(code))
        buf_append_char(out, (char)code);
    else
        buf_printf(out, "\\x{%x}", (unsigned)code);
}

void regexp_put_char(struct regexp_parser *r, uint32_t code)
{
    bool unicode = r->flags & REGEXP_UNICODE_CASE;
    if (!(r->flags & REGEXP_NOCASE) || (!unicode && !is_alpha(code))) {
        put_plain(r->out, code);
    } else if (!unicode) {
        buf_printf(r->out, "[%c%c]", (char)code, (char)(code ^ 32));
    } else if (code == 'i' || code == 'I' || code == 0x130 || code == 0x131) {
        buf_append_str(r->out, STR("[iI\\x{130}\\x{131}]"));
    } else {
        buf_append_str(r->out, STR("(?i:"));
        put_plain(r->out, code);
        buf_append_char(r->out, ')');
    }
}

/* JDK 17's \b: letters, digits and _ of all scripts, and marks that stand on one. */
#define BASE           "[\\p{L}\\p{Nd}]"
#define MARKED         "|" BASE "\\p{Mn}|" BASE "\\p{Mn}\\p{Mn}|" BASE "\\p{Mn}\\p{Mn}\\p{Mn}"
#define WORD_BEFORE    "[\\p{L}\\p{Nd}_]" MARKED
#define WORD_AFTER     "(?=[\\p{L}\\p{Nd}_]|\\p{Mn}(?<=" BASE "\\p{Mn}" MARKED "))"
#define WORD_NOT_AFTER "(?![\\p{L}\\p{Nd}_]|\\p{Mn}(?<=" BASE "\\p{Mn}" MARKED "))"

static void put_boundary(struct regexp_parser *r, bool negated)
{
    struct buf *out = r->out;
    r->empty = true;
    if (negated)
        buf_append_str(out, STR("(?:(?<=" WORD_BEFORE ")" WORD_AFTER "|(?<!" WORD_BEFORE
                                ")" WORD_NOT_AFTER ")"));
    else
        buf_append_str(out, STR("(?:(?<=" WORD_BEFORE ")" WORD_NOT_AFTER "|(?<!" WORD_BEFORE
                                ")" WORD_AFTER ")"));
}

/* ^ under (?m) is never at the end of the text. */
static void put_caret(struct regexp_parser *r)
{
    r->empty = true;
    if (!(r->flags & REGEXP_MULTI))
        buf_append_str(r->out, STR("(?:\\A)"));
    else if (r->flags & REGEXP_UNIX)
        buf_append_str(r->out, STR("(?:(?!\\z)(?:\\A|(?<=\\n)))"));
    else
        buf_append_str(r->out, STR("(?:(?!\\z)(?:\\A|(?<=[\\n\\x{85}\\x{2028}\\x{2029}])|"
                                   "(?<=\\r)(?!\\n)))"));
}

static void put_dollar(struct regexp_parser *r, bool multi)
{
    r->empty = true;
    if (r->flags & REGEXP_UNIX)
        buf_append_str(r->out, multi ? STR("(?:\\z|(?=\\n))") : STR("(?:(?=\\n?\\z))"));
    else if (multi)
        buf_append_str(r->out, STR("(?:\\z|(?=[" ENDS "])|(?<!\\r)(?=\\n))"));
    else
        buf_append_str(r->out, STR("(?:\\z|(?=\\r\\n\\z)|(?=[" ENDS "]\\z)|(?<!\\r)(?=\\n\\z))"));
}

static void put_dot(struct regexp_parser *r)
{
    if (r->flags & REGEXP_DOTALL)
        buf_append_char(r->out, '.');
    else
        buf_append_str(r->out, r->flags & REGEXP_UNIX ? STR("[^\\n]") : STR("[^\\n" ENDS "]"));
}

static int put_reference(struct regexp_parser *r, uint32_t group)
{
    r->empty = true;
    if (r->flags & REGEXP_NOCASE)
        return regexp_refuse(r, "a back reference under (?i)");
    if (group > r->back_reference)
        r->back_reference = group;
    buf_printf(r->out, "\\g{%u}", (unsigned)group);
    return 0;
}

/* More digits belong to the number while there are so many groups. */
static int numbered_reference(struct regexp_parser *r)
{
    uint32_t group = r->p[r->at++] - '0';
    while (is_digit(r->p[r->at])) {
        uint32_t longer = group * 10 + (r->p[r->at] - '0');
        if (longer > r->names->group_count)
            break;
        group = longer;
        r->at++;
    }
    return put_reference(r, group);
}

/* A group's name up to `end`, which it passes. */
static int read_name(struct regexp_parser *r, char name[64])
{
    size_t n = 0;
    for (; r->at < r->n && (is_alpha(r->p[r->at]) || (n && is_digit(r->p[r->at]))); r->at++) {
        if (n == 63)
            return regexp_refuse(r, "a group name of more than 63 letters");
        name[n++] = (char)r->p[r->at];
    }
    name[n] = '\0';
    if (n == 0 || r->p[r->at] != '>')
        return regexp_invalid(r, "a group name that is none");
    r->at++;
    return 0;
}

static int named_reference(struct regexp_parser *r)
{
    char name[64];
    r->at++;
    if (r->p[r->at++] != '<')
        return regexp_invalid(r, "\\k without <name>");
    int code = read_name(r, name);
    if (code != 0)
        return code;
    for (uint32_t i = 0; i < r->names->count; i++) {
        if (strcmp(r->names->items[i].text, name) == 0)
            return put_reference(r, r->names->items[i].group);
    }
    return regexp_invalid(r, "\\k with the name of no group before it");
}

/* Behind \Q: all up to \E stands for itself. */
static void quoted(struct regexp_parser *r)
{
    r->at++;
    while (r->at < r->n && !(r->p[r->at] == '\\' && r->p[r->at + 1] == 'E'))
        regexp_put_char(r, r->p[r->at++]);
    r->at = r->at < r->n ? r->at + 2 : r->n;
}

/* Behind a backslash. *nothing: it wrote nothing that could be repeated. */
static int escape(struct regexp_parser *r, bool *nothing)
{
    uint32_t c = r->p[r->at], code;
    bool found;
    if (c >= '1' && c <= '9')
        return numbered_reference(r);
    int result = regexp_escaped_char(r, &code, &found);
    if (result != 0)
        return result;
    if (found) {
        regexp_put_char(r, code);
        return 0;
    }
    if (c == 'Q') {
        size_t before = r->out->n;
        quoted(r);
        *nothing = r->out->n == before;
        return 0;
    }
    if (c == 'k')
        return named_reference(r);
    r->at++;
    switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 's':
    case 'S':
    case 'h':
    case 'H':
    case 'v':
    case 'V':
        buf_printf(r->out, "\\%c", (char)c);
        return 0;
    case 'p':
    case 'P':
        return regexp_property(r, c == 'P', false);
    case 'A':
    case 'z':
        r->empty = true;
        buf_printf(r->out, "(?:\\%c)", (char)c);
        return 0;
    case 'Z':
        put_dollar(r, false);
        return 0;
    case 'b':
        if (r->p[r->at] == '{')
            return regexp_refuse(r, "\\b{g}");
        put_boundary(r, false);
        return 0;
    case 'B':
        put_boundary(r, true);
        return 0;
    case 'R': { /* repeated, it does not give back half of a \r\n */
        uint32_t next = regexp_peek(r);
        bool repeated = next == '*' || next == '+' || next == '?' || next == '{';
        buf_append_str(r->out, repeated ? STR("(?>") : STR("(?:"));
        buf_append_str(r->out, STR("\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])"));
        return 0;
    }
    case 'G':
        return regexp_refuse(r, "\\G");
    case 'X':
        return regexp_refuse(r, "\\X");
    case 'N':
        return regexp_refuse(r, "\\N{name}");
    default:
        return regexp_invalid(r, "an unknown escape");
    }
}

static int alternatives(struct regexp_parser *r);

static int add_name(struct regexp_parser *r, const char *name)
{
    struct regexp_names *names = r->names;
    for (uint32_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].text, name) == 0)
            return regexp_invalid(r, "two groups of one name");
    }
    struct regexp_name *items =
        reallocarray(names->items, names->count + 1, sizeof(struct regexp_name));
    if (!items)
        return ERR_NOMEM;
    names->items = items;
    struct regexp_name *item = &items[names->count++];
    item->group = names->group_count;
    memcpy(item->text, name, strlen(name) + 1);
    return 0;
}

/* Behind (?: flags up to : or ). *inside: a group follows. */
static int read_flags(struct regexp_parser *r, bool *inside)
{
    static const char letters[] = "idmsux";
    bool on = true;
    for (;; r->at++) {
        uint32_t c = r->p[r->at];
        const char *letter = c && c < 128 ? strchr(letters, (int)c) : NULL;
        if (r->at >= r->n)
            return regexp_invalid(r, "a group without )");
        if (c == '-' && on) {
            on = false;
        } else if (c == 'U') {
            return regexp_refuse(r, "(?U)");
        } else if (letter) {
            uint32_t flag = 1U << (letter - letters);
            r->flags = on ? r->flags | flag : r->flags & ~flag;
        } else if (c == ':' || c == ')') {
            *inside = c == ':';
            r->at++;
            return 0;
        } else {
            return regexp_invalid(r, "an unknown group or flag behind (?");
        }
    }
}

static void open_capture(struct regexp_parser *r)
{
    r->names->group_count++;
    r->names->loose |= r->fixed > 0;
    buf_append_char(r->out, '(');
}

/* Behind (?<: a look behind or a name. */
static int angle_group(struct regexp_parser *r, bool *fixed)
{
    char name[64];
    uint32_t c = r->p[r->at];
    if (c == '=' || c == '!') {
        *fixed = true;
        r->at++;
        buf_printf(r->out, "(?<%c", (char)c);
        return 0;
    }
    int code = read_name(r, name);
    if (code != 0)
        return code;
    open_capture(r);
    return add_name(r, name);
}

/* Behind (?. *fixed: a look-around or an atomic group. */
static int special_group(struct regexp_parser *r, bool *inside, bool *fixed)
{
    uint32_t c = r->p[r->at];
    if (c == ':' || c == '=' || c == '!' || c == '>') {
        *fixed = c != ':';
        r->at++;
        buf_printf(r->out, "(?%c", (char)c);
        return 0;
    }
    if (c == '<') {
        r->at++;
        return angle_group(r, fixed);
    }
    int code = read_flags(r, inside);
    if (code == 0 && *inside)
        buf_append_str(r->out, STR("(?:"));
    return code;
}

/* From a ( on. *nothing: it only set flags. */
static int group(struct regexp_parser *r, bool *nothing)
{
    uint32_t flags = r->flags;
    bool inside = true, fixed = false, look = false;
    int code = 0;
    r->at++;
    if (++r->depth > DEPTH_MAX || r->names->group_count > GROUPS_MAX)
        return regexp_refuse(r, "nesting this deep");
    if (regexp_peek(r) == '?') {
        look = r->p[r->at + 1] != '>';
        r->at++;
        code = special_group(r, &inside, &fixed);
    } else {
        open_capture(r);
    }
    r->fixed += fixed;
    if (code == 0 && inside)
        code = alternatives(r);
    r->fixed -= fixed;
    r->depth--;
    r->empty |= fixed && look;
    *nothing = !inside;
    if (code != 0 || !inside)
        return code;
    if (regexp_at_end(r))
        return regexp_invalid(r, "a group without )");
    r->at++; /* the ) */
    r->flags = flags;
    buf_append_char(r->out, ')');
    return 0;
}

static bool number(struct regexp_parser *r, uint32_t *value)
{
    bool any = is_digit(r->p[r->at]);
    for (*value = 0; is_digit(r->p[r->at]); r->at++)
        *value = *value > 100000 ? *value : *value * 10 + (r->p[r->at] - '0');
    return any;
}

/* {n}, {n,} or {n,m}. */
static int repeat_count(struct regexp_parser *r)
{
    uint32_t low, high;
    r->at++;
    if (!number(r, &low))
        return regexp_invalid(r, "{ without a number");
    r->empty |= low == 0;
    buf_printf(r->out, "{%u", (unsigned)low);
    if (r->p[r->at] == ',') {
        r->at++;
        buf_append_char(r->out, ',');
        if (number(r, &high)) {
            if (high < low)
                return regexp_invalid(r, "a repetition whose end is below its start");
            buf_printf(r->out, "%u", (unsigned)high);
        }
    }
    if (r->p[r->at] != '}')
        return regexp_invalid(r, "a repetition without }");
    r->at++;
    buf_append_char(r->out, '}');
    return 0;
}

/* What may follow an atom; captures: there are some in it. */
static int quantifier(struct regexp_parser *r, bool captures)
{
    uint32_t c = regexp_peek(r);
    int code = 0;
    if (c != '{' && c != '?' && c != '*' && c != '+')
        return 0;
    r->names->loose |= captures && r->empty;
    if (c == '{') {
        code = repeat_count(r);
    } else {
        buf_append_char(r->out, (char)c);
        r->at++;
        r->empty |= c != '+';
    }
    c = regexp_peek(r);
    if (code == 0 && (c == '?' || c == '+')) {
        r->names->loose |= captures && c == '+';
        buf_append_char(r->out, (char)c);
        r->at++;
    }
    return code;
}

static int atom(struct regexp_parser *r, uint32_t c, bool *nothing)
{
    switch (c) {
    case '(':
        return group(r, nothing);
    case '[':
        return regexp_class(r);
    case '\\':
        r->at++;
        return escape(r, nothing);
    case '*':
    case '+':
    case '?':
    case '{': /* Java takes {2} for an empty text, twice */
        return c == '{' && r->flags & REGEXP_COMMENTS
                   ? regexp_refuse(r, "a repetition of nothing")
                   : regexp_invalid(r, "a repetition of nothing");
    default:
        break;
    }
    r->at++;
    if (c == '^')
        put_caret(r);
    else if (c == '$')
        put_dollar(r, r->flags & REGEXP_MULTI);
    else if (c == '.')
        put_dot(r);
    else
        regexp_put_char(r, c);
    return 0;
}

/* a|b|c up to a ) or the end, neither of which it takes. */
static int alternatives(struct regexp_parser *r)
{
    int code = 0;
    bool one = false, all = true; /* an alternative, or this one so far, may be empty */
    while (code == 0 && !regexp_at_end(r)) {
        uint32_t c = regexp_peek(r), captures = r->names->group_count;
        bool nothing = false;
        if (c == ')')
            break;
        if (c == '|') {
            r->at++;
            one |= all;
            all = true;
            buf_append_char(r->out, '|');
            continue;
        }
        r->empty = false;
        code = atom(r, c, &nothing);
        if (code == 0 && !nothing)
            code = quantifier(r, r->names->group_count > captures);
        all &= nothing || r->empty;
    }
    r->empty = one || all;
    return code;
}

int regexp_translate(struct str pattern, struct buf *out, struct regexp_names *names,
                     struct err *err)
{
    uint32_t *p = reallocarray(NULL, pattern.n + 2, sizeof *p);
    struct regexp_parser r = {.p = p, .out = out, .names = names, .err = err};
    if (!p)
        return ERR_NOMEM;
    for (size_t i = 0; i < pattern.n;)
        i += utf8_decode((struct str){pattern.p + i, pattern.n - i}, &p[r.n++]);
    p[r.n] = p[r.n + 1] = 0; /* so that one character may be looked ahead of the last */
    int code = alternatives(&r);
    if (code == 0 && r.at < r.n)
        code = regexp_invalid(&r, "a ) without (");
    if (code == 0 && r.back_reference > names->group_count)
        code = regexp_refuse(&r, "a reference to a group that is not there");
    if (code == 0 && r.back_reference && names->loose)
        code = regexp_refuse(&r,
                             "a back reference beside groups whose values Java may take otherwise");
    if (code == 0 && out->failed)
        code = ERR_NOMEM;
    free(p);
    return code;
}
