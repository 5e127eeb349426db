/* The state machine driven by a fake world: a manual clock, a backlog, and outputs whose tickets
 * the test joins when it likes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "batch/batch.h"

struct world {
    struct batch_machine machine;
    struct batch_input input;
    struct batch_ticket tickets[2][2]; /* per slot */
    int opened, prepared, decided, published, done, abandoned;
    int64_t last_done;
    int64_t records_done;
    int seal_steps, steps_left; /* that a seal takes besides its last */
    bool at_once;               /* tickets are joined when they are taken */
};

static void w_open(void *user, struct batch *batch)
{
    struct world *w = user;
    (void)batch;
    w->opened++;
    w->input.held_bytes = 0;
}

static void w_seal(void *user, struct batch *batch)
{
    struct world *w = user;
    cr_assert(batch->id >= 0);
    w->steps_left = w->seal_steps;
}

static bool w_seal_step(void *user, struct batch *batch)
{
    struct world *w = user;
    cr_assert_eq(batch->stage, BATCH_SEALING);
    return w->steps_left-- == 0;
}

static void take(struct world *w, struct batch *batch, const char *name)
{
    for (int i = 0; i < 2; i++)
        batch_ticket_take(&w->tickets[batch->slot][i], batch, name);
    for (int i = 0; i < 2 && w->at_once; i++)
        batch_ticket_join(&w->machine, &w->tickets[batch->slot][i], NULL);
}

static void w_prepare(void *user, struct batch *batch)
{
    struct world *w = user;
    w->prepared++;
    take(w, batch, "prepare");
}

static void w_decide(void *user, struct batch *batch)
{
    struct world *w = user;
    (void)batch;
    w->decided++;
}

static void w_publish(void *user, struct batch *batch)
{
    struct world *w = user;
    w->published++;
    take(w, batch, "publish");
}

static void w_done(void *user, struct batch *batch)
{
    struct world *w = user;
    cr_assert_eq(batch->id, w->last_done + 1, "batches are published in order");
    w->last_done = batch->id;
    w->records_done += batch->records;
    w->done++;
}

static void w_abandon(void *user, struct batch *batch)
{
    struct world *w = user;
    (void)batch;
    w->abandoned++;
}

static const struct batch_ops ops = {w_open,   w_seal,    w_seal_step, w_prepare,
                                     w_decide, w_publish, w_done,      w_abandon};

static void start(struct world *w, const struct batch_config *config)
{
    *w = (struct world){.last_done = -1, .at_once = true};
    w->input = (struct batch_input){.now_ms = 12345, .slice_max = 1000};
    batch_machine_init(&w->machine, config, &ops, w, w->input.now_ms);
}

/* Turns until nothing is sealed any more; a batch without data is sealed once per call. */
static void run(struct world *w)
{
    int opened;
    do {
        opened = w->opened;
        batch_machine_run(&w->machine, &w->input);
    } while (w->opened != opened && !w->input.no_data_due);
}

/* Reads one slice of what is pending; returns the offsets taken. */
static int64_t slice(struct world *w)
{
    int64_t max = batch_slice_offsets_max(&w->machine, &w->input);
    int64_t n = w->input.pending < max ? w->input.pending : max;
    if (n <= 0)
        return 0;
    batch_slice_opened(&w->machine, w->input.now_ms);
    cr_assert_eq(batch_slice_offsets_max(&w->machine, &w->input), 0, "one slice at a time");
    w->input.pending -= n;
    batch_slice_closed(&w->machine, n, n);
    return n;
}

static void join(struct world *w, uint32_t slot)
{
    for (int i = 0; i < 2; i++)
        batch_ticket_join(&w->machine, &w->tickets[slot][i], NULL);
}

static const struct batch_config ten_seconds = {.interval_ms = 10000, .bytes_max = 1000000};

