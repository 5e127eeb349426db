#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static enum type_kind kind_named(const char *name)
{
    for (enum type_kind kind = TYPE_BOOLEAN; kind <= TYPE_TIMESTAMP; kind++) {
        struct buf text = {0};
        if (kind == TYPE_DECIMAL)
            continue;
        type_print(type_simple(kind), &text);
        bool same = strcmp(buf_cstr(&text), name) == 0;
        buf_fini(&text);
        if (same)
            return kind;
    }
    cr_assert_fail("no type %s", name);
    return TYPE_VOID;
}

void fixture_init(struct fixture *f, const char *spec, const bool *wanted)
{
    int corrupt = -1;
    struct err err;
    memset(f, 0, sizeof *f);
    cr_assert_lt(strlen(spec), sizeof f->spec);
    strcpy(f->spec, spec);
    for (char *p = strtok(f->spec, ","); p; p = strtok(NULL, ",")) {
        char *colon = strrchr(p, ':');
        *colon = '\0';
        if (strcmp(p, "_corrupt_record") == 0)
            corrupt = (int)f->schema.field_count;
        f->fields[f->schema.field_count++] =
            (struct field){str_of(p), type_simple(kind_named(colon + 1))};
    }
    f->schema.kind = TYPE_STRUCT;
    f->schema.fields = f->fields;
    struct json_decode_options options = {
        .schema = &f->schema, .corrupt_column = corrupt, .wanted = wanted};
    cr_assert_eq(json_decoder_create(&f->decoder, &options, &err), 0, "%s", err.msg);
}

void fixture_fini(struct fixture *f)
{
    json_decoder_destroy(f->decoder);
    arena_fini(&f->arena);
    buf_fini(&f->text);
}

void fixture_decode(struct fixture *f, const struct str *records, uint32_t count)
{
    struct record *copies = calloc(count + 1, sizeof *copies);
    struct err err;
    for (uint32_t i = 0; i < count; i++) {
        if (!records[i].p)
            continue;
        char *copy = malloc(records[i].n ? records[i].n : 1);
        memcpy(copy, records[i].p, records[i].n);
        copies[i].value = (struct str){copy, records[i].n};
    }
    arena_reset(&f->arena);
    buf_clear(&f->text);
    cr_assert_eq(json_decode_block(f->decoder, copies, count, f->now, &f->arena, &f->block,
                                   f->malformed, &err),
                 0, "%s", err.msg);
    json_rows_append(&f->text, &f->schema, &f->block, 0, count);
    for (uint32_t i = 0; i < count; i++)
        free((char *)copies[i].value.p);
    free(copies);
}

const char *fixture_row(struct fixture *f, struct str record)
{
    fixture_decode(f, &record, 1);
    if (f->malformed[0]) {
        buf_append_char(&f->text, '!');
        memmove(f->text.p + 1, f->text.p, f->text.n - 1);
        f->text.p[0] = '!';
    }
    f->text.n--; /* the newline */
    return buf_cstr(&f->text);
}
