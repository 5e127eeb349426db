/* catalogue_string.c: string functions. */
#include "sql/catalogue_groups.h"
#include "sql/function_rules_collection.h"
#include "sql/function_rules_text.h"
#include "sql/kernels_text.h"

#define ROW(name, aliases, min, max, params, result, kernel, rule, usage)                          \
    {                                                                                              \
        name, aliases, min, max, params, result, FUNCTION_STRICT, kernel, rule, usage              \
    }
/* The kernel sees NULLs. */
#define OPEN(name, aliases, min, max, params, result, kernel, rule, usage)                         \
    {                                                                                              \
        name, aliases, min, max, params, result, 0, kernel, rule, usage                            \
    }
/* Spark infers nothing of the arguments from a value. */
#define LOOSE(name, aliases, min, max, params, result, kernel, rule, usage)                        \
    {                                                                                              \
        name, aliases, min, max, params, result, FUNCTION_STRICT | FUNCTION_LOOSE, kernel, rule,   \
            usage                                                                                  \
    }
#define P(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct function catalogue_string[] = {
    ROW("ascii", NULL, 1, 1, P(PARAM_STRING), TYPE_INT, kernel_ascii, NULL,
        "ascii(s): the code point of the first character; 0 for an empty text"),
    LOOSE("base64", NULL, 1, 1, P(PARAM_BINARY), TYPE_STRING, kernel_base64, NULL,
          "base64(b): in base 64, in lines of 76 characters"),
    ROW("bit_length", NULL, 1, 1, P(PARAM_TEXT), TYPE_INT, kernel_bit_length, NULL,
        "bit_length(s): bits of a STRING or BINARY"),
    LOOSE("btrim", NULL, 1, 2, P(PARAM_STRING), TYPE_STRING, kernel_trim, rule_trim,
          "btrim(s[, characters]): without these characters (spaces) at both ends"),
    ROW("char", "chr", 1, 1, P(PARAM_BIGINT), TYPE_STRING, kernel_chr, NULL,
        "char(n): the character of code n modulo 256; empty for a negative n"),
    LOOSE("concat", NULL, 0, FUNCTION_ANY, P(PARAM_ANY), TYPE_STRING, kernel_concat, rule_concat,
          "concat(a, b, ...): one after the other; NULL if one is NULL"),
    OPEN("concat_ws", NULL, 1, FUNCTION_ANY, P(PARAM_ANY), TYPE_STRING, kernel_concat_ws,
         rule_concat_ws,
         "concat_ws(separator, a, b, ...): texts and arrays of texts, joined; NULLs are left out"),
    ROW("contains", NULL, 2, 2, P(PARAM_ANY), TYPE_BOOLEAN, kernel_contains, rule_two_texts,
        "contains(s, part): whether the part is in s"),
    ROW("decode", NULL, 2, FUNCTION_ANY, P(PARAM_ANY), TYPE_STRING, kernel_decode, rule_decode,
        "decode(b, charset), decode(value, search, result, ...[, other]): text of bytes, or the "
        "result of the first search that equals the value"),
    OPEN("elt", NULL, 2, FUNCTION_ANY, P(PARAM_INT, PARAM_ANY), TYPE_STRING, kernel_elt, rule_elt,
         "elt(n, a, b, ...): the n-th of the texts; NULL when there is none"),
    ROW("encode", NULL, 2, 2, P(PARAM_STRING), TYPE_BINARY, kernel_encode, rule_charset,
        "encode(s, charset): bytes of a text in UTF-8, US-ASCII, ISO-8859-1 or UTF-16[BE|LE]"),
    ROW("endswith", NULL, 2, 2, P(PARAM_ANY), TYPE_BOOLEAN, kernel_ends_with, rule_two_texts,
        "endswith(s, end): whether s ends with it"),
    ROW("find_in_set", NULL, 2, 2, P(PARAM_STRING), TYPE_INT, kernel_find_in_set, NULL,
        "find_in_set(word, list): the place of a word between commas, from 1; 0: none"),
    ROW("format_number", NULL, 2, 2, P(PARAM_ANY), TYPE_STRING, kernel_format_number,
        rule_format_number,
        "format_number(n, d): like 1,234.50 with d places; or by a pattern like '#,##0.00'"),
    OPEN("format_string", "printf", 1, FUNCTION_ANY, P(PARAM_ANY), TYPE_STRING,
         kernel_format_string, rule_format_string,
         "format_string(format, a, b, ...): as Java's Formatter: %s %d %x %o %c %b %f %e"),
    ROW("initcap", NULL, 1, 1, P(PARAM_STRING), TYPE_STRING, kernel_initcap, NULL,
        "initcap(s): in lower case, but each word's first letter"),
    ROW("instr", NULL, 2, 2, P(PARAM_STRING), TYPE_INT, kernel_instr, NULL,
        "instr(s, part): where the part begins, from 1; 0: nowhere"),
    ROW("left", NULL, 2, 2, P(PARAM_TEXT, PARAM_INT), TYPE_STRING, kernel_left, rule_left,
        "left(s, n): the first n characters, or bytes of a BINARY"),
    ROW("length", "char_length character_length len", 1, 1, P(PARAM_ANY), TYPE_INT, NULL,
        rule_length, "length(s): characters of a STRING, bytes of a BINARY"),
    ROW("levenshtein", NULL, 2, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_INT,
        kernel_levenshtein, NULL,
        "levenshtein(a, b[, most]): the edit distance; -1 when it is above `most`"),
    OPEN("locate", "position", 2, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_INT,
         kernel_locate, rule_locate,
         "locate(part, s[, from]): where the part begins, from 1; 0: nowhere"),
    ROW("lower", "lcase", 1, 1, P(PARAM_STRING), TYPE_STRING, kernel_lower, NULL,
        "lower(s): in lower case, as Java's String.toLowerCase"),
    ROW("lpad", NULL, 2, 3, P(PARAM_TEXT, PARAM_INT, PARAM_TEXT), TYPE_STRING, kernel_lpad,
        rule_pad, "lpad(s, n[, padding]): n characters, filled at the start or cut at the end"),
    LOOSE("ltrim", NULL, 1, 2, P(PARAM_STRING), TYPE_STRING, kernel_ltrim, rule_trim,
          "ltrim([characters,] s): without these characters (spaces) at the start"),
    LOOSE("luhn_check", NULL, 1, 1, P(PARAM_STRING), TYPE_BOOLEAN, kernel_luhn_check, NULL,
          "luhn_check(s): whether the digits pass the Luhn test"),
    OPEN("mask", NULL, 1, 5, P(PARAM_ANY), TYPE_STRING, kernel_mask, rule_mask,
         "mask(s[, upper[, lower[, digit[, other]]]]): characters replaced by their kind"),
    ROW("octet_length", NULL, 1, 1, P(PARAM_TEXT), TYPE_INT, kernel_length_binary, NULL,
        "octet_length(s): bytes of a STRING or BINARY"),
    ROW("overlay", NULL, 3, 4, P(PARAM_ANY), TYPE_STRING, kernel_overlay, rule_overlay,
        "overlay(s, other, position[, length]): s with the other in place of so many characters"),
    ROW("repeat", NULL, 2, 2, P(PARAM_STRING, PARAM_INT), TYPE_STRING, kernel_repeat, NULL,
        "repeat(s, n): n times"),
    ROW("replace", NULL, 2, 3, P(PARAM_STRING), TYPE_STRING, kernel_replace, rule_replace_text,
        "replace(s, part[, other]): every part replaced"),
    ROW("reverse", NULL, 1, 1, P(PARAM_ANY), TYPE_STRING, kernel_reverse_string, rule_reverse,
        "reverse(s): the characters, or the elements of an ARRAY, from the last to the first"),
    LOOSE("right", NULL, 2, 2, P(PARAM_STRING, PARAM_INT), TYPE_STRING, kernel_right, NULL,
          "right(s, n): the last n characters"),
    ROW("rpad", NULL, 2, 3, P(PARAM_TEXT, PARAM_INT, PARAM_TEXT), TYPE_STRING, kernel_rpad,
        rule_pad, "rpad(s, n[, padding]): n characters, filled or cut at the end"),
    LOOSE("rtrim", NULL, 1, 2, P(PARAM_STRING), TYPE_STRING, kernel_rtrim, rule_trim,
          "rtrim([characters,] s): without these characters (spaces) at the end"),
    ROW("soundex", NULL, 1, 1, P(PARAM_ANY), TYPE_STRING, kernel_soundex, rule_strict_string,
        "soundex(s): a code of how the text sounds in English"),
    ROW("space", NULL, 1, 1, P(PARAM_INT), TYPE_STRING, kernel_space, NULL, "space(n): n spaces"),
    ROW("split_part", NULL, 3, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_STRING,
        kernel_split_part, NULL,
        "split_part(s, separator, n): the n-th part (negative: from the end); empty: none"),
    ROW("startswith", NULL, 2, 2, P(PARAM_ANY), TYPE_BOOLEAN, kernel_starts_with, rule_two_texts,
        "startswith(s, start): whether s begins with it"),
    ROW("substring", "substr", 2, 3, P(PARAM_TEXT, PARAM_INT), TYPE_STRING, kernel_substring,
        rule_substring,
        "substring(s, position[, length]): from the position-th character (negative: from the "
        "end)"),
    ROW("substring_index", NULL, 3, 3, P(PARAM_STRING, PARAM_STRING, PARAM_INT), TYPE_STRING,
        kernel_substring_index, NULL,
        "substring_index(s, separator, n): what is before the n-th separator (negative: behind)"),
    ROW("to_binary", NULL, 1, 2, P(PARAM_STRING), TYPE_BINARY, kernel_from_hex, rule_to_binary,
        "to_binary(s[, format]): bytes written as hex, utf-8 or base64"),
    ROW("translate", NULL, 3, 3, P(PARAM_STRING), TYPE_STRING, kernel_translate, NULL,
        "translate(s, from, to): characters replaced one by one; those without another go"),
    LOOSE("trim", NULL, 1, 2, P(PARAM_STRING), TYPE_STRING, kernel_trim, rule_trim,
          "trim([characters,] s), trim([BOTH|LEADING|TRAILING] [characters] FROM s): without these "
          "characters (spaces) at the ends"),
    ROW("try_to_binary", NULL, 1, 2, P(PARAM_STRING), TYPE_BINARY, kernel_try_from_hex,
        rule_to_binary, "try_to_binary(s[, format]): as to_binary; NULL for a wrong text"),
    ROW("unbase64", NULL, 1, 1, P(PARAM_STRING), TYPE_BINARY, kernel_unbase64, NULL,
        "unbase64(s): the bytes of a text in base 64"),
    ROW("upper", "ucase", 1, 1, P(PARAM_STRING), TYPE_STRING, kernel_upper, NULL,
        "upper(s): in upper case, as Java's String.toUpperCase"),
};
const size_t catalogue_string_count = COUNT_OF(catalogue_string);
