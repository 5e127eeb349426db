/* json_reader.h: a JSON tokenizer that accepts, refuses and recovers exactly as Jackson does.
 *
 * It stands for ReaderBasedJsonParser of jackson-core 2.15.2 with single quotes and NaN/INF tokens
 * allowed: the value behind a field name is tokenised together with the name, a string only when
 * its text is asked for or when the next token is, and after an error reading can go on where it
 * stopped. It works on UTF-16 units, as Java does. The common case never comes here: see
 * json_fast.h. */
#pragma once

#include "base/str.h"

enum json_token {
    JSON_NONE, /* the end of the input, or nothing to go on from after an error */
    JSON_ERROR,
    JSON_NOMEM,
    JSON_START_OBJECT,
    JSON_END_OBJECT,
    JSON_START_ARRAY,
    JSON_END_ARRAY,
    JSON_FIELD_NAME,
    JSON_STRING,
    JSON_INT,
    JSON_FLOAT,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

/* The most open objects and arrays, and the most digits of a number (StreamReadConstraints). */
enum { JSON_DEPTH_MAX = 1000, JSON_NUMBER_MAX = 1000 };

struct json_units {
    uint16_t *p;
    size_t n, capacity; /* units */
};

struct json_context {
    bool array;
    bool named;
    uint32_t values;     /* names or elements begun */
    uint32_t name_start; /* in json_reader.names */
    uint32_t name_n;
};

struct json_reader {
    struct json_units in;
    size_t pos;
    enum json_token token;         /* the current one; never JSON_ERROR */
    enum json_token next;          /* behind a field name: its value */
    bool hive;                     /* the user's: control characters may stand in strings, and NaN
                                      and INF are no tokens (Spark's JSON functions) */
    bool plain;                    /* base64 is read from text that has been unescaped */
    bool incomplete;               /* the current or next token is a string not read yet */
    struct json_units text;        /* of the current string, once read */
    struct json_units names;       /* of all open contexts */
    size_t number_start, number_n; /* current number: in `in` */
    const char *special;           /* NaN and the infinities: their text, else NULL */
    uint32_t depth;                /* contexts in use; contexts[0] is outside the root value */
    struct json_context contexts[JSON_DEPTH_MAX + 2];
};

/* All zero is valid. */
void json_reader_fini(struct json_reader *reader);
/* Starts on a new text; false without memory. */
bool json_reader_open(struct json_reader *reader, struct str text);

/* Goes on to the next token; JSON_ERROR leaves reader->token as Jackson does. */
enum json_token json_reader_next(struct json_reader *reader);
/* When the current token opens an object or array, goes on to its end. JSON_ERROR or JSON_NOMEM
 * when that fails, else the current token. */
enum json_token json_reader_skip_children(struct json_reader *reader);
/* Reads the text of the current JSON_STRING into reader->text: JSON_STRING, JSON_ERROR or
 * JSON_NOMEM. */
enum json_token json_reader_string(struct json_reader *reader);
/* The current JSON_STRING as base64 (MIME variant without line feeds, padding required) into *out,
 * one byte per unit. */
enum json_token json_reader_base64(struct json_reader *reader, struct json_units *out);
/* The name of the field that the current token is in; NULL with *n = 0 when there is none. */
const uint16_t *json_reader_name(const struct json_reader *reader, size_t *n);

/* The next unit of the text, or -1 at its end. */
int json_reader_take(struct json_reader *reader);
/* What an escape stands for whose backslash has been taken: a unit, or negative when wrong. */
int json_reader_escape(struct json_reader *reader);

/* Adds a unit; false without memory. */
bool json_units_add(struct json_units *units, uint16_t unit);
/* Room for `extra` more. */
bool json_units_reserve(struct json_units *units, size_t extra);
