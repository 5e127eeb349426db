#include "sql/diag.h"

#include <stdarg.h>
#include <stdio.h>

enum { SHOWN_MAX = 80 };

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

int diag_fail(const struct diag *diag, int code, uint32_t offset, const char *fmt, ...)
{
    struct sql_error *error = diag->error;
    *error = (struct sql_error){.code = code, .offset = offset, .line = 1, .column = 1};
    for (uint32_t i = 0; i < offset && i < diag->text.n; i++) {
        if (diag->text.p[i] == '\n') {
            error->line++;
            error->column = 1;
        } else if (!continues(diag->text.p[i])) {
            error->column++;
        }
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
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
