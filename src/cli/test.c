#include "cli/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/args.h"
#include "cli/load.h"
#include "cli/rows.h"
#include "format/console.h"
#include "format/json_rows.h"
#include "os/clock.h"

enum { INPUT_BYTES_MAX = 1 << 30, PATH_SIZE = 4096, BATCHES_MAX = 100000 };

/* What a query put out in the batch under way. */
struct output {
    struct buf rows; /* JSON lines */
    struct console_table table;
    const struct plan_sink *console; /* NULL: the query has no console sink */
};

struct test_case {
    const char *dir;
    struct plan *plan;
    struct engine *engine;
    struct engine_counts counts;
    struct output *outputs;           /* per query */
    uint64_t extra_rows[EXTRA_COUNT]; /* of the batch */
    int64_t batch, batch_ms;          /* batch_ms: when it began, current_timestamp() */
    struct buf *saved; /* with restart_each_batch: a snapshot and the deltas after it */
    uint32_t saved_count;
    bool restart_each_batch; /* the state goes through its encoding after every batch */
    bool different;
};

/* ---- running a batch ---- */

static int on_rows(void *user, uint32_t query, const struct block *rows, struct err *err)
{
    struct test_case *test = user;
    struct output *output = &test->outputs[query];
    json_rows_append(&output->rows, engine_schema(test->engine, query), rows, 0, rows->rows);
    if (output->rows.failed)
        return err_set(err, ERR_NOMEM, "out of memory for the rows of a batch");
    return output->console ? console_table_add(&output->table, rows, err) : 0;
}

/* Dead letters and late rows have no expected files; their counts are checked (check_books). */
static int on_extra(void *user, enum engine_extra extra, const struct block *rows, struct err *err)
{
    struct test_case *test = user;
    (void)err;
    test->extra_rows[extra] += rows->rows;
    return 0;
}

static int run_block(struct test_case *test, const struct record *records, uint32_t count,
                     struct err *err)
{
    struct engine_hooks hooks = {.user = test, .rows = on_rows, .extra = on_extra};
    struct record_block block = {.topic = STR("test"), .records = records, .count = count};
    return engine_process(test->engine, &block, test->batch_ms, &hooks, &test->counts, err);
}

/* '\n' ends a record; an empty line is an empty value. */
static int run_records(struct test_case *test, struct str text, struct err *err)
{
    struct record *records = calloc(BLOCK_ROWS_MAX, sizeof *records);
    uint32_t count = 0;
    int64_t offset = 0;
    int code = records ? 0 : err_set(err, ERR_NOMEM, "out of memory");
    while (text.n > 0 && code == 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        records[count++] = (struct record){
            .value = {text.p, n}, .offset = offset++, .timestamp_ms = test->batch_ms};
        text = (struct str){text.p + n + (end != NULL), text.n - n - (end != NULL)};
        if (count == BLOCK_ROWS_MAX || text.n == 0) {
            code = run_block(test, records, count, err);
            count = 0;
        }
    }
    free(records);
    return code;
}

static int open_outputs(struct test_case *test, struct err *err)
{
    for (uint32_t i = 0; i < test->plan->query_count; i++) {
        struct output *output = &test->outputs[i];
        const struct plan_sink *sink = output->console;
        buf_clear(&output->rows);
        if (sink &&
            console_table_init(&output->table, engine_schema(test->engine, i), sink->num_rows,
                               sink->truncate ? sink->truncate_width : 0, err) != 0)
            return err->code;
    }
    return 0;
}

static void close_outputs(struct test_case *test)
{
    for (uint32_t i = 0; i < test->plan->query_count; i++) {
        if (test->outputs[i].console)
            console_table_fini(&test->outputs[i].table);
    }
}

/* ---- comparing a batch ---- */

/* Reads an expected file; a missing one leaves *there false. */
static int read_expected(const struct test_case *test, const char *kind, const char *ending,
                         uint32_t query, struct buf *out, char path[PATH_SIZE], bool *there,
                         struct err *err)
{
    struct stat unused;
    snprintf(path, PATH_SIZE, "%s/%s/%.*s/%02lld.%s", test->dir, kind,
             STR_ARG(test->plan->queries[query].name), (long long)test->batch, ending);
    *there = stat(path, &unused) == 0;
    return *there ? load_file(path, INPUT_BYTES_MAX, out, err) : 0;
}

static void report(struct test_case *test, const char *path, struct str diff)
{
    test->different = true;
    printf("%s: batch %lld differs (- expected, + got):\n%.*s", path, (long long)test->batch,
           STR_ARG(diff));
}

