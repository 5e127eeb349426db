#include "plan/overrides.h"

#include <stdio.h>

/* One path being walked. Offsets are into the path; the argument as typed is PATH=VALUE. */
struct walk {
    struct rules *rules;
    const struct plan_override *override;
    const struct doc_source *source;
    struct doc_node *node; /* reached so far */
    size_t offset;         /* of the segment looked at */
};

static void fail(struct walk *walk, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void fail(struct walk *walk, const char *fmt, ...)
{
    struct str before = {walk->override->path.p, walk->offset};
    struct plan_where where = {walk->source->place, 1, 1};
    for (size_t i = 0; i < before.n; i++)
        where.column += ((unsigned char)before.p[i] & 0xC0) != 0x80;
    va_list args;
    va_start(args, fmt);
    plan_error_add_args(walk->rules->errors, walk->rules->error_arena, where, ERR_INVALID,
                        (struct str){NULL, 0}, fmt, args);
    va_end(args);
}

/* The place `--set PATH`, and the column where VALUE starts. */
static struct doc_source *make_source(struct rules *rules, struct str path)
{
    struct doc_source *source = ARENA_NEW(rules->arena, struct doc_source);
    struct buf place = {0};
    buf_append_str(&place, STR("--set "));
    buf_append_str(&place, path);
    if (source) {
        source->place = arena_buf(rules->arena, &place);
        source->column = 2; /* the first one behind '=' */
        for (size_t i = 0; i < path.n; i++)
            source->column += ((unsigned char)path.p[i] & 0xC0) != 0x80;
    }
    bool failed = !source || place.failed || !source->place.p;
    buf_fini(&place);
    rules->out_of_memory |= failed;
    return failed ? NULL : source;
}

/* VALUE as JSON if it parses, else as a string. */
static struct doc_node *make_value(struct rules *rules, struct str value,
                                   const struct doc_source *source)
{
    struct doc_node *node;
    struct doc_error error;
    int code = doc_parse(&node, value, source, rules->arena, &error);
    if (code == ERR_INVALID) {
        node = ARENA_NEW(rules->arena, struct doc_node);
        if (node)
            *node = (struct doc_node){.kind = DOC_STRING,
                                      .verbatim = true,
                                      .source = source,
                                      .line = 1,
                                      .column = source->column,
                                      .raw = value,
                                      .text = value};
    }
    if (code == ERR_NOMEM || !node) {
        rules->out_of_memory = true;
        return NULL;
    }
    return node;
}

/* The next segment; below an `options` object the rest of the path is one key. */
static struct str next_segment(struct walk *walk)
{
    struct str path = walk->override->path;
    struct str rest = {path.p + walk->offset, path.n - walk->offset};
    if (walk->node->kind == DOC_OBJECT && str_is(walk->node->key, "options"))
        return rest;
    const char *dot = rest.n ? memchr(rest.p, '.', rest.n) : NULL;
    return dot ? (struct str){rest.p, (size_t)(dot - rest.p)} : rest;
}

/* An element's `name`, or the name a sink has by default. */
static bool element_has_name(const struct doc_node *element, uint32_t index, struct str name)
{
    if (element->kind != DOC_OBJECT)
        return false;
    const struct doc_node *given = doc_member(element, STR("name"));
    if (given)
        return given->kind == DOC_STRING && str_eq(given->text, name);
    const struct doc_node *format = doc_member(element, STR("format"));
    char number[16];
    snprintf(number, sizeof number, "%u", index);
    return format && str_starts_with(name, format->text) &&
           str_is((struct str){name.p + format->text.n, name.n - format->text.n}, number);
}

static struct doc_node *find_element(struct walk *walk, struct str segment)
{
    struct doc_node *array = walk->node, *element = array->first;
    for (uint32_t i = 0; element; element = element->next, i++) {
        if (element_has_name(element, i, segment))
            return element;
    }
    int64_t index;
    if (str_to_i64(segment, &index)) {
        element = array->first;
        for (int64_t i = 0; element && i < index; i++)
            element = element->next;
        if (element && index >= 0)
            return element;
        fail(walk, "there is no element %.*s: the array has %u", STR_ARG(segment), array->count);
        return NULL;
    }
    fail(walk, "there is no element with the name %s: expected a name or an index from 0",
         rules_quote(walk->rules, segment));
    return NULL;
}

/* Makes the key; whether it is legal is checked later, at this place. */
static struct doc_node *add_member(struct walk *walk, struct str key)
{
    struct doc_node *node = ARENA_NEW(walk->rules->arena, struct doc_node);
    if (!node) {
        walk->rules->out_of_memory = true;
        return NULL;
    }
    struct doc_node **link = &walk->node->first;
    while (*link)
        link = &(*link)->next;
    *link = node;
    walk->node->count++;
    node->kind = DOC_OBJECT;
    node->source = node->key_source = walk->source;
    node->line = node->key_line = 1;
    node->column = 1;
    for (size_t i = 0; i < walk->offset; i++)
        node->column += ((unsigned char)walk->override->path.p[i] & 0xC0) != 0x80;
    node->key_column = node->column;
    node->parent = walk->node;
    node->key = key;
    return node;
}

/* One step down. NULL when there is no way. */
static struct doc_node *step(struct walk *walk, struct str segment)
{
    if (walk->node->kind == DOC_ARRAY)
        return find_element(walk, segment);
    if (walk->node->kind != DOC_OBJECT) {
        fail(walk, "cannot set %s here: what is there is %s, not an object",
             rules_quote(walk->rules, segment), doc_kind_name(walk->node->kind));
        return NULL;
    }
    struct doc_node *member = doc_member(walk->node, segment);
    return member ? member : add_member(walk, segment);
}

/* The new value takes the place of the old one, which keeps its key and its neighbours. */
static void replace(struct doc_node *old, const struct doc_node *value)
{
    struct doc_node merged = *value;
    merged.parent = old->parent;
    merged.next = old->next;
    merged.key = old->key;
    merged.key_source = old->key_source;
    merged.key_offset = old->key_offset;
    merged.key_line = old->key_line;
    merged.key_column = old->key_column;
    *old = merged;
    for (struct doc_node *member = old->first; member; member = member->next)
        member->parent = old;
}

void override_apply(struct rules *rules, struct doc_node *root,
                    const struct plan_override *override)
{
    struct plan_override own = {arena_str(rules->arena, override->path),
                                arena_str(rules->arena, override->value)};
    struct doc_source *source = make_source(rules, own.path);
    if (!own.path.p || !own.value.p || !source) {
        rules->out_of_memory = true;
        return;
    }
    struct walk walk = {rules, &own, source, root, 0};
    if (own.path.n == 0 || doc_utf8_invalid(own.path) || doc_utf8_invalid(own.value)) {
        fail(&walk, "expected PATH=VALUE in UTF-8, as in source.options.startingOffsets=earliest");
        return;
    }
    struct doc_node *value = make_value(rules, own.value, source);
    while (value && walk.offset <= own.path.n) {
        struct str segment = next_segment(&walk);
        if (segment.n == 0) {
            fail(&walk, "the path has an empty part: expected a key, a name or an index");
            return;
        }
        walk.node = step(&walk, segment);
        if (!walk.node)
            return;
        walk.offset += segment.n + 1;
    }
    if (value)
        replace(walk.node, value);
}
