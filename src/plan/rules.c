#include "plan/rules.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/size.h"
#include "plan/interval.h"
#include "vec/time_pattern.h"

static const struct str no_excerpt = {NULL, 0};

void rules_error(struct rules *rules, const struct doc_node *node, const char *fmt, ...)
{
    if (node->broken)
        return;
    va_list args;
    va_start(args, fmt);
    plan_error_add_args(rules->errors, rules->error_arena, doc_where(node), ERR_INVALID, no_excerpt,
                        fmt, args);
    va_end(args);
}

void rules_error_key(struct rules *rules, const struct doc_node *node, int code, const char *fmt,
                     ...)
{
    va_list args;
    va_start(args, fmt);
    plan_error_add_args(rules->errors, rules->error_arena, doc_where_key(node), code, no_excerpt,
                        fmt, args);
    va_end(args);
}

void rules_error_in(struct rules *rules, const struct doc_node *node, size_t offset,
                    const char *fmt, ...)
{
    if (node->broken)
        return;
    va_list args;
    va_start(args, fmt);
    struct plan_where where =
        node->kind == DOC_STRING ? doc_where_in(node, offset) : doc_where(node);
    plan_error_add_args(rules->errors, rules->error_arena, where, ERR_INVALID, no_excerpt, fmt,
                        args);
    va_end(args);
}

void rules_unsupported(struct rules *rules, const struct doc_node *node, const char *fmt, ...)
{
    if (node->broken)
        return;
    va_list args;
    va_start(args, fmt);
    plan_error_add_args(rules->errors, rules->error_arena, doc_where(node), ERR_UNSUPPORTED,
                        no_excerpt, fmt, args);
    va_end(args);
}

const char *rules_quote(struct rules *rules, struct str text)
{
    enum { SHOWN_MAX = 80 };
    size_t n = text.n < SHOWN_MAX ? text.n : SHOWN_MAX;
    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    char *out = arena_alloc(rules->error_arena, n + 8);
    if (!out) {
        rules->out_of_memory = true;
        return "";
    }
    out[0] = '"';
    if (n)
        memcpy(out + 1, text.p, n);
    memcpy(out + 1 + n, n < text.n ? "...\"" : "\"", n < text.n ? 5 : 2);
    return out;
}

const char *rules_did_you_mean(struct rules *rules, struct str word, const char *const *candidates,
                               size_t n)
{
    const char *near = plan_errors_full(rules->errors) ? NULL : str_suggest(word, candidates, n);
    if (!near)
        return "";
    size_t size = strlen(near) + 24;
    char *out = arena_alloc(rules->error_arena, size);
    if (!out) {
        rules->out_of_memory = true;
        return "";
    }
    snprintf(out, size, ": did you mean \"%s\"?", near);
    return out;
}

void *rules_array(struct rules *rules, size_t count, size_t size)
{
    void *p = arena_calloc(rules->arena, count, size);
    if (!p)
        rules->out_of_memory = true;
    return p;
}

static bool spells_boolean(const struct doc_node *node)
{
    return str_eq_nocase(node->text, STR("true")) || str_eq_nocase(node->text, STR("false"));
}

static bool has_form(const struct doc_node *node, unsigned form)
{
    int64_t integer;
    bool scalar = node->kind == DOC_STRING || node->kind == DOC_NUMBER || node->kind == DOC_BOOLEAN;
    switch (form) {
    case FORM_STRING:
        return node->kind == DOC_STRING;
    case FORM_BOOLEAN:
        return scalar && spells_boolean(node);
    case FORM_INTEGER:
        return (node->kind == DOC_STRING || node->kind == DOC_NUMBER) &&
               str_to_i64(str_trim(node->text), &integer);
    case FORM_SCALAR:
        return scalar;
    case FORM_ARRAY:
        return node->kind == DOC_ARRAY;
    default:
        return node->kind == DOC_OBJECT;
    }
}

bool rules_form(struct rules *rules, const struct doc_node *node, const char *name, unsigned forms,
                const char *expected)
{
    for (unsigned form = 1; form <= FORM_OBJECT; form <<= 1) {
        if ((forms & form) && has_form(node, form))
            return !node->broken;
    }
    /* Texts and numbers are shown only where no secret can stand. */
    if (node->kind == DOC_STRING && (forms & (FORM_BOOLEAN | FORM_INTEGER)))
        rules_error(rules, node, "\"%s\" must be %s, not %s", name, expected,
                    rules_quote(rules, node->text));
    else if (node->kind == DOC_NUMBER && (forms & FORM_INTEGER))
        rules_error(rules, node, "\"%s\" must be %s, not %.*s", name, expected,
                    STR_ARG(node->text));
    else
        rules_error(rules, node, "\"%s\" must be %s, not %s", name, expected,
                    doc_kind_name(node->kind));
    return false;
}

