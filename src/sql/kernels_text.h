/* kernels_text.h: the kernels on STRING and BINARY, by the functions they compute. */
#pragma once

#include "sql/kernels.h"

/* kernel_text.c */
KERNEL_DECLARE(kernel_initcap);
KERNEL_DECLARE(kernel_trim_chars); /* of (text, characters) */
KERNEL_DECLARE(kernel_ltrim_chars);
KERNEL_DECLARE(kernel_rtrim_chars);
KERNEL_DECLARE(kernel_substring_binary);
KERNEL_DECLARE(kernel_left);
KERNEL_DECLARE(kernel_left_binary);
KERNEL_DECLARE(kernel_right);

/* kernel_string_search.c */
KERNEL_DECLARE(kernel_contains);
KERNEL_DECLARE(kernel_starts_with);
KERNEL_DECLARE(kernel_ends_with);
KERNEL_DECLARE(kernel_instr);
KERNEL_DECLARE(kernel_locate); /* not strict: (what, text, position) */
KERNEL_DECLARE(kernel_find_in_set);
KERNEL_DECLARE(kernel_substring_index);
KERNEL_DECLARE(kernel_split_part);

/* kernel_string_build.c */
KERNEL_DECLARE(kernel_concat_ws); /* not strict */
KERNEL_DECLARE(kernel_elt);       /* not strict */
KERNEL_DECLARE(kernel_repeat);
KERNEL_DECLARE(kernel_space);
KERNEL_DECLARE(kernel_chr);
KERNEL_DECLARE(kernel_lpad);
KERNEL_DECLARE(kernel_rpad);
KERNEL_DECLARE(kernel_lpad_binary);
KERNEL_DECLARE(kernel_rpad_binary);
KERNEL_DECLARE(kernel_overlay);
KERNEL_DECLARE(kernel_overlay_binary);
KERNEL_DECLARE(kernel_replace);
KERNEL_DECLARE(kernel_reverse_string);
KERNEL_DECLARE(kernel_translate);
KERNEL_DECLARE(kernel_mask); /* not strict: (text, upper, lower, digit, other) */

/* kernel_string_measure.c */
KERNEL_DECLARE(kernel_ascii);
KERNEL_DECLARE(kernel_bit_length);
KERNEL_DECLARE(kernel_levenshtein); /* of two texts, or with a threshold */
KERNEL_DECLARE(kernel_soundex);
KERNEL_DECLARE(kernel_luhn_check);

/* kernel_string_codec.c */
KERNEL_DECLARE(kernel_base64);
KERNEL_DECLARE(kernel_unbase64);
KERNEL_DECLARE(kernel_encode);
KERNEL_DECLARE(kernel_decode);
KERNEL_DECLARE(kernel_text_to_binary); /* the same bytes */
KERNEL_DECLARE(kernel_from_hex);       /* wrong text is an error */
KERNEL_DECLARE(kernel_try_from_hex);   /* wrong text gives NULL */
KERNEL_DECLARE(kernel_from_base64);
KERNEL_DECLARE(kernel_try_from_base64);
/* Whether a charset of this name is built. */
bool charset_is_known(struct str name);

/* kernel_string_format.c: prepared is the parsed format. */
KERNEL_DECLARE(kernel_format_number);
KERNEL_DECLARE(kernel_format_string); /* not strict */

/* kernel_string_like.c: LIKE; `prepared` is a struct like (bind_like.c makes it). */
KERNEL_DECLARE(kernel_like);
KERNEL_DECLARE(kernel_like_list);
struct like;
/* A pattern ready to match; ERR_INVALID is Spark's. Lives in the arena. */
int like_create(struct like **out, struct str pattern, struct str escape, struct arena *arena,
                struct err *err) MUST_CHECK;
/* For patterns that are not constant: only the escape character. */
struct like *like_create_open(struct str escape, struct arena *arena);
/* Several patterns; all: every one must match, else any. */
struct like *like_create_list(struct like *const *patterns, uint32_t count, bool all, bool negated,
                              struct arena *arena);

/* kernel_regexp.c: `prepared` is a struct regexp_call. */
KERNEL_DECLARE(kernel_rlike);
KERNEL_DECLARE(kernel_regexp_extract); /* (text, pattern, group) */
KERNEL_DECLARE(kernel_regexp_extract_all);
KERNEL_DECLARE(kernel_regexp_replace); /* (text, pattern, replacement, position) */
KERNEL_DECLARE(kernel_regexp_count);
KERNEL_DECLARE(kernel_regexp_instr);
KERNEL_DECLARE(kernel_regexp_substr);
KERNEL_DECLARE(kernel_split); /* (text, pattern, limit) */
struct regexp;
struct regexp_call;
/* Why groups of a pattern for which regexp_is_loose() holds are refused. */
extern const char regexp_loose_message[];
/* regexp: of a constant pattern, taken over; else NULL. Heap; NULL without memory. */
struct regexp_call *regexp_call_create(struct regexp *regexp);
void regexp_call_destroy(void *call);
/* Whether Java takes the replacement with this pattern; ERR_INVALID says why not. */
int regexp_check_replacement(const struct regexp *regexp, struct str replacement,
                             struct err *err) MUST_CHECK;
