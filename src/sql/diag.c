#include "sql/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 80 };

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

void sql_place(struct str text, uint32_t offset, uint32_t *line, uint32_t *column)
{
    *line = *column = 1;
    for (uint32_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (!continues(text.p[i])) {
            ++*column;
        }
    }
}

int diag_fail(const struct diag *diag, int code, uint32_t offset, const char *fmt, ...)
{
    struct sql_errors *errors = diag->errors;
    if (diag_is_full(diag)) {
        errors->count++;
        return code;
    }
    struct sql_error *error = &errors->items[errors->count];
    *error = (struct sql_error){.code = code, .offset = offset};
    va_list args;
    va_start(args, fmt);
    vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
    for (const struct sql_error *other = errors->items; other < error; other++) {
        if (other->offset == offset && strcmp(other->message, error->message) == 0)
            return code;
    }
    sql_place(diag->text, offset, &error->line, &error->column);
    errors->count++;
    return code;
}

int diag_nomem(const struct diag *diag)
{
    return diag_fail(diag, ERR_NOMEM, 0, "out of memory");
}

struct str diag_shown(struct str s)
{
    if (s.n <= SHOWN_MAX)
        return s;
    s.n = SHOWN_MAX;
    while (s.n && continues(s.p[s.n]))
        s.n--;
    return s;
}
