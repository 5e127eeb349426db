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
