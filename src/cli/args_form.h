/* args_form.h: what a command's table says, in the forms of reference.h. */
#pragma once

#include "cli/args.h"

enum args_form { ARGS_TEXT, ARGS_MAN, ARGS_BASH, ARGS_ZSH, ARGS_FISH };

/* man, bash, zsh or fish. */
bool args_form_parse(const char *text, enum args_form *out);

/* A section of the man page; an arm of the completion's `case` (bash, zsh); lines (fish). */
void args_form_print(const struct arg_spec *spec, enum args_form form, FILE *out);
