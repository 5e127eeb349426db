/* dedup.h: dropDuplicatesWithinWatermark (Spark's StreamingDeduplicateWithinWatermarkExec): the
 * keys seen lately, each until the watermark reaches its first row's event time + the delay.
 * Sealing, saving and loading follow the rules of state.h. */
#pragma once

#include "engine/state.h"

struct dedup;

enum dedup_fate { DEDUP_FIRST, DEDUP_DUPLICATE, DEDUP_LATE };

/* Keys of these types; delay_us is the watermark's delay threshold. NULL is a key; unlike in groups
 * 0.0 and -0.0 are two, as in Spark. ERR_NOMEM. */
int dedup_create(struct dedup **out, const struct type *const *key_types, uint32_t key_count,
                 int64_t delay_us) MUST_CHECK;
void dedup_destroy(struct dedup *dedup);

/* Decides every row of a block: keys[k] is the k-th key column, times the event time (TIMESTAMP; a
 * NULL counts as 1970 and is never late). Late: event time <= late_us. A key that is still there
 * makes a duplicate even when its time is over: only a seal lets keys go. */
int dedup_fold(struct dedup *dedup, const struct vec *keys, const struct vec *times, uint32_t rows,
               int64_t late_us, uint8_t *fates, struct state_counts *counts,
               struct err *err) MUST_CHECK;
/* Ends the batch, which tells how many keys it added, and then in steps: keys whose time is <=
 * closing_us leave. ERR_NOMEM. */
void dedup_seal_begin(struct dedup *dedup, int64_t closing_us, struct state_counts *counts);
int dedup_seal_step(struct dedup *dedup, uint32_t *work, bool *done) MUST_CHECK;

uint64_t dedup_rows(const struct dedup *dedup);
size_t dedup_bytes(const struct dedup *dedup);

void dedup_save_begin(struct dedup *dedup, enum state_extent extent);
int dedup_save_step(struct dedup *dedup, struct buf *out, uint32_t *rows, uint32_t *work,
                    bool *done) MUST_CHECK;
int64_t dedup_closing_us(const struct dedup *dedup);
void dedup_load_begin(struct dedup *dedup, enum state_extent extent);
int dedup_load_step(struct dedup *dedup, struct state_reader *in, uint32_t *rows,
                    uint32_t *work) MUST_CHECK;
/* Then dedup_seal_step. */
void dedup_load_close(struct dedup *dedup, int64_t closing_us);
