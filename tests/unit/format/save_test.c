/* Encoders that are saved and go on in another: no row is lost or doubled, whatever the format. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "format/csv_file.h"

#define SIMPLE(k) (&(const struct type){.kind = (k)})

static const struct type decimal = {.kind = TYPE_DECIMAL, .precision = 20, .scale = 2};
static const struct type ints = {.kind = TYPE_ARRAY, .element = SIMPLE(TYPE_INT)};
static const struct field fields[] = {
    {{"id", 2}, SIMPLE(TYPE_BIGINT)},  {{"name", 4}, SIMPLE(TYPE_STRING)},
    {{"x", 1}, SIMPLE(TYPE_DOUBLE)},   {{"dec", 3}, &decimal},
    {{"ok", 2}, SIMPLE(TYPE_BOOLEAN)}, {{"ints", 4}, &ints}};
enum { COLUMNS = COUNT_OF(fields), ROWS = 14000 };
/* CSV has no arrays. */
static const struct type flat = {.kind = TYPE_STRUCT, .field_count = COLUMNS - 1, .fields = fields};
static const struct type nested = {.kind = TYPE_STRUCT, .field_count = COLUMNS, .fields = fields};

static struct arena arena;
static struct vec columns[COLUMNS];

static void setup(void)
{
    for (uint32_t c = 0; c < COLUMNS; c++)
        cr_assert_eq(vec_init(&columns[c], fields[c].type, ROWS, &arena), 0);
    cr_assert_eq(vec_init(&columns[5].children[0], ints.element, 3 * ROWS, &arena), 0);
    cr_assert_eq(vec_ensure_valid(&columns[1], &arena), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        char text[40];
        size_t n = (size_t)snprintf(text, sizeof text, "name-%u", i * 7919 % 3001);
        columns[0].i64[i] = i;
        columns[1].str[i] = arena_str(&arena, (struct str){text, n});
        columns[2].f64[i] = (double)(i * 31 % 977) / 4;
        columns[3].decimal[i] = (__int128)i * 1000003;
        columns[4].boolean[i] = i % 3 == 0;
        columns[5].span[i] = (struct vec_span){3 * i, i % 4 == 3 ? 0 : i % 4};
        for (uint32_t k = 0; k < 3; k++)
            columns[5].children[0].i32[3 * i + k] = (int32_t)(i + k);
        if (i % 11 == 5)
            vec_set_null(&columns[1], i);
    }
}

static void teardown(void)
{
    arena_fini(&arena);
}

TestSuite(save, .init = setup, .fini = teardown, .timeout = 110);

struct kind {
    enum file_kind kind;
    enum file_compression compression;
};

static const struct kind kinds[] = {
    {FILE_JSON, COMPRESSION_NONE},       {FILE_JSON, COMPRESSION_GZIP},
    {FILE_JSON, COMPRESSION_ZSTD},       {FILE_CSV, COMPRESSION_NONE},
    {FILE_CSV, COMPRESSION_GZIP},        {FILE_CSV, COMPRESSION_ZSTD},
    {FILE_PARQUET, COMPRESSION_NONE},    {FILE_PARQUET, COMPRESSION_SNAPPY},
    {FILE_PARQUET, COMPRESSION_GZIP},    {FILE_PARQUET, COMPRESSION_ZSTD},
    {FILE_PARQUET, COMPRESSION_LZ4_RAW},
};

static struct file_format format_of(struct kind kind)
{
    static const struct str bloom[] = {{"name", 4}};
    struct file_format format = {
        .kind = kind.kind, .compression = kind.compression, .csv = csv_options_default()};
    format.csv.header = true;
    /* More than one row group, and more than one page in each. */
    format.parquet = (struct parquet_options){
        .row_group_bytes = 100000, .page_bytes = 20000, .bloom = bloom, .bloom_count = 1};
    return format;
}

static const struct type *schema_of(const struct file_format *format)
{
    return format->kind == FILE_CSV ? &flat : &nested;
}

