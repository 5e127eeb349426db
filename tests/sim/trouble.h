/* trouble.h: allocations of the product that fail, and time that runs fast. The executable is
 * linked with --wrap for the functions in trouble.c: the libraries' own calls stay as they are. */
#pragma once

#include <stdint.h>

/* After so many more allocations of all threads, `count` fail. */
void trouble_alloc_fail_after(uint32_t allocations, uint32_t count);
/* None fails any more; returns how many allocations there were since. */
uint32_t trouble_alloc_stop(void);
/* An allocation has failed since the last trouble_alloc_fail_after. */
int trouble_alloc_met(void);
