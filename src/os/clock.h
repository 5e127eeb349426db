/* clock.h: time from the operating system. */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void);      /* milliseconds since 1970-01-01T00:00:00Z */
int64_t clock_monotonic_us(void); /* microseconds since some fixed point; never goes back */