Test(batch, first_runs_at_once_even_empty)
{
    struct world w;
    start(&w, &ten_seconds);
    w.input.limit_reached = true;
    run(&w);
    cr_assert_eq(w.done, 1);
    cr_assert_eq(w.last_done, 0);
    cr_assert_eq(batch_next_turn_ms(&w.machine), 20000, "then on multiples of the interval");
}

Test(batch, first_takes_all_up_to_the_ends_at_start)
{
    struct world w;
    start(&w, &ten_seconds);
    w.input.pending = 2500;
    while (slice(&w) > 0)
        run(&w);
    cr_assert_eq(w.done, 0, "more to come until the limit is reached");
    w.input.limit_reached = true;
    run(&w);
    cr_assert_eq(w.done, 1);
    cr_assert_eq(w.records_done, 2500);
}

static void past_first(struct world *w, const struct batch_config *config)
{
    start(w, config);
    w->input.limit_reached = true;
    run(w);
    w->input.limit_reached = false;
}

Test(batch, reads_eagerly_and_seals_on_the_trigger)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.pending = 10;
    cr_assert_eq(slice(&w), 10);
    run(&w);
    cr_assert_eq(w.done, 1, "not before the trigger");
    w.input.now_ms = 20000;
    run(&w);
    cr_assert_eq(w.done, 2);
    cr_assert_eq(w.records_done, 10);
}

Test(batch, what_is_there_at_the_trigger_still_belongs_to_it)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.pending = 5;
    slice(&w);
    w.input.now_ms = 20001;
    w.input.pending = 7;
    run(&w);
    cr_assert_eq(w.done, 1, "one more slice first");
    cr_assert_eq(slice(&w), 7);
    w.input.pending = 3; /* more always comes: one slice is enough */
    run(&w);
    cr_assert_eq(w.done, 2);
    cr_assert_eq(w.records_done, 12);
}

Test(batch, an_idle_trigger_makes_no_batch)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.now_ms = 20000;
    run(&w);
    cr_assert_eq(w.done, 1);
    cr_assert_eq(batch_next_turn_ms(&w.machine), 30000);
}

/* A watermark that moved makes one batch without data, at the next trigger, unless data comes. */
Test(batch, a_batch_without_data_follows_at_the_next_trigger)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.no_data_due = true;
    run(&w);
    cr_assert_eq(w.done, 1, "not before the trigger");
    w.input.now_ms = 20000;
    w.input.pending = 5;
    run(&w);
    cr_assert_eq(w.done, 1, "records come first");
    w.input.pending = 0;
    run(&w);
    cr_assert_eq(w.done, 2);
    cr_assert_eq(w.records_done, 0);
    w.input.no_data_due = false;
    w.input.now_ms = 30000;
    run(&w);
    cr_assert_eq(w.done, 2);
}

Test(batch, available_now_ends_with_the_batch_without_data)
{
    struct world w;
    struct batch_config config = {.available_now = true, .bytes_max = 1000000};
    start(&w, &config);
    w.input.limit_reached = true;
    w.input.no_data_due = true;
    run(&w);
    cr_assert_eq(w.done, 1);
    cr_assert_not(w.machine.finished);
    run(&w);
    cr_assert_eq(w.done, 2);
    w.input.no_data_due = false;
    run(&w);
    cr_assert(w.machine.finished);
}

/* Rows are evaluated before their trigger: its time is known already. */
Test(batch, the_timestamp_is_that_of_the_trigger)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.now_ms = 31000;
    run(&w);
    w.input.pending = 5;
    slice(&w);
    cr_assert_eq(w.machine.filling->timestamp_ms, 40000);
    struct batch_config free_running = {.bytes_max = 1000000};
    past_first(&w, &free_running);
    w.input.now_ms = 99000;
    w.input.pending = 5;
    slice(&w);
    cr_assert_eq(w.machine.filling->timestamp_ms, 99000, "not when the batch before ended");
}

