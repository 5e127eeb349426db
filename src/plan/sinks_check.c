#include "plan/sinks_check.h"

#include <stdlib.h>
#include <strings.h>

#include "format/kafka_rows.h"
#include "plan/sink_files.h"

/* What one sink is checked with. */
struct check {
    const struct plan_sink *sink;
    const struct type *schema;
    struct plan_errors *errors;
    struct arena *arena;
    bool out_of_memory;
};

bool plan_sink_has_place(const struct plan_sink *sink)
{
    return sink->format == SINK_KAFKA ? sink->client_count > 0
                                      : sink->format != SINK_CONSOLE && sink->path.n > 0;
}

static int find_column(const struct type *schema, struct str name)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (str_eq_nocase(schema->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

int plan_sink_partition_column(const struct plan_sink *sink, uint32_t i, const struct type *schema)
{
    return find_column(schema, sink->partition_by[i].name);
}

static bool is_partition(const struct plan_sink *sink, struct str name)
{
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        if (str_eq_nocase(sink->partition_by[i].name, name))
            return true;
    }
    return false;
}

static const char *text_of(struct check *check, struct buf *buf)
{
    char *text = arena_alloc(check->arena, buf->n + 1);
    if (!text || buf->failed) {
        check->out_of_memory = true;
        return "";
    }
    memcpy(text, buf_cstr(buf), buf->n + 1);
    return text;
}

static const char *type_text(struct check *check, const struct type *type)
{
    struct buf buf = {0};
    type_print(type, &buf);
    const char *text = text_of(check, &buf);
    buf_fini(&buf);
    return text;
}

/* `: did you mean "type"?`, or else " (id, type, n)". */
static const char *suggest(struct check *check, struct str word)
{
    const struct type *schema = check->schema;
    const char **names = ARENA_ARRAY(check->arena, const char *, schema->field_count);
    struct buf buf = {0};
    for (uint32_t i = 0; names && i < schema->field_count; i++) {
        names[i] = arena_str(check->arena, schema->fields[i].name).p;
        buf_printf(&buf, "%s%s", i ? ", " : " (", names[i] ? names[i] : "");
        check->out_of_memory |= !names[i];
    }
    buf_append_char(&buf, ')');
    check->out_of_memory |= !names;
    const char *near = !check->out_of_memory ? str_suggest(word, names, schema->field_count) : NULL;
    if (near) {
        buf.n = 0;
        buf_printf(&buf, ": did you mean \"%s\"?", near);
    }
    const char *text = text_of(check, &buf);
    buf_fini(&buf);
    return text;
}

/* ---- names ---- */

static int compare_nocase(const void *a, const void *b)
{
    struct str x = *(const struct str *)a, y = *(const struct str *)b;
    size_t n = x.n < y.n ? x.n : y.n;
    int order = n ? strncasecmp(x.p, y.p, n) : 0;
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

int plan_sink_check_names(const struct plan_sink *sink, const struct type *columns,
                          const char *owner, struct plan_errors *errors, struct arena *error_arena)
{
    uint32_t count = columns->field_count;
    struct str *names = ARENA_ARRAY(error_arena, struct str, count);
    if (!names)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        names[i] = columns->fields[i].name;
    qsort(names, count, sizeof *names, compare_nocase);
    for (uint32_t i = 1; i < count; i++) {
        if (!str_eq_nocase(names[i], names[i - 1]))
            continue;
        plan_error_add(errors, error_arena, sink->line, sink->column, ERR_INVALID,
                       "sink \"%.*s\" writes files, but the %s has two columns named \"%.*s\": "
                       "give one another name with AS",
                       STR_ARG(sink->name), owner, STR_ARG(names[i]));
        break;
    }
    return 0;
}

/* ---- partition columns ---- */

static void check_partition_type(struct check *check, const struct plan_name *name,
                                 const struct type *type)
{
    const char *hint = "";
    int code = ERR_INVALID;
    if (type->kind == TYPE_BINARY) {
        hint = ", as its bytes need not be text: select hex() of it, or CAST it to STRING";
        code = ERR_UNSUPPORTED;
    } else if (type->kind == TYPE_STRUCT) {
        hint = ": select one of its fields under a name of its own";
    } else if (type->kind != TYPE_ARRAY && type->kind != TYPE_VOID) {
        return;
    }
    plan_error_add(check->errors, check->arena, name->line, name->column, code,
                   "Cannot use %s for partition column \"%.*s\"%s", type_text(check, type),
                   STR_ARG(name->name), hint);
}

static void check_partitions(struct check *check)
{
    const struct plan_sink *sink = check->sink;
    uint32_t found = 0;
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        const struct plan_name *name = &sink->partition_by[i];
        int column = plan_sink_partition_column(sink, i, check->schema);
        if (column < 0) {
            plan_error_add(check->errors, check->arena, name->line, name->column, ERR_INVALID,
                           "Partition column \"%.*s\" not found in existing columns%s",
                           STR_ARG(name->name), suggest(check, name->name));
            continue;
        }
        check_partition_type(check, name, check->schema->fields[column].type);
        found++;
    }
    if (found && found == sink->partition_count && found == check->schema->field_count)
        plan_error_add(check->errors, check->arena, sink->partition_by[0].line,
                       sink->partition_by[0].column, ERR_INVALID,
                       "Cannot use all columns for partition columns");
}

/* ---- what is left for the file ---- */

/* The columns without those that become directories. */
static const struct type *file_schema(struct check *check)
{
    const struct type *schema = check->schema;
    struct type *type = ARENA_NEW(check->arena, struct type);
    struct field *fields = ARENA_ARRAY(check->arena, struct field, schema->field_count);
    if (!type || !fields) {
        check->out_of_memory = true;
        return NULL;
    }
    *type = (struct type){.kind = TYPE_STRUCT, .fields = fields};
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (!is_partition(check->sink, schema->fields[i].name))
            fields[type->field_count++] = schema->fields[i];
    }
    return type;
}

