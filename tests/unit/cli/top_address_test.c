/* Which server `sluice top` asks. */
#include <criterion/criterion.h>

#include "cli/top_address.h"

static void expect(const char *text, const char *host, uint16_t port, bool tls)
{
    struct top_address address;
    struct err err = {0};
    cr_expect_eq(top_address_parse(text, &address, &err), 0, "%s: %s", text, err.msg);
    cr_expect_str_eq(address.host, host);
    cr_expect_eq(address.port, port, "%s: %u", text, address.port);
    cr_expect_eq(address.tls, tls, "%s", text);
}

Test(top_address, schemes_and_ports)
{
    expect("h:8080", "h", 8080, false);
    expect("http://h:8080/", "h", 8080, false);
    expect("HTTP://h", "h", 80, false);
    expect("HttpS://h", "h", 443, true);
    expect("https://h:8443/", "h", 8443, true);
    expect("https://[::1]", "::1", 443, true);
    expect("https://[::1]:1", "::1", 1, true);
}

static void expect_wrong(const char *text, const char *why)
{
    struct top_address address;
    struct err err = {0};
    cr_expect_eq(top_address_parse(text, &address, &err), ERR_INVALID, "%s", text);
    cr_expect(strstr(err.msg, why), "%s: %s", text, err.msg);
}

Test(top_address, what_is_wrong_is_said)
{
    char longest[400] = "https://";
    memset(longest + 8, 'h', sizeof longest - 9);
    longest[sizeof longest - 1] = '\0';
    expect_wrong("http://h:1/status", "only host and port are wanted, without \"/status\"");
    expect_wrong("h:1?x", "without \"?x\"");
    expect_wrong("h", "the port is missing");
    expect_wrong("h:0", "from 1 to 65535");
    expect_wrong("https://", "the host is missing");
    expect_wrong("https://u:p@h", "port");
    expect_wrong(longest, "too long");
}
