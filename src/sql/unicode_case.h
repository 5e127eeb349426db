/* unicode_case.h: upper and lower case as Java's String.toUpperCase and toLowerCase with
 * Locale.ROOT: SpecialCasing.txt included. Simple mappings are utf8proc's (Unicode 15; Java 17 has
 * 13, where a few newer scripts have no case yet). */
#pragma once

#include "base/str.h"

/* Characters one may become, and bytes that a byte of text may become. */
enum { UNICODE_CASE_MAX = 3, UNICODE_CASE_GROWTH = 3 };

/* The mappings of one code point; they return how many they wrote. */
uint32_t unicode_upper(uint32_t code, uint32_t out[UNICODE_CASE_MAX]);
uint32_t unicode_lower(uint32_t code, uint32_t out[UNICODE_CASE_MAX]);

/* Character.toTitleCase. */
uint32_t unicode_title(uint32_t code);

/* The lower case of the capital sigma at s.p[at], n bytes long: another one at a word's end. */
uint32_t unicode_lower_sigma(struct str s, size_t at, size_t n);

/* Writes s in upper or lower case and returns its length, at most UNICODE_CASE_GROWTH times s.n.
 * What is no UTF-8 becomes U+FFFD. */
size_t unicode_convert(struct str s, bool upper, char *out);

/* Java's equalsIgnoreCase: how names are matched. */
bool unicode_eq_nocase(struct str a, struct str b);
