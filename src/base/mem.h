/* mem.h: the one memory account. Every large consumer of memory (the Kafka client's queues, decoded
 * columns, outputs, state) states what it holds; `sluice_memory_bytes{use}` shows it, and a batch
 * is sealed early when its share is full. Single-threaded: the loop owns it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum mem_use {
    MEM_KAFKA,   /* messages in the client's queues */
    MEM_COLUMNS, /* decoded blocks and evaluation scratch */
    MEM_OUTPUT,  /* encoded rows of uncommitted batches */
    MEM_STATE,   /* groups, windows, dedup keys; not limited */
    MEM_USE_COUNT
};

struct mem_account {
    size_t budget; /* bytes, from --memory */
    size_t used[MEM_USE_COUNT];
};

/* Label values for metrics, in enum order. */
extern const char *const mem_use_names[MEM_USE_COUNT];

static inline void mem_set(struct mem_account *account, enum mem_use use, size_t bytes)
{
    account->used[use] = bytes;
}

/* How the budget is split among queues, columns and outputs. Constants in mem.c; the sum of all is
 * at most the budget. State has no share: a query needs the groups it has. */
size_t mem_kafka_bytes_max(const struct mem_account *account);
size_t mem_batch_bytes_max(const struct mem_account *account); /* outputs of one batch */
size_t mem_slice_bytes_max(const struct mem_account *account); /* a tenth of the budget */
