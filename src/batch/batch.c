#include "batch/batch.h"

static int64_t next_multiple(int64_t now_ms, int64_t interval_ms)
{
    return interval_ms > 0 ? (now_ms / interval_ms + 1) * interval_ms : now_ms;
}

static void open_batch(struct batch_machine *machine)
{
    struct batch *batch =
        machine->committing == &machine->slots[0] ? &machine->slots[1] : &machine->slots[0];
    INVARIANT(batch->stage == BATCH_FREE);
    uint32_t slot = batch->slot;
    *batch = (struct batch){.stage = BATCH_FILLING, .slot = slot, .id = machine->next_id};
    machine->filling = batch;
    machine->ops->open(machine->user, batch);
}

void batch_machine_init(struct batch_machine *machine, const struct batch_config *config,
                        const struct batch_ops *ops, void *user, int64_t now_ms)
{
    *machine = (struct batch_machine){.config = *config,
                                      .ops = ops,
                                      .user = user,
                                      .next_id = config->next_id,
                                      .next_trigger_ms = now_ms,
                                      .first = !config->resumed};
    machine->slots[1].slot = 1;
    open_batch(machine);
}

/* ---- filling ---- */

/* Triggers are not waited for: the batch ends when its input does. */
static bool runs_free(const struct batch_machine *machine)
{
    return machine->config.available_now || machine->config.interval_ms == 0 || machine->first;
}

static int64_t offsets_cap(const struct batch_machine *machine)
{
    return machine->config.preview_offsets > 0 ? machine->config.preview_offsets
                                               : machine->config.offsets_per_trigger;
}

static bool cap_reached(const struct batch_machine *machine)
{
    int64_t cap = offsets_cap(machine);
    return cap > 0 && machine->cap_used + machine->filling->offsets >= cap;
}

static bool memory_full(const struct batch_machine *machine, const struct batch_input *input)
{
    return input->held_bytes >= machine->config.bytes_max && machine->filling->records > 0;
}

/* A preview has no triggers: it ends when it has its offsets, or with the input. */
static enum batch_seal_reason preview_reason(const struct batch_machine *machine,
                                             const struct batch_input *input)
{
    if (memory_full(machine, input))
        return SEAL_MEMORY;
    if (cap_reached(machine))
        return SEAL_CAP;
    return machine->config.available_now && input->limit_reached ? SEAL_END : SEAL_NOT;
}

/* At a due trigger what is known to be there still belongs to the batch, if one slice can take it
 * and neither the cap nor the memory stands against it. One slice: a fast input always has more. */
static enum batch_seal_reason trigger_reason(const struct batch_machine *machine,
                                             const struct batch_input *input)
{
    if (input->now_ms < machine->next_trigger_ms)
        return SEAL_NOT;
    if (machine->filling->records == 0)
        return input->no_data_due && input->pending == 0 ? SEAL_NO_DATA : SEAL_NOT;
    bool one_more = machine->config.interval_ms > 0 && !machine->filling->trigger_slice &&
                    input->pending > 0 && input->pending <= input->slice_max &&
                    !cap_reached(machine);
    return one_more ? SEAL_NOT : SEAL_TRIGGER;
}

static enum batch_seal_reason seal_reason(const struct batch_machine *machine,
                                          const struct batch_input *input)
{
    const struct batch *batch = machine->filling;
    if (machine->slice_open)
        return SEAL_NOT;
    if (machine->stopping)
        return batch->records > 0 ? SEAL_STOP : SEAL_NOT;
    if (machine->config.preview_offsets > 0)
        return preview_reason(machine, input);
    if (memory_full(machine, input) && !input->draining)
        return SEAL_MEMORY;
    if (cap_reached(machine) && runs_free(machine) && (batch->records > 0 || machine->first))
        return SEAL_CAP;
    if (machine->first)
        return input->limit_reached ? SEAL_FIRST : SEAL_NOT;
    if (machine->config.available_now && input->limit_reached)
        return batch->records > 0 ? SEAL_END : input->no_data_due ? SEAL_NO_DATA : SEAL_NOT;
    if (machine->config.available_now)
        return SEAL_NOT;
    return trigger_reason(machine, input);
}

