#include "plan/s3.h"

enum {
    KEY_ENDPOINT,
    KEY_REGION,
    KEY_PATH_STYLE,
    KEY_ACCESS_KEY,
    KEY_SECRET_KEY,
    KEY_SESSION_TOKEN,
    KEY_CA_FILE,
    KEY_VERIFY_TLS,
    KEY_COUNT
};

static const struct rule_key s3_keys[KEY_COUNT] = {
    [KEY_ENDPOINT] = {"endpoint", FORM_STRING, false, "a URL like \"http://localhost:9000\""},
    [KEY_REGION] = {"region", FORM_STRING, false, "a region like \"us-east-1\""},
    [KEY_PATH_STYLE] = {"pathStyle", FORM_BOOLEAN, false, "true or false"},
    [KEY_ACCESS_KEY] = {"accessKeyId", FORM_SCALAR, false, "a string"},
    [KEY_SECRET_KEY] = {"secretAccessKey", FORM_SCALAR, false, "a string"},
    [KEY_SESSION_TOKEN] = {"sessionToken", FORM_SCALAR, false, "a string"},
    [KEY_CA_FILE] = {"caFile", FORM_STRING, false, "the name of a PEM file"},
    [KEY_VERIFY_TLS] = {"verifyTls", FORM_BOOLEAN, false, "true or false"},
};

#define MEANT(name, key)                                                                           \
    {                                                                                              \
        name, "unknown key \"" name "\" in \"s3\": did you mean \"" key "\"?", ERR_INVALID         \
    }

static const struct rule_hint s3_hints[] = {
    MEANT("accessKey", "accessKeyId"),
    MEANT("secretKey", "secretAccessKey"),
    MEANT("url", "endpoint"),
    MEANT("pathStyleAccess", "pathStyle"),
    {"bucket", "the bucket belongs to a sink's \"path\": \"s3://bucket/prefix\"", ERR_INVALID},
    {"ssl", "TLS is chosen by the scheme of \"endpoint\": https://", ERR_INVALID},
    {"useSsl", "TLS is chosen by the scheme of \"endpoint\": https://", ERR_INVALID},
};

static const struct rule_object s3_rule = RULE_OBJECT("\"s3\"", s3_keys, s3_hints);

static bool is_host_char(char c, bool brackets)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || (brackets && c == ':');
}

/* Whether `text` is a host, or [an IPv6 address], and perhaps a port. */
static bool is_host_port(struct str text)
{
    bool brackets = text.n && text.p[0] == '[';
    size_t n = brackets, start = n;
    while (n < text.n && is_host_char(text.p[n], brackets))
        n++;
    if (n == start || (brackets && (n == text.n || text.p[n++] != ']')))
        return false;
    if (n == text.n)
        return true;
    struct str port = {text.p + n + 1, text.n - n - 1};
    int64_t number;
    return text.p[n] == ':' && port.n && port.p[0] >= '0' && port.p[0] <= '9' &&
           str_to_i64(port, &number) && number > 0 && number < 65536;
}

/* What is wrong with an endpoint; NULL: nothing. A single slash at the end is let through. */
static const char *endpoint_problem(struct str *url)
{
    size_t scheme = str_starts_with(*url, STR("http://"))    ? 7
                    : str_starts_with(*url, STR("https://")) ? 8
                                                             : 0;
    if (!scheme)
        return "must start with http:// or https://";
    struct str host = {url->p + scheme, url->n - scheme};
    if (host.n && host.p[host.n - 1] == '/') {
        host.n--;
        url->n--;
    }
    if (host.n && memchr(host.p, '@', host.n))
        return "must not hold a user: keys are given as \"accessKeyId\" and \"secretAccessKey\"";
    if (host.n && (memchr(host.p, '/', host.n) || memchr(host.p, '?', host.n)))
        return "has no path and no query: the bucket belongs to a sink's \"path\"";
    return is_host_port(host) ? NULL : "must be http://host:port or https://host:port";
}

static void read_endpoint(struct rules *rules, const struct doc_node *node, struct plan_s3 *s3)
{
    s3->endpoint = node->text;
    if (node->text.n == 0)
        return;
    const char *problem = endpoint_problem(&s3->endpoint);
    bool quiet = memchr(node->text.p, '@', node->text.n); /* a password may stand there */
    if (problem)
        rules_error(rules, node, "\"endpoint\" %s%s%s", quiet ? "" : rules_quote(rules, node->text),
                    quiet ? "" : " ", problem);
}