static int compare_rows(struct test_case *test, uint32_t query, struct err *err)
{
    struct buf expected = {0}, diff = {0};
    struct arena arena = {0};
    struct rows *left, *right;
    char path[PATH_SIZE];
    bool there;
    const struct type *schema = engine_schema(test->engine, query);
    int code = read_expected(test, "expected", "ndjson", query, &expected, path, &there, err);
    if (code == 0)
        code = rows_parse(&left, buf_str(&expected), schema, path, &arena, err);
    if (code == 0)
        code = rows_parse(&right, buf_str(&test->outputs[query].rows), schema, "sluice's rows",
                          &arena, err);
    if (code == 0 && !rows_compare(left, right, &diff))
        report(test, path, buf_str(&diff));
    arena_fini(&arena);
    buf_fini(&expected);
    buf_fini(&diff);
    return code;
}

/* Line by line with marks: enough to see where two tables part. */
static void print_lines(struct buf *out, char mark, struct str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        buf_printf(out, "%c %.*s\n", mark, (int)n, text.p);
        text = (struct str){text.p + n + (end != NULL), text.n - n - (end != NULL)};
    }
}

/* Console files hold the table without its final line end. */
static struct str without_final_newlines(struct str text)
{
    while (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    return text;
}

static int compare_console(struct test_case *test, uint32_t query, struct err *err)
{
    struct buf expected = {0}, got = {0}, diff = {0};
    char path[PATH_SIZE];
    bool there;
    if (!test->outputs[query].console || !test->counts.queries[query].takes_part)
        return 0;
    int code = read_expected(test, "console", "txt", query, &expected, path, &there, err);
    if (code == 0 && there) {
        console_table_print(&test->outputs[query].table, &got);
        struct str left = without_final_newlines(buf_str(&expected));
        struct str right = without_final_newlines(buf_str(&got));
        if (!str_eq(left, right)) {
            print_lines(&diff, '-', left);
            print_lines(&diff, '+', right);
            report(test, path, buf_str(&diff));
        }
    }
    buf_fini(&expected);
    buf_fini(&got);
    buf_fini(&diff);
    return code;
}

static int compare_batch(struct test_case *test, struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < test->plan->query_count && code == 0; i++) {
        code = compare_rows(test, i, err);
        if (code == 0)
            code = compare_console(test, i, err);
    }
    return code;
}

/* The books balance, and what lateRows and deadLetter got is what was counted. */
static int check_books(const struct test_case *test, struct err *err)
{
    uint64_t late = 0;
    for (uint32_t i = 0; i < test->plan->query_count; i++) {
        const struct query_counts *counts = &test->counts.queries[i];
        late += counts->late_records + counts->books.future;
        if (!books_balance(&counts->books))
            return err_set(err, ERR_INVALID, "batch %lld: the books of query %.*s do not balance",
                           (long long)test->batch, STR_ARG(test->plan->queries[i].name));
    }
    if (test->plan->late_rows && test->extra_rows[EXTRA_LATE_ROWS] != late)
        return err_set(err, ERR_INVALID, "batch %lld: lateRows got %llu rows, counted were %llu",
                       (long long)test->batch,
                       (unsigned long long)test->extra_rows[EXTRA_LATE_ROWS],
                       (unsigned long long)late);
    if (test->plan->dead_letter && test->extra_rows[EXTRA_DEAD_LETTER] != test->counts.malformed)
        return err_set(err, ERR_INVALID, "batch %lld: deadLetter got %llu rows, not %llu",
                       (long long)test->batch,
                       (unsigned long long)test->extra_rows[EXTRA_DEAD_LETTER],
                       (unsigned long long)test->counts.malformed);
    return 0;
}

enum { STEP_GROUPS = 65536 }; /* nobody waits here */

static int save(struct engine *engine, enum state_extent extent, struct buf *out)
{
    bool done = false;
    int code = 0;
    engine_save_begin(engine, extent);
    while (code == 0 && !done)
        code = engine_save_step(engine, STEP_GROUPS, out, &done);
    return code == 0 && out->failed ? ERR_NOMEM : code;
}

static int load(struct engine *engine, const struct buf *saved, uint32_t count, struct err *err)
{
    int code = engine_load_begin(engine, NULL, 0, err);
    for (uint32_t i = 0; i < count && code == 0; i++) {
        for (size_t used = 0; used < saved[i].n && code == 0;)
            code = engine_load_step(engine, buf_str(&saved[i]), &used, STEP_GROUPS, err);
    }
    return code ? code : engine_load_end(engine, err);
}

