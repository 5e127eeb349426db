/* local.h: a store in a directory of the local file system.
 *
 * All work runs in libuv's pool. An unfinished object is the file `.<name>.tmp-<16 hex digits>` in
 * the directory of its key, so that publishing is one rename; readers that follow Hadoop's custom
 * ignore names with a dot. Files and directories are fsynced before they count as written. */
#pragma once

#include "store/store.h"

/* Opens the store, creating `root` and its parents if they are missing (blocking: for the start of
 * a run). Errors: ERR_NOMEM, ERR_IO with path and reason. Closed by store_close. */
int store_local_create(struct store **out, uv_loop_t *loop, struct str root,
                       struct err *err) MUST_CHECK;
/* Takes the location for this process until the store is closed, however the process ends: a flock
 * on the file `.lock` in the root, which stays there and keeps `text` (who this is: up to 1000
 * bytes). ERR_EXISTS when another process, or another store of this one, has it: holder takes its
 * text, "" when it wrote none. ERR_IO. Blocking, once, for the start of a run. */
int store_local_lock(struct store *store, struct str text, struct buf *holder,
                     struct err *err) MUST_CHECK;
