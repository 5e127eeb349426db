/* record_json.h: the JSON of a checkpoint's records: writing into a buf, member by member; reading
 * through a reader that keeps the first problem. 64-bit numbers stay exact. */
#pragma once

#include "base/buf.h"
#include "plan/doc.h"

/* ---- writing: commas are put where they are due ---- */

void record_put_open(struct buf *out, char bracket);
void record_put_close(struct buf *out, char bracket);
void record_put_key(struct buf *out, const char *key);
void record_put_str(struct buf *out, const char *key, struct str value);
void record_put_int(struct buf *out, const char *key, int64_t value);
void record_put_bool(struct buf *out, const char *key, bool value);
/* A string in an array. */
void record_put_item(struct buf *out, struct str value);

/* ---- reading ---- */

struct record_reader {
    struct arena nodes;  /* the tree; gone after record_read_end */
    struct arena *arena; /* what is kept */
    struct err *err;     /* the first problem */
    struct doc_source source;
};

/* The top object, or NULL; record_read_end is due in any case. */
const struct doc_node *record_read(struct record_reader *in, struct str text, struct arena *arena,
                                   struct err *err);
/* 0, ERR_CORRUPT, ERR_NOMEM. */
int record_read_end(struct record_reader *in);
void record_fail(struct record_reader *in, const struct doc_node *at, const char *what);

/* Members that must be there; zero, empty or an empty object after a failure. */
int64_t record_get_int(struct record_reader *in, const struct doc_node *from, const char *key);
bool record_get_bool(struct record_reader *in, const struct doc_node *from, const char *key);
struct str record_get_str(struct record_reader *in, const struct doc_node *from, const char *key);
const struct doc_node *record_get_object(struct record_reader *in, const struct doc_node *from,
                                         const char *key);
/* The node itself as a string. */
struct str record_take_str(struct record_reader *in, const struct doc_node *node);
/* An array as one of `size`-byte elements, each filled by `take` from zero. */
void *record_get_array(
    struct record_reader *in, const struct doc_node *from, const char *key, size_t size,
    void (*take)(struct record_reader *in, const struct doc_node *from, void *to), uint32_t *count);
