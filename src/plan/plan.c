#include "plan/plan.h"

#include <stdlib.h>

#include "plan/env.h"
#include "plan/overrides.h"
#include "plan/pipeline.h"

/* Reports a syntax error; nothing more can be said about such a document. */
static void report_syntax(struct rules *rules, const struct doc_error *error)
{
    struct plan_where where = {{NULL, 0}, error->line, error->column};
    plan_error_add_full(rules->errors, rules->error_arena, where, ERR_INVALID,
                        (struct str){NULL, 0}, "%s", error->message);
}

static int read_document(struct rules *rules, const struct plan_input *input)
{
    struct plan *plan = rules->plan;
    struct doc_source *source = ARENA_NEW(&plan->arena, struct doc_source);
    struct str text = input->text;
    if (text.n <= DOC_BYTES_MAX)
        text = arena_str(&plan->arena, input->text);
    plan->file = arena_str(&plan->arena, input->file);
    if (!source || (input->text.n && !text.p) || !plan->file.p)
        return ERR_NOMEM;
    source->column = 1;
    struct doc_node *root;
    struct doc_error error;
    int code = doc_parse(&root, text, source, &plan->arena, &error);
    if (code == ERR_INVALID)
        report_syntax(rules, &error);
    if (code)
        return code;
    for (uint32_t i = 0; i < input->override_count; i++)
        override_apply(rules, root, &input->overrides[i]);
    env_expand(rules, root, input->getenv, input->getenv_user);
    plan_pipeline_read(rules, root);
    return 0;
}

/* Whether queries can be checked against the schema; those without text are left out. */
static bool can_check_sql(const struct rules *rules)
{
    struct plan *plan = rules->plan;
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->query_count; i++) {
        if (plan->queries[i].sql.line_count)
            plan->queries[n++] = plan->queries[i];
    }
    plan->query_count = n;
    return n > 0 && plan->view.n && plan->value.schema;
}

int plan_create(struct plan **out, const struct plan_input *input, struct arena *error_arena,
                struct plan_errors *errors)
{
    *out = NULL;
    uint32_t before = errors->count + errors->left_out;
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return ERR_NOMEM;
    struct rules rules = {.plan = plan,
                          .arena = &plan->arena,
                          .errors = errors,
                          .error_arena = error_arena,
                          .conformance_case = input->conformance_case};
    int code = read_document(&rules, input);
    if (rules.out_of_memory || plan->arena.failed)
        code = ERR_NOMEM;
    else if (!code && errors->count + errors->left_out > before)
        code = ERR_INVALID;
    bool keep = code == ERR_INVALID && input->keep_invalid && can_check_sql(&rules);
    if (code && !keep)
        plan_destroy(plan);
    else
        *out = plan;
    return code;
}

bool plan_has_query(const struct plan *plan, struct str name)
{
    for (uint32_t i = 0; i < plan->query_count; i++) {
        if (str_eq(plan->queries[i].name, name))
            return true;
    }
    return false;
}

void plan_destroy(struct plan *plan)
{
    if (!plan)
        return;
    arena_fini(&plan->arena);
    free(plan);
}