Test(batch, gaps_without_records_make_no_batch)
{
    struct world w;
    past_first(&w, &ten_seconds);
    batch_slice_opened(&w.machine, w.input.now_ms);
    batch_slice_closed(&w.machine, 17, 0);
    w.input.now_ms = 20000;
    run(&w);
    cr_assert_eq(w.done, 1);
}

/* What is on its way to a store is waited for: the batch goes on when there is room again. */
Test(batch, memory_that_drains_holds_the_source)
{
    struct world w;
    struct batch_config config = {.interval_ms = 10000, .bytes_max = 100};
    past_first(&w, &config);
    w.input.pending = 1000000;
    cr_assert_gt(slice(&w), 0);
    w.input.held_bytes = 100;
    w.input.draining = true;
    run(&w);
    cr_assert_eq(w.done, 1, "not sealed");
    cr_assert(batch_held(&w.machine, &w.input));
    cr_assert_eq(slice(&w), 0);
    w.input.held_bytes = 50;
    cr_assert_not(batch_held(&w.machine, &w.input));
    cr_assert_gt(slice(&w), 0);
    w.input.held_bytes = 100;
    w.input.draining = false;
    run(&w);
    cr_assert_eq(w.done, 2, "nothing drains: sealed by memory");
}

Test(batch, two_batches_exist_and_then_the_source_is_held)
{
    struct world w;
    struct batch_config config = {.bytes_max = 100};
    past_first(&w, &config);
    w.at_once = false;
    w.input.pending = 1000000;
    slice(&w);
    run(&w);
    cr_assert_eq(w.prepared, 2, "the second batch commits");
    cr_assert_eq(w.done, 1);
    cr_assert_gt(slice(&w), 0, "while it does the next one fills");
    run(&w);
    cr_assert_not(batch_held(&w.machine, &w.input));
    w.input.held_bytes = 100;
    cr_assert(batch_held(&w.machine, &w.input));
    cr_assert_eq(slice(&w), 0, "held");
    uint32_t slot = w.machine.committing->slot;
    join(&w, slot);
    run(&w);
    cr_assert_eq(w.done, 1, "prepared, decided, publishing");
    cr_assert_eq(w.published, 2);
    join(&w, slot);
    run(&w);
    cr_assert_eq(w.done, 2);
    cr_assert_eq(w.prepared, 3, "the full one follows at once");
}

Test(batch, a_stage_waits_for_all_its_tickets)
{
    struct world w;
    start(&w, &ten_seconds);
    w.at_once = false;
    w.input.limit_reached = true;
    run(&w);
    batch_ticket_join(&w.machine, &w.tickets[0][1], NULL);
    run(&w);
    cr_assert_eq(w.decided, 0);
    batch_ticket_join(&w.machine, &w.tickets[0][0], NULL);
    run(&w);
    cr_assert_eq(w.decided, 1);
}

Test(batch, cap_ends_reading_until_the_trigger)
{
    struct world w;
    struct batch_config config = {
        .interval_ms = 10000, .offsets_per_trigger = 1500, .bytes_max = 1000000};
    start(&w, &config);
    w.input.pending = 10000;
    while (slice(&w) > 0)
        ;
    run(&w);
    cr_assert_eq(w.records_done, 1500, "batch 0 waits for no trigger");
    while (slice(&w) > 0)
        ;
    run(&w);
    cr_assert_eq(w.records_done, 1500);
    w.input.now_ms = 20000;
    run(&w);
    cr_assert_eq(w.records_done, 3000);
}

Test(batch, no_turn_is_due_while_something_else_is_waited_for)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.at_once = false;
    w.input.pending = 5;
    slice(&w);
    w.input.now_ms = 20000;
    run(&w);
    cr_assert(w.machine.committing);
    w.input.now_ms = 45000;
    run(&w);
    cr_assert_eq(batch_next_turn_ms(&w.machine), INT64_MAX);
}

