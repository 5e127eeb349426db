#include "sql/agg_table.h"

#include "vec/hash.h"

/* Scala's == of boxed values in a HashSet: a NaN is no other NaN, -0.0 is 0.0. OpenHashMap uses
 * equals(), by which NaNs are one and zeros two. */
static bool same_number(enum agg_table_kind kind, double x, double y, bool same_bits)
{
    return kind == AGG_TABLE_SCALA ? x == y : same_bits || (x != x && y != y);
}

static bool same(enum agg_table_kind kind, const struct type *type, struct str a, struct str b)
{
    bool bits = str_eq(a, b);
    double wide[2];
    float narrow[2];
    if (type->kind == TYPE_DOUBLE) {
        memcpy(&wide[0], a.p, sizeof(double));
        memcpy(&wide[1], b.p, sizeof(double));
        return same_number(kind, wide[0], wide[1], bits);
    }
    if (type->kind == TYPE_FLOAT) {
        memcpy(&narrow[0], a.p, sizeof(float));
        memcpy(&narrow[1], b.p, sizeof(float));
        return same_number(kind, (double)narrow[0], (double)narrow[1], bits);
    }
    return bits;
}

struct str agg_table_value(const struct agg_table *table, const struct agg_table_entry *entry)
{
    uint32_t index = (uint32_t)(entry - table->entries);
    uint32_t end = index + 1 < table->count ? table->entries[index + 1].start : table->bytes.n;
    return (struct str){table->bytes.p + entry->start, end - entry->start};
}

const struct agg_table_entry *agg_table_at(const struct agg_table *table, uint32_t i)
{
    return table->slots[i] ? &table->entries[table->slots[i] - 1] : NULL;
}

/* scala.util.hashing.byteswap32, rotated by the number of bits in the table's mask. */
static uint32_t scala_slot(int32_t hash, uint32_t slots)
{
    uint32_t h = __builtin_bswap32((uint32_t)hash * 0x9e3775cdU) * 0x9e3775cdU;
    unsigned bits = (unsigned)__builtin_popcount(slots - 1);
    return (h >> bits | h << (32 - bits)) >> (32 - bits);
}

static uint32_t first_slot(enum agg_table_kind kind, int32_t hash, uint32_t slots)
{
    if (kind == AGG_TABLE_SCALA)
        return scala_slot(hash, slots);
    return hash_murmur3_u32((uint32_t)hash, 0) & (slots - 1);
}

static void place(struct agg_table *table, enum agg_table_kind kind, uint32_t entry)
{
    uint32_t mask = table->slot_count - 1, step = 1;
    uint32_t at = first_slot(kind, table->entries[entry].hash, table->slot_count);
    while (table->slots[at]) {
        at = (at + step) & mask;
        step += kind == AGG_TABLE_SPARK;
    }
    table->slots[at] = entry + 1;
}

/* Doubles the slots and places the entries again in the order of the walk. */
static int grow_slots(struct agg_table *table, enum agg_table_kind kind, struct state_heap *heap,
                      struct err *err)
{
    uint32_t old_count = table->slot_count;
    uint32_t count = old_count ? old_count * 2 : kind == AGG_TABLE_SCALA ? 32 : 64;
    uint32_t *old = table->slots, *slots = state_alloc(heap, count * sizeof(uint32_t));
    if (!slots)
        return agg_nomem(err);
    memset(slots, 0, count * sizeof(uint32_t));
    table->slots = slots;
    table->slot_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i])
            place(table, kind, old[i] - 1);
    }
    state_free(heap, old, old_count * sizeof(uint32_t));
    return 0;
}

/* Both grow when an element was added and this many are in it, Spark's when there are more. */
static bool is_full(const struct agg_table *table, enum agg_table_kind kind)
{
    if (kind == AGG_TABLE_SCALA)
        return table->count >= table->slot_count * 450ULL / 1000;
    return table->count > (uint32_t)(0.7 * table->slot_count);
}

