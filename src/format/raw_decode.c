#include "format/raw_decode.h"

static const struct type string_type = {.kind = TYPE_STRING};
static const struct type binary_type = {.kind = TYPE_BINARY};
static const struct field text_field = {{"value", 5}, &string_type};
static const struct field binary_field = {{"value", 5}, &binary_type};

const struct type text_schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &text_field};
const struct type binary_schema = {.kind = TYPE_STRUCT, .field_count = 1, .fields = &binary_field};

static int decode(const struct type *type, const struct record *records, uint32_t count,
                  struct arena *arena, struct block *out, struct err *err)
{
    *out = (struct block){.col_count = 1, .rows = count};
    out->cols = ARENA_NEW(arena, struct vec);
    if (!out->cols || vec_init(out->cols, type, count, arena) != 0)
        return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
    for (uint32_t row = 0; row < count; row++) {
        out->cols->str[row] = records[row].value;
        if (records[row].value.p)
            continue;
        if (vec_ensure_valid(out->cols, arena) != 0)
            return err_set(err, ERR_NOMEM, "out of memory for a block of %u records", count);
        vec_set_null(out->cols, row);
    }
    return 0;
}

int text_decode_block(const struct record *records, uint32_t count, struct arena *arena,
                      struct block *out, struct err *err)
{
    return decode(&string_type, records, count, arena, out, err);
}

int binary_decode_block(const struct record *records, uint32_t count, struct arena *arena,
                        struct block *out, struct err *err)
{
    return decode(&binary_type, records, count, arena, out, err);
}
