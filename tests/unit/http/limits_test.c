/* What one client can get and take: tokens, caches, limits of connections, TLS. */
#define _GNU_SOURCE /* strcasestr */

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "leaks.h"

#define REQUEST(method, path, headers)                                                             \
    method " " path " HTTP/1.1\r\nHost: localhost\r\n" headers "\r\n"
#define GET(path) REQUEST("GET", path, "")
#define TOKEN     "0123456789abcdef"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

TestSuite(http_limits, .init = setup, .fini = leaks_check, .timeout = 60);

/* ---- the token ---- */

static void ask_with_tokens(struct fixture *f)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {GET("/status"), 401},
        {GET("/"), 401},
        {GET("/metrics"), 401},
        {GET("/samples"), 401},
        {GET("/readyz"), 401},
        {GET("/nothing"), 401},
        {REQUEST("POST", "/status", "Content-Length: 0\r\n"), 401},
        {GET("/healthz"), 200},
        {GET("/x/../healthz"), 200},
        {GET("/healthz/../status"), 401},
        {GET("/healthz%2f..%2fstatus"), 401},
        {REQUEST("GET", "/status", "Authorization: Bearer 0123456789abcdeg\r\n"), 401},
        {REQUEST("GET", "/status", "Authorization: Bearer " TOKEN "\r\n"), 200},
        {REQUEST("GET", "/status", "authorization: bearer " TOKEN "\r\n"), 200},
        {REQUEST("GET", "/status?token=" TOKEN, ""), 401},
        {REQUEST("GET", "/status",
                 "Authorization: Bearer " TOKEN "\r\nAuthorization: Bearer " TOKEN "\r\n"),
         401},
        {"GET /status HTTP/1.1\r\nHost: example.com\r\nAuthorization: Bearer " TOKEN "\r\n\r\n",
         200},
    };
    int unauthorized = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct response r;
        client_expect(f, cases[i].request, cases[i].status, &r);
        CLIENT_CHECK(f, !!strcasestr(r.head, "www-authenticate: bearer") == (r.status == 401));
        CLIENT_CHECK(f, !!strcasestr(r.head, "www-authenticate: basic") == (r.status == 401));
        CLIENT_CHECK(f, !r.body || !strstr(r.body, TOKEN));
        unauthorized += r.status == 401;
        free(r.body);
    }
    CLIENT_CHECK(f, f->unauthorized == unauthorized);
    CLIENT_CHECK(f, f->wrong_tokens == 2);
}

Test(http_limits, only_who_knows_the_token_may_read)
{
    fixture.token = TOKEN;
    fixture_run(&fixture, ask_with_tokens);
}

/* ---- what a client has already ---- */

static const char *etag_of(struct response *r)
{
    char *at = strcasestr(r->head, "\r\netag: ");
    char *end = at ? strstr(at + 2, "\r\n") : NULL;
    if (!end)
        return "none";
    *end = '\0';
    return at + 8;
}

static void ask_again(struct fixture *f, const char *path)
{
    struct response r;
    char etag[100], request[300];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    CLIENT_CHECK(f, client_ask(f, request, &r) && r.status == 200);
    snprintf(etag, sizeof etag, "%s", etag_of(&r));
    free(r.body);
    int fd = client_connect(f);
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"other\"\r\n"
             "If-None-Match: %s\r\nIf-None-Match: \"more\"\r\n\r\n",
             path, etag);
    /* The connection stays usable: 304 has no body and no length. */
    for (int i = 0; i < 2; i++) {
        CLIENT_CHECK(f, client_send(fd, request) && client_receive(fd, true, &r));
        CLIENT_CHECK(f, r.status == 304);
        CLIENT_CHECK(f, strcmp(etag_of(&r), etag) == 0);
        free(r.body);
    }
    CLIENT_CHECK(f, client_send(fd, GET("/healthz")) && client_receive(fd, false, &r));
    CLIENT_CHECK(f, r.status == 200);
    free(r.body);
    close(fd);
    f->version++;
    bool changes = strcmp(path, "/samples") == 0;
    /* For a moment the last one may still be given. */
    do {
        CLIENT_CHECK(f, client_ask(f, request, &r));
        free(r.body);
    } while (changes && r.status == 304 && !f->failure);
    CLIENT_CHECK(f, r.status == (changes ? 200 : 304));
}

static void ask_twice(struct fixture *f)
{
    ask_again(f, "/");
    ask_again(f, "/samples");
}

Test(http_limits, what_has_not_changed_is_not_sent_again)
{
    fixture_run(&fixture, ask_twice);
}

