#include "sink/partitions.h"

#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "format/value_text.h"
#include "vec/hash.h"

enum { SLOTS_MIN = 16 };

static const struct str null_name = STR("__HIVE_DEFAULT_PARTITION__");

void partitions_init(struct partitions *partitions, const struct type *schema,
                     const uint32_t *columns, uint32_t column_count)
{
    *partitions =
        (struct partitions){.schema = schema, .columns = columns, .column_count = column_count};
}

static void free_partition(struct partition *partition)
{
    free((char *)(uintptr_t)partition->path.p);
    free((char *)(uintptr_t)partition->key.p);
    free(partition);
}

void partitions_fini(struct partitions *partitions)
{
    for (struct partition *p = partitions->first, *next; p; p = next) {
        next = p->next;
        free_partition(p);
    }
    free(partitions->slots);
    buf_fini(&partitions->key);
    *partitions = (struct partitions){0};
}

/* ---- names ---- */

static bool must_escape(unsigned char c)
{
    return c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c) != NULL;
}

void partition_escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (must_escape(c))
            buf_printf(out, "%%%02X", c);
        else
            buf_append_char(out, (char)c);
    }
}

static void append_value(struct buf *out, const struct vec *vec, uint32_t row)
{
    struct buf text = {0}, clean = {0};
    if (!vec_is_null(vec, row)) {
        value_text_append(&text, vec, row, VALUE_TEXT_CAST);
        utf8_append_clean(&clean, buf_str(&text)); /* paths are text */
    }
    if (clean.n == 0)
        buf_append_str(out, null_name);
    else
        partition_escape(out, buf_str(&clean));
    out->failed |= text.failed || clean.failed;
    buf_fini(&text);
    buf_fini(&clean);
}

static void append_path(const struct partitions *partitions, const struct block *rows, uint32_t row,
                        struct buf *out)
{
    for (uint32_t i = 0; i < partitions->column_count; i++) {
        uint32_t column = partitions->columns[i];
        partition_escape(out, partitions->schema->fields[column].name);
        buf_append_char(out, '=');
        append_value(out, &rows->cols[column], row);
        buf_append_char(out, '/');
    }
}

/* ---- the table ---- */

static void append_text_key(struct buf *out, struct str text)
{
    size_t at = out->n, n = 0;
    buf_append(out, &n, sizeof n);
    utf8_append_clean(out, text);
    n = out->n - at - sizeof n;
    if (!out->failed)
        memcpy(out->p + at, &n, sizeof n);
}

/* The raw values, so that no text is made for a directory that is known. Two keys never have the
 * same path: what would be named alike is made alike here. */
static void append_key(struct buf *out, const struct vec *vec, uint32_t row)
{
    bool text = vec->type->kind == TYPE_STRING || vec->type->kind == TYPE_BINARY;
    if (vec_is_null(vec, row) || vec->type->kind == TYPE_VOID ||
        (text && (vec->str[row].n == 0 || str_eq(vec->str[row], null_name)))) {
        buf_append_char(out, 'n');
        return;
    }
    buf_append_char(out, 'v');
    if (text)
        append_text_key(out, vec->str[row]);
    else if ((vec->type->kind == TYPE_DOUBLE && isnan(vec->f64[row])) ||
             (vec->type->kind == TYPE_FLOAT && isnan(vec->f32[row])))
        buf_append_char(out, 'N');
    else
        buf_append(out, (const char *)vec->data + type_width(vec->type) * row,
                   type_width(vec->type));
}

static uint32_t find_slot(const struct partitions *partitions, uint64_t hash, struct str key)
{
    uint32_t slot = (uint32_t)hash & (partitions->slot_count - 1);
    const struct partition *p;
    while ((p = partitions->slots[slot]) && (p->hash != hash || !str_eq(p->key, key)))
        slot = (slot + 1) & (partitions->slot_count - 1);
    return slot;
}

static int rehash(struct partitions *partitions, uint32_t slot_count)
{
    struct partition **slots = calloc(slot_count, sizeof(struct partition *));
    if (!slots)
        return ERR_NOMEM;
    free(partitions->slots);
    partitions->slots = slots;
    partitions->slot_count = slot_count;
    for (struct partition *p = partitions->first; p; p = p->next)
        slots[find_slot(partitions, p->hash, p->key)] = p;
    return 0;
}

static struct str take_str(struct buf *buf)
{
    size_t n = buf->n;
    return (struct str){buf_take_cstr(buf), n};
}

