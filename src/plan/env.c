#include "plan/env.h"

#include <stdlib.h>

enum { EXPANSIONS_MAX = 64 }; /* in one string */

struct expander {
    struct rules *rules;
    plan_getenv get;
    void *user;
    struct doc_node *node;
    struct buf out;
    struct doc_expansion expansions[EXPANSIONS_MAX];
    uint32_t count;
    bool failed;
};

/* Reports a problem at an offset of the value as it was written. What the string holds is not
 * shown: it may be a secret. */
static void fail(struct expander *expander, size_t offset, const char *message)
{
    rules_error_in(expander->rules, expander->node, offset, "%s", message);
    expander->failed = true;
}

static void fail_variable(struct expander *expander, size_t offset, const char *name,
                          const char *message)
{
    rules_error_in(expander->rules, expander->node, offset,
                   "the environment variable \"%.100s\" %s", name, message);
    expander->failed = true;
}

static bool is_name_char(char c, bool first)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* The value a reference stands for; false when there is none. `inner` is the text in braces. */
static bool resolve(struct expander *expander, struct str inner, size_t offset, struct str *value)
{
    size_t n = 0;
    while (n < inner.n && is_name_char(inner.p[n], n == 0))
        n++;
    struct str rest = {inner.p + n, inner.n - n};
    bool has_default = str_starts_with(rest, STR(":-"));
    if (n == 0 || (rest.n && !has_default)) {
        fail(expander, offset,
             "expected ${NAME} or ${NAME:-default}; a plain \"${\" is written \"$${\"");
        return false;
    }
    char *key = arena_alloc(expander->rules->arena, n + 1);
    if (!key) {
        expander->rules->out_of_memory = true;
        return false;
    }
    memcpy(key, inner.p, n);
    key[n] = '\0';
    const char *found = expander->get ? expander->get(expander->user, key) : NULL;
    *value = str_of(found);
    if (has_default && value->n == 0)
        *value = (struct str){rest.p + 2, rest.n - 2};
    else if (!found)
        fail_variable(expander, offset, key,
                      "is not set: set it, or give a default as in ${NAME:-x}");
    if (doc_utf8_invalid(*value))
        fail_variable(expander, offset, key, "is not valid UTF-8");
    return !expander->failed;
}

/* The reference at text[i], which starts with "${". Returns its length. */
static size_t expand_one(struct expander *expander, struct str text, size_t i)
{
    const char *close = memchr(text.p + i, '}', text.n - i);
    if (!close) {
        fail(expander, i, "\"${\" is never closed: expected '}'");
        return text.n - i;
    }
    size_t length = (size_t)(close - text.p) + 1 - i;
    struct str value = {NULL, 0};
    if (!resolve(expander, (struct str){text.p + i + 2, length - 3}, i, &value))
        return length;
    if (expander->count == EXPANSIONS_MAX) {
        fail(expander, i, "too many variables in one string: at most 64");
        return length;
    }
    size_t start = expander->out.n;
    buf_append_str(&expander->out, value);
    expander->expansions[expander->count++] =
        (struct doc_expansion){start, expander->out.n, i, i + length};
    return length;
}

static size_t expand_escape(struct expander *expander, size_t i)
{
    if (expander->count == EXPANSIONS_MAX) {
        fail(expander, i, "too many variables in one string: at most 64");
        return 3;
    }
    size_t start = expander->out.n;
    buf_append_str(&expander->out, STR("${"));
    expander->expansions[expander->count++] =
        (struct doc_expansion){start, expander->out.n, i, i + 3};
    return 3;
}

static void keep(struct expander *expander)
{
    struct doc_node *node = expander->node;
    struct rules *rules = expander->rules;
    struct doc_expansion *expansions = RULES_ARRAY(rules, struct doc_expansion, expander->count);
    struct str text = arena_buf(rules->arena, &expander->out);
    if (expander->out.failed || !text.p || !expansions) {
        rules->out_of_memory = true;
        return;
    }
    memcpy(expansions, expander->expansions, expander->count * sizeof *expansions);
    node->text = text;
    node->expansions = expansions;
    node->expansion_count = expander->count;
}

static void expand_string(struct rules *rules, struct doc_node *node, plan_getenv get, void *user)
{
    struct str text = node->text;
    if (text.n == 0 || !memchr(text.p, '$', text.n))
        return;
    struct expander expander = {.rules = rules, .get = get, .user = user, .node = node};
    for (size_t i = 0; i < text.n;) {
        struct str rest = {text.p + i, text.n - i};
        if (str_starts_with(rest, STR("$${")))
            i += expand_escape(&expander, i);
        else if (str_starts_with(rest, STR("${")))
            i += expand_one(&expander, text, i);
        else
            buf_append_char(&expander.out, text.p[i++]);
    }
    if (!expander.failed && expander.count)
        keep(&expander);
    node->broken |= expander.failed;
    buf_fini(&expander.out);
}

static int compare_keys(const void *a, const void *b)
{
    const struct doc_node *left = *(const struct doc_node *const *)a;
    const struct doc_node *right = *(const struct doc_node *const *)b;
    int order = str_cmp(left->key, right->key);
    if (order)
        return order;
    return (left->key_offset > right->key_offset) - (left->key_offset < right->key_offset);
}

static void report_duplicate(struct rules *rules, const struct doc_node *again,
                             const struct doc_node *first)
{
    struct plan_where where = doc_where_key(first);
    if (where.place.n == 0 && where.line != doc_where_key(again).line)
        rules_error_key(rules, again, ERR_INVALID, "duplicate key %s: it is given first in line %u",
                        rules_quote(rules, again->key), where.line);
    else
        rules_error_key(rules, again, ERR_INVALID, "duplicate key %s",
                        rules_quote(rules, again->key));
}

/* Sorted, because an object may have as many members as the document has values. */
void env_check_duplicates(struct rules *rules, struct doc_node *object)
{
    if (object->count < 2)
        return;
    struct doc_node **members = malloc(object->count * sizeof *members);
    if (!members) {
        rules->out_of_memory = true;
        return;
    }
    size_t n = 0;
    for (struct doc_node *member = object->first; member && n < object->count;
         member = member->next)
        members[n++] = member;
    qsort(members, n, sizeof *members, compare_keys);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (!str_eq(members[i]->key, members[first]->key))
            first = i;
        else
            report_duplicate(rules, members[i], members[first]);
    }
    free(members);
}

void env_expand(struct rules *rules, struct doc_node *node, plan_getenv get, void *user)
{
    if (node->kind == DOC_STRING)
        expand_string(rules, node, get, user);
    if (node->kind == DOC_OBJECT)
        env_check_duplicates(rules, node);
    for (struct doc_node *member = node->first; member; member = member->next)
        env_expand(rules, member, get, user);
}
