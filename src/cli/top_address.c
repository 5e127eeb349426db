#include "cli/top_address.h"

#include <stdio.h>
#include <string.h>

#include "plan/listen.h"

static bool take_scheme(struct str *text, struct str scheme)
{
    if (text->n < scheme.n || !str_eq_nocase((struct str){text->p, scheme.n}, scheme))
        return false;
    *text = (struct str){text->p + scheme.n, text->n - scheme.n};
    return true;
}

/* A colon within brackets belongs to the address. */
static bool has_port(struct str text)
{
    for (size_t i = text.n; i > 0 && text.p[i - 1] != ']'; i--)
        if (text.p[i - 1] == ':')
            return true;
    return false;
}

int top_address_parse(const char *text, struct top_address *out, struct err *err)
{
    char full[300];
    struct str rest = str_of(text), host;
    *out = (struct top_address){.tls = take_scheme(&rest, STR("https://"))};
    bool scheme = out->tls || take_scheme(&rest, STR("http://"));
    while (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    size_t end = strcspn(rest.p, "/?#");
    if (end < rest.n)
        return err_set(err, ERR_INVALID, "%s: only host and port are wanted, without \"%.*s\"",
                       text, (int)(rest.n - end), rest.p + end);
    const char *port = scheme && !has_port(rest) ? (out->tls ? ":443" : ":80") : "";
    int n = snprintf(full, sizeof full, "%.*s%s", STR_ARG(rest), port);
    const char *wrong = n < 0 || (size_t)n >= sizeof full
                            ? "the host is too long"
                            : listen_parse(str_of(full), &host, &out->port);
    if (!wrong && out->port == 0)
        wrong = "the port must be a number from 1 to 65535";
    if (wrong)
        return err_set(err, ERR_INVALID, "%s: %s", text, wrong);
    snprintf(out->host, sizeof out->host, "%.*s", STR_ARG(host));
    return 0;
}
