/* kernel_array_value.c: what is in an array: sizes, elements, texts; and arrays of numbers. */
#include "sql/kernel_array.h"

int kernel_size(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool null = value_is_null(&args[0], i);
        out->vec.i32[i] = null ? -1 : (int32_t)array_span(args, 0, i).count;
    }
    return 0;
}

int kernel_array_size(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = vec_is_null(&out->vec, i) ? 0 : (int32_t)args[0].vec.span[i].count;
    return 0;
}

/* One element for each row: `place` chooses it, false: NULL. */
typedef bool (*choose_fn)(const struct value *args, uint32_t row, struct vec_span span,
                          uint32_t *place);

static int choose_elements(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out, choose_fn choose)
{
    uint32_t rows = out->vec.rows;
    struct vec_pick *picks = ARENA_ARRAY(eval->arena, struct vec_pick, rows);
    const struct vec *elements = args[0].vec.children;
    if (!picks)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t place = 0;
        bool there = !vec_is_null(&out->vec, i) && choose(args, i, array_span(args, 0, i), &place);
        picks[i] = there ? (struct vec_pick){0, place} : (struct vec_pick){VEC_PICK_NULL, 0};
    }
    out->valid_shared = false;
    return vec_compose(&out->vec, expr->type, &elements, 1, picks, rows, eval->arena);
}

/* From 1 on, or from the end; 0, an error in Spark, gives NULL. */
static bool choose_at(const struct value *args, uint32_t row, struct vec_span span, uint32_t *place)
{
    int64_t at = args[1].vec.i32[kernel_row(&args[1], row)];
    int64_t index = at > 0 ? at - 1 : (int64_t)span.count + at;
    *place = span.start + (uint32_t)index;
    return at != 0 && index >= 0 && index < (int64_t)span.count;
}

int kernel_element_at(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    return choose_elements(eval, expr, args, out, choose_at);
}

/* The first of the smallest (sign -1) or largest values that are not NULL. */
static bool choose_extreme(const struct vec *elements, struct vec_span span, int sign,
                           uint32_t *place)
{
    bool found = false;
    for (uint32_t i = span.start; i < span.start + span.count; i++) {
        if (vec_is_null(elements, i))
            continue;
        int order = found ? vec_order(elements, i, elements, *place) : sign;
        if (sign < 0 ? order < 0 : order > 0)
            *place = i;
        found = true;
    }
    return found;
}

static bool choose_min(const struct value *args, uint32_t row, struct vec_span span,
                       uint32_t *place)
{
    (void)row;
    return choose_extreme(args[0].vec.children, span, -1, place);
}

static bool choose_max(const struct value *args, uint32_t row, struct vec_span span,
                       uint32_t *place)
{
    (void)row;
    return choose_extreme(args[0].vec.children, span, 1, place);
}

int kernel_array_min(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    return choose_elements(eval, expr, args, out, choose_min);
}

int kernel_array_max(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    return choose_elements(eval, expr, args, out, choose_max);
}

/* The place from 1 on of the first element equal to the second argument, or 0; *null: an element
 * before it is NULL. */
static uint32_t find_element(const struct value *args, uint32_t row, bool *null)
{
    struct vec_span span = array_span(args, 0, row);
    const struct vec *elements = args[0].vec.children, *value = &args[1].vec;
    uint32_t at = kernel_row(&args[1], row);
    for (uint32_t i = 0; i < span.count; i++) {
        if (vec_is_null(elements, span.start + i))
            *null = true;
        else if (vec_order(elements, span.start + i, value, at) == 0)
            return i + 1;
    }
    return 0;
}

int kernel_array_contains(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool null = false;
        uint32_t place = vec_is_null(&out->vec, i) ? 0 : find_element(args, i, &null);
        out->vec.boolean[i] = place > 0;
        if (place > 0 || !null)
            continue;
        if (!kernel_own_valid(eval, out))
            return ERR_NOMEM;
        vec_set_null(&out->vec, i);
    }
    return 0;
}

int kernel_array_position(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool null = false;
        out->vec.i64[i] = vec_is_null(&out->vec, i) ? 0 : find_element(args, i, &null);
    }
    return 0;
}

/* array_join(strings, delimiter[, for a NULL]): NULLs are left out without the third. */
static bool join_row(const struct expr *expr, const struct value *args, uint32_t row,
                     struct buf *text)
{
    struct vec_span span = array_span(args, 0, row);
    const struct vec *elements = args[0].vec.children;
    struct str delimiter = args[1].vec.str[kernel_row(&args[1], row)];
    bool first = true;
    buf_clear(text);
    for (uint32_t i = span.start; i < span.start + span.count; i++) {
        bool null = vec_is_null(elements, i);
        if (null && expr->arg_count < 3)
            continue;
        if (!first)
            buf_append_str(text, delimiter);
        first = false;
        buf_append_str(text, null ? args[2].vec.str[kernel_row(&args[2], row)] : elements->str[i]);
    }
    return !text->failed;
}