static int push(struct agg_table *table, struct state_heap *heap, struct str value, int32_t hash,
                uint64_t times, const char *name, struct err *err)
{
    if (table->count >= AGG_VALUES_MAX || value.n > AGG_VALUES_BYTES_MAX - (size_t)table->bytes.n)
        return err_set(err, ERR_INVALID,
                       "%s: a group has more than %d different values or %d MiB of them", name,
                       AGG_VALUES_MAX, AGG_VALUES_BYTES_MAX >> 20);
    if (table->count == table->entry_capacity) {
        uint32_t capacity = table->count ? table->count * 2 : 4;
        struct agg_table_entry *p =
            state_realloc(heap, table->entries, table->count * sizeof *p, capacity * sizeof *p);
        if (!p)
            return agg_nomem(err);
        table->entries = p;
        table->entry_capacity = capacity;
    }
    uint32_t start = table->bytes.n;
    int code = agg_blob_append(&table->bytes, heap, value, err);
    if (code == 0)
        table->entries[table->count++] = (struct agg_table_entry){start, hash, times};
    return code;
}

int agg_table_add(struct agg_table *table, enum agg_table_kind kind, const struct type *type,
                  struct state_heap *heap, struct str value, uint64_t times, const char *name,
                  struct err *err)
{
    int code = table->slot_count ? 0 : grow_slots(table, kind, heap, err);
    if (code != 0)
        return code;
    int32_t hash;
    if (agg_java_hash(type, value, &hash) != 0)
        return agg_nomem(err);
    uint32_t mask = table->slot_count - 1, step = 1;
    uint32_t at = first_slot(kind, hash, table->slot_count);
    while (table->slots[at]) {
        struct agg_table_entry *entry = &table->entries[table->slots[at] - 1];
        if (same(kind, type, agg_table_value(table, entry), value)) {
            entry->count += times;
            return 0;
        }
        at = (at + step) & mask;
        step += kind == AGG_TABLE_SPARK;
    }
    code = push(table, heap, value, hash, times, name, err);
    if (code != 0)
        return code;
    table->slots[at] = table->count;
    return is_full(table, kind) ? grow_slots(table, kind, heap, err) : 0;
}

void agg_table_free(struct agg_table *table, struct state_heap *heap)
{
    agg_blob_free(&table->bytes, heap);
    state_free(heap, table->entries, table->entry_capacity * sizeof *table->entries);
    state_free(heap, table->slots, table->slot_count * sizeof *table->slots);
    *table = (struct agg_table){0};
}

static int add_all(struct agg_table *into, const struct agg_table *from, enum agg_table_kind kind,
                   const struct type *type, struct state_heap *heap, const char *name,
                   struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < from->slot_count && code == 0; i++) {
        const struct agg_table_entry *entry = agg_table_at(from, i);
        if (entry)
            code = agg_table_add(into, kind, type, heap, agg_table_value(from, entry), entry->count,
                                 name, err);
    }
    return code;
}

/* Replaces the table by one filled in the order of its walk. */
static int rebuild(struct agg_table *table, enum agg_table_kind kind, const struct type *type,
                   struct state_heap *heap, const char *name, struct err *err)
{
    struct agg_table fresh = {0};
    int code = add_all(&fresh, table, kind, type, heap, name, err);
    if (code != 0) {
        agg_table_free(&fresh, heap);
        return code;
    }
    agg_table_free(table, heap);
    *table = fresh;
    return 0;
}

/* Whether another rebuild of a table that was filled one by one would change nothing: the entries
 * lie in the order of the walk. */
static bool is_settled(const struct agg_table *table)
{
    uint32_t next = 1;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i] && table->slots[i] != next++)
            return false;
    }
    return true;
}

/* How often Spark fills a new table on the way: reading what was written does, and so does merging
 * that into an empty one. A batch's is read, merged, written, read, and only then merged into the
 * state's, which was read and merged into an empty one before. */
enum { FILLS_OF_BATCH = 3, FILLS_INTO_STATE = 4, FILLS_OF_STATE = 2 };

static uint32_t fills(const struct agg_table *table)
{
    return FILLS_OF_STATE + (table->merged ? 0 : FILLS_INTO_STATE);
}

static int fill(struct agg_table *out, const struct agg_table *from, uint32_t times,
                enum agg_table_kind kind, const struct type *type, struct state_heap *heap,
                const char *name, struct err *err)
{
    int code = add_all(out, from, kind, type, heap, name, err);
    for (uint32_t i = 1; i < times && code == 0 && !is_settled(out); i++)
        code = rebuild(out, kind, type, heap, name, err);
    return code;
}

