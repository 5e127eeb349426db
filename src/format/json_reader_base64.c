#include "format/base64.h"
#include "format/json_reader.h"

enum { BASE64_SKIP = -1, BASE64_PADDING = -2, BASE64_QUOTE = -3, BASE64_WRONG = -4 };

/* The character at place `index` of a group of four: its value or one of the above. */
static int take_base64(struct json_reader *reader, int index)
{
    int c = json_reader_take(reader);
    while (index == 0 && c >= 0 && c <= ' ')
        c = json_reader_take(reader);
    bool escaped = c == '\\' && !reader->plain;
    if (escaped)
        c = json_reader_escape(reader);
    if (c < 0)
        return BASE64_WRONG;
    if (base64_value((uint32_t)c) >= 0)
        return base64_value((uint32_t)c);
    if (c == '=' && index >= 2)
        return BASE64_PADDING;
    if (!escaped && c == '"' && index != 1 && !reader->plain)
        return BASE64_QUOTE;
    return escaped && c <= ' ' && index == 0 ? BASE64_SKIP : BASE64_WRONG;
}

/* One group of four behind its first character. */
static enum json_token take_base64_group(struct json_reader *reader, int first,
                                         struct json_units *out)
{
    int value[4] = {first}, given = 4;
    for (int i = 1; i < 4; i++) {
        value[i] = take_base64(reader, i);
        bool quote = value[i] == BASE64_QUOTE;
        reader->pos -=
            quote && given == 4; /* padding is missing: the quote still ends the string */
        if (quote || value[i] == BASE64_WRONG || (given == 2 && value[i] != BASE64_PADDING))
            return JSON_ERROR;
        if (value[i] == BASE64_PADDING) {
            given = given < i ? given : i;
            value[i] = 0;
        }
    }
    int bits = value[0] << 18 | value[1] << 12 | value[2] << 6 | value[3];
    for (int i = 0; i < given - 1; i++) {
        if (!json_units_add(out, (uint16_t)(bits >> (16 - 8 * i) & 0xff)))
            return JSON_NOMEM;
    }
    return JSON_STRING;
}

static enum json_token take_base64_string(struct json_reader *reader, struct json_units *out)
{
    for (;;) {
        int first = take_base64(reader, 0);
        if (first == BASE64_SKIP)
            continue;
        if (first == BASE64_QUOTE)
            return JSON_STRING;
        enum json_token token = first < 0 ? JSON_ERROR : take_base64_group(reader, first, out);
        if (token != JSON_STRING)
            return token;
    }
}

enum json_token json_reader_base64(struct json_reader *reader, struct json_units *out)
{
    out->n = 0;
    if (reader->incomplete) { /* after an error the next token skips the rest */
        enum json_token token = take_base64_string(reader, out);
        reader->incomplete = token != JSON_STRING;
        return token;
    }
    struct json_units in = reader->in;
    size_t pos = reader->pos;
    reader->in = reader->text;
    reader->pos = 0;
    reader->plain = true;
    enum json_token token = JSON_STRING;
    while (token == JSON_STRING) {
        while (reader->pos < reader->in.n && reader->in.p[reader->pos] <= ' ')
            reader->pos++;
        if (reader->pos == reader->in.n)
            break;
        int first = take_base64(reader, 0);
        token = first < 0 ? JSON_ERROR : take_base64_group(reader, first, out);
    }
    reader->in = in;
    reader->pos = pos;
    reader->plain = false;
    return token;
}
