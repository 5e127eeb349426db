/* Properties on generated documents, seeded: what cJSON reads, what two ways of decoding agree on,
 * and that no prefix of anything makes the decoder read past its end (a sanitizer's business). */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "fixture.h"

#define SCHEMA                                                                                     \
    "s:STRING,b:BOOLEAN,i:INT,l:BIGINT,d:DOUBLE,t:TIMESTAMP,dt:DATE,x:BINARY,\xc3\xa9:STRING"

static uint32_t pick(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33) % n;
}

static const char *pick_text(uint64_t *seed, const char *const *texts, uint32_t n)
{
    return texts[pick(seed, n)];
}

static void put_space(struct buf *out, uint64_t *seed)
{
    static const char *const spaces[] = {"", "", "", " ", "  ", "\n", "\t \r"};
    buf_append_str(out, str_of(pick_text(seed, spaces, COUNT_OF(spaces))));
}

static void put_string(struct buf *out, uint64_t *seed)
{
    static const char *const parts[] = {"a",
                                        "word",
                                        " ",
                                        "\\n",
                                        "\\u00e9",
                                        "\xd0\xb6",
                                        "\\\"",
                                        "'",
                                        "{\\/}",
                                        "\xe6\x97\xa5",
                                        "0123456789abcdef",
                                        "\\\\",
                                        "\\u0001",
                                        "\\ud83d\\ude00",
                                        "\xf0\x9f\x98\x80",
                                        "]"};
    buf_append_char(out, '"');
    for (uint32_t n = pick(seed, 6); n > 0; n--)
        buf_append_str(out, str_of(pick_text(seed, parts, COUNT_OF(parts))));
    buf_append_char(out, '"');
}

static void put_number(struct buf *out, uint64_t *seed)
{
    static const char *const odd[] = {"0",
                                      "-0",
                                      "1e5",
                                      "1.5E-7",
                                      "123456789012345678901",
                                      "0.1",
                                      "9007199254740993",
                                      "-0.0",
                                      "1e400",
                                      "18446744073709551617",
                                      "1844674407370955161.7"};
    if (pick(seed, 3) == 0)
        buf_append_str(out, str_of(pick_text(seed, odd, COUNT_OF(odd))));
    else if (pick(seed, 2))
        buf_printf(out, "%.17g", pick(seed, 1 << 30) / (1.0 + pick(seed, 1 << 30)));
    else if (pick(seed, 2))
        buf_printf(out, "%d", (int)pick(seed, 2000) - 1000);
    else
        buf_printf(out, "%u.%02u", pick(seed, 10000), pick(seed, 100));
}

static void put_object(struct buf *out, uint64_t *seed, int depth);

static void put_value(struct buf *out, uint64_t *seed, int depth)
{
    static const char *const words[] = {
        "true", "false", "null", "\"2025-12-26 21:16:18\"", "\"2025-12-26\"", "\"QUJD\"", "\"\""};
    uint32_t kind = pick(seed, depth > 3 ? 6 : 8);
    if (kind < 2)
        put_string(out, seed);
    else if (kind < 4)
        put_number(out, seed);
    else if (kind < 6)
        buf_append_str(out, str_of(pick_text(seed, words, COUNT_OF(words))));
    else if (kind == 6)
        put_object(out, seed, depth + 1);
    else {
        buf_append_char(out, '[');
        for (uint32_t n = pick(seed, 4), i = 0; i < n; i++) {
            if (i > 0)
                buf_append_char(out, ',');
            put_space(out, seed);
            put_value(out, seed, depth + 1);
        }
        put_space(out, seed);
        buf_append_char(out, ']');
    }
}

static void put_object(struct buf *out, uint64_t *seed, int depth)
{
    static const char *const names[] = {
        "s", "b", "i", "l", "d", "t", "dt", "x", "\xc3\xa9", "u", "unknown name", "\\u0073"};
    buf_append_char(out, '{');
    for (uint32_t n = pick(seed, 7), i = 0; i < n; i++) {
        put_space(out, seed);
        if (i > 0)
            buf_append_char(out, ',');
        put_space(out, seed);
        buf_printf(out, "\"%s\"", pick_text(seed, names, COUNT_OF(names)));
        put_space(out, seed);
        buf_append_char(out, ':');
        put_space(out, seed);
        put_value(out, seed, depth);
    }
    put_space(out, seed);
    buf_append_char(out, '}');
}

/* The last member of that name: duplicates are legal, and the last one wins. */
static const cJSON *last_member(const cJSON *object, const char *name)
{
    const cJSON *found = NULL, *item;
    cJSON_ArrayForEach(item, object) found = strcmp(item->string, name) == 0 ? item : found;
    return found;
}