/* The column that a path like window.start leads to, or NULL. */
static const struct type *find_path(const struct type *type, struct str path)
{
    int whole = type_field_index(type, path);
    if (whole >= 0)
        return type->fields[whole].type;
    const char *dot = path.n ? memchr(path.p, '.', path.n) : NULL;
    if (!dot)
        return NULL;
    struct str first = {path.p, (size_t)(dot - path.p)};
    int column = type_field_index(type, first);
    if (column < 0 || type->fields[column].type->kind != TYPE_STRUCT)
        return NULL;
    return find_path(type->fields[column].type, (struct str){dot + 1, path.n - first.n - 1});
}

static void check_bloom(struct check *check, const struct type *in_file)
{
    for (uint32_t i = 0; i < check->sink->file.parquet.bloom_count; i++) {
        const struct plan_name *name = &check->sink->bloom[i];
        const struct type *type = find_path(in_file, name->name);
        const char *what = "\"parquet.bloom.filter.enabled\"";
        if (!type && is_partition(check->sink, name->name))
            plan_error_add(check->errors, check->arena, name->line, name->column, ERR_INVALID,
                           "%s: column \"%.*s\" is a directory, and not in the file", what,
                           STR_ARG(name->name));
        else if (!type)
            plan_error_add(check->errors, check->arena, name->line, name->column, ERR_INVALID,
                           "%s: there is no column \"%.*s\"%s", what, STR_ARG(name->name),
                           suggest(check, name->name));
        else if (type->kind == TYPE_STRUCT || type->kind == TYPE_ARRAY ||
                 type->kind == TYPE_BOOLEAN)
            plan_error_add(check->errors, check->arena, name->line, name->column, ERR_INVALID,
                           "%s: column \"%.*s\" of type %s cannot have a bloom filter", what,
                           STR_ARG(name->name), type_text(check, type));
    }
}

static void check_file(struct check *check)
{
    uint32_t problems = plan_errors_found(check->errors);
    struct err err = {0};
    check_partitions(check);
    if (plan_errors_found(check->errors) > problems)
        return;
    const struct type *in_file = file_schema(check);
    if (!in_file)
        return;
    check_bloom(check, in_file);
    int code = file_format_check(&check->sink->file, in_file, &err);
    if (code)
        plan_error_add(check->errors, check->arena, check->sink->line, check->sink->column, code,
                       "%s", err.msg);
}

/* ---- all ---- */

/* key, value, topic, partition and headers have types of their own. */
static void check_kafka(struct check *check)
{
    struct err err = {0};
    int code = kafka_rows_check(check->schema, check->sink->topic.n > 0, &err);
    if (code)
        plan_error_add(check->errors, check->arena, check->sink->line, check->sink->column, code,
                       "%s", err.msg);
}

int plan_sink_check_schema(const struct plan_sink *sink, const struct type *schema,
                           const char *owner, struct plan_errors *errors, struct arena *error_arena)
{
    struct check check = {.sink = sink, .schema = schema, .errors = errors, .arena = error_arena};
    uint32_t problems = plan_errors_found(errors);
    if (!plan_sink_has_place(sink))
        return 0;
    if (sink->format == SINK_KAFKA) {
        check_kafka(&check);
        return check.out_of_memory ? ERR_NOMEM : 0;
    }
    int code = plan_sink_check_names(sink, schema, owner, errors, error_arena);
    if (code == 0 && plan_errors_found(errors) == problems)
        check_file(&check);
    return check.out_of_memory ? ERR_NOMEM : code;
}
