/* kernel_string_codec.c: base64, charsets, to_binary. */
#include "base/utf8.h"
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { BASE64_LINE = 76 };

/* Java's MIME encoder, as Spark 3.5.3 has it: lines of 76, parted by CR LF. */
int kernel_base64(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        struct str s = arg_str(&args[0], i);
        uint64_t room = (s.n + 2) / 3 * 4;
        char *text;
        int code = string_room(eval, "base64", room + room / BASE64_LINE * 2, &text);
        if (code != 0)
            return code;
        size_t n = 0, line = 0;
        for (size_t k = 0; k < s.n; k += 3, line += 4) {
            uint32_t left = s.n - k > 3 ? 3 : (uint32_t)(s.n - k), bits = 0;
            if (line == BASE64_LINE) {
                n = string_put(text, n, STR("\r\n"));
                line = 0;
            }
            for (uint32_t b = 0; b < 3; b++)
                bits = bits << 8 | (b < left ? (unsigned char)s.p[k + b] : 0);
            for (uint32_t b = 0; b < 4; b++)
                text[n++] = b <= left ? digits64[bits >> (18 - 6 * b) & 63] : '=';
        }
        string_end(eval, out, i, text, n);
    }
    return 0;
}

static int value64(char c)
{
    const char *at = c ? strchr(digits64, c) : NULL;
    return at ? (int)(at - digits64) : -1;
}

/* Java's MIME decoder: other characters are passed by. NULL: good, else what is wrong. */
static const char *decode64(struct str s, char *out, size_t *n)
{
    uint32_t bits = 0;
    int have = 0; /* digits of the group under way */
    size_t i = 0;
    *n = 0;
    for (; i < s.n; i++) {
        int value = value64(s.p[i]);
        if (s.p[i] == '=')
            break;
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        if (++have < 4)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8)
            out[(*n)++] = (char)(bits >> shift);
        have = 0;
        bits = 0;
    }
    if (i < s.n) { /* the padding */
        i++;
        if (have == 0 || (have == 2 && (i == s.n || s.p[i++] != '=')))
            return "has a wrong 4-byte ending unit";
    }
    if (have == 1)
        return "has too few bits in its last unit";
    if (have >= 2)
        out[(*n)++] = (char)(bits >> (have == 2 ? 4 : 10));
    if (have == 3)
        out[(*n)++] = (char)(bits >> 2);
    for (; i < s.n; i++) {
        if (value64(s.p[i]) >= 0 || s.p[i] == '=')
            return "goes on behind its end";
    }
    return NULL;
}

int kernel_unbase64(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        struct str s = arg_str(&args[0], i);
        char *text = kernel_text(eval, s.n + 3);
        size_t n;
        if (!text)
            return ERR_NOMEM;
        const char *wrong = decode64(s, text, &n);
        if (wrong)
            return err_set(eval->err, ERR_INVALID, "unbase64: the text %s", wrong);
        string_end(eval, out, i, text, n);
    }
    return 0;
}

/* RFC 4648, white space allowed: whole groups of four, = only at the end. */
static bool is_strict64(struct str s)
{
    size_t count = 0, padding = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r'))
            continue;
        if (s.p[i] == '=')
            padding++;
        else if (padding || value64(s.p[i]) < 0)
            return false;
        count++;
    }
    return count % 4 == 0 ? padding <= 2 : padding == 0 && count % 4 != 1;
}

typedef bool (*convert_fn)(struct str s, char *out, size_t *n);

static bool from_base64(struct str s, char *out, size_t *n)
{
    return is_strict64(s) && !decode64(s, out, n);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* An odd digit at the start is a byte of its own. */
static bool from_hex(struct str s, char *out, size_t *n)
{
    *n = 0;
    int bits = 0;
    for (size_t i = 0; i < s.n; i++) {
        int value = hex_value(s.p[i]);
        if (value < 0)
            return false;
        bits = (bits & 15) << 4 | value;
        if ((s.n - i) % 2 == 1)
            out[(*n)++] = (char)bits;
        if ((s.n - i) % 2 == 1)
            bits = 0;
    }
    return true;
}

static int convert_all(struct eval *eval, const struct value *args, struct value *out,
                       convert_fn convert, const char *format)
{
    uint8_t *nulls = kernel_flags(eval, out->vec.rows);
    if (!nulls)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        nulls[i] = 0;
        if (string_skip(out, i))
            continue;
        struct str s = arg_str(&args[0], i);
        char *text = kernel_text(eval, s.n + 3);
        size_t n = 0;
        if (!text)
            return ERR_NOMEM;
        nulls[i] = !convert(s, text, &n);
        if (nulls[i] && format)
            return err_set(eval->err, ERR_INVALID, "to_binary: \"%.*s\" is no %s",
                           s.n > 100 ? 100 : (int)s.n, s.p, format);
        string_end(eval, out, i, text, nulls[i] ? 0 : n);
    }
    return kernel_null_where(eval, out, nulls);
}

int kernel_from_hex(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)expr;
    return convert_all(eval, args, out, from_hex, "hexadecimal number");
}

int kernel_try_from_hex(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)expr;
    return convert_all(eval, args, out, from_hex, NULL);
}

int kernel_from_base64(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)expr;
    return convert_all(eval, args, out, from_base64, "base64");
}

int kernel_try_from_base64(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    (void)expr;
    return convert_all(eval, args, out, from_base64, NULL);
}

int kernel_text_to_binary(struct eval *eval, const struct expr *expr, const struct value *args,
                          struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.str[i] = arg_str(&args[0], i);
    return 0;
}

