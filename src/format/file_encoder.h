/* file_encoder.h: the contract of a file format: rows go in, the bytes of one file come out.
 *
 * The bytes depend on the rows and on where among them the encoder was saved, and on nothing else:
 * not on how the rows were divided into calls.
 *
 * An encoder is pure and owned by one thread at a time: sinks run it on the thread pool. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "vec/vec.h"

enum file_kind { FILE_JSON, FILE_CSV, FILE_PARQUET };

enum file_compression {
    COMPRESSION_NONE,
    COMPRESSION_SNAPPY, /* Parquet only */
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
    COMPRESSION_LZ4_RAW, /* Parquet only */
};

/* Spark's options of the CSV writer under Spark's names; the defaults are Spark's. */
struct csv_options {
    bool header;
    struct str separator;      /* sep, delimiter: one or more characters */
    struct str line_separator; /* lineSep: "\n" */
    uint32_t quote, escape;    /* code points; for "" Spark takes U+0000 */
    uint32_t escape_escape; /* charToEscapeQuoteEscaping; 0: `escape`, or none if that is `quote` */
    uint32_t comment;       /* quoted at the start of a line; '#' */
    struct str null_value;  /* nullValue: "" */
    struct str empty_value; /* emptyValue: "\"\"" */
    bool quote_all, escape_quotes;                /* quoteAll, escapeQuotes: true */
    bool keep_leading_space, keep_trailing_space; /* not ignoreLeadingWhiteSpace, ... */
    struct str date_format, timestamp_format;     /* datetime patterns; p NULL: not given */
};

/* Spark's options of the JSON writer. All zero: its defaults. */
struct json_options {
    bool write_nulls;                         /* not ignoreNullFields */
    struct str line_separator;                /* lineSep; p NULL: "\n" */
    struct str date_format, timestamp_format; /* as in csv_options */
};

struct parquet_options {
    size_t row_group_bytes;  /* parquet.block.size, of encoded pages; 0: the default */
    size_t page_bytes;       /* parquet.page.size; 0: the default, 1 MiB */
    bool no_dictionary;      /* parquet.enable.dictionary false */
    const struct str *bloom; /* columns with parquet.bloom.filter.enabled#column */
    uint32_t bloom_count;
};

/* All zero but for kind is JSON lines, or Parquet with its defaults, without compression; CSV wants
 * csv_options_default. Strings and arrays outlive the encoders. */
struct file_format {
    enum file_kind kind;
    enum file_compression compression;
    struct json_options json;
    struct csv_options csv;
    struct parquet_options parquet;
};

struct file_encoder;

struct file_encoder_ops {
    int (*write)(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                 struct err *err);
    int (*finish)(struct file_encoder *encoder, struct buf *out, struct err *err);
    int (*save)(struct file_encoder *encoder, size_t state_max, struct buf *out, struct buf *state,
                struct err *err);
    /* Into a new encoder. ERR_NOMEM, ERR_CORRUPT; the reader may be left failed instead. */
    int (*load)(struct file_encoder *encoder, struct bytes_reader *state, struct err *err);
    size_t (*memory)(const struct file_encoder *encoder);
    uint64_t (*pending)(const struct file_encoder *encoder);
    void (*destroy)(struct file_encoder *encoder);
};

/* Implementations embed this first. */
struct file_encoder {
    const struct file_encoder_ops *ops;
    const struct type *schema; /* STRUCT, a field per column; the caller's */
    enum file_kind kind;       /* and the next two are file_encoder.c's */
    enum file_compression compression;
    bool savable, finished;
};

/* ERR_NOMEM; ERR_UNSUPPORTED for a type the format cannot hold, with Spark's sentence. `format` and
 * `schema` outlive the encoder. */
int file_encoder_create(struct file_encoder **out, const struct file_format *format,
                        const struct type *schema, struct err *err) MUST_CHECK;
/* NULL is legal. */
void file_encoder_destroy(struct file_encoder *encoder);
/* Adds rows (any number, 0 too) and appends to `out` what bytes of the file are complete by now.
 * Nothing of the block is kept. ERR_NOMEM: then the file is lost. */
int file_encoder_write(struct file_encoder *encoder, const struct block *rows, struct buf *out,
                       struct err *err) MUST_CHECK;
/* Appends what is left; a file without rows is a valid file too. Once. */
int file_encoder_finish(struct file_encoder *encoder, struct buf *out, struct err *err) MUST_CHECK;

/* Says before the first write that the encoder will be saved: Parquet then keeps the rows of its
 * open row group, compressed, up to 4 MiB. */
void file_encoder_savable(struct file_encoder *encoder);
/* Between writes: appends to `out` what bytes of the file are complete by now, and to `state` what
 * another encoder needs to go on behind them; this one can go on, too. State is at most state_max
 * bytes, plus what the footer of a Parquet file needs anyway. Text files have next to none (a
 * compressed one ends its gzip member or zstd frame); Parquet has the rows of the open row group,
 * which ends where these are too many or were not kept. ERR_NOMEM: then the file is lost. */
int file_encoder_save(struct file_encoder *encoder, size_t state_max, struct buf *out,
                      struct buf *state, struct err *err) MUST_CHECK;
/* An encoder, savable, that goes on behind the bytes written up to that save. As
 * file_encoder_create, and ERR_CORRUPT where the state is damaged, of another format or schema, or
 * made by a newer version. Nothing of `state` is kept. */
int file_encoder_restore(struct file_encoder **out, const struct file_format *format,
                         const struct type *schema, struct str state, struct err *err) MUST_CHECK;

/* Memory held. */
size_t file_encoder_memory(const struct file_encoder *encoder);
/* About how many bytes of the file are still inside: finish would add these. */
uint64_t file_encoder_pending(const struct file_encoder *encoder);

/* Refuses what file_encoder_create would; for `validate`. 0, ERR_UNSUPPORTED, ERR_INVALID for an
 * option's value, ERR_NOMEM. */
int file_format_check(const struct file_format *format, const struct type *schema,
                      struct err *err) MUST_CHECK;
/* "json.gz", "snappy.parquet", ... (PIPELINE.md 4). */
const char *file_format_extension(const struct file_format *format);
