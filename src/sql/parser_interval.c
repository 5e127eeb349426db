/* parser_interval.c: INTERVAL literals and types, and the functions whose first argument is a unit.
 */
#include "sql/parser_impl.h"
#include "vec/interval.h"

static bool is_one_of(struct str word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(word, str_of(words[i])))
            return true;
    }
    return false;
}

/* One unit of a literal, in the singular or plural. */
static bool is_unit(const struct parser *parser, const struct token *token)
{
    static const char *const units[] = {
        "nanosecond", "microsecond", "millisecond", "second", "minute",
        "hour",       "day",         "week",        "month",  "year",
    };
    if (token->kind != TOKEN_WORD)
        return false;
    struct str word = token_text(parser->diag, *token);
    if (word.n && (word.p[word.n - 1] | 0x20) == 's')
        word.n--;
    return is_one_of(word, units, COUNT_OF(units));
}

static bool at_unit(const struct parser *parser)
{
    return is_unit(parser, parser->next);
}

/* INTERVAL is also a plain name. */
static bool starts_interval(const struct parser *parser)
{
    const struct token *token = parser->next + 1;
    bool sign = token->kind == TOKEN_OPERATOR && (token->op == OP_MINUS || token->op == OP_PLUS);
    token += sign;
    if (token->kind == TOKEN_INTEGER || token->kind == TOKEN_DECIMAL)
        return !sign || token[1].kind == TOKEN_WORD;
    return token->kind == TOKEN_STRING;
}

/* A number with its sign, or the value of a string: *number says which. A minus before a string
 * that has one takes it away. */
static int take_value(struct parser *parser, struct str *out, bool *number)
{
    bool minus = parser_at_op(parser, OP_MINUS), sign = minus || parser_at_op(parser, OP_PLUS);
    uint32_t start = parser->next->offset;
    parser->next += sign;
    const struct token *token = parser->next;
    *number = token->kind == TOKEN_INTEGER || token->kind == TOKEN_DECIMAL;
    if (*number) {
        *out = (struct str){parser->diag->text.p + start, token->offset + token->length - start};
        parser->next++;
        return 0;
    }
    if (token->kind != TOKEN_STRING)
        return parser_expected(parser, "a number or a string after INTERVAL");
    struct str text;
    int code = parser_string(parser, &text);
    if (code != 0)
        return code;
    *out = text;
    if (minus && text.n && text.p[0] == '-') {
        *out = (struct str){text.p + 1, text.n - 1};
    } else if (minus) {
        struct buf negative = {0};
        buf_append_char(&negative, '-');
        buf_append_str(&negative, text);
        *out = arena_buf(parser->arena, &negative);
        buf_fini(&negative);
    }
    return out->p ? 0 : diag_nomem(parser->diag);
}

/* Appends to the parts of an INTERVAL, which have room for `capacity`. */
static int add_part(struct parser *parser, struct ast *node, uint32_t *capacity,
                    struct ast_part part)
{
    if (node->part_count == *capacity) {
        uint32_t grown = *capacity ? *capacity * 2 : 4;
        struct ast_part *parts = ARENA_ARRAY(parser->arena, struct ast_part, grown);
        if (!parts)
            return diag_nomem(parser->diag);
        if (node->part_count)
            memcpy(parts, node->parts, node->part_count * sizeof *parts);
        node->parts = parts;
        *capacity = grown;
    }
    node->parts[node->part_count++] = part;
    return 0;
}

static int add_word(struct parser *parser, struct ast *node, uint32_t *capacity)
{
    struct ast_part unit = {token_text(parser->diag, *parser->next), parser->next->offset};
    parser->next++;
    return add_part(parser, node, capacity, unit);
}