Test(batch, a_cap_holds_over_batches_sealed_by_memory)
{
    struct world w;
    struct batch_config config = {
        .interval_ms = 10000, .offsets_per_trigger = 100, .bytes_max = 1000};
    past_first(&w, &config);
    w.input.pending = 1000;
    w.input.slice_max = 60;
    cr_assert_eq(slice(&w), 60);
    w.input.held_bytes = 1000;
    run(&w);
    cr_assert_eq(w.records_done, 60, "sealed by memory");
    cr_assert_eq(slice(&w), 40, "what the trigger has left");
    cr_assert_eq(slice(&w), 0);
    w.input.now_ms = 20000;
    run(&w);
    cr_assert_eq(w.records_done, 100);
    cr_assert_eq(slice(&w), 60);
}

Test(batch, a_clock_set_back_stops_no_trigger)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.now_ms = 1000;
    run(&w);
    cr_assert_eq(batch_next_turn_ms(&w.machine), 10000);
}

Test(batch, a_cap_full_of_gaps_does_not_end_the_reading)
{
    struct world w;
    struct batch_config config = {
        .available_now = true, .offsets_per_trigger = 3, .bytes_max = 1000000};
    start(&w, &config);
    w.input.pending = 3;
    slice(&w);
    run(&w);
    batch_slice_opened(&w.machine, w.input.now_ms);
    batch_slice_closed(&w.machine, 3, 0);
    run(&w);
    cr_assert_eq(w.done, 1);
    w.input.pending = 2;
    cr_assert_eq(slice(&w), 2);
    w.input.limit_reached = true;
    run(&w);
    cr_assert(w.machine.finished);
    cr_assert_eq(w.records_done, 5);
}

Test(batch, available_now_runs_to_the_end)
{
    struct world w;
    struct batch_config config = {
        .available_now = true, .offsets_per_trigger = 1500, .bytes_max = 1000000};
    start(&w, &config);
    w.input.pending = 4000;
    while (!w.machine.finished) {
        slice(&w);
        w.input.limit_reached = w.input.pending == 0;
        run(&w);
    }
    cr_assert_eq(w.done, 3);
    cr_assert_eq(w.records_done, 4000);
}

Test(batch, available_now_with_nothing_runs_batch_0)
{
    struct world w;
    struct batch_config config = {.available_now = true, .bytes_max = 1000000};
    start(&w, &config);
    w.input.limit_reached = true;
    run(&w);
    cr_assert(w.machine.finished);
    cr_assert_eq(w.done, 1);
}

Test(batch, stop_seals_what_is_read)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.pending = 500;
    slice(&w);
    w.input.pending = 500;
    batch_machine_stop(&w.machine);
    run(&w);
    cr_assert(w.machine.finished);
    cr_assert_eq(w.records_done, 500);
    cr_assert_eq(slice(&w), 0);
}

Test(batch, stop_waits_for_the_slice_and_can_give_it_up)
{
    struct world w;
    past_first(&w, &ten_seconds);
    w.input.pending = 500;
    slice(&w);
    batch_slice_opened(&w.machine, w.input.now_ms);
    batch_machine_stop(&w.machine);
    run(&w);
    cr_assert_not(w.machine.finished);
    batch_machine_abandon(&w.machine);
    run(&w);
    cr_assert(w.machine.finished);
    cr_assert_eq(w.abandoned, 1);
    cr_assert_eq(w.done, 1, "nothing unsealed is committed");
}

Test(batch, a_failure_stops_everything)
{
    struct world w;
    start(&w, &ten_seconds);
    w.at_once = false;
    w.input.limit_reached = true;
    run(&w);
    struct err err = {.code = ERR_IO, .msg = "disk full"};
    batch_ticket_join(&w.machine, &w.tickets[0][0], &err);
    batch_ticket_join(&w.machine, &w.tickets[0][1], NULL);
    run(&w);
    cr_assert_eq(w.decided, 0);
    cr_assert_eq(w.machine.err.code, ERR_IO);
    cr_assert_str_eq(w.machine.err.msg, "disk full");
}

