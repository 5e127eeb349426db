#include <stdlib.h>

#include "os/failpoint.h"
#include "sink/part_file_impl.h"

/* A small machine around two things that run by themselves, an encoding job in the pool and a store
 * request: part_file_step looks at what there is (a slot, rows, parts, an upload, the stage) and
 * starts what is next; their callbacks note the result and step again. */

enum {
    PART_BYTES = 1 << 20,
    ENCODE_BYTES = 512 << 10, /* rows that make an encoding job worth its start */
    PARTS_OF_ONE_SIZE = 1000,
};

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
    part_file_saving_free(file->saving);
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

void part_file_fail(struct part_file *file, const struct err *err)
{
    if (file->stage != PART_FILE_OPEN && file->stage != PART_FILE_FINISHING &&
        file->stage != PART_FILE_RESTORING)
        return; /* it ends anyway */
    note_error(file, err);
    file->stage = PART_FILE_FAILED;
    row_queue_fini(&file->waiting);
}

void part_file_fail_memory(struct part_file *file)
{
    struct err err;
    err_set(&err, ERR_NOMEM, "out of memory for the rows of a file");
    part_file_fail(file, &err);
}

/* ---- encoding ---- */

static void job_work(uv_work_t *job)
{
    struct part_file_work *work = CONTAINER_OF(job, struct part_file_work, job);
    struct part_file *file = work->file;
    int code = file->encoder ? 0 : part_file_make_encoder(file, &work->job_err);
    for (const struct row_run *run = work->rows.first; run && code == 0; run = run->next)
        code = file_encoder_write(file->encoder, &run->rows, &work->encoded, &work->job_err);
    if (code == 0 && work->job_finishes)
        code = file_encoder_finish(file->encoder, &work->encoded, &work->job_err);
    if (code == 0 && work->job_saves)
        code = part_file_save_encoder(file, &work->encoded, &work->job_err);
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
    FAILPOINT("sink.encoded");
    file->row_bytes += work->rows.row_bytes;
    row_queue_fini(&work->rows);
    file->encoded_bytes += work->encoded.n - work->encoded_before;
    work->encoded_capacity = 0;
    if (work->job_err.code)
        part_file_fail(file, &work->job_err);
    /* status: a cancelled job; the stage says why. */
    note_encoder(file, status == 0 && work->job_finishes && !work->job_err.code);
    /* S3 takes 10,000 parts: they grow with the file. */
    size_t part_bytes = file->config.part_bytes * (1 + file->parts_sent / PARTS_OF_ONE_SIZE);
    if (work->job_saves) {
        part_bytes = part_file_save_part_bytes(file);
        if (file->saving->step == SAVE_ASKED)
            file->saving->step = SAVE_SENDING;
    }
    if (!parts_fill(&file->parts, &work->encoded, part_bytes) ||
        (file->encoded_all && !parts_cut(&file->parts)))
        part_file_fail_memory(file);
    part_file_step(file);
    file->config.changed(file, file->config.user);
}

/* Starts a job if there is something to do: at least so many bytes of rows, an end or a save. */
static void encode(struct part_file *file, size_t least_bytes)
{
    struct part_file_work *work = file->work;
    bool finish = file->stage == PART_FILE_FINISHING;
    bool save = !finish && file->saving && file->saving->step == SAVE_ASKED;
    bool restore = file->stage == PART_FILE_RESTORING && !file->encoder;
    if (work->job_runs || file->encoded_all ||
        (!finish && !save && !restore && row_queue_bytes(&file->waiting) < least_bytes))
        return;
    work->rows = file->waiting;
    file->waiting = (struct row_queue){0};
    work->encoded = file->parts.filling;
    work->encoded_before = work->encoded.n;
    work->encoded_capacity = work->encoded.capacity;
    file->parts.filling = (struct buf){0};
    work->job_finishes = finish;
    work->job_saves = save;
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
            part_file_fail_memory(file);
        break;
    case STORE_UPLOAD_RESUME:
        file->upload = request->upload;
        break;
    case STORE_UPLOAD_APPEND:
        file->parts_sent++;
        parts_drop_first(&file->parts);
        if (file->saving)
            file->saving->synced = false;
        break;
    case STORE_UPLOAD_SYNC:
        if (file->saving)
            file->saving->synced = true;
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
        part_file_fail(file, &request->err);
    }
}

static void on_request(struct store_request *request)
{
    struct part_file *file = request->user;
    file->work->request_runs = false;
    if (request->code == 0) {
        if (file->config.observe && request->op != STORE_UPLOAD_ABORT &&
            request->op != STORE_UPLOAD_RESUME)
            file->config.observe(file->config.user,
                                 (double)(uv_hrtime() - file->work->request_start_ns) / 1e9);
        request_succeeded(file);
    } else {
        request_failed(file);
    }
    part_file_step(file);
    file->config.changed(file, file->config.user);
}

static struct store_request *begin_request(struct part_file *file)
{
    file->work->request_runs = true;
    file->work->request_start_ns = uv_hrtime();
    return &file->work->request;
}

static void resume(struct part_file *file)
{
    struct part_file_saving *saving = file->saving;
    saving->resume_due = false;
    store_upload_resume(file->config.store, begin_request(file), buf_str(&file->key),
                        buf_str(&file->upload_id), buf_str(&saving->tags), saving->bytes,
                        saving->resume_sealed, on_request, file);
}

