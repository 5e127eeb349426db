#include "sql/printf_format.h"

struct scanner {
    struct str text;
    size_t at;
    const struct type *const *types;
    uint32_t type_count;
    uint32_t next;    /* the next argument in order */
    int64_t previous; /* the last one used, or -1 */
    struct err *err;
};

enum { SIZE_MAX_SHOWN = 100000 };

static const char flag_letters[] = "-#+ 0,(";

static int wrong(struct scanner *scanner, const char *what, const struct printf_item *item)
{
    return err_set(scanner->err, ERR_INVALID, "the format has %s at \"%.*s\"", what,
                   item->text.n > 40 ? 40 : (int)item->text.n, item->text.p);
}

static int refuse(struct scanner *scanner, const char *what, const struct printf_item *item)
{
    return err_set(scanner->err, ERR_UNSUPPORTED, "the format has %s at \"%.*s\"", what,
                   item->text.n > 40 ? 40 : (int)item->text.n, item->text.p);
}

static char peek(const struct scanner *scanner)
{
    return scanner->at < scanner->text.n ? scanner->text.p[scanner->at] : '\0';
}

/* A number without leading zero, or -1. */
static int take_number(struct scanner *scanner)
{
    int value = -1;
    if (peek(scanner) == '0')
        return -1;
    while (peek(scanner) >= '0' && peek(scanner) <= '9') {
        value = (value < 0 ? 0 : value) * 10 + (scanner->text.p[scanner->at++] - '0');
        value = value > SIZE_MAX_SHOWN ? SIZE_MAX_SHOWN + 1 : value;
    }
    return value;
}

/* %[argument$][flags][width][.precision]; *index: the argument, 0: the next, -1: the same again. */
static int take_head(struct scanner *scanner, struct printf_item *item, int *index)
{
    size_t start = scanner->at;
    *index = take_number(scanner);
    if (*index > 0 && peek(scanner) == '$') {
        scanner->at++;
    } else {
        scanner->at = start;
        *index = 0;
    }
    if (*index == 0 && peek(scanner) == '<') {
        scanner->at++;
        *index = -1;
    }
    for (const char *flag; peek(scanner) && (flag = strchr(flag_letters, peek(scanner)));
         scanner->at++) {
        uint8_t bit = (uint8_t)(1U << (flag - flag_letters));
        if (item->flags & bit)
            return wrong(scanner, "a flag twice", item);
        item->flags |= bit;
    }
    item->width = take_number(scanner);
    item->precision = -1;
    if (peek(scanner) == '.') {
        scanner->at++;
        bool zero = peek(scanner) == '0';
        scanner->at += zero;
        int more = take_number(scanner);
        item->precision = more < 0 && zero ? 0 : more;
        if (item->precision < 0)
            return wrong(scanner, "a point without a precision", item);
    }
    if (item->width > SIZE_MAX_SHOWN || item->precision > 1000)
        return refuse(scanner, "a width or precision that is too large", item);
    return 0;
}

static bool fits(char conversion, enum type_kind kind)
{
    bool integer = type_is_integral(kind);
    switch (conversion) {
    case 's':
        return kind != TYPE_BINARY && kind < TYPE_STRUCT;
    case 'b':
        return true;
    case 'c':
        return integer && kind != TYPE_BIGINT;
    case 'd':
    case 'x':
    case 'o':
        return integer || kind == TYPE_DATE || kind == TYPE_TIMESTAMP;
    default:
        return kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
    }
}

/* Flags that Java takes with each conversion. */
static uint8_t allowed_flags(char conversion)
{
    switch (conversion) {
    case 'd':
        return (uint8_t)~PRINTF_ALT;
    case 'x':
    case 'o':
        return PRINTF_LEFT | PRINTF_ALT | PRINTF_ZERO;
    case 'f':
        return 0xff;
    case 'e':
        return (uint8_t)~PRINTF_GROUP;
    default:
        return PRINTF_LEFT;
    }
}

