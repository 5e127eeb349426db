#include "sql/agg_value.h"

enum { BLOB_MAX = INT32_MAX };

static int reserve(struct agg_blob *blob, struct state_heap *heap, size_t size, struct err *err)
{
    if (size > BLOB_MAX)
        return err_set(err, ERR_INVALID, "an aggregate's values take more than 2 GiB");
    if (blob->p && size <= blob->capacity)
        return 0;
    size_t capacity = size < 8 ? 8 : size;
    char *p = state_realloc(heap, blob->p, blob->capacity, capacity);
    if (!p)
        return agg_nomem(err);
    blob->p = p;
    blob->capacity = (uint32_t)capacity;
    return 0;
}

int agg_blob_set(struct agg_blob *blob, struct state_heap *heap, struct str bytes, struct err *err)
{
    int code = reserve(blob, heap, bytes.n, err);
    if (code != 0)
        return code;
    if (bytes.n)
        memcpy(blob->p, bytes.p, bytes.n);
    blob->n = (uint32_t)bytes.n;
    return 0;
}

int agg_blob_append(struct agg_blob *blob, struct state_heap *heap, struct str bytes,
                    struct err *err)
{
    size_t need = blob->n + bytes.n, twice = blob->capacity * (size_t)2;
    int code = 0;
    if (!blob->p || need > blob->capacity)
        code = reserve(blob, heap, need > twice || twice > BLOB_MAX ? need : twice, err);
    if (code != 0)
        return code;
    if (bytes.n)
        memcpy(blob->p + blob->n, bytes.p, bytes.n);
    blob->n = (uint32_t)need;
    return 0;
}

void agg_blob_free(struct agg_blob *blob, struct state_heap *heap)
{
    state_free(heap, blob->p, blob->capacity);
    *blob = (struct agg_blob){0};
}

void agg_blob_encode(const struct agg_blob *blob, struct buf *out)
{
    agg_put_u8(out, blob->p != NULL);
    if (!blob->p)
        return;
    agg_put_u32(out, blob->n);
    buf_append(out, blob->p, blob->n);
}

int agg_blob_decode(struct agg_blob *blob, struct state_heap *heap, struct state_reader *in)
{
    if (!state_read_u8(in))
        return in->failed ? ERR_CORRUPT : 0;
    struct str bytes = state_read_bytes(in, state_read_u32(in));
    return in->failed ? ERR_CORRUPT : agg_blob_set(blob, heap, bytes, NULL);
}

static void put_optional(const struct vec *vec, uint32_t row, struct buf *out)
{
    bool there = !vec_is_null(vec, row);
    agg_put_u8(out, there);
    if (there)
        agg_value_put(vec, row, out);
}

static void put_fixed(const struct vec *vec, uint32_t row, struct buf *out)
{
    switch (type_width(vec->type)) {
    case 1:
        agg_put_u8(out, vec->boolean[row]);
        break;
    case 2:
        agg_put_u8(out, (uint8_t)vec->i16[row]);
        agg_put_u8(out, (uint8_t)((uint16_t)vec->i16[row] >> 8));
        break;
    case 4:
        agg_put_u32(out, (uint32_t)vec->i32[row]);
        break;
    case 8:
        agg_put_u64(out, (uint64_t)vec->i64[row]);
        break;
    default:
        agg_put_u64(out, agg_i128_of(vec->decimal[row]).low);
        agg_put_u64(out, agg_i128_of(vec->decimal[row]).high);
        break;
    }
}

void agg_value_put(const struct vec *vec, uint32_t row, struct buf *out)
{
    switch (vec->type->kind) {
    case TYPE_VOID:
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        agg_put_u32(out, (uint32_t)vec->str[row].n);
        buf_append(out, vec->str[row].p, (uint32_t)vec->str[row].n);
        break;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < vec->type->field_count; i++)
            put_optional(&vec->children[i], row, out);
        break;
    case TYPE_ARRAY:
        agg_put_u32(out, vec->span[row].count);
        for (uint32_t i = 0; i < vec->span[row].count; i++)
            put_optional(&vec->children[0], vec->span[row].start + i, out);
        break;
    default:
        put_fixed(vec, row, out);
    }
}

static bool skip_optional(const struct type *type, struct state_reader *in)
{
    uint8_t there = state_read_u8(in);
    if (there > 1)
        in->failed = true;
    return there && !in->failed ? agg_value_skip(type, in) : !in->failed;
}

bool agg_value_skip(const struct type *type, struct state_reader *in)
{
    uint32_t n;
    switch (type->kind) {
    case TYPE_VOID:
        break;
    case TYPE_BOOLEAN:
        if (state_read_u8(in) > 1)
            in->failed = true;
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        n = state_read_u32(in);
        state_read_bytes(in, n);
        break;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < type->field_count && !in->failed; i++)
            skip_optional(type->fields[i].type, in);
        break;
    case TYPE_ARRAY:
        n = state_read_u32(in);
        for (uint32_t i = 0; i < n && !in->failed; i++)
            skip_optional(type->element, in);
        break;
    default:
        state_read_bytes(in, type_width(type));
    }
    return !in->failed;
}

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

static int compare_doubles(double x, double y)
{
    if (x != x || y != y)
        return (x != x) - (y != y);
    return ORDER(x, y);
}