int parser_interval(struct parser *parser, struct ast **out)
{
    const struct token *value = parser->next + 1;
    if (value->kind == TOKEN_WORD && is_unit(parser, value + 1))
        return diag_fail(parser->diag, ERR_INVALID, value->offset,
                         "the value of an INTERVAL is a number or a string: write %.*s * INTERVAL "
                         "1 %.*s",
                         DIAG_ARG(token_text(parser->diag, *value)),
                         DIAG_ARG(token_text(parser->diag, value[1])));
    if (!starts_interval(parser))
        return 0; /* a column of this name */
    struct ast *node = parser_node(parser, AST_INTERVAL, parser->next++->offset, 0);
    if (!node)
        return diag_nomem(parser->diag);
    uint32_t capacity = 0;
    *out = node;
    for (bool again = true; again;) {
        struct ast_part part = {.offset = parser->next->offset};
        bool number;
        int code = take_value(parser, &part.text, &number);
        if (code == 0)
            code = add_part(parser, node, &capacity, part);
        if (code != 0)
            return code;
        bool first = node->part_count == 1;
        if (!at_unit(parser))
            return number || !first
                       ? parser_expected(parser, "a unit (SECONDS, MINUTES, HOURS, DAYS, ...)")
                       : 0;
        code = add_word(parser, node, &capacity);
        if (code != 0)
            return code;
        if (first && parser_at_word(parser, KW_TO) && parser->next[1].kind == TOKEN_WORD) {
            parser->next++;
            node->flag = true;
            if (number)
                return diag_fail(parser->diag, ERR_INVALID, part.offset,
                                 "INTERVAL ... %.*s TO ... takes a string, as '1 02:03:04'",
                                 DIAG_ARG(node->parts[1].text));
            return add_word(parser, node, &capacity);
        }
        const struct token *next = parser->next;
        bool sign = parser_at_op(parser, OP_MINUS) || parser_at_op(parser, OP_PLUS);
        again = next[sign].kind == TOKEN_STRING || next[sign].kind == TOKEN_INTEGER ||
                next[sign].kind == TOKEN_DECIMAL;
        if (again) { /* a sign belongs to the literal when a unit follows: 1 DAY -2 HOURS */
            parser->next += 1 + sign;
            again = at_unit(parser);
            parser->next = next;
        }
    }
    return 0;
}

static int field_of(struct str word, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (str_eq_nocase(word, str_of(names[i])))
            return i;
    }
    return -1;
}

/* Behind the word INTERVAL: nothing, one field, or two with TO between them. */
int parser_interval_type(struct parser *parser, const struct type **out)
{
    static const char *const days[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    static const char *const months[] = {"YEAR", "MONTH"};
    *out = type_simple(TYPE_INTERVAL);
    if (parser->next->kind != TOKEN_WORD)
        return 0;
    struct str word = token_text(parser->diag, *parser->next);
    bool daily = field_of(word, days, 4) >= 0;
    const char *const *names = daily ? days : months;
    int count = daily ? 4 : 2, first = field_of(word, names, count), last = first;
    if (first < 0)
        return 0;
    parser->next++;
    if (parser_take_word(parser, KW_TO)) {
        word = token_text(parser->diag, *parser->next);
        last = parser->next->kind == TOKEN_WORD ? field_of(word, names, count) : -1;
        if (last <= first)
            return parser_expected(parser, daily ? "a smaller unit, as in DAY TO SECOND"
                                                 : "MONTH in YEAR TO MONTH");
        parser->next++;
    }
    *out = interval_type(daily ? TYPE_INTERVAL_DAY_TIME : TYPE_INTERVAL_YEAR_MONTH, first, last);
    return 0;
}

/* DATEADD(MONTH, 1, d) is timestampadd('MONTH', 1, d), DATEDIFF(MONTH, a, b) timestampdiff. */
int parser_unit_call(struct parser *parser, struct ast *call)
{
    static const char *const add[] = {"timestampadd", "dateadd", "date_add"};
    static const char *const diff[] = {"timestampdiff", "datediff", "date_diff"};
    static const char *const units[] = {
        "YEAR", "QUARTER", "MONTH",  "WEEK",        "DAY",         "DAYOFYEAR",
        "HOUR", "MINUTE",  "SECOND", "MILLISECOND", "MICROSECOND",
    };
    if (call->part_count != 1 || call->arg_count != 3)
        return 0;
    bool adds = is_one_of(call->parts[0].text, add, COUNT_OF(add));
    if (!adds && !is_one_of(call->parts[0].text, diff, COUNT_OF(diff)))
        return 0;
    const struct ast *unit = call->args[0];
    if (unit->kind != AST_NAME || unit->part_count != 1 ||
        !is_one_of(unit->parts[0].text, units, COUNT_OF(units)))
        return diag_fail(parser->diag, ERR_INVALID, unit->offset,
                         "expected a unit (YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, "
                         "...) without quotes");
    struct ast *text = parser_node(parser, AST_STRING, unit->offset, 0);
    if (!text)
        return diag_nomem(parser->diag);
    text->text = unit->parts[0].text;
    call->args[0] = text;
    call->parts[0].text = adds ? STR("timestampadd") : STR("timestampdiff");
    return 0;
}
