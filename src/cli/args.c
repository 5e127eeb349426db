#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "cli/args_form.h"

/* --- values --- */

struct unit {
    const char *name;
    double factor;
};

/* number × unit, above 0. */
static bool take_scaled(struct str text, const struct unit *units, size_t count, double *out)
{
    struct str rest;
    if (!size_take_decimal(text, out, &rest))
        return false;
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(rest, str_of(units[i].name))) {
            *out *= units[i].factor;
            return *out > 0 && *out < 9e15; /* exact in a double */
        }
    return false;
}

static const struct unit thousands[] = {{"", 1}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}};

bool arg_to_duration_ms(struct str text, int64_t *ms)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}};
    double value;
    if (!take_scaled(text, units, COUNT_OF(units), &value) || value < 1)
        return false;
    *ms = (int64_t)(value + 0.5);
    return true;
}

static bool to_count(struct str text, int64_t *out)
{
    double value;
    if (str_to_i64(text, out))
        return *out > 0;
    if (!take_scaled(text, thousands, COUNT_OF(thousands), &value) || value < 1)
        return false;
    *out = (int64_t)value;
    return (double)*out == value;
}

static bool set_value(const struct arg_option *option, const char *value)
{
    struct str text = str_of(value);
    switch (option->kind) {
    case ARG_STRING:
        *(const char **)option->dest = value;
        return text.n > 0;
    case ARG_I64:
        return str_to_i64(text, option->dest);
    case ARG_COUNT:
        return to_count(text, option->dest);
    case ARG_RATE:
        return take_scaled(text, thousands, COUNT_OF(thousands), option->dest);
    case ARG_DURATION:
        return arg_to_duration_ms(text, option->dest);
    case ARG_SIZE:
        return size_parse(text, option->dest);
    case ARG_LIST: {
        struct arg_list *list = option->dest; /* made large enough by args_parse */
        list->items[list->count++] = value;
        return true;
    }
    default:
        return false;
    }
}

static const char *expected(enum arg_kind kind)
{
    switch (kind) {
    case ARG_I64:
        return "a whole number";
    case ARG_COUNT:
        return "a whole number from 1, such as 1000 or 5m";
    case ARG_RATE:
        return "a number above 0, such as 100 or 50k";
    case ARG_DURATION:
        return "a duration, such as 500ms, 2s, 1m or 1h";
    case ARG_SIZE:
        return "a size, such as 65536, 128m or 1g";
    default:
        return "a value";
    }
}

/* --- parsing --- */

static int unknown_option(const struct arg_spec *spec, struct str name, struct err *err)
{
    const char **names = calloc(spec->option_count + 1, sizeof(*names));
    if (!names)
        return err_set(err, ERR_NOMEM, "no memory for the command line");
    for (uint32_t i = 0; i < spec->option_count; i++)
        names[i] = spec->options[i].name;
    names[spec->option_count] = "--help";
    const char *near = str_suggest(name, names, spec->option_count + 1);
    if (near)
        err_set(err, ERR_INVALID, "unknown option %.*s: did you mean %s?", STR_ARG(name), near);
    else
        err_set(err, ERR_INVALID, "unknown option %.*s", STR_ARG(name));
    free(names);
    return ERR_INVALID;
}

/* The option at argv[*at]; moves *at over a value of its own. */
static int take_option(const struct arg_spec *spec, int argc, char **argv, int *at, struct err *err)
{
    const char *arg = argv[*at], *equals = strchr(arg, '=');
    struct str name = {arg, equals ? (size_t)(equals - arg) : strlen(arg)};
    const struct arg_option *option = NULL;
    for (uint32_t i = 0; i < spec->option_count && !option; i++)
        if (str_is(name, spec->options[i].name))
            option = &spec->options[i];
    if (!option)
        return unknown_option(spec, name, err);
    if (option->given)
        *option->given = true;
    if (option->kind == ARG_FLAG) {
        if (equals)
            return err_set(err, ERR_INVALID, "%s takes no value", option->name);
        *(bool *)option->dest = true;
        return 0;
    }
    if (!equals && *at + 1 >= argc)
        return err_set(err, ERR_INVALID, "%s needs %s", option->name, expected(option->kind));
    const char *value = equals ? equals + 1 : argv[++*at];
    if (!set_value(option, value))
        return err_set(err, ERR_INVALID, "%s: expected %s, found \"%s\"", option->name,
                       expected(option->kind), value);
    return 0;
}

