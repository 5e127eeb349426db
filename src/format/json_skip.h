/* json_skip.h: steps over JSON values without keeping anything. */
#pragma once

/* The end of the value at p, or NULL when it is not well-formed by RFC 8259, reaches `end` before
 * it is complete, or is deeper or longer than Jackson's limits. `depth`: open containers around p.
 */
const char *json_skip_value(const char *p, const char *end, int depth);

/* The end of the number at p, or NULL; *integer: without fraction and exponent. */
const char *json_skip_number(const char *p, const char *end, int *integer);

/* Behind the closing quote of the string whose first byte is p, or NULL. */
const char *json_skip_string(const char *p, const char *end);

/* The first byte that is not white space, or end. */
static inline const char *json_skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}
