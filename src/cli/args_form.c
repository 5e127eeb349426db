#include "cli/args_form.h"

#include <string.h>

bool args_form_parse(const char *text, enum args_form *out)
{
    static const char *const names[] = {
        [ARGS_MAN] = "man", [ARGS_BASH] = "bash", [ARGS_ZSH] = "zsh", [ARGS_FISH] = "fish"};
    for (size_t i = ARGS_MAN; i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum args_form)i;
            return true;
        }
    }
    return false;
}

/* ---- what a value can be completed with ---- */

enum value_kind { VALUE_ANY, VALUE_WORDS, VALUE_FILES };

/* "text|json" is a choice of words; as for the rest, the names say it. The first word counts. */
static enum value_kind kind_of(const char *value)
{
    static const char *const files[] = {"FILE", "DIR", "PIPELINE", "CASE_DIR..."};
    struct str first = {value, value ? strcspn(value, " ") : 0};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (str_is(first, files[i]))
            return VALUE_FILES;
    bool words = first.n && memchr(first.p, '|', first.n);
    return words ? VALUE_WORDS : VALUE_ANY;
}

/* "text|json" with spaces between. */
static void print_words(FILE *out, const char *value)
{
    for (const char *p = value; *p && *p != ' '; p++)
        fputc(*p == '|' ? ' ' : *p, out);
}

/* The command's own name: "run" of "sluice run". */
static const char *short_name(const struct arg_spec *spec)
{
    const char *space = strchr(spec->command, ' ');
    return space ? space + 1 : spec->command;
}

/* ---- man ---- */

static void print_roff(FILE *out, const char *text)
{
    bool line_begins = true;
    for (const char *p = text; *p; p++) {
        if (line_begins && (*p == '.' || *p == '\''))
            fputs("\\&", out);
        line_begins = *p == '\n';
        if (*p == '\\')
            fputs("\\e", out);
        else if (*p == '-')
            fputs("\\-", out);
        else if (*p == '"')
            fputs("\\(dq", out);
        else
            fputc(*p, out);
    }
}

static void print_roff_option(FILE *out, const char *name, const char *value, const char *help)
{
    fputs(".TP\n\\fB", out);
    print_roff(out, name);
    fputs("\\fR", out);
    if (value) {
        fputs(" \\fI", out);
        print_roff(out, value);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    print_roff(out, help);
    fputc('\n', out);
}

static void print_man(const struct arg_spec *spec, FILE *out)
{
    fprintf(out, ".SS \"%s%s%s [OPTION]...\"\n", spec->command, spec->operand ? " " : "",
            spec->operand ? spec->operand : "");
    print_roff(out, spec->summary);
    fputc('\n', out);
    for (uint32_t i = 0; i < spec->option_count; i++)
        print_roff_option(out, spec->options[i].name, spec->options[i].value,
                          spec->options[i].help);
    print_roff_option(out, "--help", NULL, "show the options");
    if (!spec->epilogue)
        return;
    fputs(".PP\n.nf\n", out);
    print_roff(out, spec->epilogue);
    fputs(spec->epilogue[strlen(spec->epilogue) - 1] == '\n' ? ".fi\n" : "\n.fi\n", out);
}

/* ---- bash: an arm of `case ${COMP_WORDS[1]}`; sets options, operand, kind, words ---- */

static void print_bash_values(const struct arg_spec *spec, FILE *out)
{
    fputs("        case $before in\n", out);
    for (uint32_t i = 0; i < spec->option_count; i++) {
        const struct arg_option *option = &spec->options[i];
        if (!option->value)
            continue;
        fprintf(out, "        %s) kind=", option->name);
        if (kind_of(option->value) == VALUE_WORDS) {
            fputs("words words='", out);
            print_words(out, option->value);
            fputs("' ;;\n", out);
        } else {
            fputs(kind_of(option->value) == VALUE_FILES ? "files ;;\n" : "none ;;\n", out);
        }
    }
    fputs("        esac\n", out);
}

static void print_bash(const struct arg_spec *spec, FILE *out)
{
    enum value_kind kind = kind_of(spec->operand);
    fprintf(out, "    %s)\n        options='", short_name(spec));
    for (uint32_t i = 0; i < spec->option_count; i++)
        fprintf(out, "%s ", spec->options[i].name);
    fputs("--help'\n", out);
    if (kind == VALUE_WORDS) { /* the first operand only; what follows may be a file */
        fputs("        operand=files\n        ((COMP_CWORD == 2)) && operand=words words='", out);
        print_words(out, spec->operand);
        fputs("'\n", out);
    } else {
        fprintf(out, "        operand=%s\n", kind == VALUE_FILES ? "files" : "none");
    }
    print_bash_values(spec, out);
    fputs("        ;;\n", out);
}

/* ---- zsh: an arm of `case $line[1]` ---- */

/* In a spec of _arguments, between single quotes. */
static void print_zsh_text(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            fputs("'\\'", out);
        else if (strchr("[]:\\", *p))
            fputc('\\', out);
        fputc(*p, out);
    }
}

