/* json_nested.c: structs and arrays, read exactly: JacksonParser.convertObject and convertArray
 * with partial results. */
#include "format/json_exact.h"

/* ---- a struct's row, kept while a field of the same name may fail ---- */

static void save_row(const struct json_object *object, uint32_t row, struct buf *out)
{
    for (uint32_t i = 0; i < object->column_count; i++) {
        const struct json_column *column = &object->columns[i];
        size_t width = type_width(column->type);
        buf_append_char(out, json_is_valid(column, row));
        buf_append(out, (const char *)column->data + row * width, width);
        save_row(&column->object, row, out);
    }
}

static const char *restore_row(struct json_object *object, uint32_t row, const char *p)
{
    for (uint32_t i = 0; i < object->column_count; i++) {
        struct json_column *column = &object->columns[i];
        size_t width = type_width(column->type);
        if (*p++)
            json_set_valid(column, row);
        else
            json_set_null(column, row);
        if (width)
            memcpy((char *)column->data + row * width, p, width);
        p = restore_row(&column->object, row, p + width);
    }
    return p;
}

JSON_EXACT(struct)
{
    struct buf before = {0};
    if (decoder->reader->token != JSON_START_OBJECT)
        return json_exact_wrong_type(decoder);
    bool again = column->wanted && json_is_valid(column, row);
    if (again)
        save_row(&column->object, row, &before);
    if (before.failed) {
        decoder->nomem = true;
        return JSON_FAIL;
    }
    bool partial = false;
    json_exact_clear(&column->object, row);
    bool done = json_exact_fields(decoder, &column->object, row, &partial);
    if (!done && again)
        restore_row(&column->object, row, before.p);
    buf_fini(&before);
    return !done ? JSON_FAIL : partial ? JSON_PARTIAL : JSON_VALUE;
}

/* One element that does not fit at all is the end of the array; a struct of which a part fits is
 * kept. */
JSON_EXACT(array)
{
    struct json_reader *reader = decoder->reader;
    struct json_column *element = column->element;
    struct vec_span span = {element->used, 0};
    bool partial = false;
    if (reader->token != JSON_START_ARRAY)
        return json_exact_wrong_type(decoder);
    for (;; span.count++) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_NONE || token == JSON_END_ARRAY)
            break;
        if (token == JSON_ERROR || token == JSON_NOMEM)
            return json_exact_fail(decoder, token);
        uint32_t at = json_element_add(decoder, element);
        if (at == UINT32_MAX)
            return JSON_FAIL;
        enum json_result result = json_exact_value(decoder, element, at);
        if (result == JSON_FAIL)
            return JSON_FAIL;
        if (result != JSON_IS_NULL)
            json_set_valid(element, at);
        partial |= result == JSON_PARTIAL;
    }
    column->span[row] = span;
    return partial ? JSON_PARTIAL : JSON_VALUE;
}
