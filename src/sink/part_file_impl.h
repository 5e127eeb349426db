/* part_file_impl.h: the inside of a file on its way, shared by part_file.c (the machine),
 * part_file_slots.c and part_file_save.c. */
#pragma once

#include "sink/part_file.h"
#include "sink/parts.h"
#include "sink/row_queue.h"

/* What a file has only while it has a slot. */
struct part_file_work {
    struct part_file *file;
    /* Encoding. The worker's while the job runs. */
    uv_work_t job;
    struct row_queue rows;
    struct buf encoded; /* behind what `parts` was filling: nothing has to be copied later */
    size_t encoded_before, encoded_capacity; /* of it when the job began */
    struct err job_err;
    bool job_runs, job_finishes, job_saves;
    /* Sending. */
    struct store_request request;
    bool request_runs;
    uint64_t request_start_ns;
};

struct part_file {
    struct part_file_config config;
    enum part_file_stage stage;
    struct buf key, upload_id;
    uint64_t rows;
    struct err *err;    /* NULL: none, or no memory for it: */
    bool out_of_memory; /* is what failed */
    bool cancelled;     /* the stage under way is to end */

    struct part_file_work *work; /* NULL: no slot */
    bool waits;                  /* for one, in the list */
    struct part_file *next, *prev;

    struct row_queue waiting;
    struct file_encoder *encoder; /* from the first job to the last */
    bool encoded_all;
    size_t encoder_memory;             /* after the last job */
    uint64_t encoder_pending;          /* likewise */
    uint64_t row_bytes, encoded_bytes; /* in and out of the encoder so far */

    struct parts parts;
    uint32_t parts_sent;
    struct store_upload *upload;
    bool left;                       /* the end removes nothing */
    struct part_file_saving *saving; /* NULL: was never saved nor resumed */
};

enum part_file_save_step {
    SAVE_NONE,
    SAVE_ASKED,   /* the next job saves the encoder */
    SAVE_SENDING, /* it has: complete parts are sent, then made durable */
    SAVE_DONE,
};

struct part_file_saving {
    enum part_file_save_step step;
    bool recorded;      /* it may be in a commit record */
    bool synced;        /* what the store has is durable */
    struct buf encoder; /* its state: saved, or to be restored by the first job */
    /* When SAVE_DONE, for the record; before, of a file that is resumed, from it. */
    struct buf tags, state;
    uint64_t bytes;
    bool resume_due, resume_sealed; /* the upload */
};

/* Whether the file has a slot now; else it waits for one. */
bool part_file_has_slot(struct part_file *file);
/* Gives the slot back when nothing runs in it, and wakes those that wait. */
void part_file_release_slot(struct part_file *file);

/* Starts what is next. */
void part_file_step(struct part_file *file);
void part_file_fail(struct part_file *file, const struct err *err);
void part_file_fail_memory(struct part_file *file);

/* part_file_save.c: */

/* In the pool: makes the encoder, new or of its state. */
int part_file_make_encoder(struct part_file *file, struct err *err);
/* In the pool: saves the encoder behind the bytes that are there. */
int part_file_save_encoder(struct part_file *file, struct buf *bytes, struct err *err);
/* Bytes that make a part when a save cuts one. */
size_t part_file_save_part_bytes(const struct part_file *file);
/* Whether the upload must be made durable now for the save; or the save is done. */
bool part_file_wants_sync(struct part_file *file);
void part_file_saving_free(struct part_file_saving *saving);
size_t part_file_saving_bytes(const struct part_file_saving *saving);
