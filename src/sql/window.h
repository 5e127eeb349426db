/* window.h: window() and session_window() as the query wrote them. Source: Spark's TimeWindowing
 * and SessionWindowing. */
#pragma once

#include "sql/expr.h"

/* EXPR_WINDOW's `prepared`. */
struct window_spec {
    bool session;
    int64_t size_us, slide_us, start_us; /* not of sessions */
    struct str written;                  /* the call, for sql_query_explain; else p NULL */
};

/* The start of the last window that begins at or before a time. Wraps at the ends of time. */
static inline int64_t window_floor(int64_t time_us, const struct window_spec *spec)
{
    int64_t since_us = (int64_t)((uint64_t)time_us - (uint64_t)spec->start_us) % spec->slide_us;
    if (since_us < 0)
        since_us += spec->slide_us;
    return (int64_t)((uint64_t)time_us - (uint64_t)since_us);
}
