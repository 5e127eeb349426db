/* In a directory: what killed processes left of their puts, hidden temporaries, goes before
 * anything is put there. Best effort: what cannot be removed stays for the next time. */
#include "checkpoint/checkpoint_impl.h"

static void next(struct checkpoint *checkpoint);

static void on_aborted(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    checkpoint->trim_running = false;
    checkpoint->trim_at++;
    next(checkpoint);
}

static void on_resumed(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    if (request->code) {
        on_aborted(request);
        return;
    }
    store_upload_abort(request->upload, request, on_aborted, checkpoint);
}

static void end(struct checkpoint *checkpoint)
{
    store_request_fini(&checkpoint->request);
    checkpoint->request = (struct store_request){0};
    checkpoint->running = false;
    if (checkpoint->closing)
        checkpoint_idle(checkpoint);
    else
        checkpoint_open_step(checkpoint);
}

static void next(struct checkpoint *checkpoint)
{
    const struct store_request *list = &checkpoint->request;
    if (checkpoint->closing || checkpoint->trim_at == list->entry_count) {
        end(checkpoint);
        return;
    }
    const struct store_entry *entry = &list->entries[checkpoint->trim_at];
    checkpoint->trim_running = true;
    store_upload_resume(checkpoint->options.store, &checkpoint->trim, entry->key, entry->id,
                        STR(""), entry->bytes, true, on_resumed, checkpoint);
}

static void on_listed(struct store_request *request)
{
    struct checkpoint *checkpoint = request->user;
    checkpoint->trim_at = 0;
    if (request->code)
        request->entry_count = 0;
    next(checkpoint);
}

void checkpoint_sweep(struct checkpoint *checkpoint)
{
    checkpoint->running = true;
    store_list_uploads(checkpoint->options.store, &checkpoint->request, STR(""), on_listed,
                       checkpoint);
}
