#include "base/utf8.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The length that is good of a sequence that starts with b[0] >= 0x80 and may have n bytes; *want
 * becomes the length it should have, 0 for a byte that starts nothing. Encoded surrogates pass:
 * Java's decoder takes their three bytes for one malformed unit. */
static size_t sequence_length(const unsigned char *b, size_t n, size_t *want)
{
    *want = b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
    if (*want == 0 || n < 2 || !is_continuation(b[1]))
        return 1;
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90) ||
        (b[0] == 0xf4 && b[1] > 0x8f))
        return 1;
    size_t good = 2;
    while (good < *want && good < n && is_continuation(b[good]))
        good++;
    return good;
}

/* utf8_decode that also says whether the sequence was well-formed. */
static size_t decode(const char *p, size_t n, uint32_t *code, bool *well_formed)
{
    const unsigned char *b = (const unsigned char *)p;
    *well_formed = true;
    *code = b[0];
    if (b[0] < 0x80)
        return 1;
    size_t want, good = sequence_length(b, n, &want);
    if (good != want) {
        *well_formed = false;
        *code = UTF8_REPLACEMENT;
        return good;
    }
    *code = b[0] & (0x7fU >> want);
    for (size_t i = 1; i < want; i++)
        *code = *code << 6 | (b[i] & 0x3f);
    if (*code >= 0xd800 && *code <= 0xdfff) {
        *well_formed = false;
        *code = UTF8_REPLACEMENT;
    }
    return want;
}

size_t utf8_ascii_prefix(struct str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, sizeof word);
        if (word & 0x8080808080808080ULL)
            break;
    }
    while (i < s.n && !((unsigned char)s.p[i] & 0x80))
        i++;
    return i;
}

bool utf8_valid(struct str s)
{
    size_t i = utf8_ascii_prefix(s);
    while (i < s.n) {
        uint32_t code;
        bool well_formed;
        i += decode(s.p + i, s.n - i, &code, &well_formed);
        if (!well_formed)
            return false;
        if (code < 0x80)
            i += utf8_ascii_prefix((struct str){s.p + i, s.n - i});
    }
    return true;
}

size_t utf8_decode(struct str s, uint32_t *code)
{
    bool well_formed;
    return decode(s.p, s.n, code, &well_formed);
}

size_t utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00U >> n & 0xf0) | code);
    return n;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; count++) {
        uint32_t code;
        i += utf8_decode((struct str){s.p + i, s.n - i}, &code);
    }
    return count;
}

size_t utf8_count_utf16(struct str s)
{
    size_t i = utf8_ascii_prefix(s), count = i;
    while (i < s.n) {
        uint32_t code;
        i += utf8_decode((struct str){s.p + i, s.n - i}, &code);
        count += code > 0xffff ? 2 : 1;
    }
    return count;
}

void utf8_append_clean(struct buf *out, struct str s)
{
    size_t done = 0; /* s[0..done) is in out */
    for (size_t i = utf8_ascii_prefix(s); i < s.n;) {
        uint32_t code;
        bool well_formed;
        size_t n = decode(s.p + i, s.n - i, &code, &well_formed);
        if (!well_formed) {
            buf_append(out, s.p + done, i - done);
            buf_append(out, "\xef\xbf\xbd", 3);
            done = i + n;
        }
        i += n;
    }
    if (done < s.n)
        buf_append(out, s.p + done, s.n - done);
}

static bool is_full_width(uint32_t code)
{
    static const uint16_t ranges[][2] = {
        {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
        {0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6},
    };
    if (code < ranges[0][0])
        return false;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    }
    return false;
}

size_t utf8_width(struct str s)
{
    size_t i = utf8_ascii_prefix(s), width = i;
    while (i < s.n) {
        uint32_t code;
        i += utf8_decode((struct str){s.p + i, s.n - i}, &code);
        width += code > 0xffff || is_full_width(code) ? 2 : 1;
    }
    return width;
}

int utf8_digit(uint32_t code)
{
    static const uint16_t zeros[] = {0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6,
                                     0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0,
                                     0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
                                     0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900,
                                     0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10};
    for (size_t i = 0; i < COUNT_OF(zeros); i++) {
        if (code >= zeros[i] && code < zeros[i] + 10U)
            return (int)(code - zeros[i]);
    }
    return -1;
}
