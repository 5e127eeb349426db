/* How a file that stays open is saved, and goes on in another process. */
#include <stdlib.h>

#include "base/bytes.h"
#include "sink/part_file_impl.h"

/* A state: a version; numbers; the caller's extra bytes; what the store does not have of the file;
 * the encoder's state; and the checksum of all of it. */
enum {
    STATE_VERSION = 1,
    /* Bytes and state together: less than 5 MiB, a part of S3. */
    SAVED_MAX = (5 << 20) - (64 << 10),
    SAVE_PART_BYTES = 1 << 20, /* not worth keeping in a record */
};

static struct part_file_saving *saving_of(struct part_file *file)
{
    if (!file->saving)
        file->saving = calloc(1, sizeof *file->saving);
    return file->saving;
}

void part_file_saving_free(struct part_file_saving *saving)
{
    if (!saving)
        return;
    buf_fini(&saving->encoder);
    buf_fini(&saving->tags);
    buf_fini(&saving->state);
    free(saving);
}

size_t part_file_saving_bytes(const struct part_file_saving *saving)
{
    if (!saving)
        return 0;
    return sizeof *saving + saving->encoder.capacity + saving->tags.capacity +
           saving->state.capacity;
}

/* ---- saving ---- */

size_t part_file_save_part_bytes(const struct part_file *file)
{
    size_t bytes = store_part_bytes_min(file->config.store);
    if (bytes < SAVE_PART_BYTES)
        bytes = SAVE_PART_BYTES;
    return bytes < file->config.part_bytes ? bytes : file->config.part_bytes;
}

int part_file_save_encoder(struct part_file *file, struct buf *bytes, struct err *err)
{
    bool sent = bytes->n >= part_file_save_part_bytes(file);
    size_t most = sent ? SAVED_MAX : bytes->n < SAVED_MAX ? SAVED_MAX - bytes->n : 0;
    buf_clear(&file->saving->encoder);
    return file_encoder_save(file->encoder, most, bytes, &file->saving->encoder, err);
}

void part_file_save(struct part_file *file, struct str extra)
{
    if (file->stage != PART_FILE_OPEN)
        return; /* failed */
    struct part_file_saving *saving = saving_of(file);
    if (!saving) {
        part_file_fail_memory(file);
        return;
    }
    saving->step = SAVE_ASKED;
    buf_clear(&saving->state);
    buf_append_str(&saving->state, extra); /* until the state is made */
    part_file_step(file);
}

bool part_file_saves(const struct part_file *file)
{
    return file->stage == PART_FILE_OPEN && file->saving &&
           (file->saving->step == SAVE_ASKED || file->saving->step == SAVE_SENDING);
}

static void compose(struct part_file *file)
{
    struct part_file_saving *saving = file->saving;
    struct buf state = {0};
    buf_append_char(&state, STATE_VERSION);
    bytes_put_number(&state, file->row_bytes);
    bytes_put_number(&state, file->encoded_bytes);
    bytes_put_number(&state, file->parts_sent);
    bytes_put_str(&state, buf_str(&saving->state));
    bytes_put_str(&state, buf_str(&file->parts.filling));
    bytes_put_str(&state, buf_str(&saving->encoder));
    bytes_put_sum(&state, 0);
    state.failed |= saving->state.failed;
    buf_fini(&saving->state);
    buf_fini(&saving->encoder);
    saving->state = state;
    buf_clear(&saving->tags);
    if (file->upload)
        buf_append_str(&saving->tags, store_upload_tags(file->upload));
    saving->bytes = file->upload ? file->upload->bytes : 0;
    saving->recorded = true;
    saving->step = SAVE_DONE;
    if (state.failed || saving->tags.failed)
        part_file_fail_memory(file);
}

bool part_file_wants_sync(struct part_file *file)
{
    if (!part_file_saves(file) || file->saving->step != SAVE_SENDING || file->parts.first)
        return false;
    if (file->upload && !file->saving->synced)
        return true;
    compose(file);
    return false;
}

struct part_file_record part_file_record(const struct part_file *file)
{
    const struct part_file_saving *saving = file->saving;
    REQUIRE(saving && saving->step == SAVE_DONE);
    return (struct part_file_record){.key = buf_str(&file->key),
                                     .upload_id = buf_str(&file->upload_id),
                                     .tags = buf_str(&saving->tags),
                                     .state = buf_str(&saving->state),
                                     .rows = file->rows,
                                     .bytes = saving->bytes};
}

