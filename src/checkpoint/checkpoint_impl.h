/* checkpoint_impl.h: the inside of a checkpoint. checkpoint.c: life, saving objects · open.c: how
 * it is opened · owner.c: epochs, heartbeats · decide.c: the decision · state.c: the state's files
 * · trim.c: what may go. */
#pragma once

#include "checkpoint/checkpoint.h"
#include "os/identity.h"

enum {
    KEY_SIZE = 200,
    OWNER_VERSION = 1,
    TRIM_EVERY = 8,              /* batches */
    OWNER_STANDSTILL_MS = 30000, /* a heartbeat that stands still for so long is nobody's */
    OWNER_LOOK_MS = 1000,        /* between two looks at it */
};

/* An object on its way into the store; in the list until it is there. */
struct checkpoint_save {
    struct checkpoint_save *next;
    struct checkpoint *checkpoint;
    struct store_request request;
    char *key;
    struct buf own; /* the bytes of a state file */
};

/* Files of the state that a record names, in order: a snapshot's, then deltas. */
struct state_chain {
    struct record_object *items; /* keys are owned */
    uint32_t count, capacity;
    uint32_t snapshot_count; /* the first ones */
    uint64_t snapshot_bytes, delta_cost;
};

/* Who may decide: what owner/<epoch> says. */
struct owner_record {
    uint64_t epoch;
    struct identity identity;
    char run_id[40];
};

enum open_step {
    OPEN_CHECK,
    OPEN_SWEEP,
    OPEN_PROBE,
    OPEN_PROBE_AGAIN,
    OPEN_PROBE_REMOVE,
    OPEN_METADATA,
    OPEN_OWNERS,
    OPEN_OWNER,
    OPEN_HEARTBEAT,
    OPEN_CLAIM,
    OPEN_COMMITS,
    OPEN_RECORD,
    OPEN_NEWER, /* reading who decided the newest batch */
    OPEN_TAKEOVER,
    OPEN_TAKEN, /* reading who was faster */
    OPEN_DONE,
};

enum trim_step { TRIM_COMMITS, TRIM_OLDEST, TRIM_STATE, TRIM_STAGED, TRIM_OWNERS, TRIM_DELETE };

enum decide_step { DECIDE_LOOK, DECIDE_PUT, DECIDE_COMPARE, DECIDE_LOOK_AGAIN, DECIDE_NAME };

struct checkpoint {
    struct checkpoint_options options;
    uv_loop_t *loop;
    char *location;
    char run_id[40], id[40];
    enum checkpoint_stage stage;
    struct err err;
    char waits_for[400];

    /* One operation at a time: opening, beginning, reading, deciding. */
    struct store_request request;
    bool running;
    char key[KEY_SIZE];
    struct buf bytes; /* being put */
    checkpoint_callback callback;
    void *user;

    enum open_step step;
    struct identity identity;
    struct owner_record other; /* the owner before */
    bool other_gone;           /* it is known to be dead */
    uint64_t epoch;
    char last_beat[200];
    int64_t beat_since_ms; /* monotonic: since when the other's heartbeat stands still */
    uv_timer_t timer;      /* looks at the other's heartbeat; then gives our own */
    struct store_request beat;
    struct buf beat_bytes;
    char beat_key[KEY_SIZE];
    uint64_t beats;
    bool beat_running;
    char look_key[KEY_SIZE];

    struct arena arena; /* of metadata and the record that was found */
    struct checkpoint_metadata metadata;
    bool has_metadata;
    struct commit_record record;
    bool has_record;
    int64_t next_batch, published;

    struct record_object reading;
    struct buf *read_to;

    /* Saving. */
    struct arena batch_arena; /* keys of what sinks staged */
    struct checkpoint_save *saves;
    uint32_t state_running;
    struct err save_err;
    checkpoint_callback saved;
    void *saved_user;
    struct state_chain chain, next_chain;
    struct buf state;
    bool saving_state, snapshot;
    uint32_t file_number;
    struct commit_record *deciding;
    enum decide_step decide_step;
    int64_t began_us;
    uint64_t saved_bytes;
    struct checkpoint_figures figures;
    struct str *rolled; /* keys that the newest record names */
    uint32_t rolled_count;
    struct arena rolled_arena;
    bool cancelled; /* no decision is to begin any more */

    /* Trimming; before the checkpoint is open, sweeping. */
    struct store_request trim;
    bool trim_running;
    enum trim_step trim_step;
    uint32_t trim_at;
    int64_t trim_oldest, trim_state_before;
    char trim_key[KEY_SIZE];
    struct str *garbage; /* keys */
    uint32_t garbage_count;
    struct arena garbage_arena;
    bool trim_warned;
    uint32_t since_trim;

    bool replaced; /* by a newer owner: there is nothing to give back */
    bool closing, releasing, timer_closed;
    void (*closed)(void *user);
    void *closed_user;
};

/* checkpoint.c */
void checkpoint_fail(struct checkpoint *checkpoint, const struct err *err);
/* Ends the operation under way and calls back. */
void checkpoint_finish(struct checkpoint *checkpoint, int code, const struct err *err);
void checkpoint_idle(struct checkpoint *checkpoint);
/* Puts an object of the batch; `own` is taken (NULL: `bytes`, the caller's, stay untouched). The
 * key in *out goes with the save. */
int checkpoint_save(struct checkpoint *checkpoint, const char *key, struct buf *own,
                    struct str bytes, struct record_object *out) MUST_CHECK;
void checkpoint_changed(struct checkpoint *checkpoint);
/* "checkpoint LOCATION: KEY: " before what is wrong with an object. */
int checkpoint_prefix(const struct checkpoint *checkpoint, const char *key, struct err *err);

/* open.c */
void checkpoint_open_step(struct checkpoint *checkpoint);

/* owner.c */
int owner_encode(const struct checkpoint *checkpoint, struct buf *out) MUST_CHECK;
int owner_decode(struct owner_record *out, struct str bytes, struct err *err) MUST_CHECK;
/* "process 12 on host (run ..., epoch 3)". */
void owner_print(const struct owner_record *owner, char *out, size_t size);
/* The largest epoch of a listing of owner/; 0: none. */
uint64_t owner_newest(const struct store_entry *entries, uint32_t count);
void owner_key(uint64_t epoch, char out[KEY_SIZE]);
void owner_beat_key(uint64_t epoch, char out[KEY_SIZE]);
/* What a process says that was replaced by the owner whose record this is. */
void owner_fail_replaced(struct checkpoint *checkpoint, struct str owner, struct err *err);
/* Begins to give heartbeats. */
void owner_begin_beats(struct checkpoint *checkpoint);
/* A last one that gives the ownership back; then checkpoint_idle. */
void owner_release(struct checkpoint *checkpoint);
/* Whether an owner gave its ownership back with it, and then, up to which batch all is published.
 */
bool owner_beat_is_release(struct str beat, int64_t *published);

/* state.c */
void chain_fini(struct state_chain *chain);
/* Adds `count` files, of which the first are the snapshot's. */
int chain_add_all(struct state_chain *chain, const struct record_object *items, uint32_t count,
                  uint32_t snapshot_count) MUST_CHECK;

/* sweep.c: removes leftovers of puts, then checkpoint_open_step. */
void checkpoint_sweep(struct checkpoint *checkpoint);

/* decide.c: keys of rolled files that the record names stay. ERR_NOMEM. */
int checkpoint_keep_rolled(struct checkpoint *checkpoint,
                           const struct commit_record *record) MUST_CHECK;

/* trim.c */
void trim_fini(struct checkpoint *checkpoint);
