/* state_codec.c: the state as bytes and back; the format is in docs/state-format.md. */
#include "engine/session_impl.h"
#include "engine/state_bytes.h"

/* What the state is made of: two queries with one text can read each other's state. */
static void print_schema(const struct state *state, struct buf *out)
{
    const struct sql_grouping *grouping = state->grouping;
    if (grouping->window == SQL_WINDOW_TIME)
        buf_printf(out, "window(%lld, %lld, %lld) ", (long long)grouping->size_us,
                   (long long)grouping->slide_us, (long long)grouping->start_us);
    if (grouping->window == SQL_WINDOW_SESSION)
        buf_printf(out, "session_window ");
    if (grouping->event_key >= 0)
        buf_printf(out, "event time key %d ", grouping->event_key);
    buf_printf(out, "keys(");
    for (uint32_t i = 0; i < grouping->key_count; i++) {
        buf_printf(out, "%s", i ? ", " : "");
        type_print(grouping->key_types[i], out);
    }
    buf_append_char(out, ')');
    for (uint32_t a = 0; a < grouping->aggregate_count; a++) {
        const struct aggregate_call *call = &grouping->aggregates[a];
        buf_printf(out, " %s(", call->aggregate->name);
        for (uint32_t i = 0; i < call->arg_count; i++) {
            buf_printf(out, "%s", i ? ", " : "");
            type_print(call->args[i]->type, out);
        }
        buf_printf(out, ")%s", call->ignore_nulls ? " IGNORE NULLS" : "");
    }
}

/* ---- out ---- */

struct encoding {
    const struct state *state;
    struct arena *arena;
    struct buf *out;
};

/* The rows of a window that belong to the extent, sorted. */
static char **window_rows(const struct encoding *encoding, const struct window *window,
                          bool touched_only, uint32_t *count)
{
    bool some = touched_only && !window->touched_all;
    *count = some ? window->touched_count : group_table_count(window->kept);
    char **rows = ARENA_ARRAY(encoding->arena, char *, *count);
    for (uint32_t i = 0; rows && i < *count; i++)
        rows[i] = group_table_row(window->kept, some ? window->touched[i] : i);
    if (rows && state_sort(&encoding->state->keys, rows, *count) != 0)
        return NULL;
    return rows;
}

static int encode_window(const struct encoding *encoding, const struct window *window,
                         bool touched_only)
{
    const struct state *state = encoding->state;
    struct buf *out = encoding->out;
    uint32_t count;
    char **rows = window_rows(encoding, window, touched_only, &count);
    if (!rows)
        return ERR_NOMEM;
    buf_append_char(out, window->endless);
    state_put_u64(out, (uint64_t)window->start);
    lows_encode(&window->lows, out);
    state_put_number(out, count);
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS_MAX) {
        uint32_t end = count - at < BLOCK_ROWS_MAX ? count : at + BLOCK_ROWS_MAX;
        for (uint32_t i = at; i < end; i++)
            group_keys_encode(&state->keys, rows[i], out);
        for (uint32_t i = at; i < end; i++)
            state_encode_row(state, rows[i] + state->accumulators, out);
    }
    return out->failed ? ERR_NOMEM : 0;
}

static int encode_windows(const struct encoding *encoding, enum state_extent extent)
{
    const struct state *state = encoding->state;
    bool delta = extent == STATE_DELTA;
    uint32_t count = state->touched.count;
    struct window **windows;
    if (delta) {
        windows = ARENA_ARRAY(encoding->arena, struct window *, count);
        if (windows && count)
            memcpy(windows, state->touched.items, count * sizeof *windows);
        if (windows)
            window_sort(windows, count);
    } else {
        windows = windows_sorted(state, encoding->arena, &count);
    }
    if (!windows)
        return ERR_NOMEM;
    state_put_number(encoding->out, count);
    int code = 0;
    for (uint32_t i = 0; i < count && code == 0; i++)
        code = encode_window(encoding, windows[i], delta);
    return code;
}

int state_encode(const struct state *state, enum state_extent extent, struct buf *out)
{
    REQUIRE(!state->output.pending);
    struct arena arena = {0};
    struct buf schema = {0};
    struct encoding encoding = {state, &arena, out};
    size_t start = out->n;
    print_schema(state, &schema);
    struct state_frame frame = {.kind = state->sessions ? FRAME_SESSIONS : FRAME_GROUPS,
                                .extent = (uint8_t)extent,
                                .schema = buf_str(&schema)};
    state_frame_begin(out, &frame);
    if (extent == STATE_DELTA)
        state_put_u64(out, (uint64_t)(state->sealed ? state->closing_us : INT64_MIN));
    int code = state->sessions ? sessions_encode(state, extent, out, &arena)
                               : encode_windows(&encoding, extent);
    state_frame_end(out, start);
    if (schema.failed || out->failed)
        code = ERR_NOMEM;
    buf_fini(&schema);
    arena_fini(&arena);
    return code;
}

/* ---- back ---- */

/* What is read and where it goes. Everything must come in order: nothing is there twice. */
struct decoding {
    struct state *state;
    struct state_reader *in;
    struct window *window;
    const char *last; /* row of the group before */
};

