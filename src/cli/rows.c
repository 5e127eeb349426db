#include "cli/rows.h"

#include <math.h>
#include <stdlib.h>

#include "plan/doc.h"

#define FLOAT_TOLERANCE 1e-9

struct row {
    struct str text;
    struct doc_node *value;
    uint64_t hash; /* of everything but floating-point values: equal rows have equal hashes */
    bool matched;
};

struct rows {
    const struct type *schema;
    struct row *items;
    uint32_t count;
};

/* ---- values ---- */

static const struct type *member_type(const struct type *type, struct str key)
{
    if (!type || type->kind != TYPE_STRUCT)
        return NULL;
    int index = type_field_index(type, key);
    return index < 0 ? NULL : type->fields[index].type;
}

static bool is_floating(const struct type *type)
{
    return type && (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE);
}

/* FLOATs are compared as such: JDK 17 writes some with more digits than they have. */
static bool near(struct str a, struct str b, bool single)
{
    char left[400], right[400];
    if (a.n >= sizeof left || b.n >= sizeof right)
        return false;
    memcpy(left, a.p, a.n);
    memcpy(right, b.p, b.n);
    left[a.n] = right[b.n] = '\0';
    double x = strtod(left, NULL), y = strtod(right, NULL);
    return x == y || (single && strtof(left, NULL) == strtof(right, NULL)) ||
           fabs(x - y) <= FLOAT_TOLERANCE * fmax(fabs(x), fabs(y));
}

static bool equal(const struct doc_node *a, const struct doc_node *b, const struct type *type);

static bool equal_objects(const struct doc_node *a, const struct doc_node *b,
                          const struct type *type)
{
    for (const struct doc_node *member = a->first; member; member = member->next) {
        const struct doc_node *other = doc_member(b, member->key);
        if (!other || !equal(member, other, member_type(type, member->key)))
            return false;
    }
    return true;
}

static bool equal_arrays(const struct doc_node *a, const struct doc_node *b,
                         const struct type *type)
{
    const struct type *element = type && type->kind == TYPE_ARRAY ? type->element : NULL;
    const struct doc_node *right = b->first;
    for (const struct doc_node *left = a->first; left; left = left->next, right = right->next) {
        if (!equal(left, right, element))
            return false;
    }
    return true;
}

static bool equal(const struct doc_node *a, const struct doc_node *b, const struct type *type)
{
    if (a->kind != b->kind || a->count != b->count)
        return false;
    switch (a->kind) {
    case DOC_OBJECT:
        return equal_objects(a, b, type);
    case DOC_ARRAY:
        return equal_arrays(a, b, type);
    case DOC_NUMBER:
        return str_eq(a->text, b->text) ||
               (is_floating(type) && near(a->text, b->text, type->kind == TYPE_FLOAT));
    default:
        return str_eq(a->text, b->text);
    }
}

static uint64_t mix(uint64_t hash, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return hash;
}

/* Members are summed, so their order does not matter. */
static uint64_t hash_value(const struct doc_node *value, const struct type *type)
{
    uint64_t hash = 0xcbf29ce484222325u + value->kind;
    if (value->kind == DOC_NUMBER && is_floating(type))
        return hash;
    if (value->kind != DOC_OBJECT && value->kind != DOC_ARRAY)
        return mix(hash, value->text);
    for (const struct doc_node *member = value->first; member; member = member->next) {
        const struct type *inner = value->kind == DOC_OBJECT
                                       ? member_type(type, member->key)
                                       : (type && type->kind == TYPE_ARRAY ? type->element : NULL);
        uint64_t one = hash_value(member, inner);
        hash = value->kind == DOC_OBJECT ? hash + mix(one, member->key) : hash * 31 + one;
    }
    return hash;
}

/* ---- rows ---- */

static uint32_t count_lines(struct str text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return lines;
}

static int parse_row(struct row *row, struct str line, const struct type *schema,
                     struct arena *arena, struct doc_error *error)
{
    struct doc_source *source = ARENA_NEW(arena, struct doc_source);
    if (!source)
        return ERR_NOMEM;
    source->column = 1;
    source->nul_allowed = true;
    row->text = line;
    int code = doc_parse(&row->value, line, source, arena, error);
    if (code == 0 && row->value->kind != DOC_OBJECT) {
        error->column = 1;
        memcpy(error->message, "expected an object", sizeof "expected an object");
        code = ERR_INVALID;
    }
    if (code == 0)
        row->hash = hash_value(row->value, schema);
    return code;
}

int rows_parse(struct rows **out, struct str text, const struct type *schema, const char *file,
               struct arena *arena, struct err *err)
{
    struct rows *rows = ARENA_NEW(arena, struct rows);
    if (rows)
        rows->items = ARENA_ARRAY(arena, struct row, count_lines(text));
    if (!rows || !rows->items)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    rows->schema = schema;
    for (uint32_t line = 1; text.n > 0; line++) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        struct str one = {text.p, n};
        text = (struct str){text.p + n + (end != NULL), text.n - n - (end != NULL)};
        if (str_trim(one).n == 0)
            continue;
        struct doc_error error = {0};
        int code = parse_row(&rows->items[rows->count], one, schema, arena, &error);
        if (code == ERR_NOMEM)
            return err_set(err, code, "%s: out of memory", file);
        if (code)
            return err_set(err, code, "%s:%u:%u: %s", file, line, error.column, error.message);
        rows->count++;
    }
    *out = rows;
    return 0;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

/* Both are sorted by hash: a row's partners stand together. */
static void match(struct rows *expected, struct rows *actual)
{
    uint32_t begin = 0;
    for (uint32_t i = 0; i < expected->count; i++) {
        struct row *row = &expected->items[i];
        row->matched = false;
        while (begin < actual->count && actual->items[begin].hash < row->hash)
            begin++;
        for (uint32_t k = begin; k < actual->count && actual->items[k].hash == row->hash; k++) {
            struct row *other = &actual->items[k];
            /* Two columns may have one name: then the text alone tells that rows are equal. */
            bool same =
                str_eq(row->text, other->text) || equal(row->value, other->value, expected->schema);
            if (other->matched || !same)
                continue;
            row->matched = other->matched = true;
            break;
        }
    }
}

static bool print_unmatched(const struct rows *rows, char mark, struct buf *diff)
{
    bool all = true;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (rows->items[i].matched)
            continue;
        all = false;
        buf_printf(diff, "%c %.*s\n", mark, STR_ARG(rows->items[i].text));
    }
    return all;
}

bool rows_compare(const struct rows *expected, const struct rows *actual, struct buf *diff)
{
    struct rows left = *expected, right = *actual;
    for (uint32_t i = 0; i < right.count; i++)
        right.items[i].matched = false;
    qsort(left.items, left.count, sizeof *left.items, compare_hashes);
    qsort(right.items, right.count, sizeof *right.items, compare_hashes);
    match(&left, &right);
    bool none_missing = print_unmatched(&left, '-', diff);
    bool none_extra = print_unmatched(&right, '+', diff);
    return none_missing && none_extra;
}
