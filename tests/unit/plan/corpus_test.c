/* Every document of tests/pipelines: those in valid/ parse, those in bad/ give exactly the errors
 * of their .expect file. Those named sql_ are about the queries' text and are checked elsewhere. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan_help.h"

enum { FILE_MAX = 1 << 20 };

static struct str read_file(const char *path, char *out)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "cannot open %s", path);
    size_t n = fread(out, 1, FILE_MAX, file);
    fclose(file);
    return (struct str){out, n};
}

static int is_document(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static void check(const char *folder, const char *name)
{
    static char text[FILE_MAX], expected[FILE_MAX];
    char path[1024];
    struct help help = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    help.input.text = read_file(path, text);
    help_parse(&help, NULL);
    struct str expect = {"", 0};
    if (strstr(folder, "bad")) {
        snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)strlen(name) - 5, name);
        expect = read_file(path, expected);
        cr_expect(expect.n > 0, "%s is empty", path);
    }
    cr_expect(str_eq(buf_str(&help.printed), expect), "%s\nexpected:\n%.*sfound:\n%s", name,
              STR_ARG(expect), buf_cstr(&help.printed));
    cr_expect_eq(help.code, expect.n ? ERR_INVALID : 0, "%s: code %d", name, help.code);
    help_fini(&help);
}

static int check_folder(const char *folder)
{
    struct dirent **entries;
    int checked = 0, n = scandir(folder, &entries, is_document, alphasort);
    cr_assert(n > 0, "nothing in %s", folder);
    for (int i = 0; i < n; i++) {
        if (strncmp(entries[i]->d_name, "sql_", 4) != 0) {
            check(folder, entries[i]->d_name);
            checked++;
        }
        free(entries[i]);
    }
    free(entries);
    return checked;
}

Test(plan_corpus, valid)
{
    cr_expect_geq(check_folder(PIPELINES_DIR "/valid"), 8);
}

Test(plan_corpus, bad)
{
    cr_expect_geq(check_folder(PIPELINES_DIR "/bad"), 60);
}

Test(plan_corpus, example)
{
    check(PIPELINES_DIR "/../../examples", "transactions.json");
    check(PIPELINES_DIR "/../../examples", "lake.json");
}
