/* vec.h: column vectors, and blocks of them: what rows are while they are in memory.
 *
 * A vector holds up to BLOCK_ROWS_MAX values of one type. Its memory belongs to an arena that lives
 * as long as the block; STRING and BINARY values are views, into that arena or into the Kafka
 * payloads that the block was decoded from. */
#pragma once

#include "vec/type.h"

enum { BLOCK_ROWS_MAX = 4096 };

struct vec {
    const struct type *type;
    uint32_t rows;
    uint64_t
        *valid; /* bit i (word i/64) set: row i is not NULL; the pointer NULL: no row is NULL */
    union {     /* rows values; what stands in a NULL row is unspecified but initialised */
        void *data;
        uint8_t *boolean; /* 0 or 1 */
        int8_t *i8;
        int16_t *i16;
        int32_t *i32; /* INT, DATE */
        int64_t *i64; /* BIGINT, TIMESTAMP */
        float *f32;
        double *f64;
        struct str *str;       /* STRING, BINARY */
        __int128 *decimal;     /* unscaled value */
        struct vec_span *span; /* ARRAY: where in children[0] each row's elements are */
        struct vec_interval *interval;
    };
    /* STRUCT: one per field, each `rows` long; what stands where the struct is NULL means nothing.
     * ARRAY: one, all elements; spans of NULL rows mean nothing. */
    struct vec *children;
};

struct vec_span {
    uint32_t start, count;
};

/* TYPE_INTERVAL; the parts do not carry over into each other. */
struct vec_interval {
    int32_t months, days;
    int64_t micros;
};

struct block {
    struct vec *cols;
    uint32_t col_count;
    uint32_t rows;
};

static inline size_t vec_valid_words(uint32_t rows)
{
    return ((size_t)rows + 63) / 64;
}

static inline bool vec_is_null(const struct vec *vec, uint32_t row)
{
    return vec->valid && !(vec->valid[row / 64] >> (row % 64) & 1);
}

/* Marks a row NULL. The vector must have its bitmap (vec_ensure_valid). */
static inline void vec_set_null(struct vec *vec, uint32_t row)
{
    vec->valid[row / 64] &= ~(1ULL << (row % 64));
}

/* An uninitialised vector without NULLs; ERR_NOMEM. STRUCT allocates its children too, ARRAY gets
 * one without elements. */
int vec_init(struct vec *vec, const struct type *type, uint32_t rows,
             struct arena *arena) MUST_CHECK;
/* Gives the vector a bitmap with every row valid, if it has none. */
int vec_ensure_valid(struct vec *vec, struct arena *arena) MUST_CHECK;
/* A vector in which every row is NULL. */
int vec_init_null(struct vec *vec, const struct type *type, uint32_t rows,
                  struct arena *arena) MUST_CHECK;
/* out[i] = in[picks[i]] for n picks; a NULL stays a NULL. Strings stay views. */
int vec_gather(struct vec *out, const struct vec *in, const uint32_t *picks, uint32_t n,
               struct arena *arena) MUST_CHECK;
/* The same, but nothing is shared with `in`: strings and elements are copied too. */
int vec_copy(struct vec *out, const struct vec *in, const uint32_t *picks, uint32_t n,
             struct arena *arena) MUST_CHECK;

/* Bytes of the values as they would be written plainly; for estimates. */
uint64_t vec_value_bytes(const struct vec *vec);
/* Rows first..first+n-1 of a vector, sharing its memory; the arena gets bitmaps. */
int vec_slice(struct vec *out, const struct vec *in, uint32_t first, uint32_t n,
              struct arena *arena) MUST_CHECK;

/* Where a value of vec_compose comes from. */
struct vec_pick {
    uint32_t source; /* index of a vector, or VEC_PICK_NULL */
    uint32_t row;
};
enum { VEC_PICK_NULL = UINT32_MAX };

/* out[i] = sources[picks[i].source][picks[i].row] for n picks: values of one type from several
 * vectors of that type, or of VOID; a NULL stays a NULL. Strings stay views, arrays may share their
 * elements with their source. */
int vec_compose(struct vec *out, const struct type *type, const struct vec *const *sources,
                uint32_t source_count, const struct vec_pick *picks, uint32_t n,
                struct arena *arena) MUST_CHECK;

/* Orders two values of one type as Spark does where NULLs are values, inside of structs and arrays:
 * a NULL first, structs field by field, arrays element by element and then by length, NaN last and
 * equal to itself, -0.0 equal to 0.0, text by bytes. Negative, 0 or positive. */
int vec_order(const struct vec *a, uint32_t a_row, const struct vec *b, uint32_t b_row);
