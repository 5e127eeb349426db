/* fake_fs.h: the system calls of the local store over a real directory, which know what of it a
 * crash of the machine would leave, crash after so many calls, and fail as they are told.
 *
 * A file is durable as it was at its last fsync, a name (made, renamed or removed) since its
 * directory's last fsync. An fsync of a file that fails drops what was not durable: a later one
 * succeeds, and makes nothing durable, until the file is written again. One at a time in a process.
 * Failures in here end the process. */
#pragma once

#include "store/local_fs.h"

extern const struct local_os fake_fs_os;

/* All that is below the directory, and itself, counts as durable. No crash, no failures. */
void fake_fs_init(const char *dir);
void fake_fs_fini(void);
/* Calls so far. */
uint32_t fake_fs_calls(void);
/* Which of the system calls that was, as they stand in struct local_os; of the first 16384 calls.
 */
enum { FAKE_FS_CALL_KINDS = sizeof(struct local_os) / sizeof(void (*)(void)) };
#define FAKE_FS_KIND(name) (offsetof(struct local_os, name) / sizeof(void (*)(void)))
uint32_t fake_fs_kind(uint32_t call);
/* The machine is gone after so many more calls: the others fail (EPERM) and do nothing. Told anew,
 * it was only the process. */
void fake_fs_crash_after(uint32_t calls);
/* After so many more calls, `count` calls fail with an errno value and do nothing. */
void fake_fs_fail_after(uint32_t calls, uint32_t count, int number);
/* Whether a call has met the crash, or a failure, as told last. */
bool fake_fs_met(void);
/* No renameat2 that never overwrites, as on some network file systems. */
void fake_fs_without_noreplace(void);

enum fake_fs_names {
    FAKE_FS_DURABLE_NAMES, /* only what was fsynced is there */
    FAKE_FS_ALL_NAMES      /* names got to the disk by themselves, without the files' bytes */
};
/* Makes the directory `to` what a crash now would leave of the one given to fake_fs_init. */
void fake_fs_reboot(const char *to, enum fake_fs_names names);
