/* kafka_rows.h: rows on their way to Kafka topics: which columns they have, as Spark's KafkaWriter
 * wants them, and the compact form in which they are kept until they are sent.
 *
 * Columns, by exact name: `value` STRING or BINARY; if wanted `key` STRING or BINARY, `topic`
 * STRING, `partition` INT, `headers` ARRAY<STRUCT<key: STRING, value: BINARY>>. Others are ignored,
 * as Spark does.
 *
 * The form (also of files of a checkpoint): a version byte, 1; then for each row a byte of flags
 * and what these announce, in this order. Numbers are LEB128; texts are their length and bytes.
 *   0x01 topic (else it is that of the row before), 0x02 partition, 0x04 key, 0x08 value (else they
 *   are NULL), 0x10 headers: their number, then for each the key and the value's length + 1 and
 *   bytes, where 0 stands for NULL. */
#pragma once

#include "base/err.h"
#include "vec/vec.h"

/* Rows in their form. All zero is empty. */
struct kafka_rows {
    struct buf bytes;
    size_t topic_at, topic_n; /* where in bytes the last topic stands */
};

/* Whether rows of this type can be sent; with `topic_given` they need no topic. ERR_INVALID with
 * Spark's sentence. */
int kafka_rows_check(const struct type *schema, bool topic_given, struct err *err) MUST_CHECK;

/* Adds rows of a checked schema. `topic` goes before the column; empty: not given. ERR_NOMEM;
 * ERR_INVALID for a NULL topic, a negative partition or a header without key: then nothing more can
 * be added. */
int kafka_rows_append(struct kafka_rows *rows, const struct type *schema, const struct block *block,
                      struct str topic, struct err *err) MUST_CHECK;
void kafka_rows_fini(struct kafka_rows *rows);

struct kafka_row {
    struct str topic;
    int32_t partition;     /* -1: by the key */
    struct str key, value; /* p NULL: NULL */
    uint32_t header_count; /* still to be read by kafka_row_header */
    struct str headers;    /* private */
};

struct kafka_rows_reader {
    struct str rest, topic;
};

/* ERR_CORRUPT for a version that is not known. No bytes at all are no rows. The bytes outlive the
 * reader and its rows. */
int kafka_rows_read(struct kafka_rows_reader *reader, struct str bytes, struct err *err) MUST_CHECK;
/* The next row. ERR_NOT_FOUND at the end, ERR_CORRUPT. */
int kafka_rows_next(struct kafka_rows_reader *reader, struct kafka_row *row,
                    struct err *err) MUST_CHECK;
/* The next header; header_count > 0. value.p NULL: NULL. */
void kafka_row_header(struct kafka_row *row, struct str *key, struct str *value);
