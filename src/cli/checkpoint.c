#include "cli/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>

#include "checkpoint/inspect.h"
#include "cli/load.h"
#include "plan/location.h"

/* Where `s3` stands when no pipeline is given. */
static const char bare_document[] =
    "{\"name\":\"checkpoint\","
    "\"source\":{\"name\":\"tx\",\"format\":\"kafka\",\"value\":{\"format\":\"binary\"}},"
    "\"queries\":[{\"name\":\"q\",\"sql\":\"SELECT value FROM tx\","
    "\"sinks\":[{\"format\":\"console\"}]}],"
    "\"s3\":{}}";

static const char epilogue[] =
    "show    prints what the checkpoint holds: its batches, offsets, watermarks, states, outputs\n"
    "verify  reads every file of it, too, and checks versions and checksums\n"
    "\n"
    "Nothing is changed, and a run that uses the checkpoint is not disturbed. LOCATION is a\n"
    "directory or s3://bucket/prefix. For S3, the object store is that of the pipeline, or else\n"
    "that of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL and AWS_REGION; keys that are not given come\n"
    "from the environment.\n"
    "\n"
    "Examples:\n"
    "  sluice checkpoint show s3://lake/_checkpoints/transactions --pipeline p.json\n"
    "  sluice checkpoint verify s3://lake/_checkpoints/a --set s3.endpoint=http://localhost:9000\n"
    "  sluice checkpoint verify /var/lib/sluice/transactions\n"
    "\n"
    "Exit codes: 0 done, 1 it cannot be read or is damaged, 2 wrong usage.\n";

struct checkpoint_args {
    bool verify;
    struct str location;
    const char *pipeline; /* NULL: none */
    struct arg_list overrides;
};

static int read_operands(struct checkpoint_args *args, const struct arg_list *operands,
                         struct err *err)
{
    struct str word = str_of(operands->items[0]);
    args->verify = str_is(word, "verify");
    args->location = str_of(operands->items[1]);
    if (!args->verify && !str_is(word, "show"))
        return err_set(err, ERR_INVALID, "expected show or verify, found \"%.*s\"", STR_ARG(word));
    for (uint32_t i = 0; !args->pipeline && i < args->overrides.count; i++) {
        const char *item = args->overrides.items[i];
        if (strncmp(item, "s3.", 3) != 0)
            return err_set(err, ERR_INVALID,
                           "--set %.*s: without --pipeline only the object store can be set, as "
                           "in s3.endpoint=http://localhost:9000",
                           (int)strcspn(item, "="), item);
    }
    return plan_location_parse(args->location, "LOCATION", err);
}

static const char *environment_endpoint(void)
{
    const char *url = getenv("AWS_ENDPOINT_URL_S3");
    if (!url || !url[0])
        url = getenv("AWS_ENDPOINT_URL");
    return url && url[0] ? url : NULL;
}

/* A plan that has nothing but the object store: the environment's endpoint first, as what is set on
 * the command line goes before it. */
static int load_bare(struct plan **plan, const struct checkpoint_args *args)
{
    struct buf endpoint = {0};
    struct arg_list all = {.items = calloc(args->overrides.count + 1, sizeof *all.items)};
    const char *url = environment_endpoint();
    int code = ERR_NOMEM;
    if (all.items && url) {
        buf_printf(&endpoint, "s3.endpoint=%s", url);
        all.items[all.count++] = buf_cstr(&endpoint);
    }
    if (all.items && !endpoint.failed) {
        struct load_options load = {
            .file = "checkpoint", .overrides = &all, .conformance_case = true};
        for (uint32_t i = 0; i < args->overrides.count; i++)
            all.items[all.count++] = args->overrides.items[i];
        code = load_plan_text(plan, NULL, str_of(bare_document), &load);
    } else {
        fputs("sluice: out of memory\n", stderr);
    }
    free(all.items);
    buf_fini(&endpoint);
    return code;
}

static int inspect(const struct checkpoint_args *args, const struct plan_s3 *s3)
{
    uv_loop_t loop;
    struct buf out = {0};
    struct err err = {0};
    uv_loop_init(&loop);
    int code = checkpoint_inspect(&loop, args->location, s3, args->verify, &out, &err);
    if (code == 0 && out.failed)
        code = err_set(&err, ERR_NOMEM, "out of memory");
    fwrite(out.p, 1, out.failed ? 0 : out.n, stdout); /* what was found before an error, too */
    if (code)
        fprintf(stderr, "sluice checkpoint: %s\n", err.msg);
    buf_fini(&out);
    uv_run(&loop, UV_RUN_DEFAULT);
    int open = uv_loop_close(&loop);
    if (open)
        fprintf(stderr, "sluice checkpoint: handles were left open on the loop: %s\n",
                uv_strerror(open));
    return code || open ? 1 : 0;
}

static int run_checkpoint(const struct checkpoint_args *args)
{
    struct plan *plan = NULL;
    struct load_options load = {.file = args->pipeline, .overrides = &args->overrides};
    int code = args->pipeline ? load_plan(&plan, NULL, &load) : load_bare(&plan, args);
    load_hide_values(&args->overrides);
    int exit_code = code == 0 ? inspect(args, &plan->s3) : 2;
    plan_destroy(plan);
    return exit_code;
}

int cli_checkpoint(int argc, char **argv)
{
    struct checkpoint_args args = {0};
    const struct arg_option table[] = {
        {"--pipeline", ARG_STRING, &args.pipeline, "FILE", "take the object store from its s3",
         NULL},
        {"--set", ARG_LIST, &args.overrides, "PATH=VALUE",
         "replace one value of the pipeline; without one: of s3", NULL},
    };
    const struct arg_spec spec = {.command = "sluice checkpoint",
                                  .summary = "Shows or verifies a checkpoint.",
                                  .operand = "show|verify LOCATION",
                                  .operands_min = 2,
                                  .operands_max = 2,
                                  .options = table,
                                  .option_count = COUNT_OF(table),
                                  .epilogue = epilogue};
    struct arg_list operands = {0};
    struct err err = {0};
    int exit_code = 0;
    int code = args_parse(&spec, argc, argv, &operands, &err);
    if (code == 0)
        code = read_operands(&args, &operands, &err);
    if (code && code != ARGS_HELP)
        exit_code = args_usage_error(&spec, &err);
    else if (code == 0)
        exit_code = run_checkpoint(&args);
    arg_list_fini(&operands);
    arg_list_fini(&args.overrides);
    return exit_code;
}