int kernel_array_join(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    struct buf text = {0};
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        out->vec.str[i] = (struct str){NULL, 0};
        if (vec_is_null(&out->vec, i))
            continue;
        char *copy = join_row(expr, args, i, &text) ? kernel_text(eval, text.n) : NULL;
        code = copy ? 0 : ERR_NOMEM;
        if (code == 0) {
            if (text.n)
                memcpy(copy, text.p, text.n);
            out->vec.str[i] = (struct str){copy, text.n};
            kernel_text_keep(eval, text.n);
        }
    }
    buf_fini(&text);
    return code;
}

/* ---- sequence ---- */

static int64_t integer_at(const struct value *value, uint32_t row)
{
    const struct vec *vec = &value->vec;
    row = kernel_row(value, row);
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        return vec->i8[row];
    case TYPE_SMALLINT:
        return vec->i16[row];
    case TYPE_INT:
        return vec->i32[row];
    default:
        return vec->i64[row];
    }
}

struct run {
    int64_t start, step;
    uint64_t count;
};

/* False: the step leads away from the end, an error in Spark and NULL here. */
static bool run_of(const struct expr *expr, const struct value *args, uint32_t row, struct run *run)
{
    int64_t start = integer_at(&args[0], row), stop = integer_at(&args[1], row);
    int64_t step = expr->arg_count == 3 ? integer_at(&args[2], row) : start <= stop ? 1 : -1;
    bool up = stop > start, same = stop == start;
    *run = (struct run){start, step, 1};
    if (same)
        return true;
    if (step == 0 || up != (step > 0))
        return false;
    uint64_t way = up ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t length = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    run->count = way / length + 1;
    return true;
}

static void store_integer(struct vec *vec, uint32_t at, int64_t value)
{
    switch (vec->type->kind) {
    case TYPE_TINYINT:
        vec->i8[at] = (int8_t)value;
        break;
    case TYPE_SMALLINT:
        vec->i16[at] = (int16_t)value;
        break;
    case TYPE_INT:
        vec->i32[at] = (int32_t)value;
        break;
    default:
        vec->i64[at] = value;
    }
}

int kernel_sequence(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    enum { ELEMENTS_MAX = 1 << 26 }; /* that one block of rows may make */
    struct run *runs = ARENA_ARRAY(eval->arena, struct run, out->vec.rows);
    uint64_t total = 0;
    if (!runs)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.span[i] = (struct vec_span){0, 0};
        if (vec_is_null(&out->vec, i))
            continue;
        if (!run_of(expr, args, i, &runs[i])) {
            runs[i].count = 0;
            if (!kernel_own_valid(eval, out))
                return ERR_NOMEM;
            vec_set_null(&out->vec, i);
        }
        if (runs[i].count > ELEMENTS_MAX || total + runs[i].count > ELEMENTS_MAX)
            return err_set(eval->err, ERR_INVALID,
                           "sequence: more than %d elements in one block of rows", ELEMENTS_MAX);
        out->vec.span[i] = (struct vec_span){(uint32_t)total, (uint32_t)runs[i].count};
        total += runs[i].count;
    }
    if (vec_init(out->vec.children, expr->type->element, (uint32_t)total, eval->arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint64_t value = (uint64_t)runs[i].start;
        for (uint32_t k = 0; k < out->vec.span[i].count; k++, value += (uint64_t)runs[i].step)
            store_integer(out->vec.children, out->vec.span[i].start + k, (int64_t)value);
    }
    return 0;
}

/* ---- arrays_zip ---- */

static uint32_t longest(const struct expr *expr, const struct value *args, uint32_t row)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < expr->arg_count; k++) {
        uint32_t n = array_span(args, k, row).count;
        count = n > count ? n : count;
    }
    return count;
}

/* Field k of all structs: the elements of argument k, and NULLs where it is too short. */
static int zip_field(struct eval *eval, const struct value *args, uint32_t k,
                     const struct value *out, uint32_t total, struct vec *field)
{
    const struct vec *elements = args[k].vec.children;
    struct vec_pick *picks = arena_alloc(eval->arena, total * sizeof *picks);
    uint32_t at = 0;
    if (!picks)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct vec_span span = {0, 0};
        if (!vec_is_null(&out->vec, i))
            span = array_span(args, k, i);
        for (uint32_t j = 0; j < out->vec.span[i].count; j++)
            picks[at++] = (struct vec_pick){j < span.count ? 0 : VEC_PICK_NULL, span.start + j};
    }
    return vec_compose(field, elements->type, &elements, 1, picks, total, eval->arena);
}

int kernel_arrays_zip(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        uint32_t count = vec_is_null(&out->vec, i) ? 0 : longest(expr, args, i);
        out->vec.span[i] = (struct vec_span){(uint32_t)total, count};
        total += count;
        if (total >= UINT32_MAX)
            return ERR_NOMEM;
    }
    struct vec *structs = out->vec.children;
    if (vec_init(structs, expr->type->element, 0, eval->arena) != 0)
        return ERR_NOMEM;
    structs->rows = (uint32_t)total;
    for (uint32_t k = 0; k < expr->arg_count; k++) {
        if (zip_field(eval, args, k, out, (uint32_t)total, &structs->children[k]) != 0)
            return ERR_NOMEM;
    }
    return 0;
}
