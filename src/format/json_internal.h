/* json_internal.h: what the two ways of decoding a record share.
 *
 * Each record is first read by the fast functions, which know only the plain case and give up
 * (NULL) at anything else; then the same record is read again from its beginning by the exact ones,
 * over json_reader.h. What a fast function accepts, the exact one would read in the same way. */
#pragma once

#include "base/buf.h"
#include "format/json_decode.h"
#include "format/json_reader.h"
#include "vec/time.h"
#include "vec/time_pattern.h"

/* The fields of an object: of the record, or of a STRUCT in it. */
struct json_object {
    struct json_column *columns;
    uint32_t column_count;
    uint32_t first;       /* the column whose field came first, last time */
    uint32_t *slots;      /* hash table of names: column + 1, 0 free */
    uint32_t slots_count; /* a power of two */
};

/* A column, a field of a struct in it, or the elements of an array in it. */
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
        __int128 *decimal;
        struct vec_span *span;
    };
    uint64_t *valid;  /* one bit per row */
    char key[16];     /* the name and a quote, when that fits */
    uint32_t key_n;   /* its length; 0: does not fit */
    uint32_t follows; /* the column whose field came next, last time */
    /* What is inside. */
    struct json_object object;   /* STRUCT: its fields */
    struct json_column *element; /* ARRAY */
    uint32_t used, capacity;     /* of an element: rows, of all arrays in the block */
};

struct json_decoder {
    struct json_object root;
    bool whole; /* the root's one column is the whole text */
    int corrupt_column;
    struct time_pattern *timestamp_pattern, *date_pattern; /* NULL: Spark's own forms */
    int depth;           /* of objects and arrays around the value being read by json_fast.c */
    struct arena memory; /* of the columns */
    struct arena *arena; /* of the block being decoded */
    bool nomem;          /* an allocation failed */
    bool used_now;       /* by a value of this block */
    int64_t now;         /* of this block, in microseconds since 1970 */
    void *scratch;       /* values of columns that are not wanted */
    uint64_t *scratch_valid;
    struct json_reader *reader; /* made when the first record needs it */
    struct json_units units;
    struct buf text;
};

/* A text as TIMESTAMP or DATE, by the pattern if there is one. */
static inline bool json_parse_timestamp(const struct json_decoder *decoder, struct str text,
                                        int64_t *out)
{
    const struct time_pattern *pattern = decoder->timestamp_pattern;
    return pattern ? time_pattern_parse(pattern, text, out) : time_parse_timestamp(text, out);
}

bool json_parse_date_by_pattern(const struct json_decoder *decoder, struct str text, int32_t *out);

static inline bool json_parse_date(const struct json_decoder *decoder, struct str text,
                                   int32_t *out)
{
    return decoder->date_pattern ? json_parse_date_by_pattern(decoder, text, out)
                                 : time_parse_date(text, out);
}

/* JSON_PARTIAL: a value, but something inside it did not fit: the record is malformed. */
enum json_result { JSON_VALUE, JSON_IS_NULL, JSON_PARTIAL, JSON_FAIL };

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
int json_column_find(const struct json_object *object, struct str name);

/* The row of one more element, which is NULL; UINT32_MAX, with nomem set, without memory. */
uint32_t json_element_add(struct json_decoder *decoder, struct json_column *element);

/* Both fill the row, marking what they set in the columns' bitmaps. */

/* False: not the plain case; some columns may have been set. */
bool json_decode_fast(struct json_decoder *decoder, uint32_t row, struct str text);
/* Whether the record is malformed. */
bool json_decode_exact(struct json_decoder *decoder, uint32_t row, struct str text);
bool json_decode_whole(struct json_decoder *decoder, uint32_t row, struct str text);

static inline void json_set_valid(struct json_column *column, uint32_t row)
{
    column->valid[row / 64] |= 1ULL << (row % 64);
}

static inline bool json_is_valid(const struct json_column *column, uint32_t row)
{
    return column->valid[row / 64] >> (row % 64) & 1;
}

static inline void json_set_null(struct json_column *column, uint32_t row)
{
    column->valid[row / 64] &= ~(1ULL << (row % 64));
}
