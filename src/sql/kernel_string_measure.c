/* kernel_string_measure.c: numbers and codes that describe a text. */
#include "base/utf8.h"
#include "sql/kernel_string.h"
#include "sql/kernels_text.h"

int kernel_ascii(struct eval *eval, const struct expr *expr, const struct value *args,
                 struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        struct str s = arg_str(&args[0], i);
        uint32_t code = 0;
        if (s.n)
            (void)utf8_decode(s, &code);
        out->vec.i32[i] = (int32_t)code;
    }
    return 0;
}

int kernel_bit_length(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i32[i] = (int32_t)(uint32_t)(arg_str(&args[0], i).n * 8);
    return 0;
}

/* The characters of s, each with its bytes in one number. */
static uint32_t *characters(struct str s, struct arena *arena, uint32_t *count)
{
    uint32_t n = 0, *out = arena_alloc(arena, (s.n + 1) * sizeof *out);
    for (size_t i = 0; out && i < s.n; n++) {
        size_t length = string_char_bytes(s.p[i]);
        out[n] = 0;
        for (size_t k = 0; k < length && i + k < s.n; k++)
            out[n] = out[n] << 8 | (unsigned char)s.p[i + k];
        i += length;
    }
    *count = n;
    return out;
}

enum { LEVENSHTEIN_STEPS_MAX = 1 << 28 };

/* row[k]: the distance of the first characters of a to the first k of b. */
static uint32_t distance(const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m,
                         uint32_t *row)
{
    for (uint32_t k = 0; k <= m; k++)
        row[k] = k;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t diagonal = row[0];
        row[0] = i + 1;
        for (uint32_t k = 0; k < m; k++) {
            uint32_t best = diagonal + (a[i] != b[k]);
            uint32_t other = (row[k] < row[k + 1] ? row[k] : row[k + 1]) + 1;
            diagonal = row[k + 1];
            row[k + 1] = best < other ? best : other;
        }
    }
    return row[m];
}

static int levenshtein(struct eval *eval, struct str left, struct str right, int32_t *out)
{
    uint32_t n, m;
    uint32_t *a = characters(left, eval->arena, &n), *b = characters(right, eval->arena, &m);
    uint32_t *row = arena_alloc(eval->arena, (right.n + 2) * sizeof *row);
    if (!a || !b || !row)
        return ERR_NOMEM;
    if ((uint64_t)n * m > LEVENSHTEIN_STEPS_MAX)
        return err_set(eval->err, ERR_INVALID,
                       "levenshtein: texts of %u and %u characters are too long", (unsigned)n,
                       (unsigned)m);
    *out = (int32_t)distance(a, n, b, m, row);
    return 0;
}

int kernel_levenshtein(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        out->vec.i32[i] = 0;
        if (vec_is_null(&out->vec, i))
            continue;
        int code = levenshtein(eval, arg_str(&args[0], i), arg_str(&args[1], i), &out->vec.i32[i]);
        if (code != 0)
            return code;
        if (expr->arg_count == 3 && out->vec.i32[i] > arg_int(&args[2], i))
            out->vec.i32[i] = -1;
    }
    return 0;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* UTF8String.soundex: H and W are passed by, vowels part equal codes. What does not begin with a
 * letter stays as it is. */
static bool soundex(struct str s, char out[4])
{
    static const char codes[] = "01230127022455012623017202";
    char first = s.n ? upper(s.p[0]) : 0;
    if (first < 'A' || first > 'Z')
        return false;
    memcpy(out, "0000", 4);
    out[0] = first;
    char last = codes[first - 'A'];
    for (size_t i = 1, n = 1; i < s.n && n < 4; i++) {
        char c = upper(s.p[i]);
        char code = c >= 'A' && c <= 'Z' ? codes[c - 'A'] : '0';
        if (code == '7')
            continue;
        if (code != '0' && code != last)
            out[n++] = code;
        last = code;
    }
    return true;
}

int kernel_soundex(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        char *text = kernel_text(eval, 4);
        if (!text)
            return ERR_NOMEM;
        out->vec.str[i] = arg_str(&args[0], i);
        if (soundex(out->vec.str[i], text))
            string_end(eval, out, i, text, 4);
    }
    return 0;
}

static bool luhn(struct str s)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[s.n - 1 - i];
        if (c < '0' || c > '9')
            return false;
        uint32_t digit = (uint32_t)(c - '0') << (i & 1);
        sum = (sum + digit / 10 + digit % 10) % 10;
    }
    return s.n && sum == 0;
}

int kernel_luhn_check(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.boolean[i] = luhn(arg_str(&args[0], i));
    return 0;
}
