/* case.h: one case of the matrix: a life that meets trouble, what is left of it, and the lives
 * that follow until all records are read. */
#pragma once

#include "sim/fake_fs.h"
#include "sim/pipelines.h"

enum sim_trouble {
    TROUBLE_CRASH,
    TROUBLE_CRASH_AGAIN, /* and again in what follows */
    TROUBLE_KILL,        /* the process ends, and later the machine */
    TROUBLE_FAIL,        /* one call */
    TROUBLE_FAIL_FEW,    /* and those behind it */
    TROUBLE_ALLOC,
};

/* A job of the matrix: each of its cases is the number of the call that crashes or fails, or of the
 * allocation. */
struct sim_matrix {
    char name[80];
    enum sim_trouble trouble;
    enum sim_kind kind;
    enum fake_fs_names names;
    int number; /* errno */
    uint64_t seed;
    uint32_t ids;
    bool available_now; /* else it is stopped */
    bool leaks;         /* looks for them after each case, where there is a sanitizer */
};

/* All cases of this process are of that one. */
void sim_case_init(const struct sim_matrix *matrix);
void sim_case_fini(void);
/* A life without trouble: how many calls, or allocations, it makes. fake_fs_kind knows them. */
uint32_t sim_case_count(void);
/* Returns whether there was such a call. */
bool sim_case_run(uint32_t call);