static void write_rows(struct file_encoder *encoder, uint32_t first, uint32_t n, struct buf *out)
{
    struct vec cols[COLUMNS];
    struct arena scratch = {0};
    struct err err;
    struct block block = {cols, encoder->schema->field_count, n};
    for (uint32_t c = 0; c < block.col_count; c++)
        cr_assert_eq(vec_slice(&cols[c], &columns[c], first, n, &scratch), 0);
    cr_assert_eq(file_encoder_write(encoder, &block, out, &err), 0);
    arena_fini(&scratch);
}

static void finish(struct file_encoder *encoder, struct buf *out)
{
    struct err err;
    cr_assert_eq(file_encoder_finish(encoder, out, &err), 0);
    file_encoder_destroy(encoder);
}

static struct file_encoder *create(const struct file_format *format)
{
    struct err err;
    struct file_encoder *encoder;
    cr_assert_eq(file_encoder_create(&encoder, format, schema_of(format), &err), 0);
    file_encoder_savable(encoder);
    return encoder;
}

/* ROWS rows in calls of up to `most`; after every `every` rows saved, and gone on with in another
 * encoder (every 0: never). */
static void encode(const struct file_format *format, uint32_t most, uint32_t every,
                   size_t state_max, struct buf *out)
{
    struct file_encoder *encoder = create(format);
    struct err err = {0};
    for (uint32_t at = 0, n, saved = 0; at < ROWS; at += n) {
        n = most > 1 ? 1 + (uint32_t)rand() % most : 1;
        n = n < ROWS - at ? n : ROWS - at;
        if (every && saved + every > at && saved + every < at + n)
            n = saved + every - at;
        write_rows(encoder, at, n, out);
        if (!every || saved + every > at + n)
            continue;
        struct buf state = {0};
        saved = at + n;
        cr_assert_eq(file_encoder_save(encoder, state_max, out, &state, &err), 0, "%s", err.msg);
        file_encoder_destroy(encoder);
        cr_assert_eq(
            file_encoder_restore(&encoder, format, schema_of(format), buf_str(&state), &err), 0,
            "%s", err.msg);
        buf_fini(&state);
    }
    finish(encoder, out);
}

static void unpack(const struct buf *packed, enum file_compression compression, struct buf *out)
{
    size_t room = 64 << 20;
    cr_assert(buf_reserve(out, room));
    if (compression == COMPRESSION_NONE) {
        buf_append_str(out, buf_str(packed));
    } else if (compression == COMPRESSION_ZSTD) {
        out->n = ZSTD_decompress(out->p, room, packed->p, packed->n); /* all frames */
        cr_assert(!ZSTD_isError(out->n));
    } else {
        z_stream stream = {.next_in = (Bytef *)packed->p, .avail_in = (uInt)packed->n};
        cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
        while (stream.avail_in > 0) { /* all members */
            stream.next_out = (Bytef *)out->p + out->n;
            stream.avail_out = (uInt)(room - out->n);
            cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
            out->n = room - stream.avail_out;
            cr_assert_eq(inflateReset(&stream), Z_OK);
        }
        inflateEnd(&stream);
    }
}

Test(save, how_rows_are_divided_into_calls_does_not_matter)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct file_format format = format_of(kinds[i]);
        struct buf once = {0};
        encode(&format, ROWS, 0, 0, &once);
        for (uint32_t most = 7; most < ROWS; most = most * 9 + 1) {
            struct buf split = {0};
            encode(&format, most, 0, 0, &split);
            cr_expect(str_eq(buf_str(&once), buf_str(&split)), "%s, calls of up to %u rows",
                      file_format_extension(&format), most);
            buf_fini(&split);
        }
        buf_fini(&once);
    }
}

Test(save, text_goes_on_where_it_was_saved)
{
    for (size_t i = 0; i < COUNT_OF(kinds) && kinds[i].kind != FILE_PARQUET; i++) {
        struct file_format format = format_of(kinds[i]);
        struct file_format plain = format_of((struct kind){kinds[i].kind, COMPRESSION_NONE});
        struct buf want = {0};
        encode(&plain, 4096, 0, 0, &want);
        for (uint32_t every = 777; every < ROWS; every = 3 * every + 1000) {
            struct buf out = {0}, text = {0};
            encode(&format, 4096, every, 0, &out);
            unpack(&out, kinds[i].compression, &text);
            cr_expect(str_eq(buf_str(&want), buf_str(&text)), "%s saved every %u rows",
                      file_format_extension(&format), every);
            buf_fini(&out);
            buf_fini(&text);
        }
        buf_fini(&want);
    }
}

