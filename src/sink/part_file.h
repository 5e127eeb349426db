/* part_file.h: one file on its way into a store: rows are copied, encoded in libuv's pool, sent in
 * parts while more come, sealed (durable, invisible) and published.
 *
 *     OPEN → FINISHING → SEALED → PUBLISHING → PUBLISHED
 *                 ↓ failure  ↑________↓ failure
 *     any other → FAILED                              abort: any → ENDED
 *
 * What takes threads, descriptors and memory (encoding, uploading, publishing) is bounded: a file
 * works only while it has one of its sink's slots, and waits with its rows for one.
 *
 * Single-threaded but for the encoding. `changed` is called from the loop whenever the stage moved
 * or memory was freed, but not for what a call does at once: look at the stage after it. */
#pragma once

#include <uv.h>

#include "format/file_encoder.h"
#include "store/store.h"

enum part_file_stage {
    PART_FILE_OPEN,
    PART_FILE_FINISHING,
    PART_FILE_SEALED,
    PART_FILE_PUBLISHING,
    PART_FILE_PUBLISHED, /* only destroy is left */
    PART_FILE_FAILED,    /* only abort is left */
    PART_FILE_ENDING,
    PART_FILE_ENDED, /* only destroy is left */
};

struct part_file;

/* How many files of a sink work at a time. */
struct part_file_slots {
    uint32_t used, most;
    struct part_file *first, *last; /* those that wait */
    struct part_file_work *spare;   /* one of them can go on without memory */
    bool waking;
};

/* An open file may keep its slot until it is sealed, so `most` must be above the number of files
 * that are open at a time. ERR_NOMEM. */
int part_file_slots_init(struct part_file_slots *slots, uint32_t most) MUST_CHECK;
/* No file is left. */
void part_file_slots_fini(struct part_file_slots *slots);

struct part_file_config {
    struct part_file_slots *slots;
    uv_loop_t *loop;
    struct store *store;
    const struct file_format *format;
    const struct type *schema;
    size_t part_bytes;   /* sent at a time, at least the store's minimum; 0: 1 MiB or that */
    size_t encode_bytes; /* rows gathered before they are encoded; 0: 512 KiB */
    void (*changed)(struct part_file *file, void *user);
    /* Told the duration of every store operation that writes; may be NULL. */
    void (*observe)(void *user, double seconds);
    void *user;
};

/* The config's pointers outlive the file; key is copied. Nothing is started yet. ERR_NOMEM. */
int part_file_create(struct part_file **out, const struct part_file_config *config, struct str key,
                     struct err *err) MUST_CHECK;
/* Only OPEN and untouched by a call, or PUBLISHED or ENDED. NULL is legal. */
void part_file_destroy(struct part_file *file);

/* Adds rows (picks NULL: all of the block); nothing of the block is kept. OPEN only. ERR_NOMEM, or
 * what failed in the background: then the file is FAILED. */
int part_file_add(struct part_file *file, const struct block *rows, const uint32_t *picks,
                  uint32_t count, struct err *err) MUST_CHECK;
/* Encodes what there is, however little, while more may come: sizes are estimated from it. */
void part_file_flush(struct part_file *file);
/* No more rows come: ends SEALED or FAILED. */
void part_file_finish(struct part_file *file);
/* SEALED only; ends PUBLISHED, or SEALED again with an error. */
void part_file_publish(struct part_file *file);
/* What runs shall end soon: FINISHING → FAILED, PUBLISHING → SEALED with ERR_CANCELLED, or its
 * result. */
void part_file_cancel(struct part_file *file);
/* Removes what was written, at any time but PUBLISHED; ends ENDED (PUBLISHED when it was too late).
 */
void part_file_abort(struct part_file *file);

enum part_file_stage part_file_stage(const struct part_file *file);
/* Why it FAILED, why the last publish did, or why an abort could not remove everything. */
const struct err *part_file_error(const struct part_file *file);
struct str part_file_key(const struct part_file *file);
/* Of the unfinished object; empty before there is one. */
struct str part_file_upload_id(const struct part_file *file);
uint64_t part_file_rows(const struct part_file *file);
/* Bytes of the file: exact from SEALED on, before that an estimate that includes rows which are not
 * encoded yet. */
uint64_t part_file_bytes(const struct part_file *file);
/* Memory held, and how much of it leaves by itself: rows that wait to be encoded, parts that wait
 * to be sent. */
size_t part_file_memory(const struct part_file *file);
size_t part_file_draining(const struct part_file *file);