static int check_item(struct scanner *scanner, const struct printf_item *item)
{
    uint8_t both = PRINTF_PLUS | PRINTF_SPACE, fill = PRINTF_LEFT | PRINTF_ZERO;
    if (item->flags & ~allowed_flags(item->conversion))
        return wrong(scanner, "a flag that does not go with the conversion", item);
    if ((item->flags & both) == both || (item->flags & fill) == fill)
        return wrong(scanner, "flags that exclude each other", item);
    if (item->flags & fill && item->width < 0)
        return wrong(scanner, "- or 0 without a width", item);
    if (item->precision >= 0 && strchr("cdxo", item->conversion))
        return wrong(scanner, "a precision that does not go with the conversion", item);
    if (item->arg >= scanner->type_count)
        return wrong(scanner, "more arguments than there are", item);
    enum type_kind kind = scanner->types[item->arg]->kind;
    if (item->conversion == 's' && kind != TYPE_VOID && !fits('s', kind))
        return refuse(scanner, "a value of this type", item);
    if (kind != TYPE_VOID && !fits(item->conversion, kind))
        return wrong(scanner, "an argument whose type does not go with the conversion", item);
    return 0;
}

/* %% and %n. */
static int take_sign(struct scanner *scanner, struct printf_item *item, char c)
{
    bool newline = c == 'n';
    if (item->precision >= 0 || item->flags & ~PRINTF_LEFT || (newline && item->width >= 0) ||
        (item->flags && (item->width < 0 || newline)))
        return wrong(scanner, "a flag or width that does not go with the conversion", item);
    item->text = newline ? STR("\n") : STR("%");
    item->conversion = newline ? '\0' : '%';
    return 0;
}

/* Behind a %. */
static int take_item(struct scanner *scanner, struct printf_item *item)
{
    int index;
    size_t start = scanner->at;
    item->text = (struct str){scanner->text.p + start - 1, scanner->text.n - start + 1};
    int code = take_head(scanner, item, &index);
    if (code != 0)
        return code;
    char c = peek(scanner);
    scanner->at += c != '\0';
    item->text.n = scanner->at - start + 1;
    if (c == '%' || c == 'n')
        return take_sign(scanner, item, c);
    item->upper = c == 'S' || c == 'B' || c == 'C' || c == 'X' || c == 'E';
    item->conversion = item->upper ? (char)(c + 32) : c;
    if (c && strchr("hHgGaAtT", c))
        return refuse(scanner, "a conversion that is not built", item);
    if (!item->conversion || !strchr("sbcdoxfe", item->conversion))
        return wrong(scanner, "an unknown conversion", item);
    if (index < 0 && scanner->previous < 0)
        return wrong(scanner, "%< without an argument before it", item);
    item->arg = index > 0   ? (uint32_t)index - 1
                : index < 0 ? (uint32_t)scanner->previous
                            : scanner->next++;
    scanner->previous = item->arg;
    return check_item(scanner, item);
}

int printf_parse(struct printf_format *out, struct str text, const struct type *const *types,
                 uint32_t type_count, struct arena *arena, struct err *err)
{
    struct scanner scanner = {
        .text = text, .types = types, .type_count = type_count, .previous = -1, .err = err};
    uint32_t capacity = 1;
    for (size_t i = 0; i < text.n; i++)
        capacity += text.p[i] == '%' ? 2 : 0;
    *out = (struct printf_format){.items = ARENA_ARRAY(arena, struct printf_item, capacity)};
    if (!out->items)
        return ERR_NOMEM;
    while (scanner.at < text.n) {
        struct printf_item *item = &out->items[out->count++];
        const char *percent = memchr(text.p + scanner.at, '%', text.n - scanner.at);
        size_t end = percent ? (size_t)(percent - text.p) : text.n;
        if (end > scanner.at) {
            item->text = (struct str){text.p + scanner.at, end - scanner.at};
            scanner.at = end;
            continue;
        }
        scanner.at++;
        int code = take_item(&scanner, item);
        if (code != 0)
            return code;
    }
    return 0;
}
