#include "vec/block_codec.h"

#include <endian.h>
#include <stdlib.h>

#if __BYTE_ORDER != __LITTLE_ENDIAN
#error "saved rows are little-endian, as is everything else here"
#endif

/* Every value costs at least a bit, its NULL bit or its own, so a length that damage made up cannot
 * ask for more memory than some hundred times the bytes that are there. */

enum { NULLS_NONE = 0, NULLS_SOME = 1 };

static bool always_marks_nulls(const struct type *type)
{
    return type->kind == TYPE_VOID || type->kind == TYPE_STRUCT;
}

static bool is_text(const struct type *type)
{
    return type->kind == TYPE_STRING || type->kind == TYPE_BINARY;
}

/* ---- writing ---- */

/* Rows of a vector that are written: picks[0..n), all of them not NULL above. */
struct picked {
    const uint32_t *picks;
    uint32_t n;
};

static void put_vec(struct buf *out, const struct vec *vec, struct picked rows);

static void put_bits(struct buf *out, const uint8_t *bits, uint32_t n)
{
    uint8_t byte = 0;
    for (uint32_t i = 0; i < n; i++) {
        byte |= (uint8_t)(bits[i] << i % 8);
        if (i % 8 == 7 || i + 1 == n) {
            buf_append_char(out, (char)byte);
            byte = 0;
        }
    }
}

static void put_numbers(struct buf *out, const struct vec *vec, struct picked rows)
{
    size_t width = type_width(vec->type), bytes = width * rows.n;
    if (!bytes || !buf_reserve(out, bytes))
        return;
    char *to = out->p + out->n;
    const char *data = vec->data;
    for (uint32_t i = 0; i < rows.n; i++)
        memcpy(to + i * width, data + rows.picks[i] * width, width);
    out->n += bytes;
}

static void put_booleans(struct buf *out, const struct vec *vec, struct picked rows)
{
    uint8_t *bits = malloc(rows.n + 1);
    for (uint32_t i = 0; bits && i < rows.n; i++)
        bits[i] = vec->boolean[rows.picks[i]] != 0;
    if (bits)
        put_bits(out, bits, rows.n);
    out->failed |= !bits;
    free(bits);
}

static void put_texts(struct buf *out, const struct vec *vec, struct picked rows)
{
    for (uint32_t i = 0; i < rows.n; i++)
        bytes_put_number(out, vec->str[rows.picks[i]].n);
    for (uint32_t i = 0; i < rows.n; i++)
        buf_append_str(out, vec->str[rows.picks[i]]);
}

static void put_arrays(struct buf *out, const struct vec *vec, struct picked rows)
{
    size_t total = 0;
    for (uint32_t i = 0; i < rows.n; i++) {
        bytes_put_number(out, vec->span[rows.picks[i]].count);
        total += vec->span[rows.picks[i]].count;
    }
    uint32_t *picks = total > UINT32_MAX ? NULL : malloc((total + 1) * sizeof *picks);
    uint32_t n = 0;
    if (!picks) {
        out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        struct vec_span span = vec->span[rows.picks[i]];
        for (uint32_t k = 0; k < span.count; k++)
            picks[n++] = span.start + k;
    }
    put_vec(out, vec->children, (struct picked){picks, n});
    free(picks);
}

static void put_values(struct buf *out, const struct vec *vec, struct picked rows)
{
    const struct type *type = vec->type;
    if (type->kind == TYPE_BOOLEAN)
        put_booleans(out, vec, rows);
    else if (is_text(type))
        put_texts(out, vec, rows);
    else if (type->kind == TYPE_ARRAY)
        put_arrays(out, vec, rows);
    else
        put_numbers(out, vec, rows);
    for (uint32_t f = 0; type->kind == TYPE_STRUCT && f < type->field_count; f++)
        put_vec(out, &vec->children[f], rows);
}

static void put_vec(struct buf *out, const struct vec *vec, struct picked rows)
{
    bool is_void = vec->type->kind == TYPE_VOID;
    uint32_t *left = malloc((rows.n + 1) * sizeof *left), n = 0;
    uint8_t *nulls = malloc(rows.n + 1);
    if (!left || !nulls) {
        out->failed = true;
        free(left);
        free(nulls);
        return;
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        nulls[i] = is_void || vec_is_null(vec, rows.picks[i]);
        if (!nulls[i])
            left[n++] = rows.picks[i];
    }
    bool some = n < rows.n || always_marks_nulls(vec->type);
    buf_append_char(out, some ? NULLS_SOME : NULLS_NONE);
    if (some)
        put_bits(out, nulls, rows.n);
    if (!is_void)
        put_values(out, vec, (struct picked){left, n});
    free(left);
    free(nulls);
}

void block_encode(struct buf *out, const struct type *schema, const struct block *rows)
{
    REQUIRE(rows->col_count == schema->field_count);
    uint32_t *picks = malloc((rows->rows + 1) * sizeof *picks);
    bytes_put_number(out, rows->rows);
    for (uint32_t i = 0; picks && i < rows->rows; i++)
        picks[i] = i;
    for (uint32_t c = 0; picks && c < rows->col_count; c++)
        put_vec(out, &rows->cols[c], (struct picked){picks, rows->rows});
    out->failed |= !picks;
    free(picks);
}

/* ---- reading ---- */

static int get_vec(struct vec *out, const struct type *type, uint32_t n, struct bytes_reader *in,
                   struct arena *arena);

static int damaged(struct bytes_reader *in)
{
    in->failed = true;
    return ERR_CORRUPT;
}

static bool bit(struct str bits, uint32_t i)
{
    return (uint8_t)bits.p[i / 8] >> i % 8 & 1;
}

