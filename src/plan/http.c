#include "plan/http.h"

#include "plan/listen.h"

enum { TOKEN_BYTES_MIN = 16, TOKEN_BYTES_MAX = 512 };

enum { KEY_LISTEN, KEY_TOKEN, KEY_TLS, KEY_COUNT };

static const struct rule_key http_keys[KEY_COUNT] = {
    [KEY_LISTEN] = {"listen", FORM_STRING, false, "\"host:port\""},
    [KEY_TOKEN] = {"token", FORM_SCALAR, false, "a string"},
    [KEY_TLS] = {"tls", FORM_OBJECT, false, "{\"certificate\": file, \"key\": file}"},
};

static const struct rule_hint http_hints[] = {
    {"port", "unknown key \"port\" in \"http\": write \"listen\": \"127.0.0.1:8080\"", ERR_INVALID},
    {"host", "unknown key \"host\" in \"http\": write \"listen\": \"127.0.0.1:8080\"", ERR_INVALID},
    {"password", "unknown key \"password\" in \"http\": did you mean \"token\"?", ERR_INVALID},
    {"ssl", "unknown key \"ssl\" in \"http\": did you mean \"tls\"?", ERR_INVALID},
};

static const struct rule_object http_rule = RULE_OBJECT("\"http\"", http_keys, http_hints);

enum { TLS_CERTIFICATE, TLS_KEY, TLS_COUNT };

static const struct rule_key tls_keys[TLS_COUNT] = {
    [TLS_CERTIFICATE] = {"certificate", FORM_STRING, true, "the name of a PEM file"},
    [TLS_KEY] = {"key", FORM_STRING, true, "the name of a PEM file"},
};

static const struct rule_hint tls_hints[] = {
    {"cert", "unknown key \"cert\" in \"tls\": did you mean \"certificate\"?", ERR_INVALID},
    {"privateKey", "unknown key \"privateKey\" in \"tls\": did you mean \"key\"?", ERR_INVALID},
};

static const struct rule_object tls_rule = RULE_OBJECT("\"tls\"", tls_keys, tls_hints);

/* Letters that can stand in an HTTP header; the message never shows them. */
static void read_token(struct rules *rules, const struct doc_node *node)
{
    struct str text = node->text;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] > ' ' && text.p[i] < 0x7F)
            continue;
        rules_error(rules, node,
                    "\"token\" holds white space, a control character or a character outside of "
                    "ASCII");
        return;
    }
    if (text.n < TOKEN_BYTES_MIN || text.n > TOKEN_BYTES_MAX)
        rules_error(rules, node,
                    "\"token\" must have %d to %d characters, or it can be guessed: for example "
                    "those of `openssl rand -hex 16`",
                    TOKEN_BYTES_MIN, TOKEN_BYTES_MAX);
    rules->plan->http_token = text;
}

static struct str read_file(struct rules *rules, const struct doc_node *node, const char *name)
{
    if (!node || !rules_not_empty(rules, node, name))
        return (struct str){NULL, 0};
    if (memchr(node->text.p, '\0', node->text.n))
        rules_error(rules, node, "\"%s\" must not contain the character U+0000", name);
    return node->text;
}

static void read_tls(struct rules *rules, struct doc_node *node)
{
    struct doc_node *found[TLS_COUNT];
    if (!rules_object(rules, node, &tls_rule, found))
        return;
    rules->plan->http_certificate = read_file(rules, found[TLS_CERTIFICATE], "certificate");
    rules->plan->http_key = read_file(rules, found[TLS_KEY], "key");
}

void plan_http_read(struct rules *rules, struct doc_node *node)
{
    struct plan *plan = rules->plan;
    struct doc_node *found[KEY_COUNT] = {NULL};
    if (node && node->kind != DOC_OBJECT) {
        plan->http_enabled = false;
        if (rules_boolean(node))
            rules_error(rules, node, "\"http\" must be {\"listen\": \"host:port\"} or false");
        return;
    }
    if (node)
        rules_object(rules, node, &http_rule, found);
    plan->http_enabled = true;
    struct doc_node *listen = found[KEY_LISTEN];
    const char *problem = listen_parse(listen ? listen->text : STR(LISTEN_DEFAULT),
                                       &plan->http_host, &plan->http_port);
    if (problem && listen)
        rules_error(rules, listen, "\"listen\" %s: %s", rules_quote(rules, listen->text), problem);
    if (found[KEY_TOKEN] && !found[KEY_TOKEN]->broken)
        read_token(rules, found[KEY_TOKEN]);
    if (found[KEY_TLS])
        read_tls(rules, found[KEY_TLS]);
}
