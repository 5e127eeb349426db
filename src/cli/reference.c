#include "cli/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args_form.h"
#include "version.h"

struct reference {
    const struct cli_command *commands;
    size_t count;
    const char *format;
};

/* Each command's own part. Non-zero: one of them failed. */
static int print_parts(const struct reference *reference)
{
    char option[32];
    snprintf(option, sizeof option, "--help=%s", reference->format);
    for (size_t i = 0; i < reference->count; i++) {
        char *argv[] = {(char *)(uintptr_t)reference->commands[i].name, option, NULL};
        if (reference->commands[i].run(2, argv) != 0)
            return 1;
    }
    return 0;
}

/* ---- man ---- */

static const char man_head[] =
    "sluice \\- Kafka to Spark SQL micro\\-batches to files, S3 and Kafka, in one process\n"
    ".SH SYNOPSIS\n"
    ".B sluice\n"
    ".I COMMAND\n"
    "[\\fIOPTION\\fR]... [\\fIOPERAND\\fR]...\n"
    ".br\n"
    ".B sluice help\n"
    "[\\fICOMMAND\\fR]\n"
    ".br\n"
    ".B sluice \\-\\-version\n"
    ".SH DESCRIPTION\n"
    "A pipeline is a JSON document: a Kafka source, queries in Spark SQL, and sinks.\n"
    ".B sluice run\n"
    "reads the source in micro\\-batches, evaluates the queries, and writes each batch exactly\n"
    "once if the pipeline has a checkpoint.\n"
    ".SH COMMANDS\n";

static const char man_tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\nDone.\n"
    ".TP\n1\nFailed while running.\n"
    ".TP\n2\nWrong usage, or an invalid pipeline.\n"
    ".SH SIGNALS\n"
    "SIGTERM and SIGINT end\n.B sluice run\n"
    "after what is read is committed; a second one ends it at once.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.I NAME\nEvery variable that the pipeline names as ${NAME} or ${NAME:\\-default}.\n"
    ".TP\n.BR AWS_ACCESS_KEY_ID \", \" AWS_SECRET_ACCESS_KEY \", \" AWS_SESSION_TOKEN\n"
    "Keys of the object store that the pipeline does not give.\n"
    ".TP\n.BR NOTIFY_SOCKET \", \" WATCHDOG_USEC\n"
    "Set by systemd, which is told when the pipeline runs and how it is.\n"
    ".TP\n.B SLUICE_TOKEN\nThe bearer token of\n.BR \"sluice top\" .\n"
    ".SH FILES\n"
    ".TP\n.I /etc/sluice/NAME.json\nThe pipeline of the systemd service sluice@NAME.\n"
    ".TP\n.I /etc/sluice/NAME.env\nIts environment, as NAME=VALUE lines; may be missing.\n"
    ".TP\n.I /var/lib/sluice/NAME\nIts directory for checkpoints and files.\n"
    ".TP\n.I /usr/share/doc/sluice\nDocumentation and example pipelines.\n";

static int print_man(const struct reference *reference)
{
    printf(".\\\" Made by `sluice help --format man`.\n"
           ".TH SLUICE 1 \"\" \"sluice %s\" \"User Commands\"\n.SH NAME\n%s",
           SLUICE_VERSION, man_head);
    int code = print_parts(reference);
    fputs(man_tail, stdout);
    return code;
}

/* ---- shells ---- */

