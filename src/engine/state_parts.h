/* state_parts.h: what a state is made of: windows, and where sealing, giving out, saving and
 * loading are. See state_impl.h. */
#pragma once

#include "engine/group_table.h"
#include "engine/lows.h"
#include "engine/row_sort.h"
#include "engine/state.h"
#include "engine/time_heap.h"

/* A time window; for an event key the keys of one second; or, without either, all there is. */
struct window {
    int64_t start;             /* microseconds */
    int64_t first_key;         /* event key: the lowest in `kept` or `batch` */
    struct group_table *kept;  /* the state; NULL: the batch made the window */
    struct group_table *batch; /* the batch under way; NULL: not touched */
    uint32_t *touched;         /* rows of `kept` that the sealed batch changed */
    uint32_t touched_count, touched_room;
    bool touched_all; /* instead: all of them */
    bool in_batch;    /* is in state->filling */
    bool closing;     /* leaves when the groups have been read */
    bool endless;     /* has no time: never closes */
    uint64_t seen;    /* the last fold whose origin is in `lows` */
    struct lows lows;
};

/* Windows by start. */
struct window_map {
    struct window **slots;
    uint32_t slot_count, count;
};

struct window_list {
    struct window **items;
    uint32_t count, capacity;
};

/* A table on its way out, with what hangs on its rows. */
struct table_end {
    struct group_table *table; /* NULL: none */
    size_t accumulators;       /* where they begin in a row; 0: nothing hangs on it */
    size_t lows;               /* where a struct lows is; 0: nowhere */
    uint32_t row;              /* rows before it are done */
};

/* What a seal gives out: windows in order, the rows of each in order, made into blocks. */
struct state_output {
    struct row_sort windows;
    struct row_sort rows;  /* of the window (or of all: event key, sessions) under way */
    struct window *window; /* whose rows are going into `rows`; NULL: none */
    uint32_t row;          /* the next of them */
    bool taking;           /* `rows` is complete */
    int64_t start;         /* of the window that is taken from */
    char **block;          /* BLOCK_ROWS_MAX rows of the block under way; NULL: nothing is given */
    int64_t *starts;       /* of their windows */
    uint32_t count;
};

/* Where the rows of a bucket go when those up to the closing time leave. */
struct state_cut {
    struct window *window; /* NULL: none is cut */
    struct group_table *table;
    uint32_t *ids; /* by old number; GROUP_NONE: left */
    size_t ids_bytes;
    int64_t first_key;
    uint32_t row;                   /* the next to decide about */
    uint32_t touched, touched_left; /* done of window->touched, and that stay */
};

/* The stages of a seal, in this order. */
enum state_stage {
    STAGE_FORGET, /* what the batch before changed */
    STAGE_MERGE,  /* the batch into the state */
    STAGE_CLOSE,  /* which windows or sessions leave */
    STAGE_LIST,   /* what is given out */
    STAGE_GIVE,
    STAGE_CUT,    /* the bucket that the watermark is in */
    STAGE_LEAVE,  /* what closed */
    STAGE_SHRINK, /* sessions: those that are left move together */
    STAGE_DONE,
};

struct state_seal {
    enum state_stage stage;
    bool takes_part; /* else only what the batch before changed is forgotten */
    bool silent;     /* nothing is given out: of a delta that is loaded */
    int64_t closing_us;
    struct state_counts *counts;
    uint32_t item, left; /* where the stage is in its list, and how many of it stay */
    uint32_t row;        /* and in the rows of the item */
    struct table_end end;
};

/* One step of a seal. */
struct state_step {
    uint32_t *work; /* groups that may still be worked on */
    struct arena *arena;
    struct block *groups; /* out: rows 0: none yet */
    bool over;            /* out: the stage is */
    struct err *err;
};

/* Where saving is. */
struct state_saving {
    enum state_extent extent;
    uint32_t item;         /* of the windows or of the keys, all of them or those touched */
    struct window *window; /* under way; NULL: none */
    uint32_t row;          /* the next of the window */
    uint32_t next;         /* sessions: the next of the key's, number + 1; 0: the key is done */
    size_t count_at;       /* where the count of the piece stands in the chunk; 0: no piece */
    uint32_t count;        /* rows of the piece so far */
};

/* Where loading is. */
struct state_loading {
    bool snapshot;
    struct window *window; /* of the piece */
    uint32_t left;         /* groups of the piece */
    uint32_t key;          /* sessions: of the entry before; GROUP_NONE: none */
    uint32_t last;         /* and its last session */
};