void rules_unknown_key(struct rules *rules, const struct doc_node *node,
                       const struct rule_object *object)
{
    enum { KEYS_MAX = 32 };
    const char *names[KEYS_MAX];
    REQUIRE(object->key_count <= KEYS_MAX);
    if (plan_errors_full(rules->errors)) {
        rules->errors->left_out++;
        return;
    }
    for (size_t i = 0; i < object->hint_count; i++) {
        const struct rule_hint *hint = &object->hints[i];
        if (hint->name && str_eq_nocase(node->key, str_of(hint->name))) {
            rules_error_key(rules, node, hint->code, "%s", hint->sentence);
            return;
        }
    }
    char list[600] = "";
    size_t used = 0;
    for (size_t i = 0; i < object->key_count; i++) {
        names[i] = object->keys[i].name;
        int n = snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? ", " : "", names[i]);
        used += used + (size_t)n < sizeof list ? (size_t)n : 0;
    }
    const char *near = rules_did_you_mean(rules, node->key, names, object->key_count);
    if (near[0])
        rules_error_key(rules, node, ERR_INVALID, "unknown key %s in %s%s",
                        rules_quote(rules, node->key), object->name, near);
    else
        rules_error_key(rules, node, ERR_INVALID, "unknown key %s in %s: expected one of %s",
                        rules_quote(rules, node->key), object->name, list);
}

bool rules_object(struct rules *rules, struct doc_node *node, const struct rule_object *object,
                  struct doc_node **found)
{
    for (size_t i = 0; i < object->key_count; i++)
        found[i] = NULL;
    if (node->kind != DOC_OBJECT) {
        rules_error(rules, node, "%s must be an object, not %s", object->name,
                    doc_kind_name(node->kind));
        return false;
    }
    for (struct doc_node *member = node->first; member; member = member->next) {
        size_t i = 0;
        while (i < object->key_count && !str_is(member->key, object->keys[i].name))
            i++;
        if (i == object->key_count)
            rules_unknown_key(rules, member, object);
        else if (!found[i])
            found[i] = member;
    }
    for (size_t i = 0; i < object->key_count; i++) {
        const struct rule_key *key = &object->keys[i];
        if (!found[i] && key->required)
            rules_error(rules, node, "%s lacks \"%s\": expected %s", object->name, key->name,
                        key->expected);
        if (found[i] && !rules_form(rules, found[i], key->name, key->forms, key->expected))
            found[i] = NULL;
    }
    return true;
}

static void find_option(struct rules *rules, struct doc_node *node, const struct rule_object *rule,
                        struct doc_node **found)
{
    size_t i = 0;
    while (i < rule->key_count && !str_eq_nocase(node->key, str_of(rule->keys[i].name)))
        i++;
    if (i == rule->key_count)
        rules_unknown_key(rules, node, rule);
    else if (found[i] && !str_eq(found[i]->key, node->key))
        rules_error_key(rules, node, ERR_INVALID,
                        "option %s is \"%.*s\" once more: case does not matter",
                        rules_quote(rules, node->key), STR_ARG(found[i]->key));
    else if (!found[i])
        found[i] = node;
}

void rules_options(struct rules *rules, struct doc_node *options, const struct rule_object *rule,
                   rules_option_hook other, void *user, struct doc_node **found)
{
    for (size_t i = 0; i < rule->key_count; i++)
        found[i] = NULL;
    for (struct doc_node *node = options->first; node; node = node->next) {
        if (!other || !other(user, node))
            find_option(rules, node, rule, found);
    }
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct rule_key *key = &rule->keys[i];
        if (found[i] && !rules_form(rules, found[i], key->name, key->forms, key->expected))
            found[i] = NULL;
    }
}

bool rules_boolean(const struct doc_node *node)
{
    return str_eq_nocase(node->text, STR("true"));
}

bool rules_integer(struct rules *rules, const struct doc_node *node, int64_t min, int64_t max,
                   int64_t *out)
{
    if (node->broken || !str_to_i64(str_trim(node->text), out))
        return false;
    if (*out >= min && *out <= max)
        return true;
    if (max == INT64_MAX)
        rules_error(rules, node, "expected a whole number, at least %lld, found %.*s",
                    (long long)min, STR_ARG(node->text));
    else
        rules_error(rules, node, "expected a whole number from %lld to %lld, found %.*s",
                    (long long)min, (long long)max, STR_ARG(node->text));
    return false;
}

