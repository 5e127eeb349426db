#include "cli/validate.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/load.h"
#include "cli/print_sink.h"
#include "plan/checkpoint.h"
#include "plan/listen.h"

static void print_names(struct buf *out, const struct str *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
}

static void print_topics(struct buf *out, const struct plan_kafka *kafka)
{
    switch (kafka->subscription) {
    case SUBSCRIBE_TOPICS:
        buf_append_str(out, STR("topics "));
        print_names(out, kafka->topics, kafka->topic_count);
        break;
    case SUBSCRIBE_PATTERN:
        buf_append_str(out, STR("topics matching "));
        print_names(out, kafka->topics, kafka->topic_count);
        break;
    case SUBSCRIBE_ASSIGN:
        buf_append_str(out, STR("partitions "));
        for (uint32_t i = 0; i < kafka->assigned_count; i++)
            buf_printf(out, "%s%.*s-%d", i ? ", " : "", STR_ARG(kafka->assigned[i].topic),
                       kafka->assigned[i].partition);
        break;
    }
}

static void print_start(struct buf *out, const struct plan_kafka *kafka)
{
    switch (kafka->starting) {
    case START_LATEST:
        buf_append_str(out, STR("latest"));
        break;
    case START_EARLIEST:
        buf_append_str(out, STR("earliest"));
        break;
    case START_TIMESTAMP:
        buf_printf(out, "timestamp %lld ms", (long long)kafka->starting_timestamp_ms);
        break;
    case START_OFFSETS:
        for (uint32_t i = 0; i < kafka->starting_offset_count; i++)
            buf_printf(
                out, "%s%.*s-%d at %lld", i ? ", " : "", STR_ARG(kafka->starting_offsets[i].topic),
                kafka->starting_offsets[i].partition, (long long)kafka->starting_offsets[i].offset);
        break;
    }
}

static int print_source(struct buf *out, const struct plan *plan, const struct engine *engine)
{
    static const char *const formats[] = {"json", "text", "binary"};
    static const char *const modes[] = {"PERMISSIVE", "FAILFAST", "DROPMALFORMED"};
    buf_printf(out, "source %.*s: kafka, ", STR_ARG(plan->view));
    print_topics(out, &plan->kafka);
    buf_append_str(out, STR(", from "));
    print_start(out, &plan->kafka);
    if (plan->kafka.max_offsets_per_trigger > 0)
        buf_printf(out, ", at most %lld offsets per trigger",
                   (long long)plan->kafka.max_offsets_per_trigger);
    buf_printf(out, "\n  decode: %s", formats[plan->value.format]);
    if (plan->value.format == FORMAT_JSON)
        buf_printf(out, ", %s", modes[plan->value.mode]);
    buf_append_char(out, '\n');
    int code = engine_explain_source(engine, out);
    if (plan->dead_letter)
        print_sink(out, "malformed records to", plan->dead_letter);
    if (plan->late_rows)
        print_sink(out, "late rows to", plan->late_rows);
    return code;
}

static int print_query(struct buf *out, const struct plan *plan, const struct engine *engine,
                       uint32_t index)
{
    static const char *const modes[] = {"append", "update", "complete"};
    const struct plan_query *query = &plan->queries[index];
    const struct type *schema = engine_schema(engine, index);
    buf_printf(out, "query %.*s: %s\n", STR_ARG(query->name), modes[query->output_mode]);
    int code = engine_explain_query(engine, index, out);
    buf_append_str(out, STR("  rows:"));
    for (uint32_t i = 0; i < schema->field_count; i++) {
        buf_printf(out, "%s %.*s ", i ? "," : "", STR_ARG(schema->fields[i].name));
        type_print(schema->fields[i].type, out);
    }
    buf_append_char(out, '\n');
    for (uint32_t i = 0; i < query->sink_count; i++)
        print_sink(out, "sink", &query->sinks[i]);
    return code;
}

static void print_checkpoint(struct buf *out, const struct plan *plan)
{
    const char *warning = plan_checkpoint_warning(plan);
    buf_printf(out, "checkpoint: %.*s\n",
               STR_ARG(plan->checkpoint.n ? plan->checkpoint : STR("none")));
    if (warning)
        buf_printf(out, "  warning: %s\n", warning);
}

static void print_http(struct buf *out, const struct plan *plan)
{
    if (!plan->http_enabled)
        return;
    buf_printf(out, "http: %.*s port %u%s%s\n", STR_ARG(plan->http_host), plan->http_port,
               plan->http_token.n ? ", with a token" : "", plan->http_certificate.n ? ", TLS" : "");
    if (!plan->http_token.n && !listen_is_loopback(plan->http_host))
        buf_append_str(out, STR("  warning: other machines can read it: run refuses that without "
                                "\"token\" or --http-insecure\n"));
}

/* ERR_NOMEM. */
static int print_plan(const struct plan *plan, const struct engine *engine)
{
    struct buf out = {0};
    buf_printf(&out, "pipeline %.*s\n", STR_ARG(plan->name));
    int code = print_source(&out, plan, engine);
    if (plan->available_now)
        buf_append_str(&out, STR("trigger: available now\n"));
    else if (plan->trigger_interval_ms > 0)
        buf_printf(&out, "trigger: every %lld ms\n", (long long)plan->trigger_interval_ms);
    else
        buf_append_str(&out, STR("trigger: as fast as possible\n"));
    for (uint32_t i = 0; i < plan->query_count && code == 0; i++)
        code = print_query(&out, plan, engine, i);
    print_s3(&out, plan);
    print_http(&out, plan);
    print_checkpoint(&out, plan);
    code = code == 0 && out.failed ? ERR_NOMEM : code;
    if (code == 0)
        fputs(buf_cstr(&out), stdout);
    else
        fputs("sluice: out of memory\n", stderr);
    buf_fini(&out);
    return code;
}

int cli_validate(int argc, char **argv)
{
    struct arg_list overrides = {0}, operands = {0};
    const struct arg_option table[] = {
        {"--set", ARG_LIST, &overrides, "PATH=VALUE", "replace one value of the document", NULL},
    };
    const struct arg_spec spec = {
        .command = "sluice validate",
        .summary = "Checks a pipeline without touching the network and prints its plan.",
        .operand = "PIPELINE",
        .operands_min = 1,
        .operands_max = 1,
        .options = table,
        .option_count = COUNT_OF(table),
        .epilogue = "Example:\n  sluice validate examples/transactions.json\n\n"
                    "Exit codes: 0 valid, 2 not valid (every problem is listed).\n"};
    struct plan *plan = NULL;
    struct engine *engine = NULL;
    struct err err = {0};
    int exit_code = 2;
    int code = args_parse(&spec, argc, argv, &operands, &err);
    if (code == ARGS_HELP) {
        exit_code = 0;
    } else if (code) {
        exit_code = args_usage_error(&spec, &err);
    } else {
        struct load_options load = {.file = operands.items[0], .overrides = &overrides};
        if (load_plan(&plan, &engine, &load) == 0) {
            exit_code = print_plan(plan, engine) == 0 ? 0 : 1;
        }
    }
    engine_destroy(engine);
    plan_destroy(plan);
    arg_list_fini(&operands);
    arg_list_fini(&overrides);
    return exit_code;
}