int agg_table_settled(struct agg_table *out, const struct agg_table *from, enum agg_table_kind kind,
                      const struct type *type, struct state_heap *heap)
{
    int code = fill(out, from, fills(from), kind, type, heap, "", NULL);
    if (code != 0)
        agg_table_free(out, heap);
    return code;
}

int agg_table_merge(struct agg_table *into, const struct agg_table *from, enum agg_table_kind kind,
                    const struct type *type, struct state_heap *heap, const char *name,
                    struct err *err)
{
    struct agg_table sum = {0}, part = {0};
    int code = fill(&sum, into, fills(into), kind, type, heap, name, err);
    if (code == 0)
        code = fill(&part, from, FILLS_OF_BATCH, kind, type, heap, name, err);
    if (code == 0)
        code = add_all(&sum, &part, kind, type, heap, name, err);
    agg_table_free(&part, heap);
    if (code != 0) {
        agg_table_free(&sum, heap);
        return code;
    }
    agg_table_free(into, heap);
    *into = sum;
    into->merged = 1;
    return 0;
}

/* In the order of the slots, with their number: that lays it out again the same. */
void agg_table_encode(const struct agg_table *table, struct buf *out)
{
    agg_put_u32(out, table->count);
    if (table->count == 0)
        return;
    agg_put_u32(out, table->slot_count);
    agg_put_u32(out, table->merged);
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const struct agg_table_entry *entry = agg_table_at(table, i);
        if (!entry)
            continue;
        struct str value = agg_table_value(table, entry);
        agg_put_u32(out, i);
        agg_put_u64(out, entry->count);
        agg_put_u32(out, (uint32_t)value.n);
        buf_append_str(out, value);
    }
}

static int decode_entry(struct agg_table *table, const struct type *type, struct state_heap *heap,
                        struct state_reader *in)
{
    uint32_t slot = state_read_u32(in);
    uint64_t count = state_read_u64(in);
    struct str value = state_read_bytes(in, state_read_u32(in));
    struct state_reader inside = agg_reader(value);
    if (in->failed || slot >= table->slot_count || table->slots[slot] || count == 0 ||
        !agg_value_skip(type, &inside) || inside.p != inside.end)
        return ERR_CORRUPT;
    int32_t hash;
    int code = agg_java_hash(type, value, &hash);
    if (code == 0)
        code = push(table, heap, value, hash, count, "", NULL);
    if (code == 0)
        table->slots[slot] = table->count;
    return code;
}

/* A table as full as one can be; above all one with a free slot, where searches end. */
static int decode_slots(struct agg_table *table, uint32_t count, enum agg_table_kind kind,
                        struct state_heap *heap, struct state_reader *in)
{
    enum { ENTRY_BYTES = 16 };
    uint32_t slots = state_read_u32(in), least = kind == AGG_TABLE_SCALA ? 32 : 64;
    table->merged = state_read_u32(in);
    if (in->failed || table->merged > 1 || count > AGG_VALUES_MAX ||
        (size_t)(in->end - in->p) / ENTRY_BYTES < count)
        return ERR_CORRUPT;
    if (slots < least || (slots & (slots - 1)) || count > slots * 7ULL / 10 ||
        (slots > least && slots / 8 > count))
        return ERR_CORRUPT;
    table->slots = state_alloc(heap, slots * sizeof(uint32_t));
    if (!table->slots)
        return ERR_NOMEM;
    memset(table->slots, 0, slots * sizeof(uint32_t));
    table->slot_count = slots;
    return 0;
}

int agg_table_decode(struct agg_table *table, enum agg_table_kind kind, const struct type *type,
                     struct state_heap *heap, struct state_reader *in)
{
    uint32_t count = state_read_u32(in);
    int code = in->failed ? ERR_CORRUPT : 0;
    if (code != 0 || count == 0)
        return code;
    code = decode_slots(table, count, kind, heap, in);
    for (uint32_t i = 0; i < count && code == 0; i++)
        code = decode_entry(table, type, heap, in);
    if (code != 0)
        agg_table_free(table, heap);
    return code;
}
