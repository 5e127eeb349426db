/* Who may decide: owner/<epoch>, claimed once, and the heartbeat beside it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch/envelope.h"
#include "batch/record_json.h"
#include "checkpoint/checkpoint_impl.h"
#include "os/clock.h"
#include "os/failpoint.h"

enum {
    BEAT_MS = 5000,
    RELEASE_MS_MAX = 2000, /* a store that does not answer does not hold up the end */
};

static const char running[] = "running", released[] = "released";

void owner_key(uint64_t epoch, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "owner/%" PRIu64, epoch);
}

void owner_beat_key(uint64_t epoch, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "owner/%" PRIu64 ".heartbeat", epoch);
}

uint64_t owner_newest(const struct store_entry *entries, uint32_t count)
{
    uint64_t newest = 0;
    struct str prefix = STR("owner/");
    for (uint32_t i = 0; i < count; i++) {
        struct str key = entries[i].key;
        struct str number = {key.p + prefix.n, key.n - prefix.n};
        int64_t epoch;
        if (str_starts_with(key, prefix) && str_to_i64(number, &epoch) && epoch > 0 &&
            (uint64_t)epoch > newest)
            newest = (uint64_t)epoch;
    }
    return newest;
}

int owner_encode(const struct checkpoint *checkpoint, struct buf *out)
{
    const struct identity *identity = &checkpoint->identity;
    struct buf text = {0};
    record_put_open(&text, '{');
    record_put_int(&text, "epoch", (int64_t)checkpoint->epoch);
    record_put_str(&text, "host", str_of(identity->host));
    record_put_str(&text, "bootId", str_of(identity->boot_id));
    record_put_str(&text, "pidNamespace", str_of(identity->pid_namespace));
    record_put_int(&text, "pid", identity->pid);
    record_put_int(&text, "startTicks", identity->start_ticks);
    record_put_str(&text, "runId", str_of(checkpoint->run_id));
    record_put_int(&text, "claimedMs", clock_wall_ms());
    record_put_close(&text, '}');
    buf_append_char(&text, '\n');
    envelope_append(out, "owner", OWNER_VERSION, buf_str(&text));
    bool failed = text.failed || out->failed;
    buf_fini(&text);
    return failed ? ERR_NOMEM : 0;
}

int owner_decode(struct owner_record *out, struct str bytes, struct err *err)
{
    struct record_reader in;
    struct arena arena = {0};
    struct str text;
    *out = (struct owner_record){0};
    int code = envelope_open(bytes, "owner", OWNER_VERSION, NULL, &text, err);
    if (code)
        return code;
    const struct doc_node *top = record_read(&in, text, &arena, err);
    if (top) {
        struct identity *identity = &out->identity;
        out->epoch = (uint64_t)record_get_int(&in, top, "epoch");
        identity->pid = record_get_int(&in, top, "pid");
        identity->start_ticks = record_get_int(&in, top, "startTicks");
        snprintf(identity->host, sizeof identity->host, "%s", record_get_str(&in, top, "host").p);
        snprintf(identity->boot_id, sizeof identity->boot_id, "%s",
                 record_get_str(&in, top, "bootId").p);
        snprintf(identity->pid_namespace, sizeof identity->pid_namespace, "%s",
                 record_get_str(&in, top, "pidNamespace").p);
        snprintf(out->run_id, sizeof out->run_id, "%s", record_get_str(&in, top, "runId").p);
    }
    code = record_read_end(&in);
    arena_fini(&arena);
    return code;
}

void owner_print(const struct owner_record *owner, char *out, size_t size)
{
    snprintf(out, size, "process %" PRId64 " on host %s (run %s, epoch %" PRIu64 ")",
             owner->identity.pid, owner->identity.host, owner->run_id, owner->epoch);
}

/* ---- heartbeats ---- */

static int encode_beat(struct checkpoint *checkpoint, const char *state)
{
    struct buf text = {0};
    buf_clear(&checkpoint->beat_bytes);
    record_put_open(&text, '{');
    record_put_int(&text, "beat", (int64_t)++checkpoint->beats);
    record_put_str(&text, "runId", str_of(checkpoint->run_id));
    record_put_str(&text, "state", str_of(state));
    record_put_int(&text, "published", checkpoint->published);
    record_put_close(&text, '}');
    envelope_append(&checkpoint->beat_bytes, "heartbeat", OWNER_VERSION, buf_str(&text));
    bool failed = text.failed || checkpoint->beat_bytes.failed;
    buf_fini(&text);
    return failed ? ERR_NOMEM : 0;
}

