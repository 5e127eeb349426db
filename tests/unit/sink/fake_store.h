/* fake_store.h: a store in memory that fails, waits and counts as a test tells it. */
#pragma once

#include "store/store_impl.h"

enum { FAKE_OBJECTS_MAX = 16, FAKE_OPS = STORE_UPLOAD_ABORT + 1 };

struct fake_object {
    char key[200];
    struct buf bytes;
};

struct fake_store {
    struct store base;
    uv_timer_t timer; /* completes what is due */
    /* The next fail_count operations of this kind fail like this. */
    enum store_op fail_op;
    uint32_t fail_count;
    int fail_code;
    bool fail_transient;
    /* Operations of this kind (-1: none) wait until fake_store_release or a cancel. */
    int hold_op;
    bool cancel_comes_too_late;                   /* a held operation that is cancelled succeeds */
    uint32_t ops[FAKE_OPS];                       /* completed with success, by kind */
    uint32_t tried[FAKE_OPS];                     /* started */
    struct fake_object objects[FAKE_OBJECTS_MAX]; /* published */
    uint32_t object_count;
    uint32_t open_uploads;
};

struct fake_store *fake_store_create(uv_loop_t *loop);
/* Whether any operation is held now. */
bool fake_store_holds(const struct fake_store *fake);
void fake_store_release(struct fake_store *fake);
