/* leaks.h: the search for leaks where the build has a leak sanitizer. Criterion runs each test in a
 * process of its own: those are searched. Criterion's first process, which leaks a little of its
 * own now and then, is not. */
#pragma once

/* Aborts the test's process when something has leaked. For .fini, or at the end of one. */
void leaks_check(void);
