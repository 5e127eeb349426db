/* part_file.h: one file on its way into a store: rows are copied, encoded in libuv's pool, sent in
 * parts while more come, sealed (durable, invisible) and published.
 *
 *     OPEN → FINISHING → SEALED → PUBLISHING → PUBLISHED
 *                 ↓ failure  ↑________↓ failure
 *     any other → FAILED                              abort: any → ENDED
 *
 * A file of an earlier process begins RESTORING, and gets OPEN, or SEALED.
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
    PART_FILE_RESTORING, /* ends OPEN or FAILED */
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
    bool savable;        /* part_file_save will be asked for */
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

/* What a record says of a file. `state`: of part_file_save; empty: the file is sealed. */
struct part_file_record {
    struct str key, upload_id, tags, state;
    uint64_t rows, bytes;
};
/* A file of an earlier process that is SEALED: its upload is looked for when it is published. */
int part_file_create_sealed(struct part_file **out, const struct part_file_config *config,
                            const struct part_file_record *record, struct err *err) MUST_CHECK;
/* One that stayed open: RESTORING, from part_file_start on. `extra` becomes what part_file_save was
 * given (it lives in the record). ERR_NOMEM; ERR_CORRUPT for a damaged state, here or when it has
 * FAILED. */
int part_file_restore(struct part_file **out, const struct part_file_config *config,
                      const struct part_file_record *record, struct str *extra,
                      struct err *err) MUST_CHECK;
void part_file_start(struct part_file *file);
/* Only untouched by a call, or PUBLISHED or ENDED. NULL is legal. */
void part_file_destroy(struct part_file *file);

/* Adds rows (picks NULL: all of the block); nothing of the block is kept. OPEN only. ERR_NOMEM, or
 * what failed in the background: then the file is FAILED. */
int part_file_add(struct part_file *file, const struct block *rows, const uint32_t *picks,
                  uint32_t count, struct err *err) MUST_CHECK;
/* Encodes what there is, however little, while more may come: sizes are estimated from it. */
void part_file_flush(struct part_file *file);
/* Encodes all rows there are, saves the encoder, and makes durable what the store has: what another
 * process needs to go on. `extra` is the caller's, kept with it. OPEN only; no rows are added until
 * part_file_saves says that it is over: then the file is OPEN and has a record, or FAILED. */
void part_file_save(struct part_file *file, struct str extra);
bool part_file_saves(const struct part_file *file);
/* Of a file that was saved, valid until part_file_forget_record or the next save. */
struct part_file_record part_file_record(const struct part_file *file);
/* Gives the memory of the record back. */
void part_file_forget_record(struct part_file *file);
/* Whether it may be in a commit record: was saved, or restored. */
bool part_file_recorded(const struct part_file *file);
/* No more rows come: ends SEALED or FAILED. */
void part_file_finish(struct part_file *file);
/* SEALED only; ends PUBLISHED, or SEALED again with an error. */
void part_file_publish(struct part_file *file);
/* What runs shall end soon: FINISHING, RESTORING, a save → FAILED, PUBLISHING → SEALED with
 * ERR_CANCELLED, or its result. */
void part_file_cancel(struct part_file *file);
/* Removes what was written, at any time but PUBLISHED; ends ENDED (PUBLISHED when it was too late).
 */
void part_file_abort(struct part_file *file);

/* Ends like an abort, but what was written stays as it is. */
void part_file_leave(struct part_file *file);

enum part_file_stage part_file_stage(const struct part_file *file);
/* Why it FAILED, why the last publish did, or why an abort could not remove everything. */
const struct err *part_file_error(const struct part_file *file);
struct str part_file_key(const struct part_file *file);
/* Of the unfinished object; empty before there is one. */
struct str part_file_upload_id(const struct part_file *file);
/* store_upload_tags of a sealed file; valid until it is published. */
struct str part_file_tags(const struct part_file *file);
uint64_t part_file_rows(const struct part_file *file);
/* Bytes of the file: exact from SEALED on, before that an estimate that includes rows which are not
 * encoded yet. */
uint64_t part_file_bytes(const struct part_file *file);
/* Memory held, and how much of it leaves by itself: rows that wait to be encoded, parts that wait
 * to be sent. */
size_t part_file_memory(const struct part_file *file);
size_t part_file_draining(const struct part_file *file);
/* Something of it is in the store, and it is not visible yet. */
bool part_file_is_uploading(const struct part_file *file);