bool owner_beat_is_release(struct str beat, int64_t *published)
{
    struct record_reader in;
    struct arena arena = {0};
    struct str text;
    struct err err;
    bool is = false;
    *published = -1;
    if (envelope_open(beat, "heartbeat", OWNER_VERSION, NULL, &text, &err) != 0)
        return false;
    const struct doc_node *top = record_read(&in, text, &arena, &err);
    if (top) {
        is = str_is(record_get_str(&in, top, "state"), released);
        *published = record_get_int(&in, top, "published");
    }
    is = record_read_end(&in) == 0 && is;
    arena_fini(&arena);
    return is;
}

/* A heartbeat that fails is no news: the store says that it is failing, and the next one is due. */
static void on_beat(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    checkpoint->beat_running = false;
    checkpoint_idle(checkpoint);
}

void owner_fail_replaced(struct checkpoint *checkpoint, struct str owner, struct err *err)
{
    struct owner_record other;
    char text[300] = "an owner that cannot be named";
    checkpoint->replaced = true;
    if (owner_decode(&other, owner, err) == 0)
        owner_print(&other, text, sizeof text);
    err_set(err, ERR_EXISTS,
            "this process was replaced by %s: it decides and publishes nothing more", text);
}

static void put_beat(struct checkpoint *checkpoint, const char *state)
{
    if (checkpoint->beat_running || encode_beat(checkpoint, state) != 0)
        return;
    checkpoint->beat_running = true;
    FAILPOINT("owner.heartbeat");
    store_put(checkpoint->options.store, &checkpoint->beat, str_of(checkpoint->beat_key),
              buf_str(&checkpoint->beat_bytes), on_beat, checkpoint);
}

static void on_newer(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    struct err err = {0};
    checkpoint->beat_running = false;
    if (!checkpoint->closing && request->code == 0) {
        owner_fail_replaced(checkpoint, buf_str(&request->data), &err);
        err_prefix(&err, "checkpoint %s", checkpoint->location);
        checkpoint_fail(checkpoint, &err);
    }
    checkpoint_idle(checkpoint);
}

static void on_looked(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    uint64_t newest = request->code ? 0 : owner_newest(request->entries, request->entry_count);
    checkpoint->beat_running = false;
    if (!checkpoint->closing && newest > checkpoint->epoch) {
        owner_key(newest, checkpoint->look_key);
        checkpoint->beat_running = true;
        store_get(checkpoint->options.store, &checkpoint->beat, str_of(checkpoint->look_key),
                  on_newer, checkpoint);
        return;
    }
    if (!checkpoint->closing && request->code == 0)
        put_beat(checkpoint, running);
    checkpoint_idle(checkpoint);
}

/* An owner looks whether it still is one, then says that it lives. */
static void on_beat_timer(uv_timer_t *timer)
{
    struct checkpoint *checkpoint = timer->data;
    if (checkpoint->stage != CHECKPOINT_OPEN || checkpoint->beat_running)
        return;
    snprintf(checkpoint->look_key, sizeof checkpoint->look_key, "owner/");
    checkpoint->beat_running = true;
    store_list(checkpoint->options.store, &checkpoint->beat, str_of(checkpoint->look_key),
               on_looked, checkpoint);
}

void owner_begin_beats(struct checkpoint *checkpoint)
{
    owner_beat_key(checkpoint->epoch, checkpoint->beat_key);
    if (checkpoint->options.locked)
        return; /* the lock says that it lives; only the end is told */
    put_beat(checkpoint, running);
    uv_timer_start(&checkpoint->timer, on_beat_timer, BEAT_MS, BEAT_MS);
}

static void give_up(uv_timer_t *timer)
{
    struct checkpoint *checkpoint = timer->data;
    if (checkpoint->beat_running)
        store_request_cancel(&checkpoint->beat);
}

void owner_release(struct checkpoint *checkpoint)
{
    put_beat(checkpoint, released);
    if (checkpoint->beat_running)
        uv_timer_start(&checkpoint->timer, give_up, RELEASE_MS_MAX, 0);
    else
        checkpoint_idle(checkpoint);
}