int rules_enum(struct rules *rules, const struct doc_node *node, const char *name,
               const char *const *words, size_t n)
{
    char list[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(node->text, str_of(words[i])))
            return node->broken ? -1 : (int)i;
        int length = snprintf(list + used, sizeof list - used, "%s%s",
                              i == 0       ? ""
                              : i + 1 == n ? " or "
                                           : ", ",
                              words[i]);
        used += used + (size_t)length < sizeof list ? (size_t)length : 0;
    }
    rules_error(rules, node, "\"%s\" must be %s, not %s%s", name, list,
                rules_quote(rules, node->text), rules_did_you_mean(rules, node->text, words, n));
    return -1;
}

bool rules_name(struct rules *rules, const struct doc_node *node, const char *what)
{
    for (size_t i = 0; i < node->text.n; i++) {
        char c = node->text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (letter || (i && (c == '_' || c == '-')))
            continue;
        rules_error_in(rules, node, i,
                       "%s %s must consist of a-z, 0-9, '_' and '-', and start with a letter or a "
                       "digit",
                       what, rules_quote(rules, node->text));
        return false;
    }
    if (node->text.n == 0)
        rules_error(rules, node, "%s is empty: expected at least one of a-z and 0-9", what);
    return node->text.n > 0 && !node->broken;
}

static bool read_interval(struct rules *rules, const struct doc_node *node, int32_t month_days,
                          int64_t *out_ms)
{
    size_t at;
    const char *problem = plan_interval_parse(node->text, month_days, out_ms, &at);
    if (problem)
        rules_error_in(
            rules, node, at, "interval %s: %s%s", rules_quote(rules, node->text), problem,
            strncmp(problem, "expected", 8) == 0 ? ", as in \"1 minute 30 seconds\"" : "");
    else if (*out_ms < 0)
        rules_error(rules, node, "interval %s must not be negative",
                    rules_quote(rules, node->text));
    return !problem && *out_ms >= 0 && !node->broken;
}

bool rules_interval(struct rules *rules, const struct doc_node *node, int64_t *out_ms)
{
    return read_interval(rules, node, 0, out_ms);
}

bool rules_delay(struct rules *rules, const struct doc_node *node, int64_t *out_ms)
{
    return read_interval(rules, node, 31, out_ms);
}

bool rules_size(struct rules *rules, const struct doc_node *node, const char *name, int64_t min,
                int64_t max, int64_t *out)
{
    if (node->broken)
        return false;
    if (!size_parse(node->text, out)) {
        rules_error(rules, node,
                    "\"%s\" must be a size above 0, such as 134217728 or \"128MB\", not %s", name,
                    rules_quote(rules, node->text));
        return false;
    }
    if (*out >= min && *out <= max)
        return true;
    rules_error(rules, node, "\"%s\" must be from %lld to %lld bytes, not %s", name, (long long)min,
                (long long)max, rules_quote(rules, node->text));
    return false;
}

bool rules_not_empty(struct rules *rules, const struct doc_node *node, const char *name)
{
    if (str_trim(node->text).n == 0)
        rules_error(rules, node, "\"%s\" must not be empty", name);
    return str_trim(node->text).n > 0 && !node->broken;
}

bool rules_string_array(struct rules *rules, const struct doc_node *node, const char *name)
{
    bool ok = true;
    for (const struct doc_node *item = node->first; item; item = item->next) {
        if (item->kind != DOC_STRING || item->text.n == 0) {
            rules_error(rules, item, "every element of \"%s\" must be a string that is not empty",
                        name);
            ok = false;
        }
        ok &= !item->broken;
    }
    return ok;
}

struct str rules_time_pattern(struct rules *rules, const struct doc_node *node, bool parsing)
{
    struct time_pattern *pattern = NULL;
    struct err err = {0};
    if (!node || node->broken)
        return (struct str){NULL, 0};
    if (node->text.n == 0)
        rules_error(rules, node, "expected a datetime pattern");
    int code = time_pattern_create(&pattern, node->text, parsing, &err);
    time_pattern_destroy(pattern);
    if (code == ERR_NOMEM)
        rules->out_of_memory = true;
    else if (code)
        rules_error(rules, node, "%s", err.msg);
    return code ? (struct str){NULL, 0} : node->text;
}
