#include "format/base64.h"

void base64_append(struct buf *out, struct str s)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!buf_reserve(out, (s.n + 2) / 3 * 4))
        return;
    for (size_t i = 0; i < s.n; i += 3) {
        const unsigned char *b = (const unsigned char *)s.p + i;
        size_t left = s.n - i;
        uint32_t bits = (uint32_t)b[0] << 16;
        bits |= left > 1 ? (uint32_t)b[1] << 8 : 0;
        bits |= left > 2 ? b[2] : 0;
        buf_append_char(out, alphabet[bits >> 18]);
        buf_append_char(out, alphabet[bits >> 12 & 63]);
        buf_append_char(out, left > 1 ? alphabet[bits >> 6 & 63] : '=');
        buf_append_char(out, left > 2 ? alphabet[bits & 63] : '=');
    }
}

int base64_value(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (int)c - 'A';
    if (c >= 'a' && c <= 'z')
        return (int)c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return (int)c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}
