/* agg_table.h: different values and how often each came: what collect_set and mode keep.
 *
 * Their results depend on the order in which Spark's hash tables are walked, so these are laid out
 * alike: Scala 2.12's mutable.HashSet (linear probing, half full at most) and Spark's OpenHashMap
 * (triangular probing, 0.7 full at most), with the hash codes that Java gives the values. Spark
 * writes and reads a table several times on its way from the batch to the state and to the result,
 * and fills another one each time, which moves what collides. (mode keeps a BINARY by the address
 * of its bytes: which of several is the first one differs from run to run in Spark.) */
#pragma once

#include "sql/agg_value.h"

enum agg_table_kind { AGG_TABLE_SCALA, AGG_TABLE_SPARK };

struct agg_table_entry {
    uint32_t start; /* of its bytes */
    int32_t hash;
    uint64_t count;
};

/* All zero: empty. */
struct agg_table {
    struct agg_blob bytes; /* the values, as agg_value.h writes them */
    struct agg_table_entry *entries;
    uint32_t *slots; /* entry + 1, or 0 */
    uint32_t count, entry_capacity;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t merged;     /* 1: it went through a merge; 0: it holds rows of one batch */
};

/* hashCode() of a value, whose bytes these are, as Spark holds it in Java. ERR_NOMEM. */
int agg_java_hash(const struct type *type, struct str value, int32_t *hash) MUST_CHECK;
/* Appends what Spark hashes of a STRUCT, ARRAY or BINARY; false without memory. */
bool agg_unsafe_put(const struct type *type, struct str value, struct buf *out) MUST_CHECK;

/* Adds a value's bytes, `times` times. ERR_NOMEM; ERR_INVALID: too many (`name` is the function's).
 */
int agg_table_add(struct agg_table *table, enum agg_table_kind kind, const struct type *type,
                  struct state_heap *heap, struct str value, uint64_t times, const char *name,
                  struct err *err) MUST_CHECK;

/* Merges a batch's table into the state's, as Spark does. */
int agg_table_merge(struct agg_table *into, const struct agg_table *from, enum agg_table_kind kind,
                    const struct type *type, struct state_heap *heap, const char *name,
                    struct err *err) MUST_CHECK;
/* The table as it is when Spark computes a result from the state. */
int agg_table_settled(struct agg_table *out, const struct agg_table *from, enum agg_table_kind kind,
                      const struct type *type, struct state_heap *heap) MUST_CHECK;
void agg_table_free(struct agg_table *table, struct state_heap *heap);

/* The entry at place i of the walk, from 0 to slot_count; NULL: none there. */
const struct agg_table_entry *agg_table_at(const struct agg_table *table, uint32_t i);
struct str agg_table_value(const struct agg_table *table, const struct agg_table_entry *entry);

void agg_table_encode(const struct agg_table *table, struct buf *out);
int agg_table_decode(struct agg_table *table, enum agg_table_kind kind, const struct type *type,
                     struct state_heap *heap, struct state_reader *in) MUST_CHECK;