/* With its rows saved a Parquet file is the very file it would have been. */
Test(save, parquet_goes_on_where_it_was_saved)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct file_format format = format_of(kinds[i]);
        struct buf want = {0};
        if (format.kind != FILE_PARQUET)
            continue;
        encode(&format, 4096, 0, 0, &want);
        for (uint32_t every = 777; every < ROWS; every = 3 * every + 1000) {
            struct buf out = {0};
            encode(&format, 4096, every, SIZE_MAX, &out);
            cr_expect(str_eq(buf_str(&want), buf_str(&out)), "%s saved every %u rows",
                      file_format_extension(&format), every);
            buf_fini(&out);
        }
        buf_fini(&want);
    }
}

/* An encoder that was saved goes on like the one that was made of it. */
Test(save, the_saved_encoder_goes_on_too)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct file_format format = format_of(kinds[i]);
        struct file_encoder *one = create(&format), *other;
        struct buf out = {0}, head = {0}, state = {0}, again = {0};
        struct err err;
        for (uint32_t first = 0; first < 9000; first += 1500) {
            write_rows(one, first, 1500, &out);
            buf_clear(&state);
            cr_assert_eq(file_encoder_save(one, 1 << 20, &out, &state, &err), 0);
            buf_clear(&head);
            buf_append_str(&head, buf_str(&out));
        }
        cr_assert_eq(file_encoder_save(one, 1 << 20, &out, &again, &err), 0);
        cr_expect(str_eq(buf_str(&state), buf_str(&again)) && out.n == head.n, "nothing is new");
        cr_assert_eq(
            file_encoder_restore(&other, &format, schema_of(&format), buf_str(&state), &err), 0);
        cr_expect_lt(file_encoder_pending(other), (1 << 20));
        write_rows(one, 9000, 5000, &out);
        write_rows(other, 9000, 5000, &head);
        finish(one, &out);
        finish(other, &head);
        cr_expect(str_eq(buf_str(&out), buf_str(&head)), "%s", file_format_extension(&format));
        buf_fini(&out);
        buf_fini(&head);
        buf_fini(&state);
        buf_fini(&again);
    }
}

Test(save, a_file_without_rows)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct file_format format = format_of(kinds[i]);
        struct buf out = {0}, want = {0}, state = {0};
        struct file_encoder *encoder = create(&format);
        struct err err;
        finish(create(&format), &want);
        cr_assert_eq(file_encoder_save(encoder, 1000, &out, &state, &err), 0);
        file_encoder_destroy(encoder);
        cr_assert_eq(
            file_encoder_restore(&encoder, &format, schema_of(&format), buf_str(&state), &err), 0);
        finish(encoder, &out);
        cr_expect(str_eq(buf_str(&out), buf_str(&want)), "%s", file_format_extension(&format));
        buf_fini(&out);
        buf_fini(&want);
        buf_fini(&state);
    }
}

static void expect_restore(const struct file_format *format, struct str state, int want)
{
    struct file_encoder *encoder = NULL;
    struct err err = {0};
    int code = file_encoder_restore(&encoder, format, schema_of(format), state, &err);
    cr_expect_eq(code, want, "%s: %d %s", file_format_extension(format), code, err.msg);
    if (!code)
        file_encoder_destroy(encoder);
}

/* The state of some rows, and of a row group or two. */
static void make_state(const struct file_format *format, struct buf *state)
{
    struct file_encoder *encoder = create(format);
    struct buf out = {0};
    struct err err;
    write_rows(encoder, 0, 10000, &out);
    cr_assert_eq(file_encoder_save(encoder, 0, &out, state, &err), 0);
    write_rows(encoder, 10000, 20, &out);
    buf_clear(state);
    cr_assert_eq(file_encoder_save(encoder, SIZE_MAX, &out, state, &err), 0);
    file_encoder_destroy(encoder);
    buf_fini(&out);
}