static void send_next(struct part_file *file)
{
    bool seal = file->encoded_all && !file->parts.first;
    if (file->work->request_runs)
        return;
    bool sync = !file->work->job_runs && part_file_wants_sync(file);
    if (!file->parts.first && !seal && !sync)
        return;
    struct store_request *request = begin_request(file);
    if (!file->upload)
        store_upload_begin(file->config.store, request, buf_str(&file->key), on_request, file);
    else if (file->parts.first)
        store_upload_append(file->upload, request, buf_str(&file->parts.first->bytes), on_request,
                            file);
    else if (seal)
        store_upload_seal(file->upload, request, on_request, file);
    else
        store_upload_sync(file->upload, request, on_request, file);
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
            part_file_fail(file, &err);
        return;
    }
    bool wanted = file->stage == PART_FILE_FINISHING || file->work || part_file_saves(file) ||
                  row_queue_bytes(&file->waiting) >= least_bytes;
    if (!wanted || !part_file_has_slot(file))
        return;
    encode(file, least_bytes);
    send_next(file);
}

/* A file of an earlier process: its upload, and its encoder. */
static void step_restore(struct part_file *file)
{
    if (file->cancelled) {
        step_write(file, 1);
        return;
    }
    if (!part_file_has_slot(file))
        return;
    if (file->saving->resume_due && !file->work->request_runs)
        resume(file);
    encode(file, SIZE_MAX);
    if (!is_busy(file))
        file->stage = PART_FILE_OPEN;
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
    } else if (part_file_has_slot(file) && !file->upload) {
        resume(file);
    } else if (file->work) {
        store_upload_publish(file->upload, begin_request(file), on_request, file);
    }
}

/* The abort of what was written waits for what runs. */
static void step_end(struct part_file *file)
{
    if (is_busy(file))
        return;
    if (file->left)
        file->upload = NULL; /* the store forgets it when it is closed */
    if (!file->upload)
        file->stage = PART_FILE_ENDED;
    else if (part_file_has_slot(file))
        store_upload_abort(file->upload, begin_request(file), on_request, file);
}

void part_file_step(struct part_file *file)
{
    if (file->stage == PART_FILE_OPEN || file->stage == PART_FILE_FINISHING)
        step_write(file, file->config.encode_bytes);
    else if (file->stage == PART_FILE_RESTORING)
        step_restore(file);
    else if (file->stage == PART_FILE_PUBLISHING)
        step_publish(file);
    else if (file->stage == PART_FILE_ENDING)
        step_end(file);
    if (file->stage == PART_FILE_SEALED || file->stage == PART_FILE_PUBLISHED ||
        file->stage == PART_FILE_FAILED || file->stage == PART_FILE_ENDED)
        part_file_release_slot(file);
}

/* ---- what the owner asks for ---- */

int part_file_add(struct part_file *file, const struct block *rows, const uint32_t *picks,
                  uint32_t count, struct err *err)
{
    REQUIRE(file->stage == PART_FILE_OPEN || file->stage == PART_FILE_FAILED);
    if (file->stage == PART_FILE_OPEN && row_queue_add(&file->waiting, rows, picks, count) != 0)
        part_file_fail_memory(file);
    if (file->stage == PART_FILE_FAILED) {
        if (err)
            *err = *part_file_error(file);
        return part_file_error(file)->code;
    }
    file->rows += count;
    part_file_step(file);
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
    if (file->saving)
        file->saving->step = SAVE_NONE;
    file->stage = PART_FILE_FINISHING;
    part_file_step(file);
}

void part_file_publish(struct part_file *file)
{
    REQUIRE(file->stage == PART_FILE_SEALED);
    file->stage = PART_FILE_PUBLISHING;
    file->cancelled = false;
    note_error(file, NULL);
    part_file_step(file);
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
    if (file->stage != PART_FILE_FINISHING && file->stage != PART_FILE_PUBLISHING &&
        file->stage != PART_FILE_RESTORING && !part_file_saves(file))
        return;
    cancel_work(file);
    part_file_step(file);
}

void part_file_abort(struct part_file *file)
{
    if (file->stage == PART_FILE_PUBLISHED || file->stage == PART_FILE_ENDED ||
        file->stage == PART_FILE_ENDING)
        return;
    file->stage = PART_FILE_ENDING;
    note_error(file, NULL);
    cancel_work(file);
    part_file_step(file);
}

void part_file_leave(struct part_file *file)
{
    file->left = true;
    part_file_abort(file);
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

struct str part_file_tags(const struct part_file *file)
{
    if (file->upload)
        return store_upload_tags(file->upload);
    return file->saving ? buf_str(&file->saving->tags) : STR("");
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
                   parts_bytes(&file->parts) + part_file_saving_bytes(file->saving);
    if (file->work)
        bytes +=
            sizeof *file->work + row_queue_bytes(&file->work->rows) + file->work->encoded_capacity;
    return bytes;
}

bool part_file_is_uploading(const struct part_file *file)
{
    return file->upload != NULL;
}

size_t part_file_draining(const struct part_file *file)
{
    if (file->stage == PART_FILE_FINISHING)
        return part_file_memory(file);
    return file->work ? row_queue_bytes(&file->work->rows) + file->parts.queued_bytes : 0;
}
