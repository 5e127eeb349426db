/* utf8.h: UTF-8 text as Java sees it: what is malformed, how long it is, how wide on a console. */
#pragma once

#include "base/buf.h"

enum { UTF8_REPLACEMENT = 0xfffd };

/* Well-formed by Unicode's table 3-7: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_valid(struct str s);

/* Decodes the first code point of s (s.n > 0) and returns its length in bytes. A malformed sequence
 * gives U+FFFD and the length of its maximal subpart (at least 1), which is how Java's decoder
 * counts replacements. */
size_t utf8_decode(struct str s, uint32_t *code);

/* Writes a code point (at most U+10FFFF; a surrogate is written as if it were a character) into
 * out[4] and returns its length. */
size_t utf8_encode(uint32_t code, char *out);

/* Code points in s; each malformed subpart counts as one. */
size_t utf8_count(struct str s);

/* UTF-16 units of s: String.length() of the decoded text. */
size_t utf8_count_utf16(struct str s);

/* Appends s with every malformed subpart replaced by U+FFFD: new String(bytes, UTF_8). */
void utf8_append_clean(struct buf *out, struct str s);

/* Columns s takes in Spark's show(): UTF-16 units plus one for each character of the East Asian
 * ranges of org.apache.spark.util.Utils.stringHalfWidth. */
size_t utf8_width(struct str s);

/* Length of the leading part of s that is plain ASCII. */
size_t utf8_ascii_prefix(struct str s);

/* The value of a decimal digit of the Basic Multilingual Plane (Character.digit), or -1. */
int utf8_digit(uint32_t code);
