#include "os/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
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
        buf_append_char(out, (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p);
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

/* ---- the status line ---- */

#define CLEAR_LINE "\r\x1b[K"

static bool shows_status(const struct log *log)
{
    return log->memory && log->memory->terminal && log->memory->status[0];
}

/* A line that wraps could not be taken away again: it is cut one column before the edge. */
static void append_status(struct buf *out, const struct log *log)
{
    struct winsize size = {0};
    size_t columns = ioctl(log->fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    size_t n = strlen(log->memory->status);
    buf_append(out, log->memory->status, n < columns ? n : columns - 1);
}

void log_status(const struct log *log, const char *text)
{
    struct buf line = {0};
    if (!log->memory || !log->memory->terminal || (!text[0] && !shows_status(log)))
        return;
    snprintf(log->memory->status, sizeof log->memory->status, "%s", text);
    buf_append_str(&line, STR(CLEAR_LINE));
    append_status(&line, log);
    if (!line.failed)
        write_all(log->fd, line.p, line.n);
    buf_fini(&line);
}

/* ---- lines ---- */

static void append_json(struct buf *out, enum log_level level, const char *message,
                        const struct log_field *fields)
{
    buf_append_str(out, STR("{\"time\":\""));
    append_time(out);
    buf_printf(out, "\",\"level\":\"%s\",\"message\":", level_names[level]);
    append_quoted(out, message);
    for (; fields && fields->key; fields++) {
        buf_printf(out, ",\"%s\":", fields->key);
        append_value(out, fields, LOG_JSON);
    }
    buf_append_char(out, '}');
}

static void append_text(struct buf *out, enum log_level level, const char *message,
                        const struct log_field *fields)
{
    append_time(out);
    buf_printf(out, " %s ", level_labels[level]);
    append_message(out, message);
    for (; fields && fields->key; fields++) {
        buf_printf(out, " %s=", fields->key);
        append_value(out, fields, LOG_TEXT);
    }
}

static void write_line(const struct log *log, enum log_level level, const char *message,
                       const struct log_field *fields)
{
    struct buf line = {0}, out = {0};
    if (log->format == LOG_JSON)
        append_json(&line, level, message, fields);
    else
        append_text(&line, level, message, fields);
    if (shows_status(log))
        buf_append_str(&out, STR(CLEAR_LINE));
    utf8_append_clean(&out, buf_str(&line)); /* foreign text may be anything */
    buf_append_char(&out, '\n');
    if (shows_status(log))
        append_status(&out, log);
    if (!line.failed && !out.failed)
        write_all(log->fd, out.p, out.n);
    buf_fini(&line);
    buf_fini(&out);
}

/* ---- repeats ---- */

static int64_t now_us(const struct log_memory *memory)
{
    return memory->now_us ? memory->now_us() : clock_monotonic_us();
}

/* FNV-1a */
static uint64_t hash_of(enum log_level level, const char *message)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)level;
    for (const char *p = message; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    return hash;
}

static void end_window(const struct log *log, struct log_repeat *repeat)
{
    const struct log_field fields[] = {LOG_I("count", repeat->left_out),
                                       LOG_S("repeated", repeat->message),
                                       {NULL, NULL, 0, false}};
    if (repeat->left_out)
        write_line(log, repeat->level, "repeats of a message left out", fields);
    *repeat = (struct log_repeat){0};
}

/* The place of this message: its own, a free one, or that of the message seen first, which ends. */
static struct log_repeat *place_of(const struct log *log, uint64_t hash, int64_t at_us)
{
    struct log_repeat *all = log->memory->repeats, *oldest = all;
    for (size_t i = 0; i < LOG_MESSAGES_MAX; i++) {
        struct log_repeat *one = &all[i];
        if (one->lines && at_us - one->began_us >= LOG_WINDOW_US)
            end_window(log, one);
        if (one->lines && one->hash == hash)
            return one;
        if (oldest->lines && (!one->lines || one->began_us < oldest->began_us))
            oldest = one;
    }
    end_window(log, oldest);
    return oldest;
}

static bool left_out(const struct log *log, enum log_level level, const char *message)
{
    if (!log->memory || level == LOG_DEBUG)
        return false;
    int64_t at_us = now_us(log->memory);
    uint64_t hash = hash_of(level, message);
    struct log_repeat *repeat = place_of(log, hash, at_us);
    if (!repeat->lines) {
        repeat->hash = hash;
        repeat->level = level;
        repeat->began_us = at_us;
        snprintf(repeat->message, sizeof repeat->message, "%s", message);
    }
    if (repeat->lines == LOG_REPEATS_MAX) {
        repeat->left_out++;
        return true;
    }
    repeat->lines++;
    return false;
}

void log_tick(const struct log *log)
{
    for (size_t i = 0; log->memory && i < LOG_MESSAGES_MAX; i++) {
        struct log_repeat *repeat = &log->memory->repeats[i];
        if (repeat->lines && now_us(log->memory) - repeat->began_us >= LOG_WINDOW_US)
            end_window(log, repeat);
    }
}

void log_end(const struct log *log)
{
    log_status(log, "");
    for (size_t i = 0; log->memory && i < LOG_MESSAGES_MAX; i++)
        end_window(log, &log->memory->repeats[i]);
}

/* ---- */

void log_write(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields)
{
    if (level >= log->level && !left_out(log, level, message))
        write_line(log, level, message, fields);
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
