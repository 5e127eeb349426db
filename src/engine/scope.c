#include "engine/scope.h"

#include <stdlib.h>

static const struct type type_binary = {.kind = TYPE_BINARY};
static const struct type type_string = {.kind = TYPE_STRING};
static const struct type type_int = {.kind = TYPE_INT};
static const struct type type_bigint = {.kind = TYPE_BIGINT};
static const struct type type_timestamp = {.kind = TYPE_TIMESTAMP};
static const struct field header_fields[] = {
    {{"key", 3}, &type_string},
    {{"value", 5}, &type_binary},
};
static const struct type type_header = {
    .kind = TYPE_STRUCT, .field_count = 2, .fields = header_fields};
static const struct type type_headers = {.kind = TYPE_ARRAY, .element = &type_header};

static const struct sql_column metadata[SCOPE_METADATA_COUNT] = {
    [SCOPE_KEY] = {{"_key", 4}, &type_binary, true},
    [SCOPE_TOPIC] = {{"_topic", 6}, &type_string, true},
    [SCOPE_PARTITION] = {{"_partition", 10}, &type_int, true},
    [SCOPE_OFFSET] = {{"_offset", 7}, &type_bigint, true},
    [SCOPE_TIMESTAMP] = {{"_timestamp", 10}, &type_timestamp, true},
    [SCOPE_HEADERS] = {{"_headers", 8}, &type_headers, true},
};

int scope_init(struct scope *scope, const struct plan *plan)
{
    const struct type *schema = plan->value.schema;
    *scope = (struct scope){.value_count = schema->field_count};
    uint32_t count = schema->field_count + SCOPE_METADATA_COUNT;
    scope->columns = calloc(count, sizeof *scope->columns);
    scope->used = calloc(count, sizeof *scope->used);
    if (!scope->columns || !scope->used)
        return ERR_NOMEM; /* scope_fini frees the other */
    for (uint32_t i = 0; i < schema->field_count; i++) {
        scope->columns[i] =
            (struct sql_column){.name = schema->fields[i].name, .type = schema->fields[i].type};
    }
    memcpy(scope->columns + schema->field_count, metadata, sizeof metadata);
    scope->sql = (struct sql_scope){
        .view = plan->view, .columns = scope->columns, .count = count, .event_time = -1};
    return 0;
}

void scope_fini(struct scope *scope)
{
    free(scope->columns);
    free(scope->used);
    *scope = (struct scope){0};
}

bool scope_reads_headers(const struct scope *scope)
{
    return scope->used[scope->value_count + SCOPE_HEADERS];
}

static int fill_keys(struct vec *vec, const struct record_block *records, struct arena *arena)
{
    for (uint32_t i = 0; i < records->count; i++) {
        vec->str[i] = records->records[i].key;
        if (records->records[i].key.p)
            continue;
        if (vec_ensure_valid(vec, arena) != 0)
            return ERR_NOMEM;
        vec_set_null(vec, i);
    }
    return 0;
}

/* As Spark: NULL for a record without headers. */
static int fill_headers(struct vec *vec, const struct record_block *records, struct arena *arena)
{
    uint32_t total = records->header_starts ? records->header_starts[records->count] : 0;
    struct vec *headers = &vec->children[0];
    if (vec_init(headers, &type_header, total, arena) != 0 || vec_ensure_valid(vec, arena) != 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < records->count; i++) {
        uint32_t start = total ? records->header_starts[i] : 0;
        uint32_t count = total ? records->header_starts[i + 1] - start : 0;
        vec->span[i] = (struct vec_span){start, count};
        if (count == 0)
            vec_set_null(vec, i);
    }
    for (uint32_t i = 0; i < total; i++) {
        const struct record_header *header = &records->headers[i];
        headers->children[0].str[i] = header->key;
        headers->children[1].str[i] = header->value;
        if (header->value.p)
            continue;
        if (vec_ensure_valid(&headers->children[1], arena) != 0)
            return ERR_NOMEM;
        vec_set_null(&headers->children[1], i);
    }
    return 0;
}

static int fill(struct vec *vec, enum scope_metadata which, const struct record_block *records,
                struct arena *arena)
{
    const struct record *record = records->records;
    uint32_t n = records->count;
    switch (which) {
    case SCOPE_KEY:
        return fill_keys(vec, records, arena);
    case SCOPE_TOPIC:
        for (uint32_t i = 0; i < n; i++)
            vec->str[i] = records->topic;
        break;
    case SCOPE_PARTITION:
        for (uint32_t i = 0; i < n; i++)
            vec->i32[i] = records->partition;
        break;
    case SCOPE_OFFSET:
        for (uint32_t i = 0; i < n; i++)
            vec->i64[i] = record[i].offset;
        break;
    case SCOPE_TIMESTAMP:
        for (uint32_t i = 0; i < n; i++)
            vec->i64[i] = (int64_t)((uint64_t)record[i].timestamp_ms * 1000); /* wraps */
        break;
    case SCOPE_HEADERS:
        return fill_headers(vec, records, arena);
    case SCOPE_METADATA_COUNT:
        break;
    }
    return 0;
}

int scope_add_metadata(const struct scope *scope, const struct record_block *records,
                       struct block *block, struct arena *arena)
{
    REQUIRE(block->col_count == scope->value_count);
    struct vec *cols = ARENA_ARRAY(arena, struct vec, scope->sql.count);
    if (!cols)
        return ERR_NOMEM;
    memcpy(cols, block->cols, block->col_count * sizeof *cols);
    block->cols = cols;
    block->col_count = scope->sql.count;
    for (uint32_t i = 0; i < SCOPE_METADATA_COUNT; i++) {
        if (!scope->used[scope->value_count + i])
            continue;
        struct vec *vec = &cols[scope->value_count + i];
        if (vec_init(vec, metadata[i].type, records->count, arena) != 0 ||
            fill(vec, i, records, arena) != 0)
            return ERR_NOMEM;
    }
    return 0;
}
