/* process.h: what the kernel says about this process, from /proc/self (see proc(5)). */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct process_sample {
    int64_t resident_bytes;
    double cpu_seconds; /* user and system, of all threads */
    int64_t open_fds;
    double start_time_seconds; /* since the Unix epoch; to a hundredth of a second */
};

/* Fails with ERR_IO where /proc cannot be read; *out is all zero then. About 30 µs. */
int process_sample(struct process_sample *out, struct err *err) MUST_CHECK;
