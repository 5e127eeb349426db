/* json_scan.h: finding the end of a JSON string, 16 bytes at a time where SSE2 is there. */
#pragma once

#include <stddef.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline int json_is_special(char c)
{
    return (unsigned char)c < ' ' || c == '"' || c == '\\';
}

#ifdef __SSE2__
/* Bit i is set where byte i is a quote, a backslash or a control character. */
static inline unsigned json_special_mask(__m128i bytes)
{
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), backslash));
}
#endif

/* The first quote, backslash or control character in [p, end), or end. Sets *high to nonzero when a
 * byte from 0x80 on stands before it, else leaves it. Reads nothing outside [p, end). */
static inline const char *json_scan_string(const char *p, const char *end, unsigned *high)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned special = json_special_mask(bytes);
        unsigned not_ascii = (unsigned)_mm_movemask_epi8(bytes);
        if (special) {
            *high |= not_ascii & ((special & -special) - 1);
            return p + __builtin_ctz(special);
        }
        *high |= not_ascii;
    }
#endif
    for (; p < end && !json_is_special(*p); p++)
        *high |= *p & 0x80;
    return p;
}
