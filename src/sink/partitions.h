/* partitions.h: which rows of a block belong to which directory `<column>=<value>/...` of a file
 * sink, named and escaped as Spark does (ExternalCatalogUtils.getPartitionPathString).
 *
 * The table remembers the directories it has met, with what the sink keeps for each. */
#pragma once

#include "base/err.h"
#include "vec/vec.h"

struct part_file;

struct partition {
    struct str path;        /* "a=1/b=x%3Ay/", or empty without partition columns */
    struct part_file *file; /* the sink's: being written, or NULL */
    struct partition *open_prev, *open_next; /* the sink's: those with a file, by last use */
    uint32_t next_seq;                       /* the sink's: of its files in the batch `seq_batch` */
    int64_t seq_batch;
    int64_t opened_ms; /* the sink's: when `file` began, by the wall clock since 1970 */
    bool rolled;       /* the sink's: `file` belongs to no batch yet */
    /* The table's. */
    struct partition *next; /* in the order they were met */
    uint64_t hash;
    struct str key;
    uint32_t index, row_count; /* in the block that is split */
};

struct partitions {
    const struct type *schema; /* STRUCT: the rows with their partition columns */
    const uint32_t *columns;   /* indices in schema; the caller's */
    uint32_t column_count;
    struct partition *first, *last;
    struct partition **slots; /* open addressing */
    uint32_t slot_count, count;
    struct buf key;
};

/* The rows of one partition in a block: picks[0..count). */
struct partition_rows {
    struct partition *partition;
    const uint32_t *picks;
    uint32_t count;
};

void partitions_init(struct partitions *partitions, const struct type *schema,
                     const uint32_t *columns, uint32_t column_count);
void partitions_fini(struct partitions *partitions);
/* Sorts the rows by partition; groups in the order of their first rows, rows in theirs. The result
 * lives in the arena. ERR_NOMEM. */
int partitions_split(struct partitions *partitions, const struct block *rows, struct arena *arena,
                     struct partition_rows **out, uint32_t *count) MUST_CHECK;
/* The directory of a path and key that a partition had, in this process or another. NULL without
 * memory. */
struct partition *partitions_get(struct partitions *partitions, struct str path,
                                 struct str key) MUST_CHECK;
/* Forgets the directories without a file. */
void partitions_shrink(struct partitions *partitions);

/* Appends a name or value as Spark escapes it in a path; U+0000, which no path can hold, as %00. */
void partition_escape(struct buf *out, struct str text);
