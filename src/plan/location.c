#include "plan/location.h"

#include "base/buf.h"

enum {
    SCHEME_BYTES = 5, /* s3:// */
    BUCKET_MIN = 3,
    BUCKET_MAX = 63,
    PREFIX_MAX = 512, /* a key has 1024 bytes: partitions and file names need theirs */
};

bool plan_location_is_s3(struct str location)
{
    return str_starts_with(location, STR("s3://"));
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What is wrong with a bucket's name, *at is where; NULL: nothing. */
static const char *bucket_problem(struct str bucket, size_t *at)
{
    bool only_digits = true;
    *at = 0;
    if (bucket.n == 0)
        return "the bucket is missing: expected s3://bucket/prefix";
    for (size_t i = 0; i < bucket.n; i++) {
        char c = bucket.p[i];
        *at = i;
        if (!is_alnum(c) && c != '-' && c != '.')
            return "a bucket's name consists of a-z, 0-9, '-' and '.'";
        if ((i == 0 || i + 1 == bucket.n) && !is_alnum(c))
            return "a bucket's name starts and ends with a letter or a digit";
        if (c == '.' && bucket.p[i - 1] == '.')
            return "a bucket's name has no two dots in a row";
        only_digits &= c == '.' || (c >= '0' && c <= '9');
    }
    *at = 0;
    if (bucket.n < BUCKET_MIN || bucket.n > BUCKET_MAX)
        return "a bucket's name has 3 to 63 characters";
    return only_digits && memchr(bucket.p, '.', bucket.n) ? "a bucket's name is no IP address"
                                                          : NULL;
}

static const char *prefix_problem(struct str prefix, size_t *at)
{
    *at = 0;
    if (prefix.n > PREFIX_MAX)
        return "the prefix is longer than 512 bytes";
    for (size_t start = 0; start < prefix.n;) {
        size_t end = start;
        while (end < prefix.n && prefix.p[end] != '/') {
            *at = end;
            if ((unsigned char)prefix.p[end] < 0x20 || prefix.p[end] == 0x7F)
                return "the prefix holds a control character";
            end++;
        }
        struct str part = {prefix.p + start, end - start};
        *at = start;
        if (part.n == 0)
            return "the prefix has an empty part";
        if (str_is(part, ".") || str_is(part, ".."))
            return "the prefix must not have \".\" or \"..\" as a part";
        start = end + 1;
    }
    return NULL;
}

static bool check_s3(struct rules *rules, const struct doc_node *node, const char *name)
{
    struct str rest = {node->text.p + SCHEME_BYTES, node->text.n - SCHEME_BYTES};
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    struct str bucket = {rest.p, slash ? (size_t)(slash - rest.p) : rest.n};
    size_t at, skipped = SCHEME_BYTES;
    const char *problem = bucket_problem(bucket, &at);
    if (!problem && slash) {
        skipped += bucket.n + 1;
        problem = prefix_problem((struct str){slash + 1, rest.n - bucket.n - 1}, &at);
    }
    if (problem)
        rules_error_in(rules, node, skipped + at, "\"%s\" %s: %s", name,
                       rules_quote(rules, node->text), problem);
    return !problem && !node->broken;
}

/* Bytes of a URL's scheme in front of ':', or 0. */
static size_t scheme_bytes(struct str text)
{
    size_t n = 0;
    while (n < text.n && is_alnum((char)(text.p[n] | 32)))
        n++;
    return n < text.n && text.p[n] == ':' ? n : 0;
}

bool plan_location_check(struct rules *rules, const struct doc_node *node, const char *name)
{
    struct str text = node->text;
    if (!rules_not_empty(rules, node, name))
        return false;
    if (plan_location_is_s3(text))
        return check_s3(rules, node, name);
    size_t scheme = scheme_bytes(text);
    struct str after = {text.p + scheme, text.n - scheme};
    struct str word = {text.p, scheme};
    if (str_starts_with(text, STR("s3a://")) || str_starts_with(text, STR("s3n://")))
        rules_error(rules, node, "\"%s\" must start with s3://, not %.6s", name, text.p);
    else if (memchr(text.p, '\0', text.n))
        rules_error(rules, node, "\"%s\" must not contain the character U+0000", name);
    else if ((scheme && str_starts_with(after, STR("://"))) || str_eq_nocase(word, STR("s3")))
        rules_error(rules, node, "\"%s\" must be a directory or start with s3://, not %s", name,
                    rules_quote(rules, text));
    else
        return true;
    return false;
}

int plan_location_parse(struct str location, const char *name, struct err *err)
{
    struct arena arena = {0};
    struct plan_errors errors = {0};
    struct rules rules = {.arena = &arena, .errors = &errors, .error_arena = &arena};
    const struct doc_source source = {.column = 1};
    const struct doc_node node = {.kind = DOC_STRING,
                                  .verbatim = true,
                                  .source = &source,
                                  .line = 1,
                                  .column = 1,
                                  .raw = location,
                                  .text = location};
    int code = 0;
    if (!plan_location_check(&rules, &node, name))
        code = errors.count && !rules.out_of_memory
                   ? err_set(err, ERR_INVALID, "%.*s", STR_ARG(errors.items[0].message))
                   : err_set(err, ERR_NOMEM, "out of memory");
    arena_fini(&arena);
    return code;
}

/* ---- one location and another ---- */

/* The next part of a path; *path goes behind it. "." is none. False at the end. */
static bool next_part(struct str *path, struct str *part)
{
    while (path->n) {
        const char *slash = memchr(path->p, '/', path->n);
        size_t n = slash ? (size_t)(slash - path->p) : path->n;
        *part = (struct str){path->p, n};
        n += slash != NULL;
        *path = (struct str){path->p + n, path->n - n};
        if (part->n && !str_is(*part, "."))
            return true;
    }
    return false;
}

static void drop_last_part(struct buf *out, size_t start)
{
    while (out->n > start && out->p[--out->n] != '/') {
    }
}

/* A directory's path without what changes nothing: "a/b/../c/./" is "a/c". Symbolic links are not
 * known here. A path without '/' at its start keeps the ".." that lead out of it. */
static void normalize(struct buf *out, struct str path)
{
    bool absolute = path.n && path.p[0] == '/';
    struct str part;
    size_t fixed = absolute; /* '/' or the leading ".." stay */
    if (absolute)
        buf_append_char(out, '/');
    while (next_part(&path, &part)) {
        bool up = str_is(part, "..");
        if (up && (absolute || out->n > fixed)) {
            drop_last_part(out, fixed);
            continue;
        }
        if (out->n > absolute)
            buf_append_char(out, '/');
        buf_append_str(out, part);
        if (up)
            fixed = out->n;
    }
}

/* Whether there is nothing but ".." in what is left of a path. */
static bool only_leads_up(struct str path)
{
    struct str part;
    while (next_part(&path, &part)) {
        if (!str_is(part, ".."))
            return false;
    }
    return true;
}

static bool is_hidden(struct str part)
{
    return part.p[0] == '.' || (part.p[0] == '_' && !memchr(part.p, '=', part.n));
}

static bool leads_to_hidden(struct str path)
{
    struct str part;
    bool hidden = false;
    while (next_part(&path, &part))
        hidden |= is_hidden(part);
    return hidden;
}

/* Both normalized, or both of S3. */
static enum location_relation compare(struct str a, struct str b, bool *hidden)
{
    struct str rest_a, rest_b, part_a = {NULL, 0}, part_b = {NULL, 0};
    bool more_a, more_b;
    do {
        rest_a = a;
        rest_b = b;
        more_a = next_part(&a, &part_a);
        more_b = next_part(&b, &part_b);
        if (!more_a && !more_b)
            return LOCATION_SAME;
    } while (more_a && more_b && str_eq(part_a, part_b));
    bool up_a = more_a && str_is(part_a, ".."), up_b = more_b && str_is(part_b, "..");
    if (!up_a && only_leads_up(rest_b)) {
        *hidden = leads_to_hidden(rest_a);
        return LOCATION_INSIDE;
    }
    if (!up_b && only_leads_up(rest_a)) {
        *hidden = leads_to_hidden(rest_b);
        return LOCATION_AROUND;
    }
    return LOCATION_APART;
}

int plan_location_compare(struct str a, struct str b, enum location_relation *out, bool *hidden)
{
    bool in_s3 = plan_location_is_s3(a);
    struct buf plain_a = {0}, plain_b = {0};
    *out = LOCATION_APART;
    *hidden = false;
    if (in_s3 != plan_location_is_s3(b) || a.n == 0 || b.n == 0)
        return 0;
    if (in_s3) {
        *out = compare(a, b, hidden);
        return 0;
    }
    if ((a.p[0] == '/') != (b.p[0] == '/'))
        return 0;
    normalize(&plain_a, a);
    normalize(&plain_b, b);
    int code = plain_a.failed || plain_b.failed ? ERR_NOMEM : 0;
    if (code == 0)
        *out = compare(buf_str(&plain_a), buf_str(&plain_b), hidden);
    buf_fini(&plain_a);
    buf_fini(&plain_b);
    return code;
}
