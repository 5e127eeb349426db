#include "os/random_id.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "os/clock.h"

void random_id(char out[RANDOM_ID_SIZE])
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) {
        /* Without entropy the clock still tells runs apart. */
        uint64_t seed = (uint64_t)clock_wall_ms() * 0x9e3779b97f4a7c15u;
        for (unsigned i = 0; i < sizeof b; i++) {
            seed = seed * 6364136223846793005u + (uint64_t)clock_monotonic_us();
            b[i] = (uint8_t)(seed >> 56);
        }
    }
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, RANDOM_ID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
