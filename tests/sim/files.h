/* files.h: files below a directory as readers see them: those whose path has no part with a leading
 * dot. */
#pragma once

#include "base/buf.h"

struct sim_file {
    char *path; /* below the root */
    struct buf bytes;
};

/* All zero: none. */
struct sim_files {
    struct sim_file *items;
    uint32_t count;
};

/* Adds those of root/dir, which need not be there. Ends the process when it cannot. */
void sim_files_read(struct sim_files *files, const char *root, const char *dir);
const struct sim_file *sim_files_find(const struct sim_files *files, const char *path);
void sim_files_fini(struct sim_files *files);

/* rm -r; what is not there is fine. */
void sim_files_remove(const char *path);
