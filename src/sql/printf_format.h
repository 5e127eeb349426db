/* printf_format.h: format_string's format: java.util.Formatter's, as far as it is built. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "vec/type.h"

enum {
    PRINTF_LEFT = 1,   /* - */
    PRINTF_ALT = 2,    /* # */
    PRINTF_PLUS = 4,   /* + */
    PRINTF_SPACE = 8,  /* a space */
    PRINTF_ZERO = 16,  /* 0 */
    PRINTF_GROUP = 32, /* , */
    PRINTF_PAREN = 64, /* ( */
};

struct printf_item {
    struct str text; /* conversion 0: as it is */
    char conversion; /* one of sbcdoxfe, in lower case */
    bool upper;
    uint8_t flags;
    uint32_t arg;         /* from 0 */
    int width, precision; /* -1: none */
};

struct printf_format {
    struct printf_item *items;
    uint32_t count;
};

/* Parses a format for arguments of these types. ERR_INVALID: Java refuses it; ERR_UNSUPPORTED;
 * ERR_NOMEM. The texts are views. */
int printf_parse(struct printf_format *out, struct str text, const struct type *const *types,
                 uint32_t type_count, struct arena *arena, struct err *err) MUST_CHECK;
