/* kernel_time_pattern.c: texts ↔ timestamps by datetime patterns. */
#include <stdlib.h>

#include "sql/kernel.h"
#include "sql/kernels_time.h"
#include "vec/time.h"
#include "vec/time_pattern.h"

/* The last pattern, compiled: most often there is but one. */
struct time_pattern_cache {
    struct time_pattern *pattern; /* NULL: none yet */
    struct buf text;
    bool parsing;
};

struct time_pattern_cache *time_pattern_cache_create(bool parsing)
{
    struct time_pattern_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->parsing = parsing;
    return cache;
}

void time_pattern_cache_free(void *object)
{
    struct time_pattern_cache *cache = object;
    if (!cache)
        return;
    time_pattern_destroy(cache->pattern);
    buf_fini(&cache->text);
    free(cache);
}

int time_pattern_cache_set(struct time_pattern_cache *cache, struct str pattern, struct err *err)
{
    if (cache->pattern && str_eq(buf_str(&cache->text), pattern))
        return 0;
    time_pattern_destroy(cache->pattern);
    cache->pattern = NULL;
    buf_clear(&cache->text);
    buf_append_str(&cache->text, pattern);
    if (cache->text.failed)
        return err_set(err, ERR_NOMEM, "out of memory");
    int code = time_pattern_create(&cache->pattern, pattern, cache->parsing, err);
    return code == ERR_UNSUPPORTED ? ERR_INVALID : code;
}

static int pattern_at(struct eval *eval, const struct expr *expr, const struct value *patterns,
                      uint32_t i, const struct time_pattern **out)
{
    struct time_pattern_cache *cache = expr->prepared;
    if (!cache->pattern || !patterns->constant) {
        struct str text = patterns->vec.str[kernel_row(patterns, i)];
        int code = time_pattern_cache_set(cache, text, eval->err);
        if (code != 0)
            return code;
    }
    *out = cache->pattern;
    return 0;
}

int kernel_first_ts(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.i64[i] = args[0].vec.i64[kernel_row(&args[0], i)];
    return 0;
}

int kernel_parse_ts(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    uint8_t *bad = kernel_flags(eval, out->vec.rows);
    if (!bad)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        const struct time_pattern *pattern;
        out->vec.i64[i] = 0;
        bad[i] = vec_is_null(&out->vec, i);
        if (bad[i])
            continue;
        int code = pattern_at(eval, expr, &args[1], i, &pattern);
        if (code != 0)
            return code;
        struct str text = args[0].vec.str[kernel_row(&args[0], i)];
        bad[i] = !time_pattern_parse(pattern, text, &out->vec.i64[i]);
    }
    return kernel_null_where(eval, out, bad);
}

/* Timestamps are the first argument times `unit`, which wraps. */
static int format(struct eval *eval, const struct expr *expr, const struct value *args,
                  struct value *out, uint64_t unit)
{
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        const struct time_pattern *pattern;
        out->vec.str[i] = (struct str){NULL, 0};
        if (vec_is_null(&out->vec, i))
            continue;
        int code = pattern_at(eval, expr, &args[1], i, &pattern);
        if (code != 0)
            return code;
        char *text = kernel_text(eval, time_pattern_text_max(pattern));
        if (!text)
            return ERR_NOMEM;
        uint64_t micros = (uint64_t)args[0].vec.i64[kernel_row(&args[0], i)] * unit;
        size_t n = time_pattern_format(pattern, (int64_t)micros, text);
        out->vec.str[i] = (struct str){text, n};
        kernel_text_keep(eval, n);
    }
    return 0;
}

int kernel_date_format(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    return format(eval, expr, args, out, 1);
}

int kernel_from_unixtime(struct eval *eval, const struct expr *expr, const struct value *args,
                         struct value *out)
{
    return format(eval, expr, args, out, TIME_MICROS_PER_SECOND);
}
