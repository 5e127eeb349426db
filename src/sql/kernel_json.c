/* kernel_json.c: the JSON functions. */
#include "format/json_copy.h"
#include "format/json_decode.h"
#include "format/json_rows.h"
#include "sql/json_kernels.h"
#include "sql/kernel_array.h"

/* Makes the text of row i, or a NULL. */
static int put_text(struct eval *eval, struct value *out, uint32_t row, const struct buf *text,
                    bool there)
{
    out->vec.str[row] = (struct str){NULL, 0};
    if (!there) {
        if (!kernel_own_valid(eval, out))
            return ERR_NOMEM;
        vec_set_null(&out->vec, row);
        return 0;
    }
    char *copy = text->failed ? NULL : kernel_text(eval, text->n);
    if (!copy)
        return ERR_NOMEM;
    if (text->n)
        memcpy(copy, text->p, text->n);
    out->vec.str[row] = (struct str){copy, text->n};
    kernel_text_keep(eval, text->n);
    return 0;
}

static int find_row(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out, uint32_t row, struct buf *text)
{
    struct json_prepared *prepared = expr->prepared;
    const struct json_path *path = prepared->path;
    struct str json = args[0].vec.str[kernel_row(&args[0], row)];
    struct str way = args[1].vec.str[kernel_row(&args[1], row)];
    buf_clear(text);
    if (!prepared->constant && !json_path_parse(way, eval->arena, &path))
        return ERR_NOMEM;
    enum json_found found =
        path ? json_path_find(path, &prepared->reader, json, text) : JSON_NOT_FOUND;
    if (found == JSON_FOUND_NOMEM)
        return ERR_NOMEM;
    return put_text(eval, out, row, text, found == JSON_FOUND);
}

int kernel_get_json_object(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    struct buf text = {0};
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        out->vec.str[i] = (struct str){NULL, 0};
        if (!vec_is_null(&out->vec, i))
            code = find_row(eval, expr, args, out, i, &text);
    }
    buf_fini(&text);
    return code;
}

/* Opens the text on its first token, which must be `first`. *nomem: no memory. */
static bool open_json(struct json_prepared *prepared, struct str text, enum json_token first,
                      bool *nomem)
{
    prepared->reader.hive = true;
    *nomem = !json_reader_open(&prepared->reader, text);
    return !*nomem && json_reader_next(&prepared->reader) == first;
}

/* The elements of the array, or -1. */
static int64_t count_elements(struct json_reader *reader)
{
    for (int64_t count = 0;; count++) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_END_ARRAY)
            return count;
        if (token == JSON_ERROR || token == JSON_NOMEM || token == JSON_NONE)
            return -1;
        token = json_reader_skip_children(reader);
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return -1;
    }
}

int kernel_json_array_length(struct eval *eval, const struct expr *expr, const struct value *args,
                             struct value *out)
{
    struct json_prepared *prepared = expr->prepared;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        bool nomem = false, null = vec_is_null(&out->vec, i);
        bool array = !null && open_json(prepared, args[0].vec.str[i], JSON_START_ARRAY, &nomem);
        int64_t count = array ? count_elements(&prepared->reader) : -1;
        out->vec.i32[i] = (int32_t)count;
        if (nomem || (count < 0 && !kernel_own_valid(eval, out)))
            return ERR_NOMEM;
        if (count < 0)
            vec_set_null(&out->vec, i);
    }
    return 0;
}

struct key_list {
    struct str *items;
    uint32_t n, capacity;
};

static int add_key(struct eval *eval, struct key_list *keys, const struct json_reader *reader,
                   struct buf *text)
{
    size_t n;
    const uint16_t *name = json_reader_name(reader, &n);
    if (keys->n == keys->capacity) {
        uint32_t capacity = keys->capacity ? keys->capacity * 2 : 64;
        struct str *items = arena_alloc(eval->arena, (size_t)capacity * sizeof *items);
        if (!items || capacity < keys->capacity)
            return ERR_NOMEM;
        if (keys->n)
            memcpy(items, keys->items, keys->n * sizeof *items);
        keys->items = items;
        keys->capacity = capacity;
    }
    buf_clear(text);
    json_units_append(text, name, n);
    struct str *key = &keys->items[keys->n++];
    *key = arena_str(eval->arena, buf_str(text));
    return text->failed || !key->p ? ERR_NOMEM : 0;
}

/* The names of the object; *bad: it is not well-formed. */
static int list_keys(struct eval *eval, struct json_reader *reader, struct key_list *keys,
                     struct buf *text, bool *bad)
{
    int code = 0;
    while (code == 0) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_FIELD_NAME)
            token = json_reader_next(reader);
        size_t n;
        *bad = token == JSON_ERROR || token == JSON_NOMEM;
        if (*bad || token == JSON_NONE || !json_reader_name(reader, &n))
            return token == JSON_NOMEM ? ERR_NOMEM : 0;
        code = add_key(eval, keys, reader, text);
        token = json_reader_skip_children(reader);
        *bad = token == JSON_ERROR || token == JSON_NOMEM;
        if (*bad)
            return token == JSON_NOMEM ? ERR_NOMEM : code;
    }
    return code;
}

