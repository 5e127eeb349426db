/* parquet_save.h: a footer that is not finished, as saved bytes. */
#pragma once

#include "base/bytes.h"
#include "format/parquet_chunk.h"

void parquet_footer_save(const struct parquet_footer *footer, struct buf *out);
/* Into an empty footer; damage fails the reader. */
void parquet_footer_load(struct parquet_footer *footer, uint32_t leaf_count,
                         struct bytes_reader *in);
/* Whether memory was lacking. */
bool parquet_footer_failed(const struct parquet_footer *footer);
