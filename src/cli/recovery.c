#include "cli/recovery.h"

#include "plan/checkpoint.h"
#include "plan/location.h"

static bool only_digits(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    }
    return text.n > 0;
}

int recovery_parse(struct recovery *recovery, struct err *err)
{
    recovery->batch = -1;
    recovery->location = (struct str){NULL, 0};
    if (!recovery->to)
        return 0;
    const char *equals = strchr(recovery->to, '=');
    struct str batch = {recovery->to, equals ? (size_t)(equals - recovery->to) : 0};
    if (!only_digits(batch) || !str_to_i64(batch, &recovery->batch)) {
        recovery->batch = -1;
        return err_set(err, ERR_INVALID,
                       "--recover-to: expected BATCH=LOCATION with a batch's number, such as "
                       "41=s3://lake/_checkpoints/new, found \"%s\"",
                       recovery->to);
    }
    recovery->location = str_of(equals + 1);
    int code = plan_location_parse(recovery->location, "LOCATION", err);
    return code ? err_prefix(err, "--recover-to") : 0;
}

static int unknown_query(const struct plan *plan, const char *name, struct err *err)
{
    struct arena arena = {0};
    const char **names = ARENA_ARRAY(&arena, const char *, plan->query_count);
    int code = names ? 0 : ERR_NOMEM;
    for (uint32_t i = 0; code == 0 && i < plan->query_count; i++) {
        names[i] = arena_str(&arena, plan->queries[i].name).p;
        code = names[i] ? 0 : ERR_NOMEM;
    }
    const char *near = code == 0 ? str_suggest(str_of(name), names, plan->query_count) : NULL;
    if (code)
        err_set(err, code, "out of memory");
    else
        code = err_set(err, ERR_INVALID, "--reset-query: the pipeline has no query \"%s\"%s%s%s",
                       name, near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    arena_fini(&arena);
    return code;
}

int recovery_check(const struct recovery *recovery, const struct plan *plan, bool preview,
                   struct err *err)
{
    const char *option = recovery->to ? "--recover-to" : "--reset-query";
    if (!recovery->to && recovery->reset.count == 0)
        return 0;
    if (preview)
        return err_set(err, ERR_INVALID,
                       "%s and --preview exclude each other: a preview never touches the "
                       "checkpoint",
                       option);
    if (plan->checkpoint.n == 0)
        return err_set(err, ERR_INVALID,
                       "%s needs a checkpoint: the pipeline has no \"checkpointLocation\"", option);
    for (uint32_t i = 0; i < recovery->reset.count; i++) {
        if (!plan_has_query(plan, str_of(recovery->reset.items[i])))
            return unknown_query(plan, recovery->reset.items[i], err);
    }
    if (!recovery->to)
        return 0;
    int code = plan_checkpoint_check(plan, recovery->location, "LOCATION", err);
    return code ? err_prefix(err, "--recover-to") : 0;
}
