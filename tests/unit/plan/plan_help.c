#include "plan_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

const char *help_getenv(void *user, const char *name)
{
    (void)user;
    if (strcmp(name, "HOST") == 0)
        return "broker";
    if (strcmp(name, "EMPTY") == 0)
        return "";
    if (strcmp(name, "SECRET") == 0)
        return "hunter2";
    return strcmp(name, "BAD") == 0 ? "\xFF" : NULL;
}

void help_parse(struct help *help, const char *text)
{
    help->input.file = STR("test.json");
    if (text)
        help->input.text = str_of(text);
    help->input.overrides = help->overrides;
    if (!help->input.getenv)
        help->input.getenv = help_getenv;
    help->code = plan_create(&help->plan, &help->input, &help->arena, &help->errors);
    for (uint32_t i = 0; i < help->errors.count; i++) {
        const struct plan_error *error = &help->errors.items[i];
        if (error->place.n)
            buf_printf(&help->printed, "%.*s:", STR_ARG(error->place));
        buf_printf(&help->printed, "%u:%u: %.*s\n", error->line, error->column,
                   STR_ARG(error->message));
    }
}

void help_fini(struct help *help)
{
    plan_destroy(help->plan);
    arena_fini(&help->arena);
    buf_fini(&help->printed);
}

void help_expect(const char *text, const char *errors)
{
    struct help help = {0};
    help_parse(&help, text);
    cr_expect_str_eq(buf_cstr(&help.printed), errors);
    cr_expect_eq(help.code, errors[0] ? ERR_INVALID : 0);
    cr_expect_eq(help.plan == NULL, errors[0] != '\0');
    help_fini(&help);
}

const char *help_document(const char *options, const char *value, const char *query,
                          const char *top)
{
    static char text[8192];
    int n =
        snprintf(text, sizeof text,
                 "{\"name\":\"p\",\"source\":{\"name\":\"tx\",\"format\":\"kafka\",\n"
                 "\"options\":{\"kafka.bootstrap.servers\":\"h:9092\"%s},\n"
                 "\"value\":%s},\n"
                 "\"queries\":[%s]\n"
                 "%s}",
                 options[0] ? options : ",\"subscribe\":\"t\"",
                 value[0] ? value : "{\"format\":\"json\",\"schema\":\"id STRING, n INT\"}",
                 query[0] ? query
                          : "{\"name\":\"q\",\"sql\":\"SELECT * FROM tx\",\"sinks\":[{\"format\":"
                            "\"console\"}]}",
                 top);
    cr_assert_lt((size_t)n, sizeof text);
    return text;
}
