#include <stdlib.h>

#include "vec/time_pattern_impl.h"

struct compiler {
    struct time_pattern *pattern;
    struct err *err;
    struct str text;
    bool parsing;
    bool era;   /* a G somewhere: years count within it */
    int active; /* the number that fixed ones behind it take digits from; -1: none */
    int open[PATTERN_NESTING_MAX];
    int depth;
    int active_outside[PATTERN_NESTING_MAX];
};

static struct pattern_element *add(struct compiler *c, enum pattern_kind kind)
{
    struct time_pattern *p = c->pattern;
    if (p->count == p->capacity) {
        uint16_t capacity = (uint16_t)(p->capacity ? p->capacity * 2 : 16);
        struct pattern_element *grown = realloc(p->elements, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        p->elements = grown;
        p->capacity = capacity;
    }
    struct pattern_element *element = &p->elements[p->count++];
    *element = (struct pattern_element){.kind = (uint8_t)kind};
    c->active = -1;
    return element;
}

static int no_memory(struct compiler *c)
{
    return err_set(c->err, ERR_NOMEM, "out of memory");
}

static int add_simple(struct compiler *c, enum pattern_kind kind, enum pattern_field field,
                      bool full)
{
    struct pattern_element *element = add(c, kind);
    if (!element)
        return no_memory(c);
    element->field = (uint8_t)field;
    element->full = full;
    return 0;
}

static int add_literal(struct compiler *c, struct str text)
{
    struct pattern_element *element = add(c, PATTERN_LITERAL);
    if (!element)
        return no_memory(c);
    element->text = text;
    return 0;
}

/* Numbers that follow each other without anything between: those of a fixed width leave the first
 * one what is not theirs (DateTimeFormatterBuilder.appendValue). */
static int add_number(struct compiler *c, enum pattern_kind kind, enum pattern_field field,
                      uint32_t min, uint32_t max, enum pattern_sign sign)
{
    int active = c->active;
    struct pattern_element *element = add(c, kind);
    if (!element)
        return no_memory(c);
    element->field = (uint8_t)field;
    element->min = (uint8_t)min;
    element->max = (uint8_t)max;
    element->sign = (uint8_t)sign;
    c->active = c->pattern->count - 1;
    if (active >= 0 && min == max && sign == SIGN_NOT_NEGATIVE) {
        struct pattern_element *first = &c->pattern->elements[active];
        first->subsequent =
            (uint8_t)(first->subsequent + max > 200 ? 200 : first->subsequent + max);
        c->active = active;
    }
    return 0;
}

static int too_many(struct compiler *c, char letter)
{
    return err_set(c->err, ERR_INVALID, "too many letters %c in the pattern", letter);
}

static int add_year(struct compiler *c, uint32_t n)
{
    enum pattern_field field = c->era ? FIELD_YEAR_OF_ERA : FIELD_YEAR;
    if (n > 6)
        return too_many(c, 'y');
    if (n == 2)
        return add_number(c, PATTERN_REDUCED, field, 2, 2, SIGN_NOT_NEGATIVE);
    return add_number(c, PATTERN_NUMBER, field, n, PATTERN_YEAR_DIGITS,
                      n < 4 ? SIGN_NORMAL : SIGN_EXCEEDS_PAD);
}

/* One letter: any width; two: exactly two digits. */
static int add_pair(struct compiler *c, char letter, enum pattern_field field, uint32_t n)
{
    if (n > 2)
        return too_many(c, letter);
    return n == 1 ? add_number(c, PATTERN_NUMBER, field, 1, PATTERN_YEAR_DIGITS, SIGN_NORMAL)
                  : add_number(c, PATTERN_NUMBER, field, 2, 2, SIGN_NOT_NEGATIVE);
}

/* Also names: three letters short, four full. */
static int add_named(struct compiler *c, char letter, enum pattern_field field, uint32_t n)
{
    if (n < 3)
        return add_pair(c, letter, field, n);
    return n > 4 ? too_many(c, letter) : add_simple(c, PATTERN_TEXT, field, n == 4);
}

static int add_offset(struct compiler *c, char letter, uint32_t n)
{
    static const uint8_t forms[] = {OFFSET_HHmm, OFFSET_HHMM, OFFSET_HH_MM, OFFSET_HHMMss,
                                    OFFSET_HH_MM_ss};
    if (n > 5)
        return too_many(c, letter);
    if (letter == 'Z' && n == 4)
        return add_simple(c, PATTERN_GMT, FIELD_OFFSET, true);
    struct pattern_element *element = add(c, PATTERN_OFFSET);
    if (!element)
        return no_memory(c);
    element->field = FIELD_OFFSET;
    if (letter == 'Z') {
        element->min = n == 5 ? OFFSET_HH_MM_ss : OFFSET_HHMM;
        element->text = n == 5 ? STR("Z") : STR("+0000");
        return 0;
    }
    element->min = forms[n - 1];
    element->text = letter == 'X' ? STR("Z")
                    : n == 1      ? STR("+00")
                    : n % 2 == 0  ? STR("+0000")
                                  : STR("+00:00");
    return 0;
}

static int add_zone(struct compiler *c, char letter, uint32_t n)
{
    if (letter == 'V' && n != 2)
        return err_set(c->err, ERR_INVALID, "the pattern's V must be written VV");
    if (letter == 'z' && n > 4)
        return too_many(c, letter);
    if (letter == 'z' && c->parsing)
        return err_set(c->err, ERR_UNSUPPORTED,
                       "reading the names of time zones (the pattern's z) is not supported: use VV "
                       "for a zone's id, or X, x, O or Z for an offset");
    struct pattern_element *element = add(c, PATTERN_ZONE);
    if (!element)
        return no_memory(c);
    element->text = n == 4 ? STR("Coordinated Universal Time") : STR("UTC");
    return 0;
}

static int add_fraction(struct compiler *c, uint32_t n)
{
    if (n > 9)
        return too_many(c, 'S');
    /* Reading takes one digit or more, which is a number of fixed width only when n is 1. */
    if (!c->parsing || n == 1)
        return add_number(c, PATTERN_FRACTION, FIELD_NANO, n, n, SIGN_NOT_NEGATIVE);
    int code = add_simple(c, PATTERN_FRACTION, FIELD_NANO, false);
    if (code != 0)
        return code;
    c->pattern->elements[c->pattern->count - 1].min = 1;
    c->pattern->elements[c->pattern->count - 1].max = (uint8_t)n;
    return 0;
}

static int refuse(struct compiler *c, char letter)
{
    if (strchr("YWwuec", letter))
        return err_set(
            c->err, ERR_INVALID,
            "the pattern's letter %c is refused, as in Spark 3: use EXTRACT for weeks and "
            "days of the week",
            letter);
    if (letter == 'g' || letter == 'v')
        return err_set(c->err, ERR_UNSUPPORTED, "the pattern's letter %c is not supported", letter);
    return err_set(c->err, ERR_INVALID, "the pattern's letter %c is not known%s", letter,
                   strchr("EFqQ", letter) ? " when a text is read" : "");
}

static int add_letters(struct compiler *c, char letter, uint32_t n)
{
    if (c->parsing && strchr("EFqQ", letter))
        return refuse(c, letter);
    switch (letter) {
    case 'G':
        return n > 4 ? too_many(c, 'G') : add_simple(c, PATTERN_TEXT, FIELD_ERA, n == 4);
    case 'y':
        return add_year(c, n);
    case 'M':
    case 'L':
        return add_named(c, letter, FIELD_MONTH, n);
    case 'Q':
    case 'q':
        return add_named(c, letter, FIELD_QUARTER, n);
    case 'E':
        return n > 4 ? too_many(c, 'E') : add_simple(c, PATTERN_TEXT, FIELD_DAY_OF_WEEK, n == 4);
    case 'a':
        return n > 1 ? too_many(c, 'a') : add_simple(c, PATTERN_TEXT, FIELD_HALF_DAY, false);
    case 'F':
        return n > 1 ? too_many(c, 'F') : add_pair(c, letter, FIELD_WEEK_DAY_IN_MONTH, n);
    case 'D':
        if (n == 1)
            return add_pair(c, letter, FIELD_DAY_OF_YEAR, n);
        return n > 3 ? too_many(c, 'D')
                     : add_number(c, PATTERN_NUMBER, FIELD_DAY_OF_YEAR, n, 3, SIGN_NOT_NEGATIVE);
    case 'd':
        return add_pair(c, letter, FIELD_DAY, n);
    case 'H':
        return add_pair(c, letter, FIELD_HOUR, n);
    case 'k':
        return add_pair(c, letter, FIELD_CLOCK_HOUR, n);
    case 'K':
        return add_pair(c, letter, FIELD_HOUR_OF_HALF, n);
    case 'h':
        return add_pair(c, letter, FIELD_CLOCK_HOUR_OF_HALF, n);
    case 'm':
        return add_pair(c, letter, FIELD_MINUTE, n);
    case 's':
        return add_pair(c, letter, FIELD_SECOND, n);
    case 'S':
        return add_fraction(c, n);
    case 'X':
    case 'x':
    case 'Z':
        return add_offset(c, letter, n);
    case 'O':
        if (n != 1 && n != 4)
            return err_set(c->err, ERR_INVALID, "the pattern's O must be written O or OOOO");
        return add_simple(c, PATTERN_GMT, FIELD_OFFSET, n == 4);
    case 'V':
    case 'z':
        return add_zone(c, letter, n);
    default:
        return refuse(c, letter);
    }
}

/* 'text', where '' is a quote, also outside. *at is behind the first quote. */
static int add_quoted(struct compiler *c, size_t *at)
{
    const char *p = c->text.p;
    size_t n = c->text.n, start = *at;
    if (start < n && p[start] == '\'') {
        *at = start + 1;
        return add_literal(c, (struct str){p + start, 1});
    }
    for (;;) {
        size_t end = start;
        while (end < n && p[end] != '\'')
            end++;
        if (end == n)
            return err_set(c->err, ERR_INVALID, "a quote in the pattern is not closed");
        bool again = end + 1 < n && p[end + 1] == '\'';
        int code = add_literal(c, (struct str){p + start, end - start + again});
        *at = end + 1 + again;
        if (code != 0 || !again)
            return code;
        start = *at;
    }
}

static int add_bracket(struct compiler *c, char bracket)
{
    if (bracket == '[') {
        if (c->depth == PATTERN_NESTING_MAX)
            return err_set(c->err, ERR_UNSUPPORTED, "the pattern's brackets are nested too deep");
        c->active_outside[c->depth] = -1;
        c->open[c->depth++] = c->pattern->count;
        return add(c, PATTERN_OPTIONAL) ? 0 : no_memory(c);
    }
    if (c->depth == 0)
        return err_set(c->err, ERR_INVALID, "the pattern has a ] without a [");
    c->pattern->elements[c->open[--c->depth]].end = c->pattern->count;
    c->active = -1;
    return 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_era(struct str text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        quoted ^= text.p[i] == '\'';
        if (!quoted && text.p[i] == 'G')
            return true;
    }
    return false;
}

static int compile(struct compiler *c)
{
    int code = 0;
    c->era = has_era(c->text);
    for (size_t i = 0; i < c->text.n && code == 0;) {
        const char *p = c->text.p + i;
        size_t n = 1;
        if (is_letter(*p)) {
            while (i + n < c->text.n && p[n] == *p)
                n++;
            i += n;
            code = add_letters(c, *p, (uint32_t)n);
        } else if (*p == '\'') {
            i++;
            code = add_quoted(c, &i);
        } else if (*p == '[' || *p == ']') {
            i++;
            code = add_bracket(c, *p);
        } else if (*p == '{' || *p == '}' || *p == '#') {
            return err_set(c->err, ERR_INVALID, "the pattern's %c is reserved: quote it", *p);
        } else {
            i++;
            code = add_literal(c, (struct str){p, 1});
        }
    }
    while (c->depth)
        c->pattern->elements[c->open[--c->depth]].end = c->pattern->count;
    return code;
}

int time_pattern_create(struct time_pattern **out, struct str pattern, bool parsing,
                        struct err *err)
{
    *out = NULL;
    if (pattern.n > PATTERN_BYTES_MAX)
        return err_set(err, ERR_UNSUPPORTED, "a pattern of more than %d bytes is not supported",
                       PATTERN_BYTES_MAX);
    struct time_pattern *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(err, ERR_NOMEM, "out of memory");
    p->copy = malloc(pattern.n + 1);
    if (!p->copy) {
        free(p);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (pattern.n)
        memcpy(p->copy, pattern.p, pattern.n);
    struct compiler c = {
        .pattern = p, .err = err, .text = {p->copy, pattern.n}, .parsing = parsing, .active = -1};
    int code = compile(&c);
    if (code != 0) {
        time_pattern_destroy(p);
        return code;
    }
    *out = p;
    return 0;
}

void time_pattern_destroy(struct time_pattern *pattern)
{
    if (!pattern)
        return;
    free(pattern->elements);
    free(pattern->copy);
    free(pattern);
}

struct str pattern_name(enum pattern_field field, bool full, int64_t value)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    static const char *const quarters[] = {"1st quarter", "2nd quarter", "3rd quarter",
                                           "4th quarter"};
    static const char *const short_quarters[] = {"Q1", "Q2", "Q3", "Q4"};
    static const char *const eras[] = {"Before Christ", "Anno Domini"};
    static const char *const short_eras[] = {"BC", "AD"};
    static const char *const halves[] = {"AM", "PM"};
    struct str none = {NULL, 0};
    switch (field) {
    case FIELD_MONTH:
        if (value < 1 || value > 12)
            return none;
        return full ? str_of(months[value - 1]) : (struct str){months[value - 1], 3};
    case FIELD_DAY_OF_WEEK:
        if (value < 1 || value > 7)
            return none;
        return full ? str_of(days[value - 1]) : (struct str){days[value - 1], 3};
    case FIELD_QUARTER:
        if (value < 1 || value > 4)
            return none;
        return str_of(full ? quarters[value - 1] : short_quarters[value - 1]);
    case FIELD_ERA:
        return value < 0 || value > 1 ? none : str_of(full ? eras[value] : short_eras[value]);
    case FIELD_HALF_DAY:
        return value < 0 || value > 1 ? none : str_of(halves[value]);
    default:
        return none;
    }
}
