#include "os/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/clock.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_labels[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};

static void append_time(struct buf *out)
{
    int64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    buf_printf(out, "%s.%03dZ", text, (int)(now_ms % 1000));
}

static void append_quoted(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_append(out, "\\n", 2);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_append_char(out, (char)c);
    }
    buf_append_char(out, '"');
}

/* In text, a value that reads as one word stays bare. */
static void append_value(struct buf *out, const struct log_field *field, enum log_format format)
{
    if (!field->text)
        buf_printf(out, "%lld", (long long)field->number);
    else if (field->raw)
        buf_append_str(out, str_of(field->text));
    else if (format == LOG_JSON || !*field->text || strpbrk(field->text, " \t\n\"="))
        append_quoted(out, field->text);
    else
        buf_append_str(out, str_of(field->text));
}

static void append_message(struct buf *out, const char *message)
{
    /* A message may carry foreign text (a broker's error): keep the line one line. */
    for (const char *p = message; *p; p++)
        buf_append_char(out, (unsigned char)*p < 0x20 ? ' ' : *p);
}

static void write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* there is no better place to complain */
        p += written;
        n -= (size_t)written;
    }
}

void log_write(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields)
{
    if (level < log->level)
        return;
    struct buf line = {0};
    if (log->format == LOG_JSON) {
        buf_append_str(&line, STR("{\"time\":\""));
        append_time(&line);
        buf_printf(&line, "\",\"level\":\"%s\",\"message\":", level_names[level]);
        append_quoted(&line, message);
        for (; fields && fields->key; fields++) {
            buf_printf(&line, ",\"%s\":", fields->key);
            append_value(&line, fields, log->format);
        }
        buf_append_char(&line, '}');
    } else {
        append_time(&line);
        buf_printf(&line, " %s ", level_labels[level]);
        append_message(&line, message);
        for (; fields && fields->key; fields++) {
            buf_printf(&line, " %s=", fields->key);
            append_value(&line, fields, log->format);
        }
    }
    buf_append_char(&line, '\n');
    if (!line.failed)
        write_all(log->fd, line.p, line.n);
    buf_fini(&line);
}

void log_printf(const struct log *log, enum log_level level, const char *fmt, ...)
{
    char message[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    log_write(log, level, message, NULL);
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}
