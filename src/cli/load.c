#include "cli/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { DOCUMENT_BYTES_MAX = 16 << 20 };

int load_file(const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
    FILE *file = fopen(path, "rb");
    char chunk[1 << 16];
    size_t n;
    int code = 0;
    if (!file)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0 && out->n <= bytes_max)
        buf_append(out, chunk, n);
    if (ferror(file))
        code = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    else if (out->n > bytes_max)
        code = err_set(err, ERR_INVALID, "%s: larger than %zu bytes", path, bytes_max);
    else if (out->failed)
        code = err_set(err, ERR_NOMEM, "%s: out of memory", path);
    fclose(file);
    return code;
}

static const char *environment(void *user, const char *name)
{
    (void)user;
    return getenv(name);
}

/* PATH=VALUE, cut at the first '='. False (and a message) when one has none. */
static bool split_overrides(const struct arg_list *list, struct plan_override *out)
{
    for (uint32_t i = 0; list && i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');
        if (!equals || equals == list->items[i]) {
            fprintf(stderr,
                    "sluice: --set %s: expected PATH=VALUE, for example "
                    "source.options.startingOffsets=earliest\n",
                    list->items[i]);
            return false;
        }
        out[i].path = (struct str){list->items[i], (size_t)(equals - list->items[i])};
        out[i].value = str_of(equals + 1);
    }
    return true;
}

static void print_errors(const struct plan_errors *errors, const char *file)
{
    struct buf text = {0};
    plan_errors_print(errors, str_of(file), &text);
    fputs(buf_cstr(&text), stderr);
    buf_fini(&text);
}

/* Document and SQL in one list: a document that is wrong elsewhere still has its SQL checked. */
static int check(struct plan **plan, struct engine **engine, const struct plan_input *input)
{
    struct arena arena = {0};
    struct plan_errors errors = {0};
    struct engine *bound = NULL;
    int code = plan_create(plan, input, &arena, &errors);
    int bind_code = *plan ? engine_create(&bound, *plan, &arena, &errors) : 0;
    code = code ? code : bind_code;
    if (code && errors.count == 0)
        fprintf(stderr, "sluice: %.*s: out of memory\n", STR_ARG(input->file));
    else if (code)
        print_errors(&errors, input->file.p);
    if (code || !engine) {
        engine_destroy(bound);
        bound = NULL;
    }
    if (code) {
        plan_destroy(*plan);
        *plan = NULL;
    }
    if (engine)
        *engine = bound;
    arena_fini(&arena);
    return code;
}

int load_plan_text(struct plan **plan, struct engine **engine, struct str text,
                   const struct load_options *options)
{
    uint32_t n = options->overrides ? options->overrides->count : 0;
    struct plan_override *overrides = calloc(n + 1, sizeof *overrides);
    struct plan_input input = {.file = str_of(options->file),
                               .text = text,
                               .overrides = overrides,
                               .override_count = n,
                               .getenv = environment,
                               .conformance_case = options->conformance_case,
                               .keep_invalid = true};
    *plan = NULL;
    int code = ERR_INVALID;
    if (!overrides)
        code = ERR_NOMEM;
    else if (split_overrides(options->overrides, overrides))
        code = check(plan, engine, &input);
    free(overrides);
    return code;
}

int load_plan(struct plan **plan, struct engine **engine, const struct load_options *options)
{
    struct buf text = {0};
    struct err err = {0};
    int code = load_file(options->file, DOCUMENT_BYTES_MAX, &text, &err);
    if (code)
        fprintf(stderr, "sluice: %s\n", err.msg);
    else
        code = load_plan_text(plan, engine, buf_str(&text), options);
    buf_fini(&text);
    return code;
}

void load_hide_values(const struct arg_list *overrides)
{
    for (uint32_t i = 0; i < overrides->count; i++) {
        char *value = strchr((char *)(uintptr_t)overrides->items[i], '=');
        if (value)
            memset(value + 1, '*', strlen(value + 1));
    }
}
