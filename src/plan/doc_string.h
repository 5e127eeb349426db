/* doc_string.h: JSON strings: escapes decoded, and offsets in the value mapped back to the text. */
#pragma once

#include "plan/doc.h"

struct doc_string_error {
    const char *at;
    char message[160];
};

/* Decodes the string whose first character (after the quote) is rest.p[0]. U+0000 is
 * an error unless nul_allowed. *raw is the text up to
 * the closing quote; *text is the value: *raw itself when there is no escape, else in `arena`.
 * ERR_INVALID and the error, or ERR_NOMEM. */
int doc_string_decode(struct str rest, bool nul_allowed, struct str *raw, struct str *text,
                      struct arena *arena, struct doc_string_error *error) MUST_CHECK;
