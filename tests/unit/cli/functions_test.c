/* docs/functions.md is what `sluice help functions --format markdown` prints, and Spark's answer to
 * each function is recorded somewhere. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/functions.h"
#include "sql/aggregate.h"
#include "sql/catalogue.h"

static void read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    char part[65536];
    cr_assert(file, "%s", path);
    for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;)
        buf_append(out, part, n);
    fclose(file);
}

Test(functions, documentation_is_up_to_date)
{
    struct buf want = {0}, got = {0};
    functions_print(&want, true);
    read_file(SLUICE_ROOT "/docs/functions.md", &got);
    cr_expect_str_eq(buf_cstr(&got), buf_cstr(&want),
                     "write it again: sluice help functions --format markdown > docs/functions.md");
    buf_fini(&want);
    buf_fini(&got);
}

/* Appends the queries that Spark answered: those followed by a type. */
static void take_answered(struct buf *text, struct buf *out)
{
    const char *query = NULL;
    for (char *line = strtok((char *)(uintptr_t)buf_cstr(text), "\n"); line;
         line = strtok(NULL, "\n")) {
        if (strncmp(line, "query ", 6) == 0)
            query = line;
        if (query && strncmp(line, "type ", 5) == 0)
            buf_printf(out, "%s\n", query);
    }
}

static void take_files(const char *pattern, bool answered, struct buf *out)
{
    glob_t found;
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct buf text = {0};
        read_file(found.gl_pathv[i], &text);
        if (answered)
            take_answered(&text, out);
        else
            buf_append(out, text.p, text.n);
        buf_fini(&text);
    }
    globfree(&found);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether NAME( stands in the text, which is in lower case. */
static bool is_called(const char *text, struct str name)
{
    char call[128];
    snprintf(call, sizeof call, "%.*s(", STR_ARG(name));
    for (const char *p = strstr(text, call); p; p = strstr(p + 1, call)) {
        if (p == text || !is_word(p[-1]))
            return true;
    }
    return false;
}

static void check(const char *text, const char *name, const char *aliases)
{
    bool called = is_called(text, str_of(name));
    for (const char *p = aliases; p && *p && !called;) {
        struct str alias = {p, strcspn(p, " ")};
        called = is_called(text, alias);
        p += alias.n + (p[alias.n] == ' ');
    }
    cr_expect(called, "%s: no recorded case calls it", name);
}

Test(functions, every_one_is_recorded)
{
    struct buf all = {0};
    uint32_t count = 0;
    take_files(SLUICE_ROOT "/tests/unit/sql/cases*/*.txt", true, &all);
    take_files(SLUICE_ROOT "/tests/unit/sql/spark_vectors.tsv", false, &all);
    take_files(SLUICE_ROOT "/tests/conformance/*/pipeline.json", false, &all);
    char *text = (char *)(uintptr_t)buf_cstr(&all);
    for (size_t i = 0; i < all.n; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    for (size_t g = 0; g < catalogue_group_count; g++) {
        const struct function *functions = catalogue_groups[g].functions;
        for (size_t i = 0; i < *catalogue_groups[g].count; i++, count++)
            check(text, functions[i].name, functions[i].aliases);
    }
    for (size_t i = 0; i < aggregate_count; i++)
        check(text, aggregates[i].name, aggregates[i].aliases);
    fprintf(stderr, "%u functions and %zu aggregate functions\n", count, aggregate_count);
    cr_expect_geq(count + aggregate_count, 150);
    buf_fini(&all);
}