static void seal(struct batch_machine *machine, const struct batch_input *input,
                 enum batch_seal_reason reason)
{
    struct batch *batch = machine->filling;
    machine->next_id++;
    machine->first = false;
    batch->reason = reason;
    batch->due_ms = input->now_ms;
    bool on_trigger =
        (reason == SEAL_TRIGGER || reason == SEAL_NO_DATA) && machine->config.interval_ms > 0;
    batch->trigger_ms = on_trigger ? machine->next_trigger_ms : input->now_ms;
    if (batch->timestamp_ms == 0)
        batch->timestamp_ms = batch->trigger_ms;
    if (reason == SEAL_MEMORY) {
        machine->cap_used += batch->offsets;
    } else {
        machine->cap_used = 0;
        machine->next_trigger_ms = next_multiple(input->now_ms, machine->config.interval_ms);
    }
    batch->stage = BATCH_SEALING;
    batch->started = false;
    machine->committing = batch;
    machine->filling = NULL;
    machine->ops->seal(machine->user, batch);
    if (machine->config.preview_offsets > 0)
        machine->stopping = true;
}

/* A trigger that finds nothing to do waits for the next multiple, as Spark's does. */
static void skip_idle_trigger(struct batch_machine *machine, const struct batch_input *input)
{
    if (!machine->first && input->now_ms >= machine->next_trigger_ms && !machine->slice_open &&
        machine->filling->records == 0 && (input->pending == 0 || cap_reached(machine))) {
        machine->cap_used = 0;
        machine->next_trigger_ms = next_multiple(input->now_ms, machine->config.interval_ms);
    }
}

static bool nothing_left(const struct batch_machine *machine, const struct batch_input *input)
{
    if (machine->slice_open || machine->filling->records > 0)
        return false;
    return machine->stopping ||
           (machine->config.available_now && !machine->first && input->limit_reached);
}

/* True when the batch began to seal. */
static bool fill_step(struct batch_machine *machine, const struct batch_input *input)
{
    if (machine->committing || !machine->filling)
        return false;
    enum batch_seal_reason reason = seal_reason(machine, input);
    if (reason != SEAL_NOT) {
        seal(machine, input, reason);
        return true;
    }
    if (nothing_left(machine, input)) {
        machine->finished = true;
        return false;
    }
    skip_idle_trigger(machine, input);
    return false;
}

bool batch_held(const struct batch_machine *machine, const struct batch_input *input)
{
    if (machine->finished || machine->err.code || !machine->filling)
        return false;
    bool full = memory_full(machine, input);
    return (machine->committing && (cap_reached(machine) || full)) || (full && input->draining);
}

int64_t batch_slice_offsets_max(const struct batch_machine *machine,
                                const struct batch_input *input)
{
    if (machine->finished || machine->err.code || machine->stopping || machine->slice_open ||
        !machine->filling)
        return 0;
    if (cap_reached(machine) || memory_full(machine, input))
        return 0;
    if (!machine->committing && seal_reason(machine, input) != SEAL_NOT)
        return 0;
    int64_t cap = offsets_cap(machine);
    int64_t left = cap > 0 ? cap - machine->cap_used - machine->filling->offsets : INT64_MAX;
    return input->slice_max < left ? input->slice_max : left;
}

void batch_slice_opened(struct batch_machine *machine, int64_t now_ms)
{
    REQUIRE(!machine->slice_open && machine->filling);
    machine->slice_open = true;
    machine->filling->trigger_slice = now_ms >= machine->next_trigger_ms;
    if (machine->filling->timestamp_ms == 0)
        machine->filling->timestamp_ms =
            machine->first || machine->config.interval_ms == 0 ? now_ms : machine->next_trigger_ms;
}

void batch_slice_closed(struct batch_machine *machine, int64_t offsets, int64_t records)
{
    REQUIRE(machine->slice_open);
    machine->slice_open = false;
    machine->filling->slices++;
    machine->filling->offsets += offsets;
    machine->filling->records += records;
    /* Gaps alone make no batch, so they must not use up its cap either. */
    if (machine->filling->records == 0 && !machine->first) {
        machine->filling->offsets = 0;
        machine->filling->timestamp_ms = 0;
    }
}

