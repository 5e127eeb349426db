/* bench_parquet [ROWS]: how fast the lab's rows become Parquet, one line per compression. The
 * blocks are made before the clock starts. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/file_encoder.h"

enum { COLUMNS = 6 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const enum type_kind kinds[COLUMNS] = {TYPE_STRING, TYPE_STRING,    TYPE_DOUBLE,
                                              TYPE_STRING, TYPE_TIMESTAMP, TYPE_STRING};
static const struct str names[COLUMNS] = {{"transaction_id", 14}, {"user_id", 7},
                                          {"amount", 6},          {"type", 4},
                                          {"timestamp", 9},       {"location", 8}};

static struct str text(int column, uint64_t row, uint32_t random, struct arena *arena)
{
    static const char *const types[] = {"purchase", "withdrawal", "transfer"};
    char text[32];
    int n = column == 0   ? snprintf(text, sizeof text, "txn_%04llu", (unsigned long long)row)
            : column == 1 ? snprintf(text, sizeof text, "user_%u", random % 1000)
            : column == 3 ? snprintf(text, sizeof text, "%s", types[random % 3])
                          : snprintf(text, sizeof text, "%s", random % 2 ? "online" : "store");
    return arena_str(arena, (struct str){text, (size_t)n});
}

static void fill(struct block *block, uint64_t first, struct arena *arena)
{
    block->cols = ARENA_ARRAY(arena, struct vec, COLUMNS);
    block->col_count = COLUMNS;
    for (int c = 0; c < COLUMNS; c++) {
        if (vec_init(&block->cols[c], type_simple(kinds[c]), block->rows, arena))
            exit(1);
        for (uint32_t i = 0; i < block->rows; i++) {
            uint64_t row = first + i;
            uint32_t random = (uint32_t)((row + 1) * 0xbf58476d1ce4e5b9U >> 31) * 2654435761U >> 3;
            if (kinds[c] == TYPE_DOUBLE)
                block->cols[c].f64[i] = (double)(random % 99901 + 100) / 100;
            else if (kinds[c] == TYPE_TIMESTAMP)
                block->cols[c].i64[i] = 1766784000000000 + (int64_t)(row / 500) * 1000000;
            else
                block->cols[c].str[i] = text(c, row, random, arena);
        }
    }
}

static void encode(const struct block *blocks, uint32_t count, const struct type *schema,
                   enum file_compression compression)
{
    struct file_format format = {.kind = FILE_PARQUET, .compression = compression};
    struct file_encoder *encoder;
    struct buf out = {0};
    struct err err;
    size_t bytes = 0, memory = 0;
    uint64_t rows = 0;
    double start = now();
    if (file_encoder_create(&encoder, &format, schema, &err))
        exit(1);
    for (uint32_t i = 0; i < count; i++) {
        if (file_encoder_write(encoder, &blocks[i], &out, &err))
            exit(1);
        size_t held = file_encoder_memory(encoder);
        memory = held > memory ? held : memory;
        rows += blocks[i].rows;
        bytes += out.n;
        buf_clear(&out);
    }
    if (file_encoder_finish(encoder, &out, &err))
        exit(1);
    bytes += out.n;
    double seconds = now() - start;
    printf("%-15s %6.2f M rows/s %11zu bytes, %5.1f MiB held at most\n",
           file_format_extension(&format), (double)rows / seconds / 1e6, bytes,
           (double)memory / 1048576);
    file_encoder_destroy(encoder);
    buf_fini(&out);
}

int main(int argc, char **argv)
{
    struct field fields[COLUMNS];
    struct type schema = {.kind = TYPE_STRUCT, .field_count = COLUMNS, .fields = fields};
    struct arena arena = {0};
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint32_t count = (uint32_t)((rows + BLOCK_ROWS_MAX - 1) / BLOCK_ROWS_MAX);
    struct block *blocks = ARENA_ARRAY(&arena, struct block, count);
    for (int c = 0; c < COLUMNS; c++)
        fields[c] = (struct field){names[c], type_simple(kinds[c])};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = (uint64_t)i * BLOCK_ROWS_MAX;
        blocks[i].rows = (uint32_t)(rows - first < BLOCK_ROWS_MAX ? rows - first : BLOCK_ROWS_MAX);
        fill(&blocks[i], first, &arena);
    }
    for (int c = COMPRESSION_NONE; c <= COMPRESSION_LZ4_RAW; c++)
        encode(blocks, count, &schema, (enum file_compression)c);
    arena_fini(&arena);
    return 0;
}
