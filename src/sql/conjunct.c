/* conjunct.c: conditions as lists of terms, and the comparison of expressions. */
#include "sql/binder_impl.h"
#include "sql/kernel.h"

enum {
    CHAIN_MAX = 100,   /* terms that are joined one after the other, as Spark does */
    PAIRS_MAX = 10000, /* pairs of terms that are compared */
};

/* Conversions between equal types and references to aliases have no kernel. */
struct expr *expr_strip(const struct expr *expr)
{
    while (expr->op == EXPR_CALL && !expr->kernel && expr->arg_count == 1 &&
           type_eq(expr->type, expr->args[0]->type))
        expr = expr->args[0];
    return (struct expr *)(uintptr_t)expr;
}

struct expr *expr_with_args(struct binder *binder, const struct expr *expr,
                            struct expr *const *args, uint32_t count)
{
    struct expr *copy = binder_call(binder, expr->offset, expr->type, expr->kernel, args, count);
    if (!copy)
        return NULL;
    struct expr made = *copy;
    *copy = *expr;
    copy->args = made.args;
    copy->arg_count = count;
    copy->traits = made.traits;
    copy->memo = 0;
    copy->hash = 0;
    copy->twin = copy->simpler = copy->decided = NULL;
    copy->walk = 0;
    copy->folded = false;
    return copy;
}

int conjuncts_add(struct binder *binder, struct conjuncts *list, struct expr *term)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        struct expr **items = ARENA_ARRAY(binder->arena, struct expr *, capacity);
        if (!items)
            return diag_nomem(binder->diag);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof(struct expr *));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = term;
    return 0;
}

bool expr_is_call(const struct expr *expr, kernel_fn kernel)
{
    return expr->op == EXPR_CALL && expr->kernel == kernel;
}

/* What is used in several places is met there again, but a AND a is a. */
static int flatten(struct binder *binder, struct expr *expr, bool and, struct conjuncts *out)
{
    struct expr *node = expr_strip(expr);
    if (node->walk == binder->walk)
        return 0;
    node->walk = binder->walk;
    if (!expr_is_call(node, and? kernel_and : kernel_or))
        return conjuncts_add(binder, out, expr);
    int code = flatten(binder, node->args[0], and, out);
    return code == 0 ? flatten(binder, node->args[1], and, out) : code;
}

int conjuncts_flatten(struct binder *binder, struct expr *expr, bool and, struct conjuncts *out)
{
    binder->walk++;
    return flatten(binder, expr, and, out);
}

/* As a balanced tree: thousands of terms stay shallow. */
static int balance(struct binder *binder, struct expr *const *terms, uint32_t count, bool and,
                   struct expr **out)
{
    struct expr *left, *right;
    *out = terms[0];
    if (count == 1)
        return 0;
    int code = balance(binder, terms, count - count / 2, and, &left);
    if (code == 0)
        code = balance(binder, terms + (count - count / 2), count / 2, and, &right);
    return code == 0 ? bind_logic(binder, right->offset, and, left, right, out) : code;
}

int conjuncts_reduce(struct binder *binder, const struct conjuncts *terms, bool and,
                     struct expr **out)
{
    int code = 0;
    *out = NULL;
    if (terms->count > CHAIN_MAX)
        return balance(binder, terms->items, terms->count, and, out);
    for (uint32_t i = 0; i < terms->count && code == 0; i++) {
        if (*out)
            code = bind_logic(binder, terms->items[i]->offset, and, *out, terms->items[i], out);
        else
            *out = terms->items[i];
    }
    return code;
}

bool conjuncts_contain(const struct conjuncts *list, const struct expr *term)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (expr_equal(list->items[i], term))
            return true;
    }
    return false;
}

int conjuncts_select(struct binder *binder, const struct conjuncts *from,
                     const struct conjuncts *other, bool in, struct conjuncts *out)
{
    bool few = (uint64_t)from->count * other->count <= PAIRS_MAX;
    int code = 0;
    for (uint32_t i = 0; i < from->count && code == 0; i++) {
        if ((few && conjuncts_contain(other, from->items[i])) == in)
            code = conjuncts_add(binder, out, from->items[i]);
    }
    return code;
}

/* ---- equality ---- */

static bool equal_values(const struct vec *a, uint32_t i, const struct vec *b, uint32_t k)
{
    bool null = vec_is_null(a, i), same = true;
    size_t width = type_width(a->type);
    if (null || vec_is_null(b, k))
        return null && vec_is_null(b, k);
    switch (a->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        return str_eq(a->str[i], b->str[k]);
    case TYPE_STRUCT:
        for (uint32_t f = 0; f < a->type->field_count && same; f++)
            same = equal_values(&a->children[f], i, &b->children[f], k);
        return same;
    case TYPE_ARRAY:
        if (a->span[i].count != b->span[k].count)
            return false;
        for (uint32_t e = 0; e < a->span[i].count && same; e++)
            same =
                equal_values(a->children, a->span[i].start + e, b->children, b->span[k].start + e);
        return same;
    default:
        return memcmp((const char *)a->data + i * width, (const char *)b->data + k * width,
                      width) == 0;
    }
}