static void print_zsh_value(FILE *out, const char *value)
{
    enum value_kind kind = kind_of(value);
    fputc(':', out);
    print_zsh_text(out, value);
    fputc(':', out);
    if (kind == VALUE_WORDS) {
        fputc('(', out);
        print_words(out, value);
        fputc(')', out);
    } else if (kind == VALUE_FILES) {
        fputs("_files", out);
    }
}

static void print_zsh(const struct arg_spec *spec, FILE *out)
{
    fprintf(out, "    %s)\n      _arguments \\\n", short_name(spec));
    for (uint32_t i = 0; i < spec->option_count; i++) {
        const struct arg_option *option = &spec->options[i];
        fprintf(out, "        '%s%s%s[", option->kind == ARG_LIST ? "*" : "", option->name,
                option->value ? "=" : "");
        print_zsh_text(out, option->help);
        fputc(']', out);
        if (option->value)
            print_zsh_value(out, option->value);
        fputs("' \\\n", out);
    }
    fputs("        '--help[show the options]'", out);
    if (spec->operand) {
        bool words = kind_of(spec->operand) == VALUE_WORDS;
        fprintf(out, " \\\n        '%s", words ? "1" : "*");
        print_zsh_value(out, spec->operand);
        fputs(words ? "' \\\n        '2:location:_files'" : "'", out);
    }
    fputs("\n      ;;\n", out);
}

/* ---- fish ---- */

static void print_fish_text(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            fputc('\\', out);
        fputc(*p, out);
    }
}

static void print_fish(const struct arg_spec *spec, FILE *out)
{
    char condition[128];
    snprintf(condition, sizeof condition, "complete -c sluice -n '__fish_seen_subcommand_from %s'",
             short_name(spec));
    for (uint32_t i = 0; i < spec->option_count; i++) {
        const struct arg_option *option = &spec->options[i];
        enum value_kind kind = kind_of(option->value);
        fprintf(out, "%s -l %s", condition, option->name + 2);
        if (kind == VALUE_WORDS) {
            fputs(" -x -a '", out);
            print_words(out, option->value);
            fputs("'", out);
        } else if (option->value) {
            fputs(kind == VALUE_FILES ? " -r -F" : " -x", out);
        }
        fputs(" -d '", out);
        print_fish_text(out, option->help);
        fputs("'\n", out);
    }
    fprintf(out, "%s -l help -d 'show the options'\n", condition);
    if (kind_of(spec->operand) == VALUE_WORDS) {
        fprintf(out, "%s -a '", condition);
        print_words(out, spec->operand);
        fputs("'\n", out);
    }
    if (spec->operand && kind_of(spec->operand) != VALUE_ANY)
        fprintf(out, "%s -F\n", condition);
}

void args_form_print(const struct arg_spec *spec, enum args_form form, FILE *out)
{
    switch (form) {
    case ARGS_TEXT:
        args_help(spec, out);
        break;
    case ARGS_MAN:
        print_man(spec, out);
        break;
    case ARGS_BASH:
        print_bash(spec, out);
        break;
    case ARGS_ZSH:
        print_zsh(spec, out);
        break;
    case ARGS_FISH:
        print_fish(spec, out);
        break;
    }
}
