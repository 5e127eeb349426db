#include "plan/location.h"

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