static double read_double(struct state_reader *in)
{
    uint64_t bits = state_read_u64(in);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double read_float(struct state_reader *in)
{
    uint32_t bits = state_read_u32(in);
    float v;
    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

static __int128 read_integer(const struct type *type, struct state_reader *in)
{
    uint32_t low;
    uint64_t word;
    switch (type_width(type)) {
    case 1:
        return (int8_t)state_read_u8(in);
    case 2:
        low = state_read_u8(in);
        return (int16_t)(low | (uint32_t)state_read_u8(in) << 8);
    case 4:
        return (int32_t)state_read_u32(in);
    case 8:
        return (int64_t)state_read_u64(in);
    default:
        word = state_read_u64(in);
        return agg_i128_get((struct agg_i128){word, state_read_u64(in)});
    }
}

static int compare_optional(const struct type *type, struct state_reader *a, struct state_reader *b)
{
    uint8_t left = state_read_u8(a), right = state_read_u8(b);
    if (left && right)
        return agg_value_compare(type, a, b);
    return ORDER(left, right);
}

static int compare_nested(const struct type *type, struct state_reader *a, struct state_reader *b)
{
    int order = 0;
    if (type->kind == TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->field_count && order == 0; i++)
            order = compare_optional(type->fields[i].type, a, b);
        return order;
    }
    uint32_t left = state_read_u32(a), right = state_read_u32(b);
    for (uint32_t i = 0; i < left && i < right && order == 0; i++)
        order = compare_optional(type->element, a, b);
    return order ? order : ORDER(left, right);
}

static struct str read_text(struct state_reader *in)
{
    uint32_t n = state_read_u32(in);
    return state_read_bytes(in, n);
}

int agg_value_compare(const struct type *type, struct state_reader *a, struct state_reader *b)
{
    double x;
    __int128 left;
    struct str text;
    switch (type->kind) {
    case TYPE_VOID:
        return 0;
    case TYPE_STRING:
    case TYPE_BINARY:
        text = read_text(a);
        return str_cmp(text, read_text(b));
    case TYPE_STRUCT:
    case TYPE_ARRAY:
        return compare_nested(type, a, b);
    case TYPE_FLOAT:
        x = read_float(a);
        return compare_doubles(x, read_float(b));
    case TYPE_DOUBLE:
        x = read_double(a);
        return compare_doubles(x, read_double(b));
    default:
        left = read_integer(type, a);
        __int128 right = read_integer(type, b);
        return ORDER(left, right);
    }
}

/* One field of n structs. */
static int field_vec(const struct type *type, struct state_reader *readers, uint32_t n,
                     struct arena *arena, struct vec *out)
{
    struct state_reader *there = ARENA_ARRAY(arena, struct state_reader, n);
    if (!there)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (readers[i].p && state_read_u8(&readers[i]))
            there[i] = readers[i];
    }
    int code = agg_value_vec(type, there, n, arena, out);
    for (uint32_t i = 0; i < n; i++) {
        if (there[i].p)
            readers[i] = there[i];
    }
    return code;
}

static int array_vec(const struct type *type, struct state_reader *readers, uint32_t n,
                     struct arena *arena, struct vec *out)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t count = readers[i].p ? state_read_u32(&readers[i]) : 0;
        out->span[i] = (struct vec_span){(uint32_t)total, count};
        total += count;
    }
    if (total > INT32_MAX)
        return ERR_NOMEM;
    struct state_reader *elements = ARENA_ARRAY(arena, struct state_reader, total);
    out->children = ARENA_NEW(arena, struct vec);
    if (!elements || !out->children)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < out->span[i].count; k++) {
            if (!state_read_u8(&readers[i]))
                continue;
            elements[out->span[i].start + k] = readers[i];
            agg_value_skip(type->element, &readers[i]);
        }
    }
    return agg_value_vec(type->element, elements, (uint32_t)total, arena, out->children);
}

static void fixed_vec(const struct type *type, struct state_reader *readers, uint32_t n,
                      struct vec *out)
{
    size_t width = type_width(type);
    for (uint32_t i = 0; i < n; i++) {
        __int128 v = readers[i].p ? read_integer(type, &readers[i]) : 0;
        if (width == 1)
            out->i8[i] = (int8_t)v;
        else if (width == 2)
            out->i16[i] = (int16_t)v;
        else if (width == 4)
            out->i32[i] = (int32_t)v;
        else if (width == 8)
            out->i64[i] = (int64_t)v;
        else
            out->decimal[i] = v;
    }
}

int agg_value_vec(const struct type *type, struct state_reader *readers, uint32_t n,
                  struct arena *arena, struct vec *out)
{
    int code = vec_init(out, type, n, arena);
    if (code == 0 && type->kind == TYPE_STRUCT) {
        for (uint32_t f = 0; f < type->field_count && code == 0; f++)
            code = field_vec(type->fields[f].type, readers, n, arena, &out->children[f]);
    } else if (code == 0 && type->kind == TYPE_ARRAY) {
        code = array_vec(type, readers, n, arena, out);
    } else if (code == 0 && (type->kind == TYPE_STRING || type->kind == TYPE_BINARY)) {
        for (uint32_t i = 0; i < n; i++)
            out->str[i] = readers[i].p ? read_text(&readers[i]) : (struct str){NULL, 0};
    } else if (code == 0 && type->kind != TYPE_VOID) {
        fixed_vec(type, readers, n, out);
    }
    for (uint32_t i = 0; i < n && code == 0; i++) {
        if (!readers[i].p) {
            code = vec_ensure_valid(out, arena);
            if (code == 0)
                vec_set_null(out, i);
        }
    }
    return code;
}