static void read_region(struct rules *rules, const struct doc_node *node, struct plan_s3 *s3)
{
    s3->region = node->text;
    for (size_t i = 0; i < node->text.n; i++) {
        if (is_host_char(node->text.p[i], false) && node->text.p[i] != '.')
            continue;
        rules_error_in(rules, node, i, "\"region\" must be a name like \"us-east-1\", not %s",
                       rules_quote(rules, node->text));
        return;
    }
}

/* A secret: letters that can stand in an HTTP header. */
static struct str read_secret(struct rules *rules, const struct doc_node *node, const char *name)
{
    if (!node || node->broken)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < node->text.n; i++) {
        if (node->text.p[i] > ' ' && node->text.p[i] < 0x7F)
            continue;
        rules_error(rules, node,
                    "\"%s\" holds a character that no key has: white space, a control character "
                    "or one outside of ASCII",
                    name);
        break;
    }
    return node->text;
}

/* Whether a value is there; a broken one counts, as it was meant to be. */
static bool is_given(const struct doc_node *node)
{
    return node && (node->broken || node->text.n > 0);
}

static void read_keys(struct rules *rules, struct doc_node **found, struct plan_s3 *s3)
{
    static const int in_turn[] = {KEY_ACCESS_KEY, KEY_SECRET_KEY};
    s3->access_key_id = read_secret(rules, found[KEY_ACCESS_KEY], "accessKeyId");
    s3->secret_access_key = read_secret(rules, found[KEY_SECRET_KEY], "secretAccessKey");
    s3->session_token = read_secret(rules, found[KEY_SESSION_TOKEN], "sessionToken");
    bool given[] = {is_given(found[KEY_ACCESS_KEY]), is_given(found[KEY_SECRET_KEY])};
    for (size_t i = 0; i < 2; i++) {
        if (given[i] && !given[1 - i])
            rules_error_key(rules, found[in_turn[i]], ERR_INVALID,
                            "\"%s\" needs \"%s\" beside it; without both, keys come from the "
                            "environment",
                            s3_keys[in_turn[i]].name, s3_keys[in_turn[1 - i]].name);
    }
    if (is_given(found[KEY_SESSION_TOKEN]) && !given[0] && !given[1])
        rules_error_key(rules, found[KEY_SESSION_TOKEN], ERR_INVALID,
                        "\"sessionToken\" needs \"accessKeyId\" and \"secretAccessKey\" beside it");
}

static bool has_member(const struct doc_node *node, int key)
{
    return doc_member(node, str_of(s3_keys[key].name)) != NULL;
}

static void read_members(struct rules *rules, const struct doc_node *node, struct doc_node **found)
{
    struct plan_s3 *s3 = &rules->plan->s3;
    if (found[KEY_ENDPOINT])
        read_endpoint(rules, found[KEY_ENDPOINT], s3);
    if (found[KEY_REGION])
        read_region(rules, found[KEY_REGION], s3);
    /* A key of a wrong form has its error: that its companion stands alone is none. */
    for (int i = KEY_ACCESS_KEY; i <= KEY_SESSION_TOKEN; i++) {
        if (!found[i] && has_member(node, i))
            found[KEY_ACCESS_KEY] = found[KEY_SECRET_KEY] = found[KEY_SESSION_TOKEN] = NULL;
    }
    read_keys(rules, found, s3);
    if (found[KEY_CA_FILE] && found[KEY_CA_FILE]->text.n &&
        memchr(found[KEY_CA_FILE]->text.p, '\0', found[KEY_CA_FILE]->text.n))
        rules_error(rules, found[KEY_CA_FILE], "\"caFile\" must not contain the character U+0000");
    if (found[KEY_CA_FILE])
        s3->ca_file = found[KEY_CA_FILE]->text;
    s3->path_style =
        found[KEY_PATH_STYLE] ? rules_boolean(found[KEY_PATH_STYLE]) : s3->endpoint.n > 0;
    s3->insecure_tls = found[KEY_VERIFY_TLS] && !rules_boolean(found[KEY_VERIFY_TLS]);
}

void plan_s3_read(struct rules *rules, struct doc_node *node)
{
    struct doc_node *found[KEY_COUNT];
    if (node && rules_object(rules, node, &s3_rule, found))
        read_members(rules, node, found);
}