Test(save, damage_is_an_error)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct file_format format = format_of(kinds[i]);
        struct buf state = {0};
        make_state(&format, &state);
        expect_restore(&format, buf_str(&state), 0);
        for (size_t n = 0; n < state.n; n += 1 + n / 40)
            expect_restore(&format, (struct str){state.p, n}, ERR_CORRUPT);
        for (size_t bit = 0; bit < 8 * state.n; bit += 1 + bit / 100) {
            state.p[bit / 8] = (char)(state.p[bit / 8] ^ 1 << bit % 8);
            expect_restore(&format, buf_str(&state), ERR_CORRUPT);
            state.p[bit / 8] = (char)(state.p[bit / 8] ^ 1 << bit % 8);
        }
        buf_fini(&state);
    }
}

/* Bytes that the checksum passes, as another program may have written them: no crash. */
Test(save, what_passes_the_checksum_is_still_checked)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct file_format format = format_of(kinds[i]);
        struct buf state = {0};
        make_state(&format, &state);
        for (size_t bit = 0; bit < 8 * (state.n - 4); bit += 1 + bit / 100) {
            struct buf copy = {0};
            struct file_encoder *encoder;
            struct err err = {0};
            buf_append(&copy, state.p, state.n - 4);
            copy.p[bit / 8] = (char)(copy.p[bit / 8] ^ 1 << bit % 8);
            bytes_put_sum(&copy, 0);
            int code =
                file_encoder_restore(&encoder, &format, schema_of(&format), buf_str(&copy), &err);
            cr_expect(code == 0 || code == ERR_CORRUPT, "%d %s", code, err.msg);
            buf_clear(&copy);
            if (code == 0)
                finish(encoder, &copy);
            buf_fini(&copy);
        }
        buf_fini(&state);
    }
}

Test(save, another_format_or_schema_is_refused)
{
    struct file_format json = format_of(kinds[0]), gzip = format_of(kinds[1]);
    struct buf state = {0};
    struct file_encoder *encoder;
    struct err err = {0};
    make_state(&json, &state);
    expect_restore(&gzip, buf_str(&state), ERR_CORRUPT);
    cr_expect_eq(file_encoder_restore(&encoder, &json, &flat, buf_str(&state), &err), ERR_CORRUPT);
    cr_expect(strstr(err.msg, "another format or of other columns"));
    state.p[0] = 2;
    state.n -= 4;
    bytes_put_sum(&state, 0);
    cr_expect_eq(file_encoder_restore(&encoder, &json, &nested, buf_str(&state), &err),
                 ERR_CORRUPT);
    cr_expect(strstr(err.msg, "has format 2, this version of sluice reads up to 1"));
    buf_fini(&state);
}

/* Rows are saved while they are few; then their row group ends. */
Test(save, the_state_is_bounded)
{
    struct file_format format = {.kind = FILE_PARQUET, .compression = COMPRESSION_SNAPPY};
    struct file_encoder *encoder = create(&format);
    struct buf out = {0}, state = {0};
    struct err err;
    size_t most = 0, groups = 0, held = 0;
    for (int i = 0; i < 60; i++) {
        size_t before = out.n;
        for (uint32_t k = 0; k < 4096; k++)
            columns[0].i64[k] = (int64_t)((uint64_t)rand() << 40 ^ (uint64_t)rand() << 15);
        write_rows(encoder, 0, 4096, &out);
        held = file_encoder_memory(encoder) > held ? file_encoder_memory(encoder) : held;
        buf_clear(&state);
        cr_assert_eq(file_encoder_save(encoder, 1 << 20, &out, &state, &err), 0);
        most = state.n > most ? state.n : most;
        groups += out.n > before + 10;
    }
    cr_expect_gt(most, 500000);
    cr_expect_lt(most, (1 << 20) + 4096);
    cr_expect(groups >= 2 && groups < 10, "%zu", groups);
    cr_expect_lt(held, 12 << 20);
    finish(encoder, &out);
    buf_fini(&out);
    buf_fini(&state);
}
