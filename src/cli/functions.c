#include "cli/functions.h"

#include <stdio.h>

#include "cli/args.h"
#include "sql/aggregate.h"
#include "sql/catalogue.h"

/* One line of either form. usage: "NAME(arguments): what it gives". */
static void print_function(struct buf *out, bool markdown, const char *aliases, const char *usage)
{
    const char *colon = strstr(usage, "): "), *call_end = colon ? colon + 1 : usage;
    struct str call = {usage, (size_t)(call_end - usage)};
    const char *text = colon ? colon + 3 : usage;
    if (!markdown) {
        buf_printf(out, "  %-36.*s  %s", STR_ARG(call), text);
        if (aliases)
            buf_printf(out, " (also %s)", aliases);
        buf_append_char(out, '\n');
        return;
    }
    buf_printf(out, "| `%.*s` | ", STR_ARG(call));
    for (const char *p = text; *p; p++) {
        if (*p == '|')
            buf_append_char(out, '\\');
        buf_append_char(out, *p);
    }
    buf_printf(out, " | %s |\n", aliases ? aliases : "");
}

static void print_title(struct buf *out, bool markdown, const char *title)
{
    char first = title[0] >= 'a' && title[0] <= 'z' ? (char)(title[0] - 32) : title[0];
    if (markdown)
        buf_printf(out,
                   "\n## %c%s\n\n| function | what it gives | other names |\n| --- | --- | --- |\n",
                   first, title + 1);
    else
        buf_printf(out, "\n%c%s functions:\n", first, title + 1);
}

static void print_head(struct buf *out, bool markdown)
{
    uint32_t count = 0;
    for (size_t g = 0; g < catalogue_group_count; g++)
        count += (uint32_t)*catalogue_groups[g].count;
    if (markdown)
        buf_append_str(out, STR("# Functions\n\nWritten by `sluice help functions --format "
                                "markdown`; `scripts/test` fails when it is out of date.\n\n"));
    buf_printf(out, "%u functions and %u aggregate functions, with Spark 3.5's names and results.",
               count, (uint32_t)aggregate_count);
    if (markdown)
        buf_append_str(out, STR(" Where they differ from Spark's, "
                                "[spark-compatibility.md](spark-compatibility.md) says so."));
    buf_append_str(out, STR("\n`window(ts, size[, slide[, start]])` and `session_window(ts, gap)` "
                            "stand in GROUP BY.\n"));
}

void functions_print(struct buf *out, bool markdown)
{
    print_head(out, markdown);
    print_title(out, markdown, "aggregate");
    for (size_t i = 0; i < aggregate_count; i++)
        print_function(out, markdown, aggregates[i].aliases, aggregates[i].usage);
    for (size_t g = 0; g < catalogue_group_count; g++) {
        const struct function_group *group = &catalogue_groups[g];
        print_title(out, markdown, group->title);
        for (size_t i = 0; i < *group->count; i++)
            print_function(out, markdown, group->functions[i].aliases, group->functions[i].usage);
    }
}

int cli_functions(int argc, char **argv)
{
    const char *format = "text";
    const struct arg_option table[] = {
        {"--format", ARG_STRING, &format, "text|markdown", "default text", NULL},
    };
    const struct arg_spec spec = {.command = "sluice help functions",
                                  .summary = "Lists the functions that queries can call.",
                                  .options = table,
                                  .option_count = COUNT_OF(table)};
    struct err err = {0};
    int code = args_parse(&spec, argc, argv, NULL, &err);
    bool markdown = strcmp(format, "markdown") == 0;
    if (code == 0 && !markdown && strcmp(format, "text") != 0)
        code =
            err_set(&err, ERR_INVALID, "--format: expected text or markdown, found \"%s\"", format);
    if (code != 0)
        return code == ARGS_HELP ? 0 : args_usage_error(&spec, &err);
    struct buf out = {0};
    functions_print(&out, markdown);
    fputs(buf_cstr(&out), stdout);
    buf_fini(&out);
    return 0;
}
