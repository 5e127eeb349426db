/* csv_text.h: the text of one CSV field: what is trimmed, quoted and escaped, as the writer inside
 * Spark 3.5 (univocity 2.9) does it with csv_options. */
#pragma once

#include "base/buf.h"
#include "format/file_encoder.h"

/* A character as it stands in the text; n 0: none. */
struct csv_mark {
    char bytes[4];
    uint8_t n;
};

/* csv_options made ready. Its strings are the options'. */
struct csv_rules {
    struct str separator, line_separator;
    struct str null_value, empty_value;
    struct csv_mark quote, escape, escape_escape, comment;
    struct csv_mark newline; /* what stands for a line break inside of values */
    bool quote_all, escape_quotes, trim_leading, trim_trailing;
    bool stops[256]; /* first bytes of what may need a closer look */
};

void csv_rules_init(struct csv_rules *rules, const struct csv_options *options);

/* Appends a field that is not NULL. Malformed UTF-8 becomes U+FFFD. `first`: of its line. */
void csv_field_append(struct buf *out, const struct csv_rules *rules, struct str text, bool first);
void csv_null_append(struct buf *out, const struct csv_rules *rules, bool first);
