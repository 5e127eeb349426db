/* base64.h: BINARY values as text in JSON: RFC 4648's standard alphabet with padding. */
#pragma once

#include "base/buf.h"

/* Appends s encoded, without line breaks. */
void base64_append(struct buf *out, struct str s);

/* 0..63, or -1 for a byte that is not of the alphabet; '=' is not. */
int base64_value(uint32_t c);
