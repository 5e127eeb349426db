#include <criterion/criterion.h>

#include "base/utf8.h"

static void expect_clean(const char *bytes, const char *want)
{
    struct buf out = {0};
    utf8_append_clean(&out, str_of(bytes));
    cr_expect_str_eq(buf_cstr(&out), want);
    cr_expect_eq(utf8_valid(str_of(bytes)), strcmp(bytes, want) == 0);
    buf_fini(&out);
}

#define R "\xef\xbf\xbd"

/* What new String(bytes, UTF_8) gives in Java 17. */
Test(utf8, malformed_sequences_become_replacement_characters_as_in_java)
{
    expect_clean("plain", "plain");
    expect_clean("\xd0\xb6\xe6\x97\xa5\xf0\x9f\x98\x80", "\xd0\xb6\xe6\x97\xa5\xf0\x9f\x98\x80");
    expect_clean("a\xff", "a" R);
    expect_clean("\xc3(", R "(");
    expect_clean("\xc0\x80", R R);
    expect_clean("\xe0\x80\x80", R R R);
    expect_clean("\xe2\x82", R);
    expect_clean("\xe2\x82x", R "x");
    expect_clean("\xed\xa0\x80\xed\xb0\x80", R R); /* surrogates: one each */
    expect_clean("\xf0\x9f\x98", R);
    expect_clean("\xf0\x9fx", R "x");
    expect_clean("\xf0\x80\x80\x80", R R R R);
    expect_clean("\xf4\x90\x80\x80", R R R R);
    expect_clean("\xf8\x88\x80\x80\x80", R R R R R);
    expect_clean("ok\x80\xd0\xb6", "ok" R "\xd0\xb6");
}

Test(utf8, decodes_what_it_encodes)
{
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char text[4];
        uint32_t back;
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        size_t n = utf8_encode(code, text);
        cr_assert(utf8_valid((struct str){text, n}));
        cr_assert_eq(utf8_decode((struct str){text, n}, &back), n);
        cr_assert_eq(back, code);
    }
}

Test(utf8, counts_and_widths)
{
    struct str text = STR("a\xd0\xb6\xe6\x97\xa5\xf0\x9f\x98\x80\xff");
    cr_expect_eq(utf8_count(text), 5);
    cr_expect_eq(utf8_count_utf16(text), 6);
    cr_expect_eq(utf8_width(text), 7); /* the Chinese character and the surrogates take two */
    cr_expect_eq(utf8_ascii_prefix(STR("0123456789abc\x80")), 13);
    cr_expect_eq(utf8_ascii_prefix(STR("")), 0);
}

/* The ranges Spark 3.5.3's Utils.stringHalfWidth gave for every character of the BMP. */
Test(utf8, full_width_ranges_are_sparks)
{
    static const uint32_t ranges[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},
                                         {0xf900, 0xfaff}, {0xfe10, 0xfe19}, {0xfe30, 0xfe6f},
                                         {0xff00, 0xff60}, {0xffe0, 0xffe6}};
    for (uint32_t code = 0, range = 0; code < 0x10000; code++) {
        char text[4];
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        while (range < COUNT_OF(ranges) && code > ranges[range][1])
            range++;
        size_t want = range < COUNT_OF(ranges) && code >= ranges[range][0] ? 2 : 1;
        cr_assert_eq(utf8_width((struct str){text, utf8_encode(code, text)}), want);
    }
}
