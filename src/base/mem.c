#include "base/mem.h"

const char *const mem_use_names[MEM_USE_COUNT] = {"kafka", "columns", "output", "state"};

/* Two batches exist at a time (one filling, one committing), so outputs may hold twice their share.
 */
size_t mem_kafka_bytes_max(const struct mem_account *account)
{
    return account->budget * 3 / 8;
}

size_t mem_batch_bytes_max(const struct mem_account *account)
{
    return account->budget / 4;
}

size_t mem_slice_bytes_max(const struct mem_account *account)
{
    return account->budget / 10;
}