int64_t batch_next_turn_ms(const struct batch_machine *machine)
{
    bool waits = !machine->finished && !machine->err.code && !machine->config.available_now &&
                 machine->config.interval_ms > 0 && !machine->first && !machine->stopping &&
                 !machine->committing && !machine->slice_open;
    return waits ? machine->next_trigger_ms : INT64_MAX;
}

/* ---- committing ---- */

void batch_ticket_take(struct batch_ticket *ticket, struct batch *batch, const char *name)
{
    REQUIRE(!ticket->batch);
    *ticket = (struct batch_ticket){.batch = batch, .name = name};
    batch->tickets++;
}

void batch_ticket_join(struct batch_machine *machine, struct batch_ticket *ticket,
                       const struct err *err)
{
    struct batch *batch = ticket->batch;
    REQUIRE(batch && batch->tickets > 0);
    *ticket = (struct batch_ticket){0};
    batch->tickets--;
    if (err && err->code)
        batch_machine_fail(machine, err);
}

enum step { READY, PENDING };

/* Asks for the stage's work once, then waits until every ticket of it is joined. */
static enum step await(struct batch_machine *machine, struct batch *batch,
                       void (*work)(void *user, struct batch *batch))
{
    if (!batch->started) {
        batch->started = true;
        work(machine->user, batch);
    }
    return batch->tickets == 0 && !machine->err.code ? READY : PENDING;
}

static void enter(struct batch *batch, enum batch_stage stage)
{
    batch->stage = stage;
    batch->started = false;
}

static enum step commit_step(struct batch_machine *machine, const struct batch_input *input)
{
    struct batch *batch = machine->committing;
    switch (batch->stage) {
    case BATCH_SEALING:
        if (!machine->ops->seal_step(machine->user, batch) || machine->err.code)
            return PENDING;
        batch->sealed_ms = input->now_ms;
        enter(batch, BATCH_PREPARING);
        open_batch(machine);
        return READY;
    case BATCH_PREPARING:
        if (await(machine, batch, machine->ops->prepare) == PENDING)
            return PENDING;
        batch->prepared_ms = input->now_ms;
        enter(batch, BATCH_DECIDING);
        return READY;
    case BATCH_DECIDING:
        if (await(machine, batch, machine->ops->decide) == PENDING)
            return PENDING;
        batch->decided_ms = input->now_ms;
        enter(batch, BATCH_PUBLISHING);
        return READY;
    case BATCH_PUBLISHING:
        if (await(machine, batch, machine->ops->publish) == PENDING)
            return PENDING;
        machine->ops->done(machine->user, batch);
        enter(batch, BATCH_FREE);
        machine->committing = NULL;
        return READY;
    case BATCH_FREE:
    case BATCH_FILLING:
        break;
    }
    INVARIANT(false && "a batch that commits is sealed");
    return PENDING;
}

void batch_machine_run(struct batch_machine *machine, const struct batch_input *input)
{
    bool moved = true;
    struct batch_input now = *input;
    int64_t latest_ms = next_multiple(now.now_ms, machine->config.interval_ms);
    if (machine->next_trigger_ms > latest_ms) /* the clock was set back */
        machine->next_trigger_ms = latest_ms;
    bool sealed = false; /* one was: what the caller knows is stale */
    while (moved && !machine->finished && !machine->err.code) {
        moved = machine->committing && commit_step(machine, &now) == READY;
        if (!machine->err.code && !machine->committing && !sealed) {
            sealed = fill_step(machine, &now);
            moved |= sealed;
        }
    }
}

/* ---- ends ---- */

void batch_machine_stop(struct batch_machine *machine)
{
    machine->stopping = true;
}

void batch_machine_abandon(struct batch_machine *machine)
{
    struct batch *batch = machine->filling;
    if (!batch || batch->stage != BATCH_FILLING)
        return;
    machine->ops->abandon(machine->user, batch);
    machine->slice_open = false;
    batch->records = 0;
    batch->offsets = 0;
}

void batch_machine_fail(struct batch_machine *machine, const struct err *err)
{
    REQUIRE(err->code != 0);
    if (!machine->err.code)
        machine->err = *err;
}

const char *batch_seal_reason_name(enum batch_seal_reason reason)
{
    static const char *const names[] = {"not",    "first", "trigger", "cap",
                                        "memory", "end",   "stop",    "no data"};
    return names[reason];
}
