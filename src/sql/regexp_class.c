/* regexp_class.c: character classes and properties of Java's regular expressions. */
#include <stdio.h>

#include "base/utf8.h"
#include "sql/regexp_impl.h"

struct range {
    uint32_t first, last;
};

enum { CODE_MAX = 0x10FFFF, NAME_MAX = 60 };

static bool is_alnum(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void regexp_put_class_char(struct buf *out, uint32_t code)
{
    if (is_alnum(code))
        buf_append_char(out, (char)code);
    else
        buf_printf(out, "\\x{%x}", (unsigned)code);
}

static void put_range(struct buf *out, struct range range)
{
    regexp_put_class_char(out, range.first);
    if (range.last == range.first)
        return;
    buf_append_char(out, '-');
    regexp_put_class_char(out, range.last);
}

/* What Java's POSIX names hold: ASCII only. In order, so that the rest can be told. */
static const struct {
    const char *name;
    bool cased;
    struct range ranges[5]; /* {0, 0} ends, but at the start */
} posix[] = {
    {"Lower", true, {{'a', 'z'}}},
    {"Upper", true, {{'A', 'Z'}}},
    {"ASCII", false, {{0, 0x7F}}},
    {"Alpha", false, {{'A', 'Z'}, {'a', 'z'}}},
    {"Digit", false, {{'0', '9'}}},
    {"Alnum", false, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"Punct", false, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"Graph", false, {{'!', '~'}}},
    {"Print", false, {{' ', '~'}}},
    {"Blank", false, {{'\t', '\t'}, {' ', ' '}}},
    {"Cntrl", false, {{0, 0x1F}, {0x7F, 0x7F}}},
    {"XDigit", false, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    {"Space", false, {{'\t', '\r'}, {' ', ' '}}},
    {"L1", false, {{0, 0xFF}}},
    {"all", false, {{0, CODE_MAX}}},
};

static void put_ranges(struct buf *out, const struct range *ranges, bool negated)
{
    uint32_t next = 0;
    for (size_t i = 0; i < 5 && (i == 0 || ranges[i].last); i++) {
        if (!negated)
            put_range(out, ranges[i]);
        else if (ranges[i].first > next)
            put_range(out, (struct range){next, ranges[i].first - 1});
        next = ranges[i].last + 1;
    }
    if (negated && next <= CODE_MAX)
        put_range(out, (struct range){next, CODE_MAX});
}

/* Names after Is, and what PCRE2 has for them. */
static const struct {
    const char *name, *own;
    bool cased;
} binary[] = {
    {"ALPHABETIC", "Alphabetic", false},
    {"LETTER", "L", false},
    {"IDEOGRAPHIC", "Ideographic", false},
    {"LOWERCASE", "Lowercase", true},
    {"UPPERCASE", "Uppercase", true},
    {"TITLECASE", "Lt", true},
    {"WHITE_SPACE", "White_Space", false},
    {"WHITESPACE", "White_Space", false},
    {"CONTROL", "Cc", false},
    {"PUNCTUATION", "P", false},
    {"DIGIT", "Nd", false},
};

static const char categories[] =
    " Cn Lu Ll Lt Lm Lo Mn Me Mc Nd Nl No Zs Zl Zp Cc Cf Co Cs Pd Ps Pe "
    "Pc Po Sm Sc Sk So Pi Pf L M N Z C P S LC ";

static bool is_category(const char *name)
{
    char word[8];
    if (strlen(name) > 2)
        return false;
    snprintf(word, sizeof word, " %s ", name);
    return strstr(categories, word) != NULL;
}

static void put_property(struct regexp_parser *r, const char *prefix, const char *name,
                         bool negated)
{
    buf_printf(r->out, "\\%c{%s%s}", negated ? 'P' : 'p', prefix, name);
}

static int cased_property(struct regexp_parser *r)
{
    return regexp_refuse(r, "a property of upper or lower case under (?i)");
}

static int put_category(struct regexp_parser *r, const char *name, bool negated)
{
    bool cased = strcmp(name, "Lu") == 0 || strcmp(name, "Ll") == 0 || strcmp(name, "Lt") == 0;
    if (cased && r->flags & REGEXP_NOCASE)
        return cased_property(r);
    put_property(r, "", strcmp(name, "LC") == 0 ? "L&" : name, negated);
    return 0;
}

static int put_posix(struct regexp_parser *r, size_t i, bool negated, bool in_class)
{
    if (posix[i].cased && r->flags & REGEXP_NOCASE)
        return cased_property(r);
    if (in_class && r->flags & REGEXP_NOCASE && r->flags & REGEXP_UNICODE_CASE)
        return regexp_refuse(r, "a property in a class under (?iu)");
    if (!in_class)
        buf_append_char(r->out, '[');
    put_ranges(r->out, posix[i].ranges, negated);
    if (!in_class)
        buf_append_char(r->out, ']');
    return 0;
}

/* \p{name}, or the part behind Is. *found: whether there is such a name. */
static int put_named(struct regexp_parser *r, const char *name, bool negated, bool in_class,
                     bool *found)
{
    *found = true;
    for (size_t i = 0; i < COUNT_OF(posix); i++) {
        if (strcmp(posix[i].name, name) == 0)
            return put_posix(r, i, negated, in_class);
    }
    if (is_category(name))
        return put_category(r, name, negated);
    if (strncmp(name, "java", 4) == 0)
        return regexp_refuse(r, "\\p{java...}");
    if (strcmp(name, "LD") == 0)
        return regexp_refuse(r, "\\p{LD}");
    *found = false;
    return 0;
}

static int put_is(struct regexp_parser *r, const char *name, bool negated, bool in_class)
{
    for (size_t i = 0; i < COUNT_OF(binary); i++) {
        if (!str_eq_nocase(str_of(binary[i].name), str_of(name)))
            continue;
        if (binary[i].cased && r->flags & REGEXP_NOCASE)
            return cased_property(r);
        put_property(r, "", binary[i].own, negated);
        return 0;
    }
    static const char *const others[] = {"HEX_DIGIT",
                                         "ASSIGNED",
                                         "NONCHARACTER_CODE_POINT",
                                         "ALNUM",
                                         "BLANK",
                                         "GRAPH",
                                         "PRINT",
                                         "WORD",
                                         "JOIN_CONTROL",
                                         "HEXDIGIT",
                                         "NONCHARACTERCODEPOINT",
                                         "JOINCONTROL"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (str_eq_nocase(str_of(others[i]), str_of(name)))
            return regexp_refuse(r, "this property");
    }
    bool found;
    int code = put_named(r, name, negated, in_class, &found);
    if (code == 0 && !found)
        put_property(r, "sc:", name, negated);
    return code;
}

/* name=value. */
static int put_pair(struct regexp_parser *r, char *name, char *value, bool negated)
{
    if (str_eq_nocase(str_of(name), STR("sc")) || str_eq_nocase(str_of(name), STR("script"))) {
        put_property(r, "sc:", value, negated);
        return 0;
    }
    if (str_eq_nocase(str_of(name), STR("gc")) ||
        str_eq_nocase(str_of(name), STR("general_category")))
        return is_category(value) ? put_category(r, value, negated)
                                  : regexp_invalid(r, "an unknown general category");
    return regexp_refuse(r, "this property");
}

static int read_name(struct regexp_parser *r, char name[NAME_MAX + 2])
{
    size_t n = 0;
    if (r->p[r->at] != '{') { /* \pL */
        if (r->at >= r->n || !is_alnum(r->p[r->at]))
            return regexp_invalid(r, "an unknown property");
        name[0] = (char)r->p[r->at++];
        name[1] = '\0';
        return 0;
    }
    r->at++;
    for (; r->at < r->n && r->p[r->at] != '}'; r->at++) {
        uint32_t c = r->p[r->at];
        if (n == NAME_MAX || !(is_alnum(c) || c == '_' || c == '='))
            return regexp_invalid(r, "an unknown property");
        name[n++] = (char)c;
    }
    name[n] = '\0';
    if (r->at >= r->n || n == 0)
        return regexp_invalid(r, "a property without }");
    r->at++;
    return 0;
}

int regexp_property(struct regexp_parser *r, bool negated, bool in_class)
{
    char name[NAME_MAX + 2];
    int code = read_name(r, name);
    if (code != 0)
        return code;
    char *equals = strchr(name, '=');
    if (equals) {
        *equals = '\0';
        return put_pair(r, name, equals + 1, negated);
    }
    if (strncmp(name, "In", 2) == 0)
        return regexp_refuse(r, "a Unicode block (\\p{In...})");
    if (strncmp(name, "Is", 2) == 0)
        return put_is(r, name + 2, negated, in_class);
    bool found;
    code = put_named(r, name, negated, in_class, &found);
    return code == 0 && !found ? regexp_invalid(r, "an unknown property") : code;
}

/* The ASCII letters of the other case that a range holds: Java's CASE_INSENSITIVE. */
static void put_other_case(struct buf *out, struct range range)
{
    for (uint32_t c = 'A'; c <= 'Z'; c++) {
        if (c >= range.first && c <= range.last)
            regexp_put_class_char(out, c + 32);
        if (c + 32 >= range.first && c + 32 <= range.last)
            regexp_put_class_char(out, c);
    }
}

/* Under (?iu) PCRE2 knows the rest; Java's detour over upper case brings in the Turkish letters. */
static void put_turkish(struct buf *out, struct range range)
{
    bool dotted = range.first == range.last &&
                  (range.first == 0x130 || range.first == 0x131 || range.first == 'I');
    if (dotted || (range.first <= 'i' && range.last >= 'i'))
        buf_append_str(out, STR("iI\\x{130}\\x{131}"));
    else if (range.first <= 'I' && range.last >= 'I')
        buf_append_str(out, STR("\\x{131}"));
}

static void put_class_range(struct regexp_parser *r, struct range range)
{
    put_range(r->out, range);
    if (r->flags & REGEXP_NOCASE && r->flags & REGEXP_UNICODE_CASE)
        put_turkish(r->out, range);
    else if (r->flags & REGEXP_NOCASE)
        put_other_case(r->out, range);
}

/* \d and the like in a class, written out: with a property beside it in a negated class,
 * PCRE2 10.42 forgets that \W holds all that is not ASCII. */
static bool put_ascii_set(struct regexp_parser *r, uint32_t c)
{
    static const struct range sets[][5] = {
        {{'0', '9'}},
        {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
        {{'\t', '\r'}, {' ', ' '}},
    };
    static const char letters[] = "dws";
    const char *letter = strchr(letters, (int)(c | 32));
    r->sets |= letter != NULL;
    if (!letter || (r->flags & REGEXP_NOCASE && r->flags & REGEXP_UNICODE_CASE))
        return false; /* (?iu) would add to the ranges what folds to them */
    put_ranges(r->out, sets[letter - letters], c < 'a');
    return true;
}

/* Behind a backslash in a class: a set like \d. *found: whether it is one. */
static int class_set(struct regexp_parser *r, bool *found)
{
    uint32_t c = r->p[r->at];
    *found = r->at < r->n && c < 128 && c && strchr("dDwWsShHvVpP", (int)c);
    if (c == 'v' && r->p[r->at + 1] == '-') /* before a dash only the tabulator */
        *found = false;
    if (!*found)
        return 0;
    r->at++;
    r->properties |= c == 'p' || c == 'P';
    if (c == 'p' || c == 'P')
        return regexp_property(r, c == 'P', true);
    if (!put_ascii_set(r, c))
        buf_printf(r->out, "\\%c", (char)c);
    return 0;
}

static int class_char(struct regexp_parser *r, uint32_t *code)
{
    *code = r->p[r->at++];
    if (*code != '\\')
        return 0;
    if (r->p[r->at] == 'v') {
        *code = '\v';
        r->at++;
        return 0;
    }
    bool found;
    int result = regexp_escaped_char(r, code, &found);
    return result == 0 && !found ? regexp_invalid(r, "an unknown escape in a class") : result;
}

/* One character, or a range of them. */
static int class_range(struct regexp_parser *r)
{
    struct range range;
    int code = class_char(r, &range.first);
    if (code != 0)
        return code;
    range.last = range.first;
    if (regexp_peek(r) == '-') {
        size_t dash = r->at++;
        uint32_t next = regexp_peek(r);
        if (regexp_at_end(r))
            return regexp_invalid(r, "a class without ]");
        if (next == '[' || next == ']')
            r->at = dash;
        else
            code = class_char(r, &range.last);
    }
    if (code == 0 && range.last < range.first)
        return regexp_invalid(r, "a range whose end is below its start");
    if (code == 0)
        put_class_range(r, range);
    return code;
}

static int class_items(struct regexp_parser *r, bool negated);

static int nested_class(struct regexp_parser *r, bool negated)
{
    r->at++;
    if (negated || regexp_peek(r) == '^')
        return regexp_refuse(r, "a negated class that holds or is held by another");
    return class_items(r, negated);
}

/* Behind [ or [^, up to the ]. */
static int class_items(struct regexp_parser *r, bool negated)
{
    int code = 0;
    if (++r->depth > 100)
        return regexp_refuse(r, "nesting this deep");
    for (bool first = true; code == 0; first = false) {
        uint32_t c = regexp_peek(r);
        bool set = false;
        if (regexp_at_end(r))
            return regexp_invalid(r, "a class without ]");
        if (c == ']' && !first) {
            r->at++;
            r->depth--;
            return 0;
        }
        if (c == '&' && r->p[r->at + 1] == '&')
            return regexp_refuse(r, "an intersection of classes (&&)");
        if (c == '[') {
            code = nested_class(r, negated);
            continue;
        }
        if (c == '\\') {
            r->at++;
            code = class_set(r, &set);
            r->at -= !set;
        }
        if (code == 0 && !set)
            code = class_range(r);
    }
    return code;
}

int regexp_class(struct regexp_parser *r)
{
    bool unicode = r->flags & REGEXP_NOCASE && r->flags & REGEXP_UNICODE_CASE;
    r->at++;
    bool negated = regexp_peek(r) == '^';
    r->at += negated;
    buf_append_str(r->out, unicode ? STR("(?i:[") : STR("["));
    if (negated)
        buf_append_char(r->out, '^');
    r->sets = r->properties = false;
    int code = class_items(r, negated);
    if (code == 0 && unicode && negated && r->sets && r->properties)
        return regexp_refuse(r, "a set beside a property in a negated class under (?iu)");
    buf_append_str(r->out, unicode ? STR("])") : STR("]"));
    return code;
}
