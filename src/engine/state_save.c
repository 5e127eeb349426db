/* state_save.c: groups as bytes, a piece of a window after the other; docs/state-format.md. */
#include "engine/session_impl.h"
#include "engine/state_bytes.h"

void state_save_begin(struct state *state, enum state_extent extent)
{
    REQUIRE(state->seal.stage == STAGE_DONE);
    state->saving = (struct state_saving){.extent = extent};
}

/* The next window that has something to save; *end: there is none. */
static struct window *next_window(struct state *state, bool *end)
{
    const struct window_map *map = &state->windows;
    bool all = state->saving.extent == STATE_SNAPSHOT;
    uint32_t count = all ? map->slot_count + 1 : state->touched.count, at = state->saving.item++;
    *end = at >= count;
    if (*end)
        return NULL;
    return !all ? state->touched.items[at] : at < map->slot_count ? map->slots[at] : state->endless;
}

static char *next_row(struct state *state)
{
    struct state_saving *saving = &state->saving;
    const struct window *window = saving->window;
    bool some = saving->extent == STATE_DELTA && !window->touched_all;
    uint32_t count = some ? window->touched_count : group_table_count(window->kept);
    if (saving->row >= count)
        return NULL;
    uint32_t at = saving->row++;
    return group_table_row(window->kept, some ? window->touched[at] : at);
}

static void begin_piece(struct state_saving *saving, struct buf *out)
{
    buf_append_char(out, saving->window->endless);
    state_put_u64(out, (uint64_t)saving->window->start);
    lows_encode(&saving->window->lows, out);
    saving->count_at = out->n;
    saving->count = 0;
    state_put_u32(out, 0);
}

static void end_piece(struct state_saving *saving, struct buf *out)
{
    for (size_t i = 0; saving->count_at && !out->failed && i < 4; i++)
        out->p[saving->count_at + i] = (char)(saving->count >> (8 * i));
    saving->count_at = 0;
}

/* The next row into the piece, which it begins if need be; false: the window has no more. */
static bool save_row(struct state *state, struct buf *out)
{
    struct state_saving *saving = &state->saving;
    const char *row = next_row(state);
    if (!row) {
        end_piece(saving, out);
        return false;
    }
    if (!saving->count_at)
        begin_piece(saving, out);
    group_keys_encode(&state->keys, row, out);
    state_encode_row(state, row + state->accumulators, out);
    saving->count++;
    return true;
}

static void save_windows(struct state *state, struct buf *out, uint32_t *rows, uint32_t *work,
                         bool *done)
{
    enum { BYTES_PER_WORK = 256 };
    struct state_saving *saving = &state->saving;
    while (*work && out->n < SAVED_CHUNK_BYTES && !*done && !out->failed) {
        size_t before = out->n;
        if (!saving->window) {
            saving->window = next_window(state, done);
            saving->row = 0;
        } else if (save_row(state, out)) {
            ++*rows;
        } else {
            saving->window = NULL;
        }
        state_spend(work, 1 + (out->n - before) / BYTES_PER_WORK);
    }
    if (out->n >= SAVED_CHUNK_BYTES)
        end_piece(saving, out);
}

int state_save_step(struct state *state, struct buf *out, uint32_t *rows, uint32_t *work,
                    bool *done)
{
    *done = false;
    if (state->sessions)
        return sessions_save_step(state, out, rows, work, done);
    save_windows(state, out, rows, work, done);
    return out->failed ? ERR_NOMEM : 0;
}
