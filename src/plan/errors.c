#include "plan/errors.h"

#include <stdio.h>

#include "plan/doc.h"

enum { MESSAGE_MAX = 1200 };

/* The message on one line and without control characters, whatever the document holds. */
static struct str clean(struct arena *arena, const char *message, size_t n)
{
    char *out = arena_alloc(arena, n * 6 + 1);
    if (!out)
        return (struct str){NULL, 0};
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)message[i];
        size_t length = doc_utf8_length((struct str){message + i, n - i});
        if (length == 0 || c < 0x20 || c == 0x7F) {
            used += (size_t)snprintf(out + used, 7, length ? "\\u%04X" : "\\x%02X", c);
            i++;
        } else {
            memcpy(out + used, message + i, length);
            used += length;
            i += length;
        }
    }
    return (struct str){out, used};
}

static bool reserve(struct plan_errors *errors, struct arena *arena)
{
    if (errors->count < errors->capacity)
        return true;
    uint32_t capacity = errors->capacity ? errors->capacity * 2 : 16;
    struct plan_error *items = ARENA_ARRAY(arena, struct plan_error, capacity);
    if (!items)
        return false;
    if (errors->count)
        memcpy(items, errors->items, errors->count * sizeof *items);
    errors->items = items;
    errors->capacity = capacity;
    return true;
}

/* The document before the overrides, those in the order they were first named. */
static bool goes_after(const struct plan_error *a, const struct plan_error *b)
{
    if (!str_eq(a->place, b->place))
        return b->place.n == 0;
    return a->line != b->line ? a->line > b->line : a->column > b->column;
}

static void insert(struct plan_errors *errors, const struct plan_error *error)
{
    uint32_t at = errors->count++;
    for (; at > 0 && goes_after(&errors->items[at - 1], error); at--)
        errors->items[at] = errors->items[at - 1];
    errors->items[at] = *error;
}

void plan_error_add_args(struct plan_errors *errors, struct arena *arena, struct plan_where where,
                         int code, struct str excerpt, const char *fmt, va_list args)
{
    if (plan_errors_full(errors) || !reserve(errors, arena)) {
        errors->left_out++;
        return;
    }
    char message[MESSAGE_MAX];
    int n = vsnprintf(message, sizeof message, fmt, args);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof message ? (size_t)n : sizeof message - 1;
    struct plan_error error = {.line = where.line,
                               .column = where.column,
                               .place = arena_str(arena, where.place),
                               .message = clean(arena, message, length),
                               .excerpt = arena_str(arena, excerpt),
                               .code = code};
    if (!error.place.p || !error.message.p || !error.excerpt.p)
        errors->left_out++;
    else
        insert(errors, &error);
}

void plan_error_add_full(struct plan_errors *errors, struct arena *arena, struct plan_where where,
                         int code, struct str excerpt, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    plan_error_add_args(errors, arena, where, code, excerpt, fmt, args);
    va_end(args);
}

void plan_error_add(struct plan_errors *errors, struct arena *arena, uint32_t line, uint32_t column,
                    int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    plan_error_add_args(errors, arena, (struct plan_where){{NULL, 0}, line, column}, code,
                        (struct str){NULL, 0}, fmt, args);
    va_end(args);
}

static void print_excerpt(struct str excerpt, struct buf *out)
{
    while (excerpt.n) {
        const char *newline = memchr(excerpt.p, '\n', excerpt.n);
        size_t n = newline ? (size_t)(newline - excerpt.p) : excerpt.n;
        buf_append_repeat(out, ' ', 4);
        buf_append(out, excerpt.p, n);
        buf_append_char(out, '\n');
        n += newline != NULL;
        excerpt = (struct str){excerpt.p + n, excerpt.n - n};
    }
}

void plan_errors_print(const struct plan_errors *errors, struct str file, struct buf *out)
{
    for (uint32_t i = 0; i < errors->count; i++) {
        const struct plan_error *error = &errors->items[i];
        buf_append_str(out, error->place.n ? error->place : file);
        buf_printf(out, ":%u:%u: error: ", error->line, error->column);
        buf_append_str(out, error->message);
        buf_append_char(out, '\n');
        print_excerpt(error->excerpt, out);
    }
    if (errors->left_out)
        buf_printf(out, "%u errors, and %u more\n", errors->count, errors->left_out);
    else
        buf_printf(out, "%u error%s\n", errors->count, errors->count == 1 ? "" : "s");
}
