/* engine_extra.c: the rows of source.deadLetter and source.lateRows (PIPELINE.md 1). */
#include "base/utf8.h"
#include "engine/engine_impl.h"
#include "format/base64.h"

enum {
    LETTER_TOPIC,
    LETTER_PARTITION,
    LETTER_OFFSET,
    LETTER_TIMESTAMP,
    LETTER_KEY,
    LETTER_VALUE,
    LETTER_ENCODING,
    LETTER_REASON,
    LETTER_COUNT
};

enum { LATE_QUERY, LATE_REASON, LATE_WATERMARK, LATE_ROW, LATE_COUNT };

static struct field *make_schema(struct engine *engine, enum engine_extra extra, uint32_t count)
{
    struct type *type = ARENA_NEW(&engine->types, struct type);
    struct field *fields = ARENA_ARRAY(&engine->types, struct field, count);
    if (!type || !fields)
        return NULL;
    *type = (struct type){.kind = TYPE_STRUCT, .field_count = count, .fields = fields};
    engine->extra_schema[extra] = type;
    return fields;
}

static int init_dead_letter(struct engine *engine)
{
    static const struct {
        const char *name;
        enum type_kind kind;
    } columns[LETTER_COUNT] = {
        [LETTER_TOPIC] = {"topic", TYPE_STRING},
        [LETTER_PARTITION] = {"partition", TYPE_INT},
        [LETTER_OFFSET] = {"offset", TYPE_BIGINT},
        [LETTER_TIMESTAMP] = {"timestamp", TYPE_TIMESTAMP},
        [LETTER_KEY] = {"key", TYPE_STRING},
        [LETTER_VALUE] = {"value", TYPE_STRING},
        [LETTER_ENCODING] = {"valueEncoding", TYPE_STRING},
        [LETTER_REASON] = {"reason", TYPE_STRING},
    };
    struct field *fields = make_schema(engine, EXTRA_DEAD_LETTER, LETTER_COUNT);
    for (uint32_t i = 0; fields && i < LETTER_COUNT; i++)
        fields[i] = (struct field){str_of(columns[i].name), type_simple(columns[i].kind)};
    return fields ? 0 : ERR_NOMEM;
}

/* The view's columns, as SELECT * gives them. */
static const struct type *row_type(struct engine *engine)
{
    const struct sql_scope *view = &engine->view;
    struct type *type = ARENA_NEW(&engine->types, struct type);
    struct field *fields = ARENA_ARRAY(&engine->types, struct field, view->count);
    if (!type || !fields)
        return NULL;
    *type = (struct type){.kind = TYPE_STRUCT, .fields = fields};
    for (uint32_t i = 0; i < view->count; i++) {
        if (!view->columns[i].hidden)
            fields[type->field_count++] =
                (struct field){view->columns[i].name, view->columns[i].type};
    }
    return type;
}

static int init_late_rows(struct engine *engine)
{
    struct field *fields = make_schema(engine, EXTRA_LATE_ROWS, LATE_COUNT);
    const struct type *row = row_type(engine);
    if (!fields || !row)
        return ERR_NOMEM;
    fields[LATE_QUERY] = (struct field){STR("query"), type_simple(TYPE_STRING)};
    fields[LATE_REASON] = (struct field){STR("reason"), type_simple(TYPE_STRING)};
    fields[LATE_WATERMARK] = (struct field){STR("watermark"), type_simple(TYPE_TIMESTAMP)};
    fields[LATE_ROW] = (struct field){STR("row"), row};
    return 0;
}

int engine_extra_init(struct engine *engine)
{
    int code = engine->plan->dead_letter ? init_dead_letter(engine) : 0;
    return code == 0 && engine->plan->late_rows ? init_late_rows(engine) : code;
}

static int nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory for dead letters and late rows");
}

