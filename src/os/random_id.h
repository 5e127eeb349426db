/* random_id.h: random UUIDs (RFC 4122, version 4). */
#pragma once

enum { RANDOM_ID_SIZE = 37 }; /* 36 characters and a NUL */

void random_id(char out[RANDOM_ID_SIZE]);