/* Takes the path. */
static struct partition *add(struct partitions *partitions, uint64_t hash, struct buf *path)
{
    struct partition *partition = calloc(1, sizeof *partition);
    struct buf key = {0};
    if (!partition) {
        buf_fini(path);
        return NULL;
    }
    buf_append_str(&key, buf_str(&partitions->key));
    partition->hash = hash;
    partition->seq_batch = -1;
    partition->path = take_str(path);
    partition->key = take_str(&key);
    if (!partition->path.p || !partition->key.p) {
        free_partition(partition);
        return NULL;
    }
    if (partitions->last)
        partitions->last->next = partition;
    else
        partitions->first = partition;
    partitions->last = partition;
    partitions->count++;
    return partition;
}

/* The partition of partitions->key, or the slot where it belongs. */
static struct partition **look_up(struct partitions *partitions, uint64_t *hash)
{
    if (partitions->key.failed ||
        (2 * (partitions->count + 1) > partitions->slot_count &&
         rehash(partitions, partitions->slot_count ? 2 * partitions->slot_count : SLOTS_MIN) != 0))
        return NULL;
    *hash = hash_xx64_bytes(buf_str(&partitions->key), 0);
    return &partitions->slots[find_slot(partitions, *hash, buf_str(&partitions->key))];
}

struct partition *partitions_get(struct partitions *partitions, struct str path, struct str key)
{
    uint64_t hash;
    struct buf copy = {0};
    buf_clear(&partitions->key);
    buf_append_str(&partitions->key, key);
    struct partition **slot = look_up(partitions, &hash);
    if (!slot)
        return NULL;
    buf_append_str(&copy, path);
    if (!*slot)
        *slot = add(partitions, hash, &copy);
    else
        buf_fini(&copy);
    return *slot;
}

static struct partition *find(struct partitions *partitions, const struct block *rows, uint32_t row)
{
    uint64_t hash;
    struct buf path = {0};
    buf_clear(&partitions->key);
    for (uint32_t i = 0; i < partitions->column_count; i++)
        append_key(&partitions->key, &rows->cols[partitions->columns[i]], row);
    struct partition **slot = look_up(partitions, &hash);
    if (!slot)
        return NULL;
    if (!*slot) {
        append_path(partitions, rows, row, &path);
        *slot = add(partitions, hash, &path);
    }
    return *slot;
}

/* ---- a block ---- */

int partitions_split(struct partitions *partitions, const struct block *rows, struct arena *arena,
                     struct partition_rows **out, uint32_t *count)
{
    struct partition **of_row = ARENA_ARRAY(arena, struct partition *, rows->rows + 1);
    struct partition_rows *groups = ARENA_ARRAY(arena, struct partition_rows, rows->rows + 1);
    uint32_t *picks = ARENA_ARRAY(arena, uint32_t, rows->rows + 1);
    uint32_t n = 0, start = 0;
    if (!of_row || !groups || !picks)
        return ERR_NOMEM;
    for (struct partition *p = partitions->first; p; p = p->next)
        p->row_count = 0;
    for (uint32_t r = 0; r < rows->rows; r++) {
        struct partition *p = of_row[r] = find(partitions, rows, r);
        if (!p)
            return ERR_NOMEM;
        if (p->row_count++ == 0) {
            p->index = n;
            groups[n++].partition = p;
        }
    }
    for (uint32_t g = 0; g < n; g++) {
        groups[g].picks = picks + start;
        start += groups[g].partition->row_count;
    }
    for (uint32_t r = 0; r < rows->rows; r++) {
        struct partition_rows *group = &groups[of_row[r]->index];
        picks[(group->picks - picks) + group->count++] = r;
    }
    *out = groups;
    *count = n;
    return 0;
}

void partitions_shrink(struct partitions *partitions)
{
    struct partition **link = &partitions->first;
    partitions->last = NULL;
    partitions->count = 0;
    while (*link) {
        struct partition *p = *link;
        if (p->file) {
            partitions->last = p;
            partitions->count++;
            link = &p->next;
        } else {
            *link = p->next;
            free_partition(p);
        }
    }
    if (partitions->slots)
        memset(partitions->slots, 0, partitions->slot_count * sizeof(struct partition *));
    for (struct partition *p = partitions->first; p; p = p->next)
        partitions->slots[find_slot(partitions, p->hash, p->key)] = p;
}
