/* top_canvas.h: lines of text for a terminal, cut to its width; colours as ANSI, or none. */
#pragma once

#include "base/buf.h"

/* How a piece of text stands out. */
enum top_style { TOP_PLAIN, TOP_BOLD, TOP_DIM, TOP_GREEN, TOP_CYAN, TOP_YELLOW, TOP_RED, TOP_HEAD };

struct top_canvas {
    struct buf *out;
    size_t columns, rows; /* of the terminal */
    bool ansi;            /* for a terminal: colours, and what was there before is overwritten */
    bool colour;
    size_t column, row; /* written so far */
};

/* Text that goes on this line, as far as there is room. Foreign text is safe: a character that
 * moves a cursor is shown as "?". */
void top_put(struct top_canvas *canvas, enum top_style style, struct str text);
void top_printf(struct top_canvas *canvas, enum top_style style, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Text in a field of `width` columns: cut, or filled up at the right or, with a negative width, at
 * the left. */
void top_cell(struct top_canvas *canvas, enum top_style style, int width, struct str text);
/* [||||    43 %] of `width` columns; the share is cut to 0..1. */
void top_bar(struct top_canvas *canvas, enum top_style style, size_t width, double share,
             const char *label);
/* Ends the line. The last line of a terminal has no end. */
void top_end_line(struct top_canvas *canvas);
/* The text ends the line, at its right edge, if there is room. */
void top_right(struct top_canvas *canvas, enum top_style style, struct str text);

/* 950, 12.3k, 4.5M, 7.8G */
struct top_text {
    char text[24];
};
struct top_text top_count(double n);
struct top_text top_bytes(double n); /* 950 B, 12.3 KiB */
struct top_text top_time(
    double seconds); /* 189ms, 1.5s, 12s, 3m05s, 2h07m, 4d02h, 5.1y; "-" below 0 */