static int take_operand(const struct arg_spec *spec, const char *arg, struct arg_list *operands,
                        struct err *err)
{
    if (!operands || operands->count == spec->operands_max)
        return err_set(err, ERR_INVALID,
                       spec->operands_max ? "one operand too many: \"%s\""
                                          : "no operand expected, found \"%s\"",
                       arg);
    operands->items[operands->count++] = arg;
    return 0;
}

static int make_lists(const struct arg_spec *spec, int argc, struct arg_list *operands)
{
    size_t capacity = (size_t)(argc > 0 ? argc : 1);
    bool failed = false;
    if (operands) {
        *operands = (struct arg_list){.items = calloc(capacity, sizeof(char *))};
        failed |= !operands->items;
    }
    for (uint32_t i = 0; i < spec->option_count; i++) {
        if (spec->options[i].kind != ARG_LIST)
            continue;
        struct arg_list *list = spec->options[i].dest;
        *list = (struct arg_list){.items = calloc(capacity, sizeof(char *))};
        failed |= !list->items;
    }
    return failed ? ERR_NOMEM : 0;
}

static bool asks_for_help(const char *arg, enum args_form *form)
{
    static const char prefix[] = "--help=";
    *form = ARGS_TEXT;
    if (strncmp(arg, prefix, sizeof prefix - 1) == 0)
        return args_form_parse(arg + sizeof prefix - 1, form);
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static int print_help(const struct arg_spec *spec, enum args_form form)
{
    args_form_print(spec, form, stdout);
    return ARGS_HELP;
}

static int take_all(const struct arg_spec *spec, int argc, char **argv, struct arg_list *operands,
                    struct err *err)
{
    bool options_end = false;
    enum args_form form;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int rc = 0;
        if (!options_end && strcmp(arg, "--") == 0)
            options_end = true;
        else if (!options_end && asks_for_help(arg, &form))
            return print_help(spec, form);
        else if (!options_end && arg[0] == '-' && arg[1])
            rc = take_option(spec, argc, argv, &i, err);
        else
            rc = take_operand(spec, arg, operands, err);
        if (rc)
            return rc;
    }
    if (operands && operands->count < spec->operands_min)
        return err_set(err, ERR_INVALID, "%s is missing", spec->operand);
    return 0;
}

int args_parse(const struct arg_spec *spec, int argc, char **argv, struct arg_list *operands,
               struct err *err)
{
    int rc = make_lists(spec, argc, operands) ? err_set(err, ERR_NOMEM, "no memory") : 0;
    if (rc == 0)
        rc = take_all(spec, argc, argv, operands, err);
    if (rc == 0)
        return 0;
    if (operands)
        arg_list_fini(operands);
    for (uint32_t i = 0; i < spec->option_count; i++)
        if (spec->options[i].kind == ARG_LIST)
            arg_list_fini(spec->options[i].dest);
    return rc;
}

void arg_list_fini(struct arg_list *list)
{
    free(list->items);
    *list = (struct arg_list){0};
}

/* --- help --- */

static void print_option(FILE *out, const char *name, const char *value, const char *help)
{
    int width = fprintf(out, "  %s%s%s", name, value ? " " : "", value ? value : "");
    if (width > 28)
        fprintf(out, "\n%30s%s\n", "", help);
    else
        fprintf(out, "%*s%s\n", 30 - width, "", help);
}

void args_help(const struct arg_spec *spec, FILE *out)
{
    fprintf(out, "%s: %s\n\nUsage: %s%s%s%s\n\nOptions:\n", spec->command, spec->summary,
            spec->command, spec->operand ? " " : "", spec->operand ? spec->operand : "",
            " [OPTION]...");
    for (uint32_t i = 0; i < spec->option_count; i++)
        print_option(out, spec->options[i].name, spec->options[i].value, spec->options[i].help);
    print_option(out, "--help", NULL, "show this text");
    if (spec->epilogue)
        fprintf(out, "\n%s\n", spec->epilogue);
}

int args_usage_error(const struct arg_spec *spec, const struct err *err)
{
    fprintf(stderr, "%s: %s\nTry `%s --help`.\n", spec->command, err->msg, spec->command);
    return 2;
}
