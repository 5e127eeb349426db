/* log.h: log lines on stderr, as text or JSON: a time, a level, one sentence, and key=value fields.
 *
 *     2026-01-02T03:04:05.678Z INFO  batch committed id=7 records=1000
 *     {"time":"2026-01-02T03:04:05.678Z","level":"info","message":"batch committed","id":7,...} */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log {
    enum log_level level; /* lines below it are dropped */
    enum log_format format;
    int fd; /* written with one write(2) per line; usually 2 */
};

/* A field of a line. Use LOG_S and LOG_I. */
struct log_field {
    const char *key;
    const char *text; /* NULL: the number counts; else shown as a string */
    int64_t number;
    bool raw; /* text is JSON already: shown as it is in both formats */
};

#define LOG_S(key, text)   ((struct log_field){(key), (text), 0, false})
#define LOG_I(key, number) ((struct log_field){(key), NULL, (number), false})
#define LOG_RAW(key, json) ((struct log_field){(key), (json), 0, true})

/* log_line(log, LOG_INFO, "batch committed", LOG_I("id", 7)); */
#define log_line(log, level, message, ...)                                                         \
    log_write((log), (level), (message),                                                           \
              (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){NULL, NULL, 0, false}})

void log_write(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields);
/* The message is formatted; no fields. */
void log_printf(const struct log *log, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

bool log_level_parse(const char *text, enum log_level *out);
