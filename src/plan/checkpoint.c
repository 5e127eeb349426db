#include "plan/checkpoint.h"

#include "plan/location.h"

/* ---- a checkpoint and the sinks ---- */

/* The sinks of a plan in turn. */
struct walk {
    const struct plan *plan;
    uint32_t query, sink;
    bool dead_letter_done, late_rows_done;
};

/* The next sink, and whose it is: a query, or NULL for deadLetter and lateRows. NULL at the end. */
static const struct plan_sink *next_sink(struct walk *walk, const struct plan_query **owner)
{
    const struct plan *plan = walk->plan;
    *owner = NULL;
    if (!walk->dead_letter_done) {
        walk->dead_letter_done = true;
        if (plan->dead_letter)
            return plan->dead_letter;
    }
    if (!walk->late_rows_done) {
        walk->late_rows_done = true;
        if (plan->late_rows)
            return plan->late_rows;
    }
    for (; walk->query < plan->query_count; walk->query++, walk->sink = 0) {
        *owner = &plan->queries[walk->query];
        if (walk->sink < (*owner)->sink_count)
            return &(*owner)->sinks[walk->sink++];
    }
    return NULL;
}

static void print_sink_name(struct buf *out, const struct plan_sink *sink,
                            const struct plan_query *owner)
{
    if (owner)
        buf_printf(out, "sink \"%.*s\" of query \"%.*s\"", STR_ARG(sink->name),
                   STR_ARG(owner->name));
    else
        buf_printf(out, "\"%.*s\"", STR_ARG(sink->name));
}

/* Appends what stands against the location beside this sink, or nothing. */
static int print_conflict(struct buf *out, struct str location, const char *name,
                          const struct plan_sink *sink, const struct plan_query *owner)
{
    enum location_relation relation;
    bool hidden;
    int code = plan_location_compare(location, sink->path, &relation, &hidden);
    /* Who reads the sink's files passes over a hidden directory. */
    if (code || relation == LOCATION_APART || (relation == LOCATION_INSIDE && hidden))
        return code;
    if (relation == LOCATION_AROUND) {
        buf_append_str(out, STR("the path of "));
        print_sink_name(out, sink, owner);
        buf_printf(out, " lies inside of \"%s\", which is for the checkpoint's own files", name);
        return out->failed ? ERR_NOMEM : 0;
    }
    buf_printf(out, "\"%s\" %s the path of ", name,
               relation == LOCATION_SAME ? "is also" : "lies inside of");
    print_sink_name(out, sink, owner);
    buf_append_str(out, STR(", whose readers would list the checkpoint's files: choose another "
                            "location, or one below it in a directory whose name begins with '_' "
                            "or '.', which readers skip"));
    return out->failed ? ERR_NOMEM : 0;
}

/* ---- the document ---- */

static void report_conflicts(struct rules *rules, const struct doc_node *node)
{
    struct walk walk = {.plan = rules->plan};
    const struct plan_query *owner;
    struct buf text = {0};
    for (const struct plan_sink *sink = next_sink(&walk, &owner); sink;
         sink = next_sink(&walk, &owner)) {
        text.n = 0;
        if (print_conflict(&text, node->text, "checkpointLocation", sink, owner))
            rules->out_of_memory = true;
        else if (text.n)
            rules_error(rules, node, "%s", buf_cstr(&text));
    }
    buf_fini(&text);
}

/* Where no lock guards, a process that only seemed dead may write on: into a file of the file
 * system that its successor has taken up. In S3 it cannot. */
static void report_rolled(struct rules *rules, const struct doc_node *node)
{
    struct walk walk = {.plan = rules->plan};
    const struct plan_query *owner;
    for (const struct plan_sink *sink = next_sink(&walk, &owner); sink;
         sink = next_sink(&walk, &owner)) {
        bool rolls = sink->roll_interval_ms > 0 || sink->target_file_bytes > 0;
        if (!rolls || plan_location_is_s3(sink->path))
            continue;
        struct buf name = {0};
        print_sink_name(&name, sink, owner);
        rules_error(rules, node,
                    "%s keeps files in a directory open over batches (rollInterval, "
                    "targetFileSize): that needs a checkpoint in a directory, too",
                    buf_cstr(&name));
        buf_fini(&name);
    }
}

void plan_checkpoint_read(struct rules *rules, const struct doc_node *node)
{
    if (!plan_location_check(rules, node, "checkpointLocation"))
        return;
    rules->plan->checkpoint = node->text;
    report_conflicts(rules, node);
    if (plan_location_is_s3(node->text))
        report_rolled(rules, node);
}

/* ---- another one ---- */

int plan_checkpoint_check(const struct plan *plan, struct str location, const char *name,
                          struct err *err)
{
    struct walk walk = {.plan = plan};
    const struct plan_query *owner;
    const struct plan_sink *sink;
    struct buf text = {0};
    enum location_relation relation = LOCATION_APART;
    bool hidden;
    int code = plan_location_parse(location, name, err);
    if (code)
        return code;
    code = plan_location_compare(location, plan->checkpoint, &relation, &hidden);
    if (code == 0 && relation != LOCATION_APART)
        return err_set(err, ERR_INVALID,
                       "\"%s\" %s \"checkpointLocation\": the old checkpoint stays as it is, and "
                       "the new one needs a location apart from it",
                       name,
                       relation == LOCATION_SAME     ? "is"
                       : relation == LOCATION_INSIDE ? "lies inside of"
                                                     : "lies around");
    while (code == 0 && text.n == 0 && (sink = next_sink(&walk, &owner)) != NULL)
        code = print_conflict(&text, location, name, sink, owner);
    if (code)
        err_set(err, code, "out of memory");
    else if (text.n)
        code = err_set(err, ERR_INVALID, "%s", buf_cstr(&text));
    buf_fini(&text);
    return code;
}

const char *plan_checkpoint_warning(const struct plan *plan)
{
    return plan->checkpoint.n ? NULL
                              : "no checkpointLocation, so no recovery: after a stop or a crash a "
                                "run starts at startingOffsets again";
}
