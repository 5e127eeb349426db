#include "format/thrift.h"

void thrift_varint(struct buf *out, uint64_t value)
{
    char bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (char)value;
    buf_append(out, bytes, n);
}

void thrift_zigzag(struct buf *out, int64_t value)
{
    thrift_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void append_field(struct thrift *thrift, int field, int type)
{
    int *last = &thrift->last[thrift->depth];
    int delta = field - *last;
    if (delta > 0 && delta < 16) {
        buf_append_char(thrift->out, (char)(delta << 4 | type));
    } else {
        buf_append_char(thrift->out, (char)type);
        thrift_zigzag(thrift->out, field);
    }
    *last = field;
}

static void push(struct thrift *thrift)
{
    REQUIRE(thrift->depth + 1 < THRIFT_DEPTH_MAX);
    thrift->last[++thrift->depth] = 0;
}

void thrift_bool(struct thrift *thrift, int field, bool value)
{
    append_field(thrift, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_i8(struct thrift *thrift, int field, int8_t value)
{
    append_field(thrift, field, THRIFT_I8);
    buf_append_char(thrift->out, (char)value);
}

void thrift_i16(struct thrift *thrift, int field, int16_t value)
{
    append_field(thrift, field, THRIFT_I16);
    thrift_zigzag(thrift->out, value);
}

void thrift_i32(struct thrift *thrift, int field, int32_t value)
{
    append_field(thrift, field, THRIFT_I32);
    thrift_zigzag(thrift->out, value);
}

void thrift_i64(struct thrift *thrift, int field, int64_t value)
{
    append_field(thrift, field, THRIFT_I64);
    thrift_zigzag(thrift->out, value);
}

void thrift_binary(struct thrift *thrift, int field, struct str value)
{
    append_field(thrift, field, THRIFT_BINARY);
    thrift_item_binary(thrift, value);
}

void thrift_begin(struct thrift *thrift, int field)
{
    append_field(thrift, field, THRIFT_STRUCT);
    push(thrift);
}

void thrift_end(struct thrift *thrift)
{
    buf_append_char(thrift->out, 0);
    if (thrift->depth > 0)
        thrift->depth--;
}

void thrift_empty(struct thrift *thrift, int field)
{
    thrift_begin(thrift, field);
    thrift_end(thrift);
}

void thrift_copy(struct thrift *thrift, int field, struct str structure)
{
    append_field(thrift, field, THRIFT_STRUCT);
    buf_append_str(thrift->out, structure);
}

void thrift_list(struct thrift *thrift, int field, enum thrift_type type, size_t count)
{
    append_field(thrift, field, THRIFT_LIST);
    if (count < 15) {
        buf_append_char(thrift->out, (char)(count << 4 | type));
    } else {
        buf_append_char(thrift->out, (char)(0xf0 | type));
        thrift_varint(thrift->out, count);
    }
}

void thrift_item_bool(struct thrift *thrift, bool value)
{
    buf_append_char(thrift->out, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_item_i32(struct thrift *thrift, int32_t value)
{
    thrift_zigzag(thrift->out, value);
}

void thrift_item_i64(struct thrift *thrift, int64_t value)
{
    thrift_zigzag(thrift->out, value);
}

void thrift_item_binary(struct thrift *thrift, struct str value)
{
    thrift_varint(thrift->out, value.n);
    buf_append_str(thrift->out, value);
}

void thrift_item_begin(struct thrift *thrift)
{
    push(thrift);
}
