#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    err->code = code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    char prefix[300];
    char rest[sizeof err->msg];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    memcpy(rest, err->msg, sizeof rest);
    snprintf(err->msg, sizeof err->msg, "%s: %.*s", prefix,
             (int)(sizeof err->msg - sizeof prefix - 3), rest);
    return err->code;
}