static void ask_packed(struct fixture *f)
{
    static const char *const paths[] = {
        REQUEST("GET", "/", "Accept-Encoding: gzip\r\n"),
        REQUEST("GET", "/metrics", "Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\n")};
    struct response r;
    for (size_t i = 0; i < 2; i++) {
        CLIENT_CHECK(f, client_ask(f, paths[i], &r) && r.status == 200);
        CLIENT_CHECK(f, response_has(&r, "Content-Encoding: gzip"));
        CLIENT_CHECK(f, response_has(&r, "Vary: accept-encoding"));
        CLIENT_CHECK(f, r.body_bytes > 20 && memcmp(r.body, "\x1f\x8b", 2) == 0);
        free(r.body);
    }
    CLIENT_CHECK(f, client_ask(f, GET("/metrics"), &r));
    CLIENT_CHECK(f, !strcasestr(r.head, "content-encoding") && r.body_bytes == f->metrics_bytes);
    free(r.body);
    CLIENT_CHECK(f, client_ask(f, REQUEST("GET", "/status", "Accept-Encoding: gzip\r\n"), &r));
    CLIENT_CHECK(f, !strcasestr(r.head, "content-encoding"));
    free(r.body);
}

Test(http_limits, gzip_for_those_who_take_it)
{
    fixture.metrics_bytes = 5000;
    fixture_run(&fixture, ask_packed);
}

/* ---- connections ---- */

static void ask_until_closed(struct fixture *f)
{
    struct response r;
    int fd = client_connect(f);
    for (int i = 1; i <= 3; i++) {
        CLIENT_CHECK(f, client_send(fd, GET("/healthz")) && client_receive(fd, false, &r));
        CLIENT_CHECK(f, r.status == 200 && response_has(&r, "Connection: close") == (i == 3));
        free(r.body);
    }
    CLIENT_CHECK(f, client_sees_close(fd));
    close(fd);
}

Test(http_limits, requests_of_a_connection_are_counted)
{
    fixture.limits.requests_max = 3;
    fixture_run(&fixture, ask_until_closed);
}

static void sit_there(struct fixture *f)
{
    enum { IDLE = 40 };
    struct response r;
    int fds[IDLE];
    for (int i = 0; i < IDLE; i++)
        fds[i] = client_connect(f);
    for (int tries = 0; tries < 1000; tries++) {
        bool ok = client_ask(f, GET("/healthz"), &r);
        free(r.body);
        if (ok && r.status == 200)
            break;
        CLIENT_CHECK(f, tries < 999);
        usleep(5000);
    }
    CLIENT_CHECK(f, client_sees_close(fds[0]));
    for (int i = 0; i < IDLE; i++)
        close(fds[i]);
}

Test(http_limits, idle_connections_make_room)
{
    fixture.limits.connections_served = 8;
    fixture.limits.connections_max = 10;
    fixture_run(&fixture, sit_there);
}

/* ---- TLS ---- */

static char certificate[] = "/tmp/sluice-http-cert-XXXXXX", key[] = "/tmp/sluice-http-key-XXXXXX";

static void write_certificate(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    cr_assert(pair && x509);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pair);
    X509_sign(x509, pair, EVP_sha256());
    FILE *out = fdopen(mkstemp(certificate), "w");
    PEM_write_X509(out, x509);
    fclose(out);
    out = fdopen(mkstemp(key), "w");
    PEM_write_PrivateKey(out, pair, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    X509_free(x509);
    EVP_PKEY_free(pair);
}

/* Two requests on one connection; the answers as one text. */
static bool ask_encrypted(int fd, SSL_CTX *context, char *answers, size_t size)
{
    static const char requests[] =
        GET("/healthz") REQUEST("GET", "/metrics", "Connection: close\r\n");
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    bool ok = SSL_connect(ssl) == 1 && SSL_write(ssl, requests, sizeof requests - 1) > 0;
    size_t n = 0;
    for (int got = 1; ok && got > 0 && n + 1 < size; n += got > 0 ? (size_t)got : 0)
        got = SSL_read(ssl, answers + n, (int)(size - 1 - n));
    answers[n] = '\0';
    SSL_free(ssl);
    return ok;
}

static void talk_tls(struct fixture *f)
{
    enum { SIZE = 400000 };
    char *answers = malloc(SIZE);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct response r;
    for (int i = 0; i < 3; i++) {
        int fd = client_connect(f);
        CLIENT_CHECK(f, ask_encrypted(fd, context, answers, SIZE));
        CLIENT_CHECK(f, strstr(answers, "HTTP/1.1 200 OK\r\n") == answers);
        CLIENT_CHECK(f, strlen(answers) > f->metrics_bytes && answers[strlen(answers) - 1] == '#');
        close(fd);
    }
    /* What is no handshake gets no answer, and one that is not ended goes at the close. */
    CLIENT_CHECK(f, !client_ask(f, GET("/healthz"), &r) || r.status != 200);
    free(r.body);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    int old = client_connect(f), half = client_connect(f);
    CLIENT_CHECK(f, !ask_encrypted(old, context, answers, SIZE));
    CLIENT_CHECK(f, client_send_bytes(half, "\x16\x03\x01\x02", 4));
    fixture_close_server(f);
    CLIENT_CHECK(f, client_sees_close(half));
    close(old);
    close(half);
    SSL_CTX_free(context);
    free(answers);
}

Test(http_limits, tls)
{
    write_certificate();
    fixture.certificate = certificate;
    fixture.key = key;
    fixture.metrics_bytes = 300000;
    fixture_run(&fixture, talk_tls);
    unlink(certificate);
    unlink(key);
}
