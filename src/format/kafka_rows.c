#include "format/kafka_rows.h"

enum { VERSION = 1 };

enum {
    HAS_TOPIC = 0x01,
    HAS_PARTITION = 0x02,
    HAS_KEY = 0x04,
    HAS_VALUE = 0x08,
    HAS_HEADERS = 0x10,
    HAS_ALL = 0x1f,
};

static const struct type *column_type(const struct type *schema, const char *name)
{
    int index = type_field_index(schema, str_of(name));
    return index < 0 ? NULL : schema->fields[index].type;
}

static int refuse(const char *name, const struct type *type, const char *wanted, struct err *err)
{
    struct buf text = {0};
    type_print_catalog(type, &text);
    int code = err_set(err, ERR_INVALID, "%s attribute unsupported type %s. %s must be a(n) %s",
                       name, buf_cstr(&text), name, wanted);
    buf_fini(&text);
    return code;
}

static bool is_text(const struct type *type)
{
    return type->kind == TYPE_STRING || type->kind == TYPE_BINARY;
}

/* The names of the fields count, without regard to case, as in DataType.sameType. */
static bool is_headers(const struct type *type)
{
    if (type->kind != TYPE_ARRAY || type->element->kind != TYPE_STRUCT)
        return false;
    const struct type *header = type->element;
    return header->field_count == 2 && str_eq_nocase(header->fields[0].name, STR("key")) &&
           str_eq_nocase(header->fields[1].name, STR("value")) &&
           header->fields[0].type->kind == TYPE_STRING &&
           header->fields[1].type->kind == TYPE_BINARY;
}

int kafka_rows_check(const struct type *schema, bool topic_given, struct err *err)
{
    const struct type *topic = column_type(schema, "topic"), *key = column_type(schema, "key"),
                      *value = column_type(schema, "value"),
                      *headers = column_type(schema, "headers"),
                      *partition = column_type(schema, "partition");
    if (!topic_given && !topic)
        return err_set(err, ERR_INVALID,
                       "topic option required when no 'topic' attribute is present. Use the topic "
                       "option for setting a topic.");
    if (!topic_given && topic->kind != TYPE_STRING)
        return refuse("topic", topic, "string", err);
    if (key && !is_text(key))
        return refuse("key", key, "string or binary", err);
    if (!value)
        return err_set(err, ERR_INVALID, "Required attribute 'value' not found");
    if (!is_text(value))
        return refuse("value", value, "string or binary", err);
    if (headers && !is_headers(headers))
        return refuse("headers", headers, "array<struct<key:string,value:binary>>", err);
    if (partition && partition->kind != TYPE_INT)
        return refuse("partition", partition, "int", err);
    return 0;
}

static void append_number(struct buf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        buf_append_char(out, (char)(n | 0x80));
    buf_append_char(out, (char)n);
}

static void append_text(struct buf *out, struct str s)
{
    append_number(out, s.n);
    buf_append_str(out, s);
}

static int append_headers(struct buf *out, const struct vec *headers, uint32_t row, struct err *err)
{
    const struct vec *header = &headers->children[0], *keys = &header->children[0],
                     *values = &header->children[1];
    struct vec_span span = headers->span[row];
    append_number(out, span.count);
    for (uint32_t i = span.start; i < span.start + span.count; i++) {
        if (vec_is_null(header, i) || vec_is_null(keys, i))
            return err_set(err, ERR_INVALID,
                           "null header or header key present in the data: Kafka has no such");
        append_text(out, keys->str[i]);
        if (vec_is_null(values, i)) {
            append_number(out, 0);
        } else {
            append_number(out, values->str[i].n + 1);
            buf_append_str(out, values->str[i]);
        }
    }
    return 0;
}

/* The columns of a block; NULL: there is none, or (topic) it does not count. */
struct columns {
    const struct vec *topic, *partition, *key, *value, *headers;
    struct str given; /* the topic of all rows; empty: none */
};

static const struct vec *find(const struct type *schema, const struct block *block,
                              const char *name)
{
    int index = type_field_index(schema, str_of(name));
    return index < 0 ? NULL : &block->cols[index];
}

static bool has(const struct vec *vec, uint32_t row)
{
    return vec && !vec_is_null(vec, row);
}

static int topic_of(const struct columns *columns, uint32_t row, struct str *topic, struct err *err)
{
    *topic = columns->given;
    if (topic->n)
        return 0;
    if (!has(columns->topic, row))
        return err_set(
            err, ERR_INVALID,
            "null topic present in the data. Use the topic option for setting a default topic.");
    *topic = columns->topic->str[row];
    return 0;
}

static void append_topic(struct kafka_rows *rows, struct str topic)
{
    append_number(&rows->bytes, topic.n);
    rows->topic_at = rows->bytes.n;
    rows->topic_n = topic.n;
    buf_append_str(&rows->bytes, topic);
}

