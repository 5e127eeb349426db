/* log.h: log lines on stderr, as text or JSON: a time, a level, one sentence, and key=value fields.
 * docs/logs.md lists the keys.
 *
 *     2026-01-02T03:04:05.678Z INFO  batch committed id=7 records=1000
 *     {"time":"2026-01-02T03:04:05.678Z","level":"info","message":"batch committed","id":7,...} */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

enum {
    LOG_REPEATS_MAX = 20,     /* lines with the same message in a window; the others are counted */
    LOG_WINDOW_US = 10000000, /* from the first of them */
    LOG_MESSAGES_MAX = 32,    /* different messages that are watched at a time */
    LOG_MESSAGE_BYTES_MAX = 96, /* of a message that are kept, to tell what was left out */
    LOG_STATUS_BYTES_MAX = 256,
};

/* One message of which lines were written lately. */
struct log_repeat {
    uint64_t hash; /* of level and message; lines == 0: this place is free */
    enum log_level level;
    uint32_t lines, left_out;
    int64_t began_us;
    char message[LOG_MESSAGE_BYTES_MAX];
};

/* What a log remembers. All zero is a good start. */
struct log_memory {
    struct log_repeat repeats[LOG_MESSAGES_MAX];
    bool terminal; /* fd is a terminal that can redraw a line: log_status shows something */
    char status[LOG_STATUS_BYTES_MAX]; /* shown below the last line; empty: none */
    int64_t (*now_us)(void);           /* of tests; NULL: clock_monotonic_us */
};

struct log {
    enum log_level level; /* lines below it are dropped */
    enum log_format format;
    int fd;                    /* written with one write(2) per line; usually 2 */
    struct log_memory *memory; /* NULL: every line is written, and there is no status line */
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

/* More than LOG_REPEATS_MAX lines of a level above debug with the same message (whatever the
 * fields) within a window are left out; one line tells how many, when the window has ended. */
void log_write(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields);
/* The message is formatted; no fields. */
void log_printf(const struct log *log, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The line that is redrawn below the log, cut to the terminal's width; "" takes it away, which
 * somebody else who writes to the terminal must ask for. Nothing happens off a terminal. */
void log_status(const struct log *log, const char *text);
/* About once a second: tells what was left out in windows that have ended. */
void log_tick(const struct log *log);
/* At the end: tells what was left out, takes the status line away. */
void log_end(const struct log *log);

bool log_level_parse(const char *text, enum log_level *out);