Test(batch, preview_is_one_batch)
{
    struct world w;
    struct batch_config config = {
        .interval_ms = 10000, .preview_offsets = 20, .bytes_max = 1000000};
    start(&w, &config);
    w.input.limit_reached = true;
    run(&w);
    cr_assert_eq(w.done, 0, "it waits for its records");
    w.input.pending = 100;
    while (slice(&w) > 0)
        ;
    run(&w);
    cr_assert(w.machine.finished);
    cr_assert_eq(w.records_done, 20);
}

/* Any schedule of slices, joins and time: batches in order, every record exactly once. */
Test(batch, random_schedules)
{
    for (unsigned seed = 0; seed < 300; seed++) {
        srand(seed);
        struct world w;
        struct batch_config config = {.interval_ms = rand() % 3 ? rand() % 500 : 0,
                                      .available_now = rand() % 4 == 0,
                                      .offsets_per_trigger = rand() % 2 ? 1 + rand() % 3000 : 0,
                                      .bytes_max = 1000};
        start(&w, &config);
        w.at_once = false;
        int64_t total = 1 + rand() % 20000, left = total, stop_at = rand() % 2000;
        w.input.pending = config.available_now ? total : total / 2;
        left -= w.input.pending;
        for (int step = 0; step < 200000 && !w.machine.finished; step++) {
            w.input.now_ms += rand() % 20;
            int64_t arrived = left > 0 ? rand() % (left + 1) : 0;
            w.input.pending += arrived;
            left -= arrived;
            if (slice(&w) > 0)
                w.input.held_bytes += (size_t)rand() % 600;
            w.input.limit_reached = w.input.pending == 0;
            run(&w);
            /* A turn in the past would come again at once, for ever. */
            cr_assert(w.machine.filling == NULL || w.machine.filling->records > 0 ||
                      w.input.pending > 0 || batch_next_turn_ms(&w.machine) > w.input.now_ms);
            for (int s = 0; s < 2; s++) {
                for (int i = 0; i < 2 && rand() % 3 == 0; i++) {
                    if (w.tickets[s][i].batch)
                        batch_ticket_join(&w.machine, &w.tickets[s][i], NULL);
                }
            }
            if (!config.available_now && left == 0 && w.input.pending == 0 && step > stop_at)
                batch_machine_stop(&w.machine);
        }
        cr_assert(w.machine.finished, "seed %u does not end", seed);
        cr_assert_eq(w.records_done, total, "seed %u", seed);
    }
}

Test(batch, a_seal_takes_its_steps_and_holds_the_source)
{
    struct world w;
    start(&w, &ten_seconds);
    w.seal_steps = 2;
    w.input.pending = 5000;
    slice(&w);
    w.input.limit_reached = true;
    for (int i = 0; i < 2; i++) {
        batch_machine_run(&w.machine, &w.input);
        cr_assert_eq(w.prepared, 0, "a step is missing");
        cr_assert_eq(batch_slice_offsets_max(&w.machine, &w.input), 0, "nothing is read meanwhile");
    }
    batch_machine_run(&w.machine, &w.input);
    cr_assert_eq(w.done, 1);
    cr_assert_gt(batch_slice_offsets_max(&w.machine, &w.input), 0);
}

Test(batch, a_resumed_machine_goes_on_with_its_number_and_has_no_first_batch)
{
    struct world w;
    struct batch_config config = ten_seconds;
    config.next_id = 7;
    config.resumed = true;
    start(&w, &config);
    w.last_done = 6;
    w.input.pending = 100;
    w.input.limit_reached = true;
    slice(&w);
    run(&w);
    cr_assert_eq(w.done, 1, "the first trigger is due at once");
    cr_assert_eq(w.last_done, 7);
    run(&w);
    cr_assert_eq(w.done, 1, "no batch without records");
}
