#include "format/time_text.h"

#include "vec/time.h"
#include "vec/time_pattern.h"

static int create(struct time_pattern **out, struct str pattern, const char *option,
                  struct err *err)
{
    if (!pattern.p)
        return 0;
    int code = time_pattern_create(out, pattern, false, err);
    return code ? err_prefix(err, "%s", option) : 0;
}

int time_text_init(struct time_text *text, struct str date_format, struct str timestamp_format,
                   struct err *err)
{
    *text = (struct time_text){0};
    int code = create(&text->date, date_format, "dateFormat", err);
    if (!code)
        code = create(&text->timestamp, timestamp_format, "timestampFormat", err);
    if (code)
        time_text_fini(text);
    return code;
}

void time_text_fini(struct time_text *text)
{
    time_pattern_destroy(text->date);
    time_pattern_destroy(text->timestamp);
    *text = (struct time_text){0};
}

static void append_pattern(const struct time_pattern *pattern, int64_t micros, struct buf *out)
{
    if (buf_reserve(out, time_pattern_text_max(pattern)))
        out->n += time_pattern_format(pattern, micros, out->p + out->n);
}

void time_text_date(const struct time_text *text, int32_t days, struct buf *out)
{
    char plain[TIME_TEXT_MAX];
    if (text->date)
        append_pattern(text->date, days * TIME_MICROS_PER_DAY, out);
    else
        buf_append(out, plain, time_format_date(days, plain));
}

void time_text_timestamp(const struct time_text *text, int64_t micros, struct buf *out)
{
    char plain[TIME_TEXT_MAX];
    if (text->timestamp)
        append_pattern(text->timestamp, micros, out);
    else
        buf_append(out, plain, time_format_iso_millis(micros, plain));
}
