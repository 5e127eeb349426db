#include "sink/part_file.h"

#include <stdlib.h>

#include "sink/parts.h"
#include "sink/row_queue.h"

/* A small machine around two things that run by themselves, an encoding job in the pool and a store
 * request: step() looks at what there is (a slot, rows, parts, an upload, the stage) and starts
 * what is next; their callbacks note the result and step again. */

enum {
    PART_BYTES = 1 << 20,
    ENCODE_BYTES = 512 << 10, /* rows that make an encoding job worth its start */
    PARTS_OF_ONE_SIZE = 1000,
};

/* What a file has only while it has a slot. */
struct part_file_work {
    struct part_file *file;
    /* Encoding. The worker's while the job runs. */
    uv_work_t job;
    struct row_queue rows;
    struct buf encoded; /* behind what `parts` was filling: nothing has to be copied later */
    size_t encoded_before, encoded_capacity; /* of it when the job began */
    struct err job_err;
    bool job_runs, job_finishes;
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
};

static void step(struct part_file *file);

int part_file_create(struct part_file **out, const struct part_file_config *config, struct str key,
                     struct err *err)
{
    struct part_file *file = calloc(1, sizeof *file);
    if (!file)
        return err_set(err, ERR_NOMEM, "out of memory");
    file->config = *config;
    size_t least = store_part_bytes_min(config->store);
    if (file->config.part_bytes == 0)
        file->config.part_bytes = PART_BYTES;
    if (file->config.encode_bytes == 0)
        file->config.encode_bytes = ENCODE_BYTES;
    if (file->config.part_bytes < least)
        file->config.part_bytes = least;
    buf_append_str(&file->key, key);
    if (file->key.failed) {
        part_file_destroy(file);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *out = file;
    return 0;
}

void part_file_destroy(struct part_file *file)
{
    if (!file)
        return;
    REQUIRE(!file->work && !file->waits && !file->upload);
    row_queue_fini(&file->waiting);
    file_encoder_destroy(file->encoder);
    parts_fini(&file->parts);
    free(file->err);
    buf_fini(&file->key);
    buf_fini(&file->upload_id);
    free(file);
}

static void note_error(struct part_file *file, const struct err *err)
{
    free(file->err);
    file->err = err ? malloc(sizeof *file->err) : NULL;
    file->out_of_memory = err && !file->err;
    if (file->err)
        *file->err = *err;
}

const struct err *part_file_error(const struct part_file *file)
{
    static const struct err none = {0};
    static const struct err no_memory = {ERR_NOMEM, "out of memory for the rows of a file"};
    return file->err ? file->err : file->out_of_memory ? &no_memory : &none;
}

static void fail(struct part_file *file, const struct err *err)
{
    if (file->stage != PART_FILE_OPEN && file->stage != PART_FILE_FINISHING)
        return; /* it ends anyway */
    note_error(file, err);
    file->stage = PART_FILE_FAILED;
    row_queue_fini(&file->waiting);
}

static void fail_memory(struct part_file *file)
{
    struct err err;
    err_set(&err, ERR_NOMEM, "out of memory for the rows of a file");
    fail(file, &err);
}

/* ---- slots ---- */

int part_file_slots_init(struct part_file_slots *slots, uint32_t most)
{
    *slots = (struct part_file_slots){.most = most};
    slots->spare = calloc(1, sizeof *slots->spare);
    return slots->spare ? 0 : ERR_NOMEM;
}

void part_file_slots_fini(struct part_file_slots *slots)
{
    free(slots->spare);
    slots->spare = NULL;
}

static void leave_list(struct part_file *file)
{
    struct part_file_slots *slots = file->config.slots;
    if (!file->waits)
        return;
    if (file->prev)
        file->prev->next = file->next;
    else
        slots->first = file->next;
    if (file->next)
        file->next->prev = file->prev;
    else
        slots->last = file->prev;
    file->waits = false;
    file->next = file->prev = NULL;
}

/* Whether the file has a slot now; else it waits for one. */
static bool has_slot(struct part_file *file)
{
    struct part_file_slots *slots = file->config.slots;
    if (file->work || file->waits)
        return file->work != NULL;
    if (slots->used < slots->most) {
        file->work = slots->spare ? slots->spare : calloc(1, sizeof *file->work);
        slots->spare = NULL;
    }
    if (file->work) {
        file->work->file = file;
        slots->used++;
        return true;
    }
    file->prev = slots->last; /* also when there is no memory: somebody gives some back */
    if (slots->last)
        slots->last->next = file;
    else
        slots->first = file;
    slots->last = file;
    file->waits = true;
    return false;
}

/* Gives the slot back when nothing runs in it, and wakes those that wait. */
static void release_slot(struct part_file *file)
{
    struct part_file_slots *slots = file->config.slots;
    struct part_file_work *work = file->work;
    leave_list(file);
    if (!work || work->job_runs || work->request_runs)
        return;
    row_queue_fini(&work->rows);
    buf_fini(&work->encoded);
    store_request_fini(&work->request);
    *work = (struct part_file_work){0};
    if (slots->spare)
        free(work);
    else
        slots->spare = work;
    file->work = NULL;
    slots->used--;
    if (slots->waking)
        return;
    slots->waking = true;
    while (slots->used < slots->most && slots->first) {
        struct part_file *next = slots->first;
        leave_list(next);
        step(next);
        if (next->waits)
            break; /* no memory */
    }
    slots->waking = false;
}

/* ---- encoding ---- */

static void job_work(uv_work_t *job)
{
    struct part_file_work *work = CONTAINER_OF(job, struct part_file_work, job);
    struct part_file *file = work->file;
    int code = file->encoder ? 0
                             : file_encoder_create(&file->encoder, file->config.format,
                                                   file->config.schema, &work->job_err);
    for (const struct row_run *run = work->rows.first; run && code == 0; run = run->next)
        code = file_encoder_write(file->encoder, &run->rows, &work->encoded, &work->job_err);
    if (code == 0 && work->job_finishes)
        code = file_encoder_finish(file->encoder, &work->encoded, &work->job_err);
}

static void note_encoder(struct part_file *file, bool finished)
{
    if (finished) {
        file->encoded_all = true;
        file_encoder_destroy(file->encoder);
        file->encoder = NULL;
    }
    file->encoder_memory = file->encoder ? file_encoder_memory(file->encoder) : 0;
    file->encoder_pending = file->encoder ? file_encoder_pending(file->encoder) : 0;
}

static void job_done(uv_work_t *job, int status)
{
    struct part_file_work *work = CONTAINER_OF(job, struct part_file_work, job);
    struct part_file *file = work->file;
    work->job_runs = false;
    file->row_bytes += work->rows.row_bytes;
    row_queue_fini(&work->rows);
    file->encoded_bytes += work->encoded.n - work->encoded_before;
    work->encoded_capacity = 0;
    if (work->job_err.code)
        fail(file, &work->job_err);
    /* status: a cancelled job; the stage says why. */
    note_encoder(file, status == 0 && work->job_finishes && !work->job_err.code);
    /* S3 takes 10,000 parts: they grow with the file. */
    size_t part_bytes = file->config.part_bytes * (1 + file->parts_sent / PARTS_OF_ONE_SIZE);
    if (!parts_fill(&file->parts, &work->encoded, part_bytes) ||
        (file->encoded_all && !parts_cut(&file->parts)))
        fail_memory(file);
    step(file);
    file->config.changed(file, file->config.user);
}

static void encode(struct part_file *file, size_t least_bytes)
{
    struct part_file_work *work = file->work;
    bool finish = file->stage == PART_FILE_FINISHING;
    if (work->job_runs || file->encoded_all ||
        (!finish && row_queue_bytes(&file->waiting) < least_bytes))
        return;
    work->rows = file->waiting;
    file->waiting = (struct row_queue){0};
    work->encoded = file->parts.filling;
    work->encoded_before = work->encoded.n;
    work->encoded_capacity = work->encoded.capacity;
    file->parts.filling = (struct buf){0};
    work->job_finishes = finish;
    work->job_runs = true;
    int code = uv_queue_work(file->config.loop, &work->job, job_work, job_done);
    INVARIANT(code == 0); /* it fails only without a callback */
}

/* ---- sending ---- */

static void request_succeeded(struct part_file *file)
{
    const struct store_request *request = &file->work->request;
    switch (request->op) {
    case STORE_UPLOAD_BEGIN:
        file->upload = request->upload;
        buf_clear(&file->upload_id);
        buf_append_str(&file->upload_id, file->upload->id);
        if (file->upload_id.failed)
            fail_memory(file);
        break;
    case STORE_UPLOAD_APPEND:
        file->parts_sent++;
        parts_drop_first(&file->parts);
        break;
    case STORE_UPLOAD_SEAL:
        if (file->stage == PART_FILE_FINISHING)
            file->stage = PART_FILE_SEALED;
        break;
    case STORE_UPLOAD_PUBLISH:
        file->upload = NULL;
        file->stage = PART_FILE_PUBLISHED;
        break;
    default:
        file->upload = NULL; /* aborted */
        break;
    }
}

static void request_failed(struct part_file *file)
{
    const struct store_request *request = &file->work->request;
    if (request->op == STORE_UPLOAD_ABORT) {
        file->upload = NULL;
        note_error(file, &request->err);
    } else if (file->stage == PART_FILE_PUBLISHING) {
        file->stage = PART_FILE_SEALED;
        note_error(file, &request->err);
    } else {
        fail(file, &request->err);
    }
}

static void on_request(struct store_request *request)
{
    struct part_file *file = request->user;
    file->work->request_runs = false;
    if (request->code == 0) {
        if (file->config.observe && request->op != STORE_UPLOAD_ABORT)
            file->config.observe(file->config.user,
                                 (double)(uv_hrtime() - file->work->request_start_ns) / 1e9);
        request_succeeded(file);
    } else {
        request_failed(file);
    }
    step(file);
    file->config.changed(file, file->config.user);
}

static struct store_request *begin_request(struct part_file *file)
{
    file->work->request_runs = true;
    file->work->request_start_ns = uv_hrtime();
    return &file->work->request;
}

static void send_next(struct part_file *file)
{
    bool seal = file->encoded_all && !file->parts.first;
    if (file->work->request_runs || (!file->parts.first && !seal))
        return;
    struct store_request *request = begin_request(file);
    if (!file->upload)
        store_upload_begin(file->config.store, request, buf_str(&file->key), on_request, file);
    else if (file->parts.first)
        store_upload_append(file->upload, request, buf_str(&file->parts.first->bytes), on_request,
                            file);
    else
        store_upload_seal(file->upload, request, on_request, file);
}

/* ---- the machine ---- */

static bool is_busy(const struct part_file *file)
{
    return file->work && (file->work->job_runs || file->work->request_runs);
}

static void step_write(struct part_file *file, size_t least_bytes)
{
    if (file->cancelled) {
        struct err err;
        err_set(&err, ERR_CANCELLED, "the write was cancelled");
        if (!is_busy(file))
            fail(file, &err);
        return;
    }
    bool wanted = file->stage == PART_FILE_FINISHING || file->work ||
                  row_queue_bytes(&file->waiting) >= least_bytes;
    if (!wanted || !has_slot(file))
        return;
    encode(file, least_bytes);
    send_next(file);
}

static void step_publish(struct part_file *file)
{
    if (is_busy(file))
        return;
    if (file->cancelled) {
        struct err err;
        err_set(&err, ERR_CANCELLED, "the publication was cancelled");
        note_error(file, &err);
        file->stage = PART_FILE_SEALED;
    } else if (has_slot(file)) {
        store_upload_publish(file->upload, begin_request(file), on_request, file);
    }
}

/* The abort of what was written waits for what runs. */
static void step_end(struct part_file *file)
{
    if (is_busy(file))
        return;
    if (!file->upload)
        file->stage = PART_FILE_ENDED;
    else if (has_slot(file))
        store_upload_abort(file->upload, begin_request(file), on_request, file);
}

static void step(struct part_file *file)
{
    if (file->stage == PART_FILE_OPEN || file->stage == PART_FILE_FINISHING)
        step_write(file, file->config.encode_bytes);
    else if (file->stage == PART_FILE_PUBLISHING)
        step_publish(file);
    else if (file->stage == PART_FILE_ENDING)
        step_end(file);
    if (file->stage == PART_FILE_SEALED || file->stage == PART_FILE_PUBLISHED ||
        file->stage == PART_FILE_FAILED || file->stage == PART_FILE_ENDED)
        release_slot(file);
}

/* ---- what the owner asks for ---- */

int part_file_add(struct part_file *file, const struct block *rows, const uint32_t *picks,
                  uint32_t count, struct err *err)
{
    REQUIRE(file->stage == PART_FILE_OPEN || file->stage == PART_FILE_FAILED);
    if (file->stage == PART_FILE_OPEN && row_queue_add(&file->waiting, rows, picks, count) != 0)
        fail_memory(file);
    if (file->stage == PART_FILE_FAILED) {
        if (err)
            *err = *part_file_error(file);
        return part_file_error(file)->code;
    }
    file->rows += count;
    step(file);
    return 0;
}

void part_file_flush(struct part_file *file)
{
    if (file->stage == PART_FILE_OPEN)
        step_write(file, 1);
}

void part_file_finish(struct part_file *file)
{
    if (file->stage != PART_FILE_OPEN)
        return; /* failed */
    file->stage = PART_FILE_FINISHING;
    step(file);
}

void part_file_publish(struct part_file *file)
{
    REQUIRE(file->stage == PART_FILE_SEALED);
    file->stage = PART_FILE_PUBLISHING;
    file->cancelled = false;
    note_error(file, NULL);
    step(file);
}

static void cancel_work(struct part_file *file)
{
    file->cancelled = true;
    if (file->work && file->work->request_runs)
        store_request_cancel(&file->work->request);
    if (file->work && file->work->job_runs)
        uv_cancel((uv_req_t *)&file->work->job);
}

void part_file_cancel(struct part_file *file)
{
    if (file->stage != PART_FILE_FINISHING && file->stage != PART_FILE_PUBLISHING)
        return;
    cancel_work(file);
    step(file);
}

void part_file_abort(struct part_file *file)
{
    if (file->stage == PART_FILE_PUBLISHED || file->stage == PART_FILE_ENDED ||
        file->stage == PART_FILE_ENDING)
        return;
    file->stage = PART_FILE_ENDING;
    note_error(file, NULL);
    cancel_work(file);
    step(file);
}

enum part_file_stage part_file_stage(const struct part_file *file)
{
    return file->stage;
}

struct str part_file_key(const struct part_file *file)
{
    return buf_str(&file->key);
}

struct str part_file_upload_id(const struct part_file *file)
{
    return buf_str(&file->upload_id);
}

uint64_t part_file_rows(const struct part_file *file)
{
    return file->rows;
}

uint64_t part_file_bytes(const struct part_file *file)
{
    uint64_t known = file->encoded_bytes + file->encoder_pending;
    uint64_t queued = file->waiting.row_bytes + (file->work ? file->work->rows.row_bytes : 0);
    if (file->row_bytes == 0 || queued == 0)
        return known + queued;
    return known + (uint64_t)((double)queued * (double)known / (double)file->row_bytes);
}

size_t part_file_memory(const struct part_file *file)
{
    size_t bytes = sizeof *file + file->key.capacity + file->upload_id.capacity +
                   row_queue_bytes(&file->waiting) + file->encoder_memory +
                   parts_bytes(&file->parts);
    if (file->work)
        bytes +=
            sizeof *file->work + row_queue_bytes(&file->work->rows) + file->work->encoded_capacity;
    return bytes;
}

size_t part_file_draining(const struct part_file *file)
{
    if (file->stage == PART_FILE_FINISHING)
        return part_file_memory(file);
    return file->work ? row_queue_bytes(&file->work->rows) + file->parts.queued_bytes : 0;
}