static int print_bash(const struct reference *reference)
{
    printf("# Completion of sluice for bash. Made by `sluice help --format bash`.\n"
           "_sluice()\n"
           "{\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local options= operand= kind= words=\n"
           "    COMPREPLY=()\n"
           "    # `--name=value` comes as three words.\n"
           "    if [[ $current == \"=\" ]]; then\n"
           "        current=\n"
           "    elif [[ $before == \"=\" ]]; then\n"
           "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    fi\n"
           "    if ((COMP_CWORD == 1)); then\n"
           "        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < reference->count; i++)
        printf("%s ", reference->commands[i].name);
    printf("help --version' -- \"$current\"))\n"
           "        return\n"
           "    fi\n"
           "    case ${COMP_WORDS[1]} in\n");
    int code = print_parts(reference);
    printf("    help)\n        kind=words words='");
    for (size_t i = 0; i < reference->count; i++)
        printf("%s ", reference->commands[i].name);
    printf("functions --format'\n"
           "        [[ $before != --format ]] || words='man bash zsh fish'\n        ;;\n"
           "    esac\n"
           "    if [[ -z $kind && $current == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
           "    elif [[ ${kind:=$operand} == words ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "    elif [[ $kind == files ]]; then\n"
           "        compopt -o filenames 2>/dev/null\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
           "    fi\n"
           "}\n"
           "complete -F _sluice sluice\n");
    return code;
}

static int print_zsh(const struct reference *reference)
{
    printf("#compdef sluice\n"
           "# Completion of sluice for zsh. Made by `sluice help --format zsh`.\n"
           "_sluice() {\n"
           "  local curcontext=$curcontext state line\n"
           "  typeset -A opt_args\n"
           "  local -a commands\n"
           "  commands=(\n");
    for (size_t i = 0; i < reference->count; i++)
        printf("    '%s:%s'\n", reference->commands[i].name, reference->commands[i].summary);
    printf("    'help:show the help of a command'\n"
           "  )\n"
           "  _arguments -C '--version[print the version]' '1:command:->command' "
           "'*::operand:->operand' && return\n"
           "  case $state in\n"
           "  command) _describe command commands ;;\n"
           "  operand)\n"
           "    case $line[1] in\n");
    int code = print_parts(reference);
    printf("    help) _describe command commands ;;\n"
           "    esac\n"
           "    ;;\n"
           "  esac\n"
           "}\n"
           "_sluice \"$@\"\n");
    return code;
}

static int print_fish(const struct reference *reference)
{
    printf("# Completion of sluice for fish. Made by `sluice help --format fish`.\n"
           "complete -c sluice -f\n"
           "complete -c sluice -n __fish_use_subcommand -l version -d 'print the version'\n"
           "complete -c sluice -n __fish_use_subcommand -a help -d 'show the help of a command'\n");
    for (size_t i = 0; i < reference->count; i++)
        printf("complete -c sluice -n __fish_use_subcommand -a %s -d '%s'\n",
               reference->commands[i].name, reference->commands[i].summary);
    int code = print_parts(reference);
    printf("complete -c sluice -n '__fish_seen_subcommand_from help' -a '");
    for (size_t i = 0; i < reference->count; i++)
        printf("%s ", reference->commands[i].name);
    printf("functions'\n");
    return code;
}

int cli_reference(const struct cli_command *commands, size_t count, int argc, char **argv)
{
    struct reference reference = {.commands = commands, .count = count};
    const struct arg_option table[] = {{"--format", ARG_STRING, &reference.format,
                                        "man|bash|zsh|fish", "the man page or a completion", NULL}};
    const struct arg_spec spec = {.command = "sluice help",
                                  .summary = "Prints the man page or a shell's completion.",
                                  .options = table,
                                  .option_count = COUNT_OF(table)};
    struct err err = {0};
    enum args_form form = ARGS_TEXT;
    int code = args_parse(&spec, argc, argv, NULL, &err);
    if (code == ARGS_HELP)
        return 0;
    if (code == 0 && (!reference.format || !args_form_parse(reference.format, &form)))
        code = err_set(&err, ERR_INVALID, "--format: expected man, bash, zsh or fish");
    if (code)
        return args_usage_error(&spec, &err);
    switch (form) {
    case ARGS_MAN:
        return print_man(&reference);
    case ARGS_BASH:
        return print_bash(&reference);
    case ARGS_ZSH:
        return print_zsh(&reference);
    default:
        return print_fish(&reference);
    }
}
