/* lab.h: the lab's messages (PIPELINE.md 6, produce): made-up card transactions, as Python's
 * json.dumps would write them. Pure: the same seed and times give the same bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct lab {
    uint64_t random; /* state of the generator */
    uint64_t next;   /* number of the next transaction, from 0 */
    uint32_t users;  /* user_1 .. user_<users> */
    int64_t time_s;  /* second whose text is in time_text */
    char time_text[20];
};

enum { LAB_VALUE_MAX = 256, LAB_KEY_MAX = 24, LAB_LINE_MAX = 80 };

struct lab_message {
    uint64_t number; /* 0 for the first */
    const char *type, *location;
    uint32_t amount_cents;
    uint32_t key_bytes, value_bytes;
    char key[LAB_KEY_MAX];     /* user_<n> */
    char value[LAB_VALUE_MAX]; /* the JSON text, NUL-terminated */
};

/* users at least 1. */
void lab_init(struct lab *lab, uint64_t seed, uint32_t users);

/* The next message. time_ms: its timestamp field, milliseconds since 1970, UTC, years 0-9999. */
void lab_next(struct lab *lab, int64_t time_ms, struct lab_message *out);

/* The line `produce` prints: "[0] purchase: $123.45 (online)", without line feed; its length. */
size_t lab_line(const struct lab_message *message, char out[LAB_LINE_MAX]);

/* Reads "2025-12-26 21:16:18" (or with T, fraction up to milliseconds, and an optional Z) as UTC
 * milliseconds since 1970. */
bool lab_parse_time(struct str text, int64_t *time_ms);