/* Saves the state, drops it, and goes on with what was saved: a snapshot, then deltas upon it. */
static int restart(struct test_case *test, struct err *err)
{
    struct buf part = {0};
    uint64_t rows = engine_state_rows(test->engine);
    enum state_extent extent = test->saved_count ? STATE_DELTA : STATE_SNAPSHOT;
    int code = save(test->engine, extent, &part);
    struct buf *grown = realloc(test->saved, (test->saved_count + 1) * sizeof *grown);
    if (grown)
        test->saved = grown;
    if (!grown || code != 0) {
        buf_fini(&part);
        return err_set(err, ERR_NOMEM, "the state could not be saved");
    }
    test->saved[test->saved_count++] = part;
    engine_destroy(test->engine);
    test->engine = NULL;
    struct arena arena = {0};
    struct plan_errors errors = {0};
    code = engine_create(&test->engine, test->plan, &arena, &errors);
    arena_fini(&arena);
    if (code != 0)
        return err_set(err, code, "the queries could not be bound again");
    code = load(test->engine, test->saved, test->saved_count, err);
    if (code == 0 && engine_state_rows(test->engine) != rows)
        code = err_set(err, ERR_CORRUPT, "batch %lld: the state read back is another one",
                       (long long)test->batch);
    return code;
}

static int run_batch(struct test_case *test, const struct str *input, struct err *err)
{
    struct engine_hooks hooks = {.user = test, .rows = on_rows, .extra = on_extra};
    engine_counts_reset(&test->counts, test->engine);
    memset(test->extra_rows, 0, sizeof test->extra_rows);
    test->batch_ms = clock_wall_ms();
    int code = open_outputs(test, err);
    if (code == 0 && input)
        code = run_records(test, *input, err);
    if (code == 0)
        code = engine_seal(test->engine, input != NULL, test->batch_ms, NULL, 0, &hooks,
                           &test->counts, err);
    if (code == 0)
        code = check_books(test, err);
    if (code == 0)
        code = compare_batch(test, err);
    close_outputs(test);
    if (code == 0 && test->restart_each_batch)
        code = restart(test, err);
    test->batch++;
    return code;
}

/* ---- a case ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

/* The input files by name: each is one batch. */
static int list_input(const char *dir, char ***names, uint32_t *count, struct err *err)
{
    char path[PATH_SIZE];
    uint32_t capacity = 0;
    snprintf(path, sizeof path, "%s/input", dir);
    DIR *input = opendir(path);
    if (!input)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(input)) && *count < BATCHES_MAX;) {
        if (!ends_with(entry->d_name, ".ndjson"))
            continue;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            *names = realloc(*names, capacity * sizeof **names);
        }
        if (!*names || !((*names)[(*count)++] = strdup(entry->d_name))) {
            closedir(input);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    closedir(input);
    if (*count == 0)
        return err_set(err, ERR_INVALID, "%s: no .ndjson files: expected one per batch", path);
    qsort(*names, *count, sizeof **names, compare_names);
    return 0;
}

/* The batch a file is about, from its name NN.ENDING; -1: not such a name. */
static int64_t batch_of(const char *name, const char *ending)
{
    const char *dot = strchr(name, '.');
    int64_t batch;
    if (!dot || strcmp(dot + 1, ending) != 0 ||
        !str_to_i64((struct str){name, (size_t)(dot - name)}, &batch) || batch < 0)
        return -1;
    return batch;
}

/* A file about a batch that did not run expects what is not there. */
static int check_query_files(struct test_case *test, const char *path, const char *ending,
                             struct err *err)
{
    DIR *files = opendir(path);
    int code = 0;
    if (!files)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(files)) && code == 0;) {
        if (entry->d_name[0] == '.')
            continue;
        int64_t batch = batch_of(entry->d_name, ending);
        if (batch < 0)
            code = err_set(err, ERR_INVALID, "%s/%s: expected a name like 00.%s", path,
                           entry->d_name, ending);
        if (batch >= test->batch) {
            printf("%s/%s: batch %lld did not run\n", path, entry->d_name, (long long)batch);
            test->different = true;
        }
    }
    closedir(files);
    return code;
}

/* What is expected must be about queries and batches that there are. */
static int check_names(struct test_case *test, const char *kind, const char *ending,
                       struct err *err)
{
    char path[PATH_SIZE];
    int code = 0;
    snprintf(path, sizeof path, "%s/%s", test->dir, kind);
    DIR *queries = opendir(path);
    if (!queries)
        return 0;
    for (struct dirent *entry; (entry = readdir(queries)) && code == 0;) {
        if (entry->d_name[0] == '.')
            continue;
        if (!plan_has_query(test->plan, str_of(entry->d_name))) {
            code = err_set(err, ERR_INVALID, "%s/%s: the pipeline has no query \"%s\"", path,
                           entry->d_name, entry->d_name);
            break;
        }
        snprintf(path, sizeof path, "%s/%s/%s", test->dir, kind, entry->d_name);
        code = check_query_files(test, path, ending, err);
        snprintf(path, sizeof path, "%s/%s", test->dir, kind);
    }
    closedir(queries);
    return code;
}