static bool commutes(const struct expr *expr)
{
    static const char *const labels[] = {"+", "*", "&", "|", "^", "=", "<=>", "AND", "OR"};
    for (size_t i = 0; i < COUNT_OF(labels) && expr->form == FORM_INFIX; i++) {
        if (str_is(expr->label, labels[i]))
            return true;
    }
    return false;
}

/* a < b is b > a. */
static bool mirrors(const struct expr *a, const struct expr *b)
{
    static const char *const pairs[][2] = {{"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};
    for (size_t i = 0; i < COUNT_OF(pairs) && a->form == FORM_INFIX; i++) {
        if (str_is(a->label, pairs[i][0]))
            return b->form == FORM_INFIX && str_is(b->label, pairs[i][1]);
    }
    return false;
}

static bool is_order(const struct expr *expr)
{
    static const char *const labels[] = {"<", ">", "<=", ">="};
    for (size_t i = 0; i < COUNT_OF(labels) && expr->form == FORM_INFIX; i++) {
        if (str_is(expr->label, labels[i]))
            return true;
    }
    return false;
}

static bool equal_windows(const struct expr *a, const struct expr *b)
{
    const struct window_spec *x = a->prepared, *y = b->prepared;
    return x->session == y->session && x->size_us == y->size_us && x->slide_us == y->slide_us &&
           x->start_us == y->start_us;
}

static bool equal_args(const struct expr *a, const struct expr *b)
{
    if (a->arg_count != b->arg_count)
        return false;
    bool same = true;
    for (uint32_t i = 0; i < a->arg_count && same; i++)
        same = expr_equal(a->args[i], b->args[i]);
    if (!same && a->arg_count == 2 && commutes(a) && commutes(b))
        same = expr_equal(a->args[0], b->args[1]) && expr_equal(a->args[1], b->args[0]);
    return same;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    return hash ^ hash >> 29;
}

static uint64_t hash_constant(const struct expr *expr)
{
    const struct vec *vec = &expr->constant.vec;
    struct str bytes = {vec->data, type_width(expr->type)};
    uint64_t hash = 1;
    if (vec_is_null(vec, 0) || expr->type->kind == TYPE_STRUCT || expr->type->kind == TYPE_ARRAY)
        return hash;
    if (expr->type->kind == TYPE_STRING || expr->type->kind == TYPE_BINARY)
        bytes = vec->str[0];
    for (size_t i = 0; i < bytes.n; i++)
        hash = mix(hash, (unsigned char)bytes.p[i]);
    return hash;
}

/* Equal for equal expressions. It is kept, as what is used in several places below would else be
 * looked at over and over; folding changes it. */
uint64_t expr_hash(const struct expr *expr)
{
    expr = expr_strip(expr);
    if (expr->hash && expr->hash_folded == expr->folded)
        return expr->hash;
    bool order = expr->op == EXPR_CALL && is_order(expr);
    uint64_t hash = mix(expr->op, expr->type->kind);
    if (expr->op == EXPR_CONST)
        hash = mix(hash, hash_constant(expr));
    else if (!order)
        hash = mix(mix(hash, expr->column), (uintptr_t)expr->kernel);
    uint64_t sum = 0;
    for (uint32_t i = 0; expr->op != EXPR_CONST && i < expr->arg_count; i++) {
        uint64_t arg = expr_hash(expr->args[i]);
        if (order || (expr->arg_count == 2 && commutes(expr)))
            sum += mix(1, arg);
        else
            hash = mix(hash, arg);
    }
    struct expr *own = (struct expr *)(uintptr_t)expr;
    own->hash = mix(hash, sum) | 1;
    own->hash_folded = expr->folded;
    return own->hash;
}

static bool equal_nodes(const struct expr *a, const struct expr *b);

bool expr_equal(const struct expr *a, const struct expr *b)
{
    a = expr_strip(a);
    b = expr_strip(b);
    if (a == b || a->twin == b || b->twin == a)
        return true;
    if (a->op != b->op || expr_hash(a) != expr_hash(b) || !equal_nodes(a, b))
        return false;
    ((struct expr *)(uintptr_t)a)->twin = b;
    return true;
}

static bool equal_nodes(const struct expr *a, const struct expr *b)
{
    if (!type_eq(a->type, b->type))
        return false;
    switch ((enum expr_op)a->op) {
    case EXPR_CONST:
        return equal_values(&a->constant.vec, 0, &b->constant.vec, 0);
    case EXPR_COLUMN:
    case EXPR_AGGREGATE:
        return a->column == b->column;
    case EXPR_WINDOW:
        return equal_windows(a, b) && equal_args(a, b);
    case EXPR_CALL:
        break;
    }
    if (mirrors(a, b) && a->arg_count == 2 && b->arg_count == 2)
        return expr_equal(a->args[0], b->args[1]) && expr_equal(a->args[1], b->args[0]);
    bool named = a->form == FORM_CALL || b->form == FORM_CALL;
    return a->kernel == b->kernel && a->compare == b->compare && a->column == b->column &&
           (!named || str_eq(a->label, b->label)) && equal_args(a, b);
}