static int make_block(struct engine *engine, enum engine_extra extra, uint32_t rows,
                      struct block *out)
{
    const struct type *schema = engine->extra_schema[extra];
    *out = (struct block){.col_count = schema->field_count, .rows = rows};
    out->cols = ARENA_ARRAY(&engine->arena, struct vec, schema->field_count);
    for (uint32_t i = 0; out->cols && i < schema->field_count; i++) {
        if (vec_init(&out->cols[i], schema->fields[i].type, rows, &engine->arena) != 0)
            return ERR_NOMEM;
    }
    return out->cols ? 0 : ERR_NOMEM;
}

/* Bytes, perhaps absent, as they are or as base64. */
static int set_bytes(struct engine *engine, struct vec *vec, uint32_t row, struct str bytes,
                     bool base64)
{
    vec->str[row] = bytes;
    if (!bytes.p) {
        if (vec_ensure_valid(vec, &engine->arena) != 0)
            return ERR_NOMEM;
        vec_set_null(vec, row);
    }
    if (!bytes.p || !base64)
        return 0;
    struct buf text = {0};
    base64_append(&text, bytes);
    vec->str[row] = arena_str(&engine->arena, buf_str(&text));
    bool failed = text.failed || !vec->str[row].p;
    buf_fini(&text);
    return failed ? ERR_NOMEM : 0;
}

/* One encoding holds for key and value, so that neither can be taken for what it is not. */
static int set_letter(struct engine *engine, struct block *block, uint32_t row,
                      const struct record_block *records, const struct record *record)
{
    struct vec *cols = block->cols;
    bool base64 = (record->key.p && !utf8_valid(record->key)) ||
                  (record->value.p && !utf8_valid(record->value));
    cols[LETTER_TOPIC].str[row] = records->topic;
    cols[LETTER_PARTITION].i32[row] = records->partition;
    cols[LETTER_OFFSET].i64[row] = record->offset;
    cols[LETTER_TIMESTAMP].i64[row] = (int64_t)((uint64_t)record->timestamp_ms * 1000);
    cols[LETTER_REASON].str[row] = STR(ENGINE_MALFORMED);
    if (record->timestamp_ms < 0) {
        if (vec_ensure_valid(&cols[LETTER_TIMESTAMP], &engine->arena) != 0)
            return ERR_NOMEM;
        vec_set_null(&cols[LETTER_TIMESTAMP], row);
    }
    int code = set_bytes(engine, &cols[LETTER_KEY], row, record->key, base64);
    if (code == 0)
        code = set_bytes(engine, &cols[LETTER_VALUE], row, record->value, base64);
    cols[LETTER_ENCODING].str[row] = base64 ? STR("base64") : STR("utf8");
    return code;
}

int engine_dead_letters(struct engine *engine, const struct record_block *records,
                        const uint8_t *flags, const struct engine_hooks *hooks, struct err *err)
{
    struct block block;
    uint32_t n = 0;
    for (uint32_t i = 0; i < records->count; i++)
        n += flags[i];
    if (make_block(engine, EXTRA_DEAD_LETTER, n, &block) != 0)
        return nomem(err);
    n = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        if (flags[i] && set_letter(engine, &block, n++, records, &records->records[i]) != 0)
            return nomem(err);
    }
    return hooks->extra(hooks->user, EXTRA_DEAD_LETTER, &block, err);
}

int engine_late_rows(struct engine *engine, uint32_t query, const char *reason,
                     int64_t watermark_us, const struct block *view, const uint32_t *rows,
                     uint32_t n, const struct engine_hooks *hooks, struct err *err)
{
    struct block block;
    if (make_block(engine, EXTRA_LATE_ROWS, n, &block) != 0)
        return nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        block.cols[LATE_QUERY].str[i] = engine->plan->queries[query].name;
        block.cols[LATE_REASON].str[i] = str_of(reason);
        block.cols[LATE_WATERMARK].i64[i] = watermark_us;
    }
    struct vec *fields = block.cols[LATE_ROW].children;
    uint32_t field = 0;
    for (uint32_t i = 0; i < engine->view.count; i++) {
        if (engine->view.columns[i].hidden)
            continue;
        if (vec_gather(&fields[field++], &view->cols[i], rows, n, &engine->arena) != 0)
            return nomem(err);
    }
    return hooks->extra(hooks->user, EXTRA_LATE_ROWS, &block, err);
}