/* The group's row, with accumulators of zeros. */
static int decode_group(struct decoding *decoding, const struct key_block *keys, uint32_t i,
                        char **out)
{
    struct state *state = decoding->state;
    struct group_table *table = decoding->window->kept;
    uint32_t before = group_table_count(table), id = group_table_get(table, keys, i);
    if (id == GROUP_NONE)
        return ERR_NOMEM;
    char *row = *out = group_table_row(table, id), *accumulators = row + state->accumulators;
    if (decoding->last && group_keys_compare(&state->keys, decoding->last, row) >= 0)
        return ERR_CORRUPT;
    decoding->last = row;
    if (group_table_count(table) > before) {
        state->rows++;
    } else { /* a delta replaces it */
        state_free_row(state, accumulators);
        memset(accumulators, 0, state->accumulator_bytes);
    }
    int64_t time;
    int event_key = state->grouping->event_key;
    if (event_key >= 0 && group_keys_time(&state->keys, (uint32_t)event_key, row, &time) &&
        time < decoding->window->first_key)
        decoding->window->first_key = time;
    return 0;
}

/* Keys, then accumulators, of n groups. */
static int decode_groups(struct decoding *decoding, uint32_t n)
{
    struct state *state = decoding->state;
    struct key_block keys;
    arena_reset(&state->scratch);
    char **rows = ARENA_ARRAY(&state->scratch, char *, n);
    if (!rows)
        return ERR_NOMEM;
    int code = group_keys_decode(&state->keys, decoding->in, n, &state->scratch, &keys);
    for (uint32_t i = 0; i < n && code == 0; i++)
        code = decode_group(decoding, &keys, i, &rows[i]);
    for (uint32_t i = 0; i < n && code == 0; i++)
        code = state_decode_row(state, decoding->in, rows[i] + state->accumulators);
    return code;
}

/* Whether the query has such a window. */
static bool is_possible(const struct state *state, int64_t start, bool endless)
{
    if (state->grouping->window == SQL_WINDOW_TIME)
        return !endless;
    return endless ? start == 0 : state->grouping->event_key >= 0;
}

static int decode_window(struct decoding *decoding, bool endless, int64_t start)
{
    struct state *state = decoding->state;
    struct window *window = window_get(state, start, endless);
    if (!window || (!window->kept && state_table_create(state, &window->kept) != 0))
        return ERR_NOMEM;
    decoding->window = window;
    decoding->last = NULL;
    lows_fini(&window->lows, &state->heap);
    int code = lows_decode(&window->lows, &state->heap, decoding->in);
    uint64_t count = code ? 0 : state_get_number(decoding->in, UINT32_MAX - 2);
    for (uint64_t at = 0; at < count && code == 0; at += BLOCK_ROWS_MAX) {
        uint64_t n = count - at < BLOCK_ROWS_MAX ? count - at : BLOCK_ROWS_MAX;
        code = decode_groups(decoding, (uint32_t)n);
    }
    return code || group_table_count(window->kept) ? code : ERR_CORRUPT;
}

static int decode_windows(struct state *state, struct state_reader *in)
{
    struct decoding decoding = {.state = state, .in = in};
    uint64_t count = state_get_number(in, UINT32_MAX);
    int64_t last = INT64_MIN;
    int code = in->failed ? ERR_CORRUPT : 0;
    for (uint64_t i = 0; i < count && code == 0; i++) {
        uint8_t endless = state_read_u8(in);
        int64_t start = (int64_t)state_read_u64(in);
        bool ordered = i == 0 || (!endless && (start > last || decoding.window->endless));
        if (in->failed || endless > 1 || !ordered || !is_possible(state, start, endless))
            return ERR_CORRUPT;
        last = start;
        code = decode_window(&decoding, endless, start);
    }
    return code;
}

static int clear(struct state *state, struct err *err)
{
    int code = state_begin(state, err);
    if (code)
        return code;
    bool session = state->sessions != NULL;
    sessions_destroy(state);
    windows_fini(state);
    state->rows = 0;
    return session && sessions_create(state) != 0 ? state_nomem(err) : 0;
}

static int decode_content(struct state *state, struct state_reader *in, bool snapshot,
                          struct err *err)
{
    int64_t closing_us = snapshot ? INT64_MIN : (int64_t)state_read_u64(in);
    int code = state->sessions ? sessions_decode(state, in) : decode_windows(state, in);
    if (code == ERR_NOMEM)
        return state_nomem(err);
    if (code || in->failed || in->p != in->end)
        return err_set(err, ERR_CORRUPT, "the saved state is damaged: its content is not a state");
    if (!state->closes || closing_us == INT64_MIN)
        return 0;
    state->closing_us = closing_us;
    code = state->sessions ? session_close(state, closing_us) : state_close(state, closing_us);
    return code ? state_nomem(err) : state_finish(state, err);
}

int state_decode(struct state *state, struct str bytes, struct err *err)
{
    struct buf schema = {0};
    struct state_reader content;
    print_schema(state, &schema);
    struct state_frame frame = {.kind = state->sessions ? FRAME_SESSIONS : FRAME_GROUPS,
                                .schema = buf_str(&schema)};
    int code = schema.failed ? state_nomem(err) : state_frame_open(&frame, bytes, &content, err);
    buf_fini(&schema);
    if (code)
        return code;
    bool snapshot = frame.extent == STATE_SNAPSHOT;
    code = snapshot ? clear(state, err) : state_begin(state, err);
    return code ? code : decode_content(state, &content, snapshot, err);
}
