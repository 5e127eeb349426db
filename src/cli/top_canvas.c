#include "cli/top_canvas.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

static void set_style(struct top_canvas *canvas, enum top_style style)
{
    static const char *const codes[] = {
        [TOP_PLAIN] = "0",   [TOP_BOLD] = "1",    [TOP_DIM] = "2",    [TOP_GREEN] = "1;32",
        [TOP_CYAN] = "1;36", [TOP_YELLOW] = "33", [TOP_RED] = "1;31", [TOP_HEAD] = "7"};
    if (canvas->colour)
        buf_printf(canvas->out, "\x1b[%sm", codes[style]);
}

/* Control characters, and those that turn the direction of text. */
static bool moves_cursor(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

/* At most `room` columns of text; returns how many were used. */
static size_t put_clean(struct buf *out, struct str text, size_t room)
{
    size_t used = 0;
    for (size_t i = 0, n; i < text.n; i += n) {
        uint32_t code;
        n = utf8_decode((struct str){text.p + i, text.n - i}, &code);
        char bytes[4] = "?";
        size_t length = moves_cursor(code) ? 1 : utf8_encode(code, bytes);
        size_t width = utf8_width((struct str){bytes, length});
        if (used + width > room)
            break;
        buf_append(out, bytes, length);
        used += width;
    }
    return used;
}

static size_t room_of(const struct top_canvas *canvas)
{
    bool below = canvas->ansi && canvas->row >= canvas->rows;
    return canvas->columns > canvas->column && !below ? canvas->columns - canvas->column : 0;
}

void top_put(struct top_canvas *canvas, enum top_style style, struct str text)
{
    if (style != TOP_PLAIN)
        set_style(canvas, style);
    canvas->column += put_clean(canvas->out, text, room_of(canvas));
    if (style != TOP_PLAIN)
        set_style(canvas, TOP_PLAIN);
}

void top_printf(struct top_canvas *canvas, enum top_style style, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    top_put(canvas, style, str_of(text));
}

void top_cell(struct top_canvas *canvas, enum top_style style, int width, struct str text)
{
    struct buf cut = {0}, cell = {0};
    size_t wanted = (size_t)(width < 0 ? -width : width);
    size_t used = put_clean(&cut, text, wanted);
    if (width < 0)
        buf_append_repeat(&cell, ' ', wanted - used);
    buf_append(&cell, cut.p, cut.n);
    if (width > 0)
        buf_append_repeat(&cell, ' ', wanted - used);
    top_put(canvas, style, buf_str(&cell));
    canvas->out->failed |= cut.failed || cell.failed;
    buf_fini(&cut);
    buf_fini(&cell);
}

void top_bar(struct top_canvas *canvas, enum top_style style, size_t width, double share,
             const char *label)
{
    char inside[256];
    size_t room = width > 2 ? width - 2 : 0, n = strlen(label);
    room = room < sizeof inside ? room : sizeof inside;
    n = n < room ? n : room;
    double known = isfinite(share) ? fmin(1, fmax(0, share)) : 0;
    size_t full = (size_t)((double)room * known + 0.5);
    memset(inside, ' ', sizeof inside);
    memset(inside, '|', full);
    memcpy(inside + room - n, label, n);
    top_put(canvas, TOP_PLAIN, STR("["));
    top_put(canvas, style, (struct str){inside, full});
    top_put(canvas, TOP_PLAIN, (struct str){inside + full, room - full});
    top_put(canvas, TOP_PLAIN, STR("]"));
}

void top_end_line(struct top_canvas *canvas)
{
    /* At the edge the cursor stands on the last character, which would be erased. */
    if (canvas->ansi && room_of(canvas) > 0)
        buf_append_str(canvas->out, STR("\x1b[K"));
    canvas->row++;
    canvas->column = 0;
    if (!canvas->ansi)
        buf_append_char(canvas->out, '\n');
    else if (canvas->row < canvas->rows)
        buf_append_str(canvas->out, STR("\r\n"));
}

void top_right(struct top_canvas *canvas, enum top_style style, struct str text)
{
    size_t width = utf8_width(text);
    if (room_of(canvas) <= width)
        return;
    size_t gap = room_of(canvas) - width;
    buf_append_repeat(canvas->out, ' ', gap);
    canvas->column += gap;
    top_put(canvas, style, text);
}

/* ---- numbers ---- */

static struct top_text print_scaled(double n, double step, const char *const *units, size_t count)
{
    struct top_text out;
    size_t unit = 0;
    while (unit + 1 < count && n >= step * 0.99995) {
        n /= step;
        unit++;
    }
    snprintf(out.text, sizeof out.text, unit ? "%.1f%s" : "%.0f%s", n, units[unit]);
    return out;
}

struct top_text top_count(double n)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P"};
    return print_scaled(n, 1000, units, COUNT_OF(units));
}

struct top_text top_bytes(double n)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    return print_scaled(n, 1024, units, COUNT_OF(units));
}

struct top_text top_time(double seconds)
{
    struct top_text out = {"-"};
    if (!(seconds >= 0) || seconds > 1e14)
        return out;
    long s = (long)seconds;
    if (seconds < 1)
        snprintf(out.text, sizeof out.text, "%.0fms", seconds * 1000);
    else if (seconds < 10)
        snprintf(out.text, sizeof out.text, "%.1fs", seconds);
    else if (s < 60)
        snprintf(out.text, sizeof out.text, "%lds", s);
    else if (s < 3600)
        snprintf(out.text, sizeof out.text, "%ldm%02lds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out.text, sizeof out.text, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else if (s < 86400 * 1000L)
        snprintf(out.text, sizeof out.text, "%ldd%02ldh", s / 86400, s / 3600 % 24);
    else
        snprintf(out.text, sizeof out.text, "%.1fy", seconds / 86400 / 365.2425);
    return out;
}
