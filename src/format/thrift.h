/* thrift.h: a writer of Thrift's compact protocol, as far as Parquet's metadata needs it.
 *
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
#pragma once

#include "base/buf.h"

enum { THRIFT_DEPTH_MAX = 16 };

enum thrift_type {
    THRIFT_TRUE = 1, /* also the type of the elements of a list of booleans */
    THRIFT_FALSE = 2,
    THRIFT_I8 = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_STRUCT = 12,
};

/* Begin with {.out = buffer}: that is inside the outermost struct, which thrift_end ends. Field ids
 * rise within a struct. Without memory out->failed is set. */
struct thrift {
    struct buf *out;
    int depth;
    int last[THRIFT_DEPTH_MAX]; /* the last field's id, per open struct */
};

void thrift_bool(struct thrift *thrift, int field, bool value);
void thrift_i8(struct thrift *thrift, int field, int8_t value);
void thrift_i16(struct thrift *thrift, int field, int16_t value);
void thrift_i32(struct thrift *thrift, int field, int32_t value);
void thrift_i64(struct thrift *thrift, int field, int64_t value);
void thrift_binary(struct thrift *thrift, int field, struct str value);
/* Opens a struct as a field; thrift_end closes it. */
void thrift_begin(struct thrift *thrift, int field);
void thrift_end(struct thrift *thrift);
/* A field that is a struct without fields: how Parquet writes many members of unions. */
void thrift_empty(struct thrift *thrift, int field);
/* A field that is a struct written elsewhere, with its end. */
void thrift_copy(struct thrift *thrift, int field, struct str structure);

/* A list of `count` elements, each then written by the function for its type. */
void thrift_list(struct thrift *thrift, int field, enum thrift_type type, size_t count);
void thrift_item_bool(struct thrift *thrift, bool value);
void thrift_item_i32(struct thrift *thrift, int32_t value);
void thrift_item_i64(struct thrift *thrift, int64_t value);
void thrift_item_binary(struct thrift *thrift, struct str value);
/* Opens a struct as an element; thrift_end closes it. */
void thrift_item_begin(struct thrift *thrift);

/* Appends an unsigned number of 7 bits per byte, lowest first (also Parquet's ULEB128). */
void thrift_varint(struct buf *out, uint64_t value);
/* Signed: 0, -1, 1, -2 are 0, 1, 2, 3. */
void thrift_zigzag(struct buf *out, int64_t value);