enum charset { UTF_8, US_ASCII, ISO_8859_1, UTF_16BE, UTF_16LE, UTF_16, CHARSET_UNKNOWN };

/* Java's names and the aliases people write. */
static enum charset charset_find(struct str name)
{
    static const struct {
        const char *name;
        enum charset charset;
    } names[] = {
        {"UTF-8", UTF_8},           {"UTF8", UTF_8},
        {"US-ASCII", US_ASCII},     {"ASCII", US_ASCII},
        {"ISO-8859-1", ISO_8859_1}, {"ISO8859-1", ISO_8859_1},
        {"ISO8859_1", ISO_8859_1},  {"LATIN1", ISO_8859_1},
        {"UTF-16BE", UTF_16BE},     {"UTF-16LE", UTF_16LE},
        {"UTF-16", UTF_16},         {"UTF16", UTF_16},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq_nocase(name, str_of(names[i].name)))
            return names[i].charset;
    }
    return CHARSET_UNKNOWN;
}

bool charset_is_known(struct str name)
{
    return charset_find(name) != CHARSET_UNKNOWN;
}

static size_t put_unit(char *out, uint32_t unit, bool little)
{
    out[little] = (char)(unit >> 8);
    out[!little] = (char)unit;
    return 2;
}

static size_t encode_char(uint32_t code, enum charset charset, char *out)
{
    bool little = charset == UTF_16LE;
    if (charset == UTF_8)
        return utf8_encode(code, out);
    if (charset == US_ASCII || charset == ISO_8859_1) {
        out[0] = code < (charset == US_ASCII ? 0x80 : 0x100) ? (char)code : '?';
        return 1;
    }
    if (code < 0x10000)
        return put_unit(out, code, little);
    put_unit(out, 0xD800 + ((code - 0x10000) >> 10), little);
    return 2 + put_unit(out + 2, 0xDC00 + (code & 0x3FF), little);
}

/* String.getBytes. `out` has room for 4 bytes per byte and two more. */
static size_t encode(struct str s, enum charset charset, char *out)
{
    if (charset == UTF_8 && utf8_valid(s))
        return string_put(out, 0, s);
    size_t n = charset == UTF_16 && s.n ? put_unit(out, 0xFEFF, false) : 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t code;
        i += utf8_decode((struct str){s.p + i, s.n - i}, &code);
        n += encode_char(code, charset, out + n);
    }
    return n;
}

/* Java's UTF-16 decoder. Half a pair gives U+FFFD and takes the unit behind it along; so does the
 * rest of an odd length. */
static size_t decode_utf16(struct str s, bool little, char *out)
{
    size_t n = 0, i = 0;
    for (; s.n - i >= 2; i += 2) {
        uint32_t unit = (uint32_t)(unsigned char)s.p[i + little] << 8;
        unit |= (unsigned char)s.p[i + !little];
        if (unit >= 0xD800 && unit < 0xDC00) {
            if (s.n - i < 4)
                break;
            i += 2;
            uint32_t low = (uint32_t)(unsigned char)s.p[i + little] << 8;
            low |= (unsigned char)s.p[i + !little];
            unit = low >= 0xDC00 && low < 0xE000
                       ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                       : UTF8_REPLACEMENT;
        } else if (unit >= 0xDC00 && unit < 0xE000) {
            unit = UTF8_REPLACEMENT;
        }
        n += utf8_encode(unit, out + n);
    }
    return i < s.n ? n + utf8_encode(UTF8_REPLACEMENT, out + n) : n;
}

/* new String(bytes, charset). `out` has room for 3 bytes per byte and 3 more. */
static size_t decode(struct str s, enum charset charset, char *out)
{
    size_t n = 0;
    bool little = charset == UTF_16LE;
    if (charset == UTF_16 && s.n >= 2) {
        bool swapped = (unsigned char)s.p[0] == 0xFF && (unsigned char)s.p[1] == 0xFE;
        if (swapped || ((unsigned char)s.p[0] == 0xFE && (unsigned char)s.p[1] == 0xFF))
            s = (struct str){s.p + 2, s.n - 2};
        little = swapped;
    }
    if (charset >= UTF_16BE)
        return decode_utf16(s, little, out);
    for (size_t i = 0; i < s.n;) {
        uint32_t code = (unsigned char)s.p[i];
        if (charset == UTF_8)
            i += utf8_decode((struct str){s.p + i, s.n - i}, &code);
        else
            i++;
        if (charset == US_ASCII && code >= 0x80)
            code = UTF8_REPLACEMENT;
        n += utf8_encode(code, out + n);
    }
    return n;
}

static int convert_charset(struct eval *eval, const struct value *args, struct value *out,
                           const char *function,
                           size_t (*convert)(struct str, enum charset, char *))
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        if (string_skip(out, i))
            continue;
        struct str s = arg_str(&args[0], i), name = arg_str(&args[1], i);
        enum charset charset = charset_find(name);
        char *text;
        if (charset == CHARSET_UNKNOWN)
            return err_set(eval->err, ERR_INVALID, "%s: unknown charset \"%.*s\"", function,
                           name.n > 100 ? 100 : (int)name.n, name.p);
        int code = string_room(eval, function, (uint64_t)s.n * 4 + 4, &text);
        if (code != 0)
            return code;
        string_end(eval, out, i, text, convert(s, charset, text));
    }
    return 0;
}

int kernel_encode(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    return convert_charset(eval, args, out, "encode", encode);
}

int kernel_decode(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out)
{
    (void)expr;
    return convert_charset(eval, args, out, "decode", decode);
}
