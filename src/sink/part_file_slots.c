/* How many files of a sink work at a time. */
#include <stdlib.h>

#include "sink/part_file_impl.h"

int part_file_slots_init(struct part_file_slots *slots, uint32_t most)
{
    *slots = (struct part_file_slots){.most = most};
    slots->spare = calloc(1, sizeof *slots->spare);
    return slots->spare ? 0 : ERR_NOMEM;
}

void part_file_slots_fini(struct part_file_slots *slots)
{
    free(slots->spare);
    slots->spare = NULL;
}

static void leave_list(struct part_file *file)
{
    struct part_file_slots *slots = file->config.slots;
    if (!file->waits)
        return;
    if (file->prev)
        file->prev->next = file->next;
    else
        slots->first = file->next;
    if (file->next)
        file->next->prev = file->prev;
    else
        slots->last = file->prev;
    file->waits = false;
    file->next = file->prev = NULL;
}

bool part_file_has_slot(struct part_file *file)
{
    struct part_file_slots *slots = file->config.slots;
    if (file->work || file->waits)
        return file->work != NULL;
    if (slots->used < slots->most) {
        file->work = slots->spare ? slots->spare : calloc(1, sizeof *file->work);
        slots->spare = NULL;
    }
    if (file->work) {
        file->work->file = file;
        slots->used++;
        return true;
    }
    file->prev = slots->last; /* also when there is no memory: somebody gives some back */
    if (slots->last)
        slots->last->next = file;
    else
        slots->first = file;
    slots->last = file;
    file->waits = true;
    return false;
}

void part_file_release_slot(struct part_file *file)
{
    struct part_file_slots *slots = file->config.slots;
    struct part_file_work *work = file->work;
    leave_list(file);
    if (!work || work->job_runs || work->request_runs)
        return;
    row_queue_fini(&work->rows);
    buf_fini(&work->encoded);
    store_request_fini(&work->request);
    *work = (struct part_file_work){0};
    if (slots->spare)
        free(work);
    else
        slots->spare = work;
    file->work = NULL;
    slots->used--;
    if (slots->waking)
        return;
    slots->waking = true;
    while (slots->used < slots->most && slots->first) {
        struct part_file *next = slots->first;
        leave_list(next);
        part_file_step(next);
        if (next->waits)
            break; /* no memory */
    }
    slots->waking = false;
}