static int append_row(struct kafka_rows *rows, const struct columns *columns, uint32_t row,
                      struct err *err)
{
    struct buf *out = &rows->bytes;
    struct str topic;
    int code = topic_of(columns, row, &topic, err);
    if (code)
        return code;
    bool same =
        rows->topic_at && str_eq(topic, (struct str){out->p + rows->topic_at, rows->topic_n});
    bool has_partition = has(columns->partition, row), has_headers = has(columns->headers, row);
    if (has_partition && columns->partition->i32[row] < 0)
        return err_set(err, ERR_INVALID,
                       "Invalid partition: %d. Partition number should always be non-negative or "
                       "null.",
                       columns->partition->i32[row]);
    unsigned flags = (same ? 0 : HAS_TOPIC) | (has_partition ? HAS_PARTITION : 0) |
                     (has(columns->key, row) ? HAS_KEY : 0) |
                     (has(columns->value, row) ? HAS_VALUE : 0) | (has_headers ? HAS_HEADERS : 0);
    buf_append_char(out, (char)flags);
    if (!same)
        append_topic(rows, topic);
    if (has_partition)
        append_number(out, (uint64_t)columns->partition->i32[row]);
    if (flags & HAS_KEY)
        append_text(out, columns->key->str[row]);
    if (flags & HAS_VALUE)
        append_text(out, columns->value->str[row]);
    return has_headers ? append_headers(out, columns->headers, row, err) : 0;
}

int kafka_rows_append(struct kafka_rows *rows, const struct type *schema, const struct block *block,
                      struct str topic, struct err *err)
{
    const struct columns columns = {
        .topic = find(schema, block, "topic"),
        .partition = find(schema, block, "partition"),
        .key = find(schema, block, "key"),
        .value = find(schema, block, "value"),
        .headers = find(schema, block, "headers"),
        .given = topic,
    };
    if (rows->bytes.n == 0 && block->rows > 0)
        buf_append_char(&rows->bytes, VERSION);
    int code = 0;
    for (uint32_t i = 0; i < block->rows && !code && !rows->bytes.failed; i++)
        code = append_row(rows, &columns, i, err);
    if (!code && rows->bytes.failed)
        code = err_set(err, ERR_NOMEM, "out of memory for rows to send");
    return code;
}

void kafka_rows_fini(struct kafka_rows *rows)
{
    buf_fini(&rows->bytes);
    *rows = (struct kafka_rows){0};
}

/* The readers of parts: false when the bytes end before the part does. */
static bool read_number(struct str *s, uint64_t *n)
{
    *n = 0;
    for (unsigned shift = 0; shift < 64 && s->n; shift += 7) {
        unsigned char c = (unsigned char)*s->p;
        s->p++;
        s->n--;
        *n |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static bool read_bytes(struct str *s, uint64_t n, struct str *bytes)
{
    if (n > s->n)
        return false;
    *bytes = (struct str){s->p, (size_t)n};
    s->p += n;
    s->n -= (size_t)n;
    return true;
}

static bool read_text(struct str *s, struct str *text)
{
    uint64_t n;
    return read_number(s, &n) && read_bytes(s, n, text);
}

static bool read_header(struct str *s, struct str *key, struct str *value)
{
    uint64_t n;
    *value = (struct str){NULL, 0};
    if (!read_text(s, key) || !read_number(s, &n))
        return false;
    return n == 0 || read_bytes(s, n - 1, value);
}

static bool read_headers(struct str *s, struct kafka_row *row)
{
    uint64_t count;
    struct str key, value;
    if (!read_number(s, &count) || count > UINT32_MAX)
        return false;
    row->header_count = (uint32_t)count;
    row->headers = *s;
    for (uint64_t i = 0; i < count; i++)
        if (!read_header(s, &key, &value))
            return false;
    return true;
}

static bool read_partition(struct str *s, int32_t *partition)
{
    uint64_t n;
    if (!read_number(s, &n) || n > INT32_MAX)
        return false;
    *partition = (int32_t)n;
    return true;
}

static bool read_row(struct kafka_rows_reader *reader, struct kafka_row *row)
{
    struct str *rest = &reader->rest;
    unsigned flags = (unsigned char)*rest->p;
    rest->p++;
    rest->n--;
    return !(flags & ~(unsigned)HAS_ALL) &&
           (!(flags & HAS_TOPIC) || read_text(rest, &reader->topic)) && reader->topic.p &&
           (!(flags & HAS_PARTITION) || read_partition(rest, &row->partition)) &&
           (!(flags & HAS_KEY) || read_text(rest, &row->key)) &&
           (!(flags & HAS_VALUE) || read_text(rest, &row->value)) &&
           (!(flags & HAS_HEADERS) || read_headers(rest, row));
}

int kafka_rows_read(struct kafka_rows_reader *reader, struct str bytes, struct err *err)
{
    *reader = (struct kafka_rows_reader){.rest = bytes};
    if (bytes.n == 0)
        return 0;
    if (*bytes.p != VERSION)
        return err_set(err, ERR_CORRUPT, "rows for Kafka of version %d; this sluice knows %d",
                       (unsigned char)*bytes.p, VERSION);
    reader->rest.p++;
    reader->rest.n--;
    return 0;
}

int kafka_rows_next(struct kafka_rows_reader *reader, struct kafka_row *row, struct err *err)
{
    *row = (struct kafka_row){.partition = -1};
    if (reader->rest.n == 0)
        return ERR_NOT_FOUND;
    if (!read_row(reader, row))
        return err_set(err, ERR_CORRUPT, "rows for Kafka are damaged");
    row->topic = reader->topic;
    return 0;
}

void kafka_row_header(struct kafka_row *row, struct str *key, struct str *value)
{
    REQUIRE(row->header_count > 0);
    row->header_count--;
    bool good = read_header(&row->headers, key, value);
    INVARIANT(good); /* kafka_rows_next has read it before */
}