int kernel_json_object_keys(struct eval *eval, const struct expr *expr, const struct value *args,
                            struct value *out)
{
    struct json_prepared *prepared = expr->prepared;
    struct key_list keys = {0};
    struct buf text = {0};
    int code = 0;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        bool nomem = false, bad = false, null = vec_is_null(&out->vec, i);
        uint32_t start = keys.n;
        if (!null && open_json(prepared, args[0].vec.str[i], JSON_START_OBJECT, &nomem))
            code = list_keys(eval, &prepared->reader, &keys, &text, &bad);
        else
            bad = true;
        keys.n = bad ? start : keys.n;
        out->vec.span[i] = (struct vec_span){start, keys.n - start};
        if (code == 0 && (nomem || (bad && !kernel_own_valid(eval, out))))
            code = ERR_NOMEM;
        if (code == 0 && bad)
            vec_set_null(&out->vec, i);
    }
    buf_fini(&text);
    if (code == 0)
        code = vec_init(out->vec.children, expr->type->element, keys.n, eval->arena);
    if (code == 0 && keys.n)
        memcpy(out->vec.children->str, keys.items, keys.n * sizeof *keys.items);
    return code;
}

int kernel_to_json(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    struct buf text = {0};
    int code = 0;
    (void)expr;
    for (uint32_t i = 0; i < out->vec.rows && code == 0; i++) {
        out->vec.str[i] = (struct str){NULL, 0};
        if (vec_is_null(&out->vec, i))
            continue;
        buf_clear(&text);
        json_value_append(&text, &args[0].vec, i);
        code = put_text(eval, out, i, &text, true);
    }
    buf_fini(&text);
    return code;
}

static bool is_blank(struct str text)
{
    size_t i = 0;
    while (i < text.n && strchr(" \t\n\r", text.p[i]) && text.p[i])
        i++;
    return i == text.n;
}

/* Decodes up to BLOCK_ROWS_MAX rows; NULL where the text is NULL or blank. */
static int decode_rows(struct eval *eval, const struct expr *expr, const struct vec *texts,
                       uint32_t first, uint32_t n, struct vec *out)
{
    struct record *records = ARENA_ARRAY(eval->arena, struct record, n);
    uint8_t *malformed = arena_alloc(eval->arena, n);
    struct block block;
    struct err err;
    struct json_prepared *prepared = expr->prepared;
    if (!records || !malformed)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        struct str text = texts->str[first + i];
        if (!vec_is_null(texts, first + i) && !is_blank(text))
            records[i].value = text;
    }
    int64_t now = eval->context ? eval->context->batch_timestamp_us : 0;
    if (json_decode_block(prepared->decoder, records, n, now, eval->arena, &block, malformed,
                          &err) != 0)
        return ERR_NOMEM;
    eval->needs_batch |= !eval->context && json_decoder_used_now(prepared->decoder);
    if (expr->type->kind == TYPE_ARRAY) {
        *out = block.cols[0];
        return 0;
    }
    *out = (struct vec){.type = expr->type, .rows = n, .children = block.cols};
    for (uint32_t i = 0; i < n; i++) {
        if (records[i].value.p)
            continue;
        if (vec_ensure_valid(out, eval->arena) != 0)
            return ERR_NOMEM;
        vec_set_null(out, i);
    }
    return 0;
}

int kernel_from_json(struct eval *eval, const struct expr *expr, const struct value *args,
                     struct value *out)
{
    uint32_t rows = out->vec.rows, chunks = (rows + BLOCK_ROWS_MAX - 1) / BLOCK_ROWS_MAX;
    struct vec *parts = ARENA_ARRAY(eval->arena, struct vec, chunks);
    const struct vec **sources = ARENA_ARRAY(eval->arena, const struct vec *, chunks);
    struct vec_pick *picks = ARENA_ARRAY(eval->arena, struct vec_pick, rows);
    int code = parts && sources && picks ? 0 : ERR_NOMEM;
    for (uint32_t c = 0; c < chunks && code == 0; c++) {
        uint32_t first = c * BLOCK_ROWS_MAX, left = rows - first;
        sources[c] = &parts[c];
        code = decode_rows(eval, expr, &args[0].vec, first,
                           left < BLOCK_ROWS_MAX ? left : BLOCK_ROWS_MAX, &parts[c]);
    }
    for (uint32_t i = 0; i < rows && code == 0; i++)
        picks[i] = (struct vec_pick){i / BLOCK_ROWS_MAX, i % BLOCK_ROWS_MAX};
    out->valid_shared = false;
    if (code == 0 && chunks == 1)
        out->vec = parts[0];
    else if (code == 0)
        code = vec_compose(&out->vec, expr->type, sources, chunks, picks, rows, eval->arena);
    return code;
}
