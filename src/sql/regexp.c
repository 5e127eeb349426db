#define PCRE2_CODE_UNIT_WIDTH 8
#include "sql/regexp.h"

#include <pcre2.h>
#include <stdlib.h>

#include "base/utf8.h"

enum {
    STEPS_MAX = 5000000,      /* of one match, from one place */
    HEAP_MAX_KIB = 64 * 1024, /* for backtracking */
    PATTERN_SHOWN = 200,      /* bytes of a pattern in a message */
};

struct regexp {
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_match_data *data;
    struct regexp_names names;
    char pattern[PATTERN_SHOWN + 4];
};

static void show_pattern(struct str pattern, char out[PATTERN_SHOWN + 4])
{
    bool cut = pattern.n > PATTERN_SHOWN;
    size_t n = cut ? PATTERN_SHOWN : pattern.n;
    while (cut && n && ((unsigned char)pattern.p[n] & 0xC0) == 0x80)
        n--;
    if (n)
        memcpy(out, pattern.p, n);
    memcpy(out + n, cut ? "..." : "", cut ? 4 : 1);
}

/* Two optimisations of 10.42 change what matches: it takes \v and \S for disjoint, and skips starts
 * of patterns that may begin empty. */
static int compile(struct regexp *regexp, struct str text, struct err *err)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_POSSESS |
                             PCRE2_NO_START_OPTIMIZE;
    int problem;
    PCRE2_SIZE offset;
    regexp->code = pcre2_compile((PCRE2_SPTR)text.p, text.n, options, &problem, &offset, NULL);
    if (regexp->code)
        return 0;
    if (problem == PCRE2_ERROR_NOMEMORY || problem == PCRE2_ERROR_HEAP_FAILED)
        return ERR_NOMEM;
    char message[160];
    pcre2_get_error_message(problem, (PCRE2_UCHAR *)message, sizeof message);
    return err_set(err, ERR_UNSUPPORTED, "the pattern \"%s\" is not supported: %s", regexp->pattern,
                   message);
}

static int make_ready(struct regexp *regexp)
{
    /* without executable memory the interpreter does it */
    (void)pcre2_jit_compile(regexp->code, PCRE2_JIT_COMPLETE);
    regexp->context = pcre2_match_context_create(NULL);
    regexp->data = pcre2_match_data_create_from_pattern(regexp->code, NULL);
    if (!regexp->context || !regexp->data)
        return ERR_NOMEM;
    pcre2_set_match_limit(regexp->context, STEPS_MAX);
    pcre2_set_heap_limit(regexp->context, HEAP_MAX_KIB);
    return 0;
}

int regexp_create(struct regexp **out, struct str pattern, struct err *err)
{
    struct regexp *regexp = calloc(1, sizeof *regexp);
    struct buf text = {0};
    if (!regexp)
        return ERR_NOMEM;
    show_pattern(pattern, regexp->pattern);
    int code = regexp_translate(pattern, &text, &regexp->names, err);
    if (code == ERR_INVALID || code == ERR_UNSUPPORTED)
        (void)err_prefix(err, "the pattern \"%s\" is %s", regexp->pattern,
                         code == ERR_INVALID ? "invalid" : "not supported");
    if (code == 0)
        code = compile(regexp, (struct str){buf_cstr(&text), text.n}, err);
    if (code == 0)
        code = make_ready(regexp);
    buf_fini(&text);
    if (code != 0) {
        regexp_destroy(regexp);
        return code;
    }
    *out = regexp;
    return 0;
}

void regexp_destroy(struct regexp *regexp)
{
    if (!regexp)
        return;
    pcre2_match_data_free(regexp->data);
    pcre2_match_context_free(regexp->context);
    pcre2_code_free(regexp->code);
    free(regexp->names.items);
    free(regexp);
}

uint32_t regexp_group_count(const struct regexp *regexp)
{
    return regexp->names.group_count;
}

bool regexp_is_loose(const struct regexp *regexp)
{
    return regexp->names.loose;
}

int regexp_group_named(const struct regexp *regexp, struct str name)
{
    for (uint32_t i = 0; i < regexp->names.count; i++) {
        if (str_is(name, regexp->names.items[i].text))
            return (int)regexp->names.items[i].group;
    }
    return REGEXP_UNSET;
}

int regexp_find(struct regexp *regexp, struct str subject, size_t start, struct err *err)
{
    if (start > subject.n)
        return 0;
    PCRE2_SPTR text = (PCRE2_SPTR)(subject.p ? subject.p : "");
    int n = pcre2_match(regexp->code, text, subject.n, start, PCRE2_NO_UTF_CHECK, regexp->data,
                        regexp->context);
    if (n == PCRE2_ERROR_JIT_STACKLIMIT)
        n = pcre2_match(regexp->code, text, subject.n, start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                        regexp->data, regexp->context);
    if (n > 0)
        return 1;
    if (n == PCRE2_ERROR_NOMATCH)
        return 0;
    if (n == PCRE2_ERROR_NOMEMORY)
        return err_set(err, ERR_NOMEM, "out of memory");
    return err_set(err, ERR_INVALID,
                   "the pattern \"%s\" takes too many steps on a text of %zu bytes",
                   regexp->pattern, subject.n);
}

bool regexp_group(const struct regexp *regexp, struct str subject, uint32_t i, struct str *out)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regexp->data);
    *out = (struct str){"", 0};
    if (i >= pcre2_get_ovector_count(regexp->data) || ends[i * 2] == PCRE2_UNSET ||
        ends[i * 2 + 1] < ends[i * 2])
        return false;
    *out = (struct str){(subject.p ? subject.p : "") + ends[i * 2], ends[i * 2 + 1] - ends[i * 2]};
    return true;
}

size_t regexp_next(struct str subject, size_t from, size_t to)
{
    if (to > from)
        return to;
    to++;
    while (to < subject.n && ((unsigned char)subject.p[to] & 0xC0) == 0x80)
        to++;
    return to;
}

void regexp_cache_destroy(void *cache)
{
    struct regexp_cache *c = cache;
    for (uint32_t i = 0; c && i < REGEXP_CACHE_SIZE; i++) {
        regexp_destroy(c->items[i]);
        free((void *)(uintptr_t)c->patterns[i].p);
    }
    free(c);
}

int regexp_cache_get(struct regexp_cache *cache, struct str pattern, struct regexp **out,
                     struct err *err)
{
    for (uint32_t i = 0; i < REGEXP_CACHE_SIZE; i++) {
        if (cache->items[i] && str_eq(cache->patterns[i], pattern)) {
            *out = cache->items[i];
            return 0;
        }
    }
    struct regexp *regexp;
    char *copy = malloc(pattern.n + 1);
    int code = copy ? regexp_create(&regexp, pattern, err) : ERR_NOMEM;
    if (code != 0) {
        free(copy);
        return code;
    }
    if (pattern.n)
        memcpy(copy, pattern.p, pattern.n);
    uint32_t i = cache->next++ % REGEXP_CACHE_SIZE;
    regexp_destroy(cache->items[i]);
    free((void *)(uintptr_t)cache->patterns[i].p);
    cache->items[i] = *out = regexp;
    cache->patterns[i] = (struct str){copy, pattern.n};
    return 0;
}
