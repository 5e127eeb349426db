/* function_rules_text.h: how calls of string functions and regular expressions are typed. */
#pragma once

#include "sql/binder_impl.h"
#include "sql/function_rules.h"

RULE_DECLARE(rule_charset);   /* encode, and decode with two arguments */
RULE_DECLARE(rule_concat_ws); /* texts and arrays of texts */
RULE_DECLARE(rule_decode);    /* also decode(value, search, result, ...) */
RULE_DECLARE(rule_elt);
RULE_DECLARE(rule_format_number);
RULE_DECLARE(rule_format_string);
RULE_DECLARE(rule_left);
RULE_DECLARE(rule_like); /* like, ilike */
RULE_DECLARE(rule_locate);
RULE_DECLARE(rule_mask);
RULE_DECLARE(rule_overlay);
RULE_DECLARE(rule_pad);
RULE_DECLARE(rule_regexp);
RULE_DECLARE(rule_regexp_extract); /* with the group, which is 1 */
RULE_DECLARE(rule_regexp_instr);
RULE_DECLARE(rule_regexp_replace);
RULE_DECLARE(rule_replace_text);
RULE_DECLARE(rule_rlike);
RULE_DECLARE(rule_split);
RULE_DECLARE(rule_strict_string); /* nothing becomes a STRING by itself */
RULE_DECLARE(rule_to_binary);
RULE_DECLARE(rule_trim);
RULE_DECLARE(rule_two_texts); /* of STRING, or both BINARY */

/* The expression is named by this text. */
int rule_label(struct binder *binder, struct expr *call, struct buf *label) MUST_CHECK;
/* Compiles args[1], or makes room for patterns of rows. */
int rule_prepare_regexp(struct binder *binder, struct expr *call) MUST_CHECK;
/* Appends an argument that was left out. */
int rule_add_argument(struct binder *binder, struct expr *call, struct expr *arg) MUST_CHECK;
int rule_add_int(struct binder *binder, struct expr *call, int32_t value,
                 const char *label) MUST_CHECK;
/* args[i] must be constant: *value, perhaps a NULL. */
int rule_constant(struct binder *binder, const struct function *function, struct expr *call,
                  uint32_t i, const struct value **value) MUST_CHECK;

/* bind_like.c: args[0] LIKE args[1]. */
int bind_like_call(struct binder *binder, uint32_t offset, struct expr **args, bool nocase,
                   struct str escape, struct expr **out) MUST_CHECK;