void part_file_forget_record(struct part_file *file)
{
    if (!file->saving || file->saving->step != SAVE_DONE)
        return;
    file->saving->step = SAVE_NONE;
    buf_fini(&file->saving->tags);
    buf_fini(&file->saving->state);
}

bool part_file_recorded(const struct part_file *file)
{
    return file->saving && file->saving->recorded;
}

/* ---- going on ---- */

int part_file_make_encoder(struct part_file *file, struct err *err)
{
    struct buf *state = file->saving ? &file->saving->encoder : NULL;
    int code;
    if (!state || state->n == 0) {
        code = file_encoder_create(&file->encoder, file->config.format, file->config.schema, err);
        if (!code && file->config.savable)
            file_encoder_savable(file->encoder);
        return code;
    }
    code = file_encoder_restore(&file->encoder, file->config.format, file->config.schema,
                                buf_str(state), err);
    buf_fini(state);
    return code ? err_prefix(err, "%.*s", STR_ARG(buf_str(&file->key))) : 0;
}

static int create(struct part_file **out, const struct part_file_config *config,
                  const struct part_file_record *record, struct err *err)
{
    struct part_file *file;
    int code = part_file_create(&file, config, record->key, err);
    if (code)
        return code;
    struct part_file_saving *saving = saving_of(file);
    buf_append_str(&file->upload_id, record->upload_id);
    if (saving)
        buf_append_str(&saving->tags, record->tags);
    if (!saving || saving->tags.failed || file->upload_id.failed) {
        part_file_destroy(file);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    file->rows = record->rows;
    saving->bytes = record->bytes;
    saving->recorded = saving->synced = true;
    *out = file;
    return 0;
}

int part_file_create_sealed(struct part_file **out, const struct part_file_config *config,
                            const struct part_file_record *record, struct err *err)
{
    int code = create(out, config, record, err);
    if (code)
        return code;
    (*out)->stage = PART_FILE_SEALED;
    (*out)->saving->resume_sealed = true;
    (*out)->encoded_bytes = record->bytes;
    (*out)->encoded_all = true;
    return 0;
}

void part_file_start(struct part_file *file)
{
    REQUIRE(file->stage == PART_FILE_RESTORING);
    part_file_step(file);
}

static int damaged(const struct part_file_record *record, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the saved state of %.*s is damaged", STR_ARG(record->key));
}

static int load(struct part_file *file, const struct part_file_record *record, struct str *extra,
                struct err *err)
{
    struct str state = record->state;
    if (!bytes_check_sum(&state))
        return damaged(record, err);
    struct bytes_reader in = bytes_read(state);
    uint8_t version = bytes_get_u8(&in);
    if (version > STATE_VERSION)
        return err_set(err, ERR_CORRUPT,
                       "the saved state of %.*s has format %u, this version of sluice reads up to "
                       "%d",
                       STR_ARG(record->key), version, STATE_VERSION);
    file->row_bytes = bytes_get_number(&in, UINT64_MAX);
    file->encoded_bytes = bytes_get_number(&in, UINT64_MAX);
    file->parts_sent = (uint32_t)bytes_get_number(&in, UINT32_MAX);
    *extra = bytes_get_str(&in);
    struct str rest = bytes_get_str(&in), encoder = bytes_get_str(&in);
    if (in.failed || bytes_left(&in) > 0 || encoder.n == 0 ||
        file->encoded_bytes != record->bytes + rest.n)
        return damaged(record, err);
    buf_append_str(&file->parts.filling, rest);
    buf_append_str(&file->saving->encoder, encoder);
    if (file->parts.filling.failed || file->saving->encoder.failed)
        return err_set(err, ERR_NOMEM, "out of memory for the rows of a file");
    return 0;
}

int part_file_restore(struct part_file **out, const struct part_file_config *config,
                      const struct part_file_record *record, struct str *extra, struct err *err)
{
    struct part_file *file = NULL;
    int code = create(&file, config, record, err);
    if (code)
        return code;
    code = load(file, record, extra, err);
    if (code) {
        part_file_destroy(file);
        return code;
    }
    file->stage = PART_FILE_RESTORING;
    file->saving->resume_due = record->upload_id.n > 0;
    *out = file;
    return 0;
}
