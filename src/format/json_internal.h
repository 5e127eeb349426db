/* json_internal.h: what the two ways of decoding a record share.
 *
 * Each record is first read by the fast functions, which know only the plain case and give up
 * (NULL) at anything else; then the same record is read again from its beginning by the exact ones,
 * over json_reader.h. What a fast function accepts, the exact one would read in the same way. */
#pragma once

#include "base/buf.h"
#include "format/json_decode.h"
#include "format/json_reader.h"

struct json_column {
    struct str name;
    const struct type *type;
    const struct json_type_ops *ops;
    bool wanted;
    bool from_json; /* false: the column of corrupt records */
    union {         /* the values of the block being decoded */
        void *data;
        uint8_t *boolean;
        int8_t *i8;
        int16_t *i16;
        int32_t *i32;
        int64_t *i64;
        float *f32;
        double *f64;
        struct str *str;
    };
    uint64_t *valid;  /* one bit per row */
    char key[16];     /* the name and a quote, when that fits */
    uint32_t key_n;   /* its length; 0: does not fit */
    uint32_t follows; /* the column whose field came next, last time */
};

struct json_decoder {
    struct json_column *columns;
    uint32_t column_count;
    int corrupt_column;
    uint32_t first;       /* the column whose field came first, last time */
    uint32_t *slots;      /* hash table of names: column + 1, 0 free */
    uint32_t slots_count; /* a power of two */
    struct arena *arena;  /* of the block being decoded */
    bool nomem;           /* an allocation failed */
    void *scratch;        /* values of columns that are not wanted */
    uint64_t *scratch_valid;
    struct json_reader *reader; /* made when the first record needs it */
    struct json_units units;
    struct buf text;
};

enum json_result { JSON_VALUE, JSON_IS_NULL, JSON_FAIL };

struct json_type_ops {
    /* Reads the value at p (not white space, not null) into the row; where it ends, or NULL. */
    const char *(*fast)(struct json_decoder *decoder, struct json_column *column, uint32_t row,
                        const char *p, const char *end);
    /* Converts the reader's current token, which is not null. */
    enum json_result (*exact)(struct json_decoder *decoder, struct json_column *column,
                              uint32_t row);
};

/* NULL for types that cannot be read from JSON. */
const struct json_type_ops *json_type_ops(enum type_kind kind);

/* The column with this name, or -1. */
int json_column_find(const struct json_decoder *decoder, struct str name);

/* Both fill the row, marking what they set in the columns' bitmaps. */

/* False: not the plain case; some columns may have been set. */
bool json_decode_fast(struct json_decoder *decoder, uint32_t row, struct str text);
/* Whether the record is malformed. */
bool json_decode_exact(struct json_decoder *decoder, uint32_t row, struct str text);

static inline void json_set_valid(struct json_column *column, uint32_t row)
{
    column->valid[row / 64] |= 1ULL << (row % 64);
}

static inline void json_set_null(struct json_column *column, uint32_t row)
{
    column->valid[row / 64] &= ~(1ULL << (row % 64));
}