static int get_numbers(struct vec *out, struct bytes_reader *in)
{
    size_t width = type_width(out->type);
    struct str bytes = bytes_get(in, width * out->rows);
    if (bytes.n)
        memcpy(out->data, bytes.p, bytes.n);
    return in->failed ? ERR_CORRUPT : 0;
}

static int get_booleans(struct vec *out, struct bytes_reader *in)
{
    struct str bits = bytes_get(in, ((size_t)out->rows + 7) / 8);
    for (uint32_t i = 0; !in->failed && i < out->rows; i++)
        out->boolean[i] = bit(bits, i);
    return in->failed ? ERR_CORRUPT : 0;
}

static int get_texts(struct vec *out, struct bytes_reader *in, struct arena *arena)
{
    size_t total = 0;
    for (uint32_t i = 0; i < out->rows; i++) {
        out->str[i].n = bytes_get_number(in, bytes_left(in));
        total += out->str[i].n;
        if (total > bytes_left(in))
            return damaged(in);
    }
    struct str bytes = bytes_get(in, total);
    if (in->failed)
        return ERR_CORRUPT;
    char *p = arena_alloc(arena, total);
    if (!p)
        return ERR_NOMEM;
    memcpy(p, bytes.p, total);
    for (uint32_t i = 0; i < out->rows; i++) {
        out->str[i].p = p;
        p += out->str[i].n;
    }
    return 0;
}

static int get_arrays(struct vec *out, struct bytes_reader *in, struct arena *arena)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < out->rows; i++) {
        uint64_t count = bytes_get_number(in, UINT32_MAX);
        out->span[i] = (struct vec_span){(uint32_t)total, (uint32_t)count};
        total += count;
        if (total > UINT32_MAX || total / 8 > bytes_left(in))
            return damaged(in);
    }
    out->children = ARENA_NEW(arena, struct vec);
    if (!out->children)
        return ERR_NOMEM;
    return get_vec(out->children, out->type->element, (uint32_t)total, in, arena);
}

static int get_fields(struct vec *out, struct bytes_reader *in, struct arena *arena)
{
    int code = 0;
    for (uint32_t f = 0; f < out->type->field_count && code == 0; f++)
        code = get_vec(&out->children[f], out->type->fields[f].type, out->rows, in, arena);
    return code;
}

/* The values of a vector without NULLs. */
static int get_values(struct vec *out, const struct type *type, uint32_t n, struct bytes_reader *in,
                      struct arena *arena)
{
    if (type->kind == TYPE_STRUCT) {
        *out = (struct vec){.type = type, .rows = n};
        out->children = ARENA_ARRAY(arena, struct vec, type->field_count);
        return out->children ? get_fields(out, in, arena) : ERR_NOMEM;
    }
    if (type_width(type) * n / 128 > bytes_left(in))
        return damaged(in);
    if (vec_init(out, type, n, arena) != 0)
        return ERR_NOMEM;
    if (type->kind == TYPE_BOOLEAN)
        return get_booleans(out, in);
    if (is_text(type))
        return get_texts(out, in, arena);
    return type->kind == TYPE_ARRAY ? get_arrays(out, in, arena) : get_numbers(out, in);
}

/* Puts the values where they belong among the NULLs. */
static int spread(struct vec *out, const struct vec *values, struct str nulls, uint32_t n,
                  struct arena *arena)
{
    uint32_t *picks = ARENA_ARRAY(arena, uint32_t, n + 1);
    uint32_t next = 0;
    if (!picks)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        picks[i] = bit(nulls, i) ? 0 : next++;
    if (vec_gather(out, values, picks, n, arena) != 0 || vec_ensure_valid(out, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (bit(nulls, i))
            vec_set_null(out, i);
    }
    return 0;
}

static int get_vec(struct vec *out, const struct type *type, uint32_t n, struct bytes_reader *in,
                   struct arena *arena)
{
    uint8_t mark = bytes_get_u8(in);
    struct str nulls = mark == NULLS_SOME ? bytes_get(in, ((size_t)n + 7) / 8) : STR("");
    if (in->failed || mark > NULLS_SOME || (mark == NULLS_NONE && always_marks_nulls(type)))
        return damaged(in);
    if (mark == NULLS_NONE)
        return get_values(out, type, n, in, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += !bit(nulls, i);
    if (type->kind == TYPE_VOID && count > 0)
        return damaged(in);
    if (count == n && n > 0)
        return get_values(out, type, n, in, arena);
    struct vec values;
    int code = type->kind == TYPE_VOID ? 0 : get_values(&values, type, count, in, arena);
    if (code)
        return code;
    return count ? spread(out, &values, nulls, n, arena) : vec_init_null(out, type, n, arena);
}

int block_decode(struct block *out, const struct type *schema, struct bytes_reader *in,
                 struct arena *arena, struct err *err)
{
    uint32_t rows = (uint32_t)bytes_get_number(in, UINT32_MAX);
    struct vec *cols = ARENA_ARRAY(arena, struct vec, schema->field_count + 1);
    int code = !cols                                                              ? ERR_NOMEM
               : in->failed || (schema->field_count && rows / 8 > bytes_left(in)) ? damaged(in)
                                                                                  : 0;
    for (uint32_t c = 0; c < schema->field_count && code == 0; c++)
        code = get_vec(&cols[c], schema->fields[c].type, rows, in, arena);
    if (code == ERR_NOMEM)
        return err_set(err, code, "out of memory for saved rows");
    if (code)
        return err_set(err, code, "the saved rows are damaged");
    *out = (struct block){.cols = cols, .col_count = schema->field_count, .rows = rows};
    return 0;
}
