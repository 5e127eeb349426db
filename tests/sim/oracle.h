/* oracle.h: what must hold of the files, found out without the code that wrote them.
 *
 * Each check writes into `wrong` the first thing that does not hold; empty: all is well. */
#pragma once

#include "sim/files.h"
#include "sim/pipelines.h"

/* What readers see in the outputs of the pipeline, extras included. */
void sim_oracle_look(struct sim_files *files, const char *root,
                     const struct sim_pipeline *pipeline);
/* Every file is whole. */
void sim_oracle_whole(const struct sim_files *files, struct buf *wrong);
/* All of `before` are there with the same bytes. */
void sim_oracle_kept(const struct sim_files *before, const struct sim_files *now,
                     struct buf *wrong);
/* The decisions against the files: they are numbered without gaps, each begins where the one before
 * ended, and only files that one names are there. Those of all but the newest must be there, of
 * `all` decisions at the end. */
void sim_oracle_decisions(const char *root, const struct sim_files *files, bool all,
                          struct buf *wrong);
/* At the end of the last life: every id is where it must be. */
void sim_oracle_rows(const struct sim_files *files, const struct sim_pipeline *pipeline,
                     const struct sim_records *records, struct buf *wrong);
/* At the end of the last life: the decisions cover all records. */
void sim_oracle_covered(const char *root, const struct sim_records *records, struct buf *wrong);