static int run_batches(struct test_case *test, char **names, uint32_t count, struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < count && code == 0; i++) {
        struct buf input = {0};
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s/input/%s", test->dir, names[i]);
        code = load_file(path, INPUT_BYTES_MAX, &input, err);
        struct str text = buf_str(&input);
        if (code == 0)
            code = run_batch(test, &text, err);
        buf_fini(&input);
        if (code)
            return code;
    }
    while (code == 0 && engine_wants_batch(test->engine))
        code = run_batch(test, NULL, err);
    if (code)
        return code;
    return check_names(test, "expected", "ndjson", err) ? err->code
                                                        : check_names(test, "console", "txt", err);
}

static int prepare(struct test_case *test, struct err *err)
{
    test->outputs = calloc(test->plan->query_count, sizeof *test->outputs);
    if (!test->outputs || engine_counts_init(&test->counts, test->engine) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (uint32_t q = 0; q < test->plan->query_count; q++) {
        const struct plan_query *query = &test->plan->queries[q];
        for (uint32_t i = query->sink_count; i-- > 0;) {
            if (query->sinks[i].format == SINK_CONSOLE)
                test->outputs[q].console = &query->sinks[i];
        }
    }
    return 0;
}

static void finish(struct test_case *test)
{
    for (uint32_t i = 0; test->outputs && i < test->plan->query_count; i++)
        buf_fini(&test->outputs[i].rows);
    free(test->outputs);
    for (uint32_t i = 0; i < test->saved_count; i++)
        buf_fini(&test->saved[i]);
    free(test->saved);
    engine_counts_fini(&test->counts);
    engine_destroy(test->engine);
    plan_destroy(test->plan);
}

/* 0 passed, 1 different, 2 bad. */
static int run_case(const char *dir, bool restart_each_batch)
{
    struct test_case test = {.dir = dir, .restart_each_batch = restart_each_batch};
    struct err err = {0};
    char path[PATH_SIZE];
    char **names = NULL;
    uint32_t count = 0;
    snprintf(path, sizeof path, "%s/pipeline.json", dir);
    struct load_options load = {.file = path, .conformance_case = true};
    if (load_plan(&test.plan, &test.engine, &load) != 0)
        return 2; /* it has told why */
    int code = prepare(&test, &err);
    if (code == 0)
        code = list_input(dir, &names, &count, &err);
    if (code == 0)
        code = run_batches(&test, names, count, &err);
    if (code)
        fprintf(stderr, "sluice: %s: %s\n", dir, err.msg);
    free_names(names, count);
    finish(&test);
    return code ? 2 : test.different;
}

/* ---- the command ---- */

int cli_test(int argc, char **argv)
{
    bool restart_each_batch = false;
    const struct arg_option table[] = {
        {"--restart-each-batch", ARG_FLAG, &restart_each_batch, NULL,
         "save the state after each batch, drop it, and go on with what was saved", NULL},
    };
    const struct arg_spec spec = {
        .options = table,
        .option_count = COUNT_OF(table),
        .command = "sluice test",
        .summary = "Runs conformance cases: a pipeline, its input and the rows Spark gave for it.",
        .operand = "CASE_DIR...",
        .operands_min = 1,
        .operands_max = UINT32_MAX,
        .epilogue = "A case is pipeline.json, input/NN.ndjson (one batch each), "
                    "expected/QUERY/NN.ndjson and,\nwhere wanted, console/QUERY/NN.txt.\n\n"
                    "Example:\n  sluice test tests/conformance/*\n\n"
                    "Exit codes: 0 all pass, 1 a difference, 2 a bad case.\n"};
    struct arg_list cases = {0};
    struct err err = {0};
    int code = args_parse(&spec, argc, argv, &cases, &err);
    int worst = 0, passed = 0;
    if (code && code != ARGS_HELP)
        worst = args_usage_error(&spec, &err);
    for (uint32_t i = 0; i < cases.count && code == 0; i++) {
        static const char *const words[] = {"ok", "DIFFERENT", "BAD"};
        int result = run_case(cases.items[i], restart_each_batch);
        printf("%s %s\n", words[result], cases.items[i]);
        worst = result > worst ? result : worst;
        passed += result == 0;
    }
    if (code == 0 && cases.count)
        printf("%d of %u cases pass\n", passed, cases.count);
    arg_list_fini(&cases);
    return worst;
}
