/* failpoint.h: named places where a test can end the process (_exit) or stop it (SIGSTOP) at the
 * n-th hit. Only in a build with -Dfailpoints=true; otherwise nothing is left of them.
 *
 * SLUICE_FAILPOINT=name:n ends the process with status 86 at the n-th hit of `name`;
 * SLUICE_FAILPOINT=name:n:stop stops it there, until SIGCONT;
 * SLUICE_FAILPOINT_LOG=file appends the name of every hit, a line each. A name is "module.step". */
#pragma once

#ifdef SLUICE_FAILPOINTS
enum { FAILPOINT_STATUS = 86 };
/* From any thread. */
void failpoint_hit(const char *name);
#define FAILPOINT(name) failpoint_hit(name)
#else
#define FAILPOINT(name) ((void)(name))
#endif
