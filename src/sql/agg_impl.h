/* agg_impl.h: what the files of the aggregate functions share.
 *
 * Accumulators are made of 8-byte words, so that agg_encode_words can write those without pointers
 * the same way on every machine. */
#pragma once

#include "sql/agg_rules.h"
#include "sql/aggregate.h"
#include "sql/binder_impl.h"
#include "vec/vec.h"

#define AGG_UPDATE_DECLARE(name)                                                                   \
    int name(const struct aggregate_call *call, struct state_heap *heap, char *const *groups,      \
             size_t offset, const struct vec *args, uint32_t n, struct err *err)
#define AGG_MERGE_DECLARE(name)                                                                    \
    int name(const struct aggregate_call *call, struct state_heap *heap, void *into,               \
             const void *from, struct err *err)
#define AGG_RESULT_DECLARE(name)                                                                   \
    int name(const struct aggregate_call *call, char *const *groups, size_t offset, uint32_t n,    \
             struct arena *arena, struct vec *out, struct err *err)

/* Runs the statements with i for each row that has a group and a value in `vec`; `acc` points to
 * its accumulator. */
#define AGG_EACH(acc_type, vec, ...)                                                               \
    do {                                                                                           \
        const uint64_t *const agg_valid = (vec)->valid;                                            \
        if (!agg_valid) {                                                                          \
            for (uint32_t i = 0; i < n; i++) {                                                     \
                if (LIKELY(groups[i] != NULL)) {                                                   \
                    acc_type *const acc = (acc_type *)(void *)(groups[i] + offset);                \
                    __VA_ARGS__;                                                                   \
                }                                                                                  \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < n; i++) {                                                     \
                if (groups[i] && (agg_valid[i / 64] >> (i % 64) & 1)) {                            \
                    acc_type *const acc = (acc_type *)(void *)(groups[i] + offset);                \
                    __VA_ARGS__;                                                                   \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* The accumulator of group i. */
#define AGG_AT(acc_type, i) ((acc_type *)(void *)(groups[i] + offset))

/* A 128-bit integer in two words: accumulators are aligned to 8 only. */
struct agg_i128 {
    uint64_t low, high;
};

static inline __int128 agg_i128_get(struct agg_i128 v)
{
    return (__int128)((unsigned __int128)v.high << 64 | v.low);
}

static inline struct agg_i128 agg_i128_of(__int128 v)
{
    return (struct agg_i128){(uint64_t)v, (uint64_t)((unsigned __int128)v >> 64)};
}

/* encode and decode of accumulators without pointers. */
void agg_encode_words(const struct aggregate_call *call, const void *acc, struct buf *out);
int agg_decode_words(const struct aggregate_call *call, struct state_heap *heap,
                     struct state_reader *in, void *acc);
void agg_put_u8(struct buf *out, uint8_t v);
void agg_put_u32(struct buf *out, uint32_t v);
void agg_put_u64(struct buf *out, uint64_t v);

/* A result of n rows with every row valid and a bitmap to clear bits in. */
int agg_result_init(const struct aggregate_call *call, uint32_t n, struct arena *arena,
                    struct vec *out) MUST_CHECK;

int agg_nomem(struct err *err);

/* Sets what a rule has to. */
static inline int agg_set(struct aggregate_call *call, const struct aggregate_ops *ops, size_t size,
                          const struct type *result)
{
    call->ops = ops;
    call->size = size;
    call->result = result;
    return 0;
}
/* Takes the last n arguments from those that are evaluated. */
static inline void agg_hide(struct aggregate_call *call, uint32_t n)
{
    call->arg_count -= n;
    call->hidden_count += n;
}
/* The common shape of a type error. */
int agg_wrong_type(struct binder *binder, const struct aggregate_call *call, uint32_t arg,
                   const char *wanted) MUST_CHECK;

/* Every value is NULL: of an untyped NULL. */
extern const struct aggregate_ops agg_void_ops;

/* The first argument must be a BOOLEAN; a NULL becomes one. */
int agg_boolean(struct binder *binder, struct aggregate_call *call) MUST_CHECK;

/* ARRAY<element>, or the element itself; NULL without memory. */
const struct type *agg_array_of(struct binder *binder, const struct type *element, bool array);
/* All arguments become DOUBLE, as Spark's implicit casts do: numbers and STRING. */
int agg_doubles(struct binder *binder, struct aggregate_call *call) MUST_CHECK;

/* A vector like args[which] in which rows are NULL too where the other of the two is. */
struct agg_pair {
    struct vec vec;
    uint64_t valid[BLOCK_ROWS_MAX / 64];
};
void agg_pair_init(struct agg_pair *pair, const struct vec *args, uint32_t which, uint32_t n);
