/* saved.h: the chunks that saved state comes in: each with a header that says whose it is, and a
 * checksum. The format is in docs/state-format.md. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum saved_kind { SAVED_SOURCE = 1, SAVED_QUERY = 2 };

enum { SAVED_BEGINS = 1, SAVED_ENDS = 2, SAVED_LAST = 4 }; /* flags */

/* What follows it: content, then four bytes of checksum. */
struct saved_chunk {
    uint8_t kind;    /* enum saved_kind */
    uint8_t extent;  /* enum state_extent, of its section */
    uint8_t flags;   /* SAVED_BEGINS, SAVED_ENDS: its section; SAVED_LAST: what was saved at once */
    uint64_t number; /* in what was saved at once, from 0 */
    uint32_t rows;   /* in it */
    struct str name; /* of the query, or the source */
    /* Of one that was read: bytes from the begin of the chunk. */
    uint32_t content, bytes;
};

/* Into an empty buffer. The content is appended; then it is ended, with what is known only now. */
void saved_chunk_begin(struct buf *out, const struct saved_chunk *chunk);
void saved_chunk_end(struct buf *out, uint8_t flags, uint32_t rows);

/* The chunk that begins at byte `at` of a file, at < file.n. ERR_CORRUPT. */
int saved_chunk_read(struct str file, size_t at, struct saved_chunk *out,
                     struct err *err) MUST_CHECK;
/* ERR_CORRUPT: the chunk at byte `at` cannot have been written like this. */
int saved_damaged(struct err *err, size_t at, const char *how);
