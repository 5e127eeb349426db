#include "plan/listen.h"

static bool is_host_char(char c, bool ipv6)
{
    bool hex = ((c | 32) >= 'a' && (c | 32) <= 'f') || (c >= '0' && c <= '9');
    if (ipv6)
        return hex || c == ':' || c == '.';
    return hex || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '.' || c == '-' || c == '_';
}

static const char *check_host(struct str host, bool ipv6)
{
    if (host.n == 0)
        return "the host is missing: expected host:port (0.0.0.0 is every address)";
    if (host.n > 253)
        return "the host is too long";
    for (size_t i = 0; i < host.n; i++) {
        if (!is_host_char(host.p[i], ipv6))
            return "this is not a host name or address: expected host:port";
    }
    return NULL;
}

const char *listen_parse(struct str text, struct str *host, uint16_t *port)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return "the port is missing: expected host:port";
    *host = (struct str){text.p, colon - 1};
    struct str digits = {text.p + colon, text.n - colon};
    bool ipv6 = host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']';
    if (ipv6)
        *host = (struct str){host->p + 1, host->n - 2};
    const char *problem = check_host(*host, ipv6);
    if (problem && !ipv6 && host->n && !check_host(*host, true))
        return "an IPv6 address stands in brackets: expected [address]:port";
    if (problem)
        return problem;
    int64_t number = -1;
    if (digits.n == 0 || digits.n > 5 || digits.p[0] == '+' || !str_to_i64(digits, &number) ||
        number < 0 || number > 65535)
        return "the port must be a number from 0 to 65535";
    *port = (uint16_t)number;
    return NULL;
}

bool listen_is_loopback(struct str host)
{
    if (str_eq_nocase(host, STR("localhost")) || str_eq(host, STR("::1")))
        return true;
    if (!str_starts_with(host, STR("127.")))
        return false;
    int dots = 0;
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false; /* a name like 127.example.com */
        dots += host.p[i] == '.';
    }
    return dots == 3;
}
