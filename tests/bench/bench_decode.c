/* bench_decode.c: how fast lab messages become column vectors, in memory, on one core.
 *
 *     bench_decode [MESSAGES [ROUNDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/json_decode.h"

enum { BLOCK_ROWS = 1024 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Messages as `sluice produce` sends them, one behind the other. */
static size_t make_messages(struct record *records, uint32_t count, char *text, size_t room)
{
    static const char *const types[] = {"purchase", "withdrawal", "transfer"};
    size_t n = 0;
    unsigned seed = 1;
    for (uint32_t i = 0; i < count; i++) {
        unsigned r = (unsigned)rand_r(&seed);
        int length = snprintf(text + n, room - n,
                              "{\"transaction_id\": \"txn_%04u\", \"user_id\": \"user_%u\", "
                              "\"amount\": %u.%02u, \"type\": \"%s\", "
                              "\"timestamp\": \"2025-12-26 %02u:%02u:%02u\", \"location\": \"%s\"}",
                              i, r % 100, r / 7 % 1000, r / 11 % 100, types[r % 3], r / 3 % 24,
                              r / 5 % 60, r / 13 % 60, r & 64 ? "store" : "online");
        records[i].value = (struct str){text + n, (size_t)length};
        n += (size_t)length;
    }
    return n;
}

static void decode_all(struct json_decoder *decoder, const struct record *records, uint32_t count,
                       struct arena *arena)
{
    static uint8_t malformed[BLOCK_ROWS];
    for (uint32_t at = 0; at < count; at += BLOCK_ROWS) {
        uint32_t rows = count - at < BLOCK_ROWS ? count - at : BLOCK_ROWS;
        struct block block;
        struct err err;
        if (json_decode_block(decoder, records + at, rows, 0, arena, &block, malformed, &err) !=
            0) {
            fprintf(stderr, "%s\n", err.msg);
            exit(1);
        }
        arena_reset(arena);
    }
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000;
    int rounds = argc > 2 ? atoi(argv[2]) : 100;
    const struct field fields[] = {
        {STR("transaction_id"), type_simple(TYPE_STRING)},
        {STR("user_id"), type_simple(TYPE_STRING)},
        {STR("amount"), type_simple(TYPE_DOUBLE)},
        {STR("type"), type_simple(TYPE_STRING)},
        {STR("timestamp"), type_simple(TYPE_TIMESTAMP)},
        {STR("location"), type_simple(TYPE_STRING)},
    };
    const struct type schema = {.kind = TYPE_STRUCT, .field_count = 6, .fields = fields};
    struct record *records = calloc(count, sizeof *records);
    size_t room = (size_t)count * 200;
    char *text = malloc(room + 1);
    struct json_decoder *decoder;
    struct err err;
    if (!records || !text ||
        json_decoder_create(&decoder,
                            &(struct json_decode_options){.schema = &schema, .corrupt_column = -1},
                            &err) != 0)
        return 1;
    size_t bytes = make_messages(records, count, text, room);
    struct arena arena = {0};
    decode_all(decoder, records, count, &arena);
    double best = 0;
    for (int round = 0; round < rounds; round++) {
        double start = now_s();
        decode_all(decoder, records, count, &arena);
        double rate = (double)bytes / (now_s() - start);
        best = rate > best ? rate : best;
    }
    printf("%u messages of %.0f bytes: best of %d rounds %.2f GB/s, %.0f ns per message\n", count,
           (double)bytes / count, rounds, best / 1e9, (double)bytes / count / best * 1e9);
    arena_fini(&arena);
    json_decoder_destroy(decoder);
    free(records);
    free(text);
    return 0;
}
