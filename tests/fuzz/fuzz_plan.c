/* fuzz_plan.c: any bytes as a pipeline document. The first byte says whether it is a conformance
 * case and how many overrides precede the document, each on a line of its own as PATH=VALUE. */
#include <stdlib.h>

#include "plan/plan.h"
#include "plan/sql_errors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OVERRIDES_MAX = 3 };

static const char *fuzz_getenv(void *user, const char *name)
{
    (void)user;
    return name[0] == 'A' ? "a\"b,c" : NULL;
}

/* Takes lines PATH=VALUE off the text; a line without '=' ends them. */
static uint32_t take_overrides(struct str *text, struct plan_override *overrides, uint32_t max)
{
    uint32_t n = 0;
    while (n < max && text->n) {
        const char *newline = memchr(text->p, '\n', text->n);
        size_t length = newline ? (size_t)(newline - text->p) : text->n;
        const char *equals = length ? memchr(text->p, '=', length) : NULL;
        if (!newline || !equals)
            break;
        overrides[n++] = (struct plan_override){
            {text->p, (size_t)(equals - text->p)},
            {equals + 1, (size_t)(newline - equals - 1)},
        };
        *text = (struct str){newline + 1, text->n - length - 1};
    }
    return n;
}

/* What the binder may say: places at the ends of every line. */
static void report_sql(const struct plan *plan, struct plan_errors *errors, struct arena *arena)
{
    for (uint32_t i = 0; i < plan->query_count; i++) {
        const struct plan_query *query = &plan->queries[i];
        for (uint32_t line = 1; line <= query->sql.line_count && line < 20; line++) {
            plan_sql_error(errors, arena, &query->sql, line, 1, ERR_INVALID, "first");
            plan_sql_error(errors, arena, &query->sql, line, 1000, ERR_INVALID, "last");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct plan_override overrides[OVERRIDES_MAX];
    struct str text = {(const char *)data + 1, size - 1};
    struct plan_input input = {.file = STR("fuzz.json"),
                               .overrides = overrides,
                               .getenv = fuzz_getenv,
                               .conformance_case = data[0] & 1,
                               .keep_invalid = data[0] & 2};
    input.override_count = take_overrides(&text, overrides, (data[0] >> 2) % (OVERRIDES_MAX + 1));
    input.text = text;
    struct arena arena = {0};
    struct plan_errors errors = {0};
    struct buf printed = {0};
    struct plan *plan;
    int code = plan_create(&plan, &input, &arena, &errors);
    if ((code == ERR_INVALID) != (errors.count > 0) || (code == 0 && !plan))
        abort();
    if (plan)
        report_sql(plan, &errors, &arena);
    plan_errors_print(&errors, input.file, &printed);
    buf_fini(&printed);
    plan_destroy(plan);
    arena_fini(&arena);
    return 0;
}