static bool duplicated(const cJSON *object, const char *name)
{
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, object) count += strcmp(item->string, name) == 0;
    return count > 1;
}

static void check_against_cjson(const struct fixture *f, const char *text)
{
    cJSON *document = cJSON_Parse(text);
    cr_assert_not_null(document, "%s", text);
    const cJSON *s = last_member(document, "s"), *d = last_member(document, "d"),
                *b = last_member(document, "b");
    const struct vec *cols = f->block.cols;
    if (s && cJSON_IsString(s)) {
        struct str got = vec_is_null(&cols[0], 0) ? STR("(null)") : cols[0].str[0];
        cr_assert(str_is(got, s->valuestring), "%s", text);
    } else {
        cr_assert_eq(vec_is_null(&cols[0], 0), !s || cJSON_IsNull(s), "%s", text);
    }
    if (d && cJSON_IsNumber(d))
        cr_assert(!vec_is_null(&cols[4], 0) && cols[4].f64[0] == d->valuedouble, "%s", text);
    else if (!duplicated(document, "d"))
        cr_assert(vec_is_null(&cols[4], 0), "%s", text);
    if (b && cJSON_IsBool(b))
        cr_assert(!vec_is_null(&cols[1], 0) && cols[1].boolean[0] == cJSON_IsTrue(b), "%s", text);
    else if (!duplicated(document, "b"))
        cr_assert(vec_is_null(&cols[1], 0), "%s", text);
    cJSON_Delete(document);
}

/* Without BINARY: a wrong base64 string may swallow what follows it, as in Jackson. */
Test(json_oracle, agrees_with_cjson)
{
    struct fixture f;
    struct buf text = {0};
    uint64_t seed = 1;
    fixture_init(&f, "s:STRING,b:BOOLEAN,i:INT,l:BIGINT,d:DOUBLE,t:TIMESTAMP,dt:DATE", NULL);
    for (int i = 0; i < 20000; i++) {
        buf_clear(&text);
        put_object(&text, &seed, 0);
        fixture_row(&f, buf_str(&text));
        /* strings are views: decode again from memory that is still there */
        struct record record = {.value = buf_str(&text)};
        struct err err;
        arena_reset(&f.arena);
        cr_assert_eq(
            json_decode_block(f.decoder, &record, 1, 0, &f.arena, &f.block, f.malformed, &err), 0);
        check_against_cjson(&f, buf_cstr(&text));
    }
    buf_fini(&text);
    fixture_fini(&f);
}

/* A single-quoted name sends a record to the exact reader and changes nothing else. */
static char *exact_row(struct fixture *f, struct str record)
{
    struct buf text = {0};
    buf_append_str(&text, STR("{'~':0"));
    if (record.p[strspn(record.p + 1, " \n\t\r") + 1] != '}')
        buf_append_char(&text, ',');
    buf_append(&text, record.p + 1, record.n - 1);
    char *row = strdup(fixture_row(f, buf_str(&text)));
    buf_fini(&text);
    return row;
}

static void damage(struct buf *text, uint64_t *seed)
{
    static const char bytes[] = "{}[]:,\"'\\ue01.+-tfnNI a\x01\xff\xd0";
    for (uint32_t n = pick(seed, 3); n > 0; n--)
        text->p[1 + pick(seed, (uint32_t)text->n - 1)] = bytes[pick(seed, sizeof bytes - 1)];
}

Test(json_oracle, plain_and_exact_decoding_agree)
{
    struct fixture f;
    struct buf text = {0};
    uint64_t seed = 2;
    fixture_init(&f, SCHEMA, NULL);
    for (int i = 0; i < 40000; i++) {
        buf_clear(&text);
        put_object(&text, &seed, 0);
        damage(&text, &seed);
        buf_cstr(&text);
        char *exact = exact_row(&f, buf_str(&text));
        cr_assert_str_eq(fixture_row(&f, buf_str(&text)), exact, "%s", buf_cstr(&text));
        free(exact);
    }
    buf_fini(&text);
    fixture_fini(&f);
}

Test(json_oracle, prefixes_are_malformed_and_stay_in_bounds)
{
    struct fixture f;
    struct buf text = {0};
    uint64_t seed = 3;
    fixture_init(&f, SCHEMA ",_corrupt_record:STRING", NULL);
    for (int i = 0; i < 300; i++) {
        buf_clear(&text);
        put_object(&text, &seed, 0);
        for (size_t n = 1; n < text.n; n++) {
            fixture_row(&f, (struct str){text.p, n});
            cr_assert_eq(f.malformed[0], 1, "%.*s", (int)n, text.p);
        }
    }
    buf_fini(&text);
    fixture_fini(&f);
}
