/* agg_value.h: one value of any type, kept beyond its block.
 *
 * A value is bytes: fixed types their little-endian bytes (BOOLEAN one), STRING and BINARY a length
 * (u32) and the bytes, STRUCT its fields, ARRAY a count (u32) and its elements; fields and elements
 * begin with a byte, 1 for a value and 0 for NULL, which has nothing behind it. */
#pragma once

#include "sql/agg_impl.h"

/* What a group may collect: beyond that the query fails, instead of taking all memory. */
enum { AGG_VALUES_MAX = 1000000, AGG_VALUES_BYTES_MAX = 256 << 20 };

/* Bytes on the heap; all zero: none. */
struct agg_blob {
    char *p; /* not NULL when there is a value, even one without bytes */
    uint32_t n, capacity;
};

/* Sets the blob to a copy of bytes. ERR_NOMEM, ERR_INVALID: more than 2 GiB. */
int agg_blob_set(struct agg_blob *blob, struct state_heap *heap, struct str bytes,
                 struct err *err) MUST_CHECK;
int agg_blob_append(struct agg_blob *blob, struct state_heap *heap, struct str bytes,
                    struct err *err) MUST_CHECK;
void agg_blob_free(struct agg_blob *blob, struct state_heap *heap);
static inline struct str agg_blob_str(const struct agg_blob *blob)
{
    return (struct str){blob->p, blob->n};
}
/* A presence byte, a length and the bytes. */
void agg_blob_encode(const struct agg_blob *blob, struct buf *out);
int agg_blob_decode(struct agg_blob *blob, struct state_heap *heap, struct state_reader *in);

/* Appends row `row`, which is not NULL. */
void agg_value_put(const struct vec *vec, uint32_t row, struct buf *out);

/* Whether the reader stands before a whole value of the type; it is read over. */
bool agg_value_skip(const struct type *type, struct state_reader *in);

/* Spark's order of two values, which are read over: NULL first, NaN last, -0.0 as 0.0. */
int agg_value_compare(const struct type *type, struct state_reader *a, struct state_reader *b);

/* A vector of n values, each from its own reader; p NULL: a NULL. The readers are read on; strings
 * are views into their bytes. */
int agg_value_vec(const struct type *type, struct state_reader *readers, uint32_t n,
                  struct arena *arena, struct vec *out) MUST_CHECK;

static inline struct state_reader agg_reader(struct str s)
{
    return (struct state_reader){.p = s.p, .end = str_end(s)};
}

/* One value, or a NULL, or nothing yet: fixed types in place, others on the heap. */
struct agg_kept {
    union {
        struct agg_i128 fixed;
        struct agg_blob blob;
    };
    uint64_t state; /* enum agg_kept_state */
};

enum agg_kept_state { AGG_KEPT_NOTHING, AGG_KEPT_NULL, AGG_KEPT_VALUE };

/* A row as it would be kept, without a copy: views into the vector, or into scratch. */
struct agg_kept agg_kept_view(const struct vec *vec, uint32_t row, struct buf *scratch);
/* Replaces what is kept by a copy. */
int agg_kept_set(const struct type *type, struct agg_kept *kept, struct state_heap *heap,
                 const struct agg_kept *from, struct err *err) MUST_CHECK;
void agg_kept_free(const struct type *type, struct agg_kept *kept, struct state_heap *heap);
void agg_kept_encode(const struct type *type, const struct agg_kept *kept, struct buf *out);
int agg_kept_decode(const struct type *type, struct agg_kept *kept, struct state_heap *heap,
                    struct state_reader *in);
/* Spark's order of two values; both must be AGG_KEPT_VALUE. */
int agg_kept_compare(const struct type *type, const struct agg_kept *a, const struct agg_kept *b);
/* The vector of what is kept at groups[i] + offset; nothing is a NULL. */
int agg_kept_vec(const struct type *type, char *const *groups, size_t offset, uint32_t n,
                 struct arena *arena, struct vec *out) MUST_CHECK;
