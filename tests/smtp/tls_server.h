/*
 * tests/smtp/tls_server - a server that speaks SMTP and TLS as it is told to,
 * one connection after the other, in a thread. It keeps what it was told: each
 * line behind "C: " if it came in clear, "T: " if by TLS. It asserts nothing.
 */
#ifndef TESTS_SMTP_TLS_SERVER_H
#define TESTS_SMTP_TLS_SERVER_H

#include "smtp/certs.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

enum { TLS_SERVER_LOG = 1 << 16, TLS_SERVER_ANSWERS = 16 };

static struct tls_server {
    /* How it is to be. Replies are whole, with CRLF. */
    const char *greeting, *ehlo, *ehlo_tls;
    struct {
        const char *verb, *reply;
    } answers[TLS_SERVER_ANSWERS]; /* instead of the usual ones */
    const char *behind_220;        /* in clear, in the same write */
    bool implicit, mute, no_handshake, junk;
    SSL_CTX *ctx;

    int listener;
    struct sockaddr_in at;
    pthread_t thread;
    char log[TLS_SERVER_LOG];
    size_t len;
    unsigned connections, resumed;
    size_t body; /* bytes of the last one */
} fake;

struct peer {
    int fd;
    SSL *ssl;
};

static bool peer_get(struct peer *p, char *c)
{
    return p->ssl ? SSL_read(p->ssl, c, 1) == 1 : read(p->fd, c, 1) == 1;
}

static void peer_say(struct peer *p, const char *text)
{
    if (p->ssl)
        (void)!SSL_write(p->ssl, text, (int)strlen(text));
    else
        (void)!send(p->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Without its CRLF. */
static bool peer_line(struct peer *p, char *out, size_t max)
{
    size_t n = 0;

    while (n + 1 < max && peer_get(p, &out[n]))
        if (out[n++] == '\n') {
            out[n - 1] = 0;
            if (n > 1 && out[n - 2] == '\r')
                out[n - 2] = 0;
            return true;
        }
    return false;
}

static void fake_note(const struct peer *p, const char *line)
{
    int n = snprintf(fake.log + fake.len, sizeof fake.log - fake.len,
                     "%s: %s\n", p->ssl ? "T" : "C", line);

    if (n > 0 && (size_t)n < sizeof fake.log - fake.len)
        fake.len += (size_t)n;
}

static bool shake_hands(struct peer *p)
{
    p->ssl = SSL_new(fake.ctx);
    SSL_set_fd(p->ssl, p->fd);
    if (SSL_accept(p->ssl) != 1)
        return false;
    fake.resumed += SSL_session_reused(p->ssl) != 0;
    return true;
}

static void hear_mail(struct peer *p)
{
    char line[2048];

    peer_say(p, "354 go\r\n");
    fake.body = 0;
    while (peer_line(p, line, sizeof line) && strcmp(line, ".") != 0)
        fake.body += strlen(line) + 2;
    peer_say(p, "250 kept\r\n");
}

static void hear_chunk(struct peer *p, size_t n)
{
    char c;

    for (fake.body = 0; fake.body < n && peer_get(p, &c); fake.body++)
        ;
    peer_say(p, "250 kept\r\n");
}

/* False: the connection is over. */
static bool answer_starttls(struct peer *p, const char *reply)
{
    char text[512];

    snprintf(text, sizeof text, "%s%s", reply ? reply : "220 go\r\n",
             fake.behind_220 ? fake.behind_220 : "");
    peer_say(p, text);
    if ((reply && strncmp(reply, "220", 3) != 0) || fake.no_handshake)
        return true;
    if (fake.junk) {
        peer_say(p, "250 this is no TLS at all, is it\r\n");
        return false;
    }
    return shake_hands(p);
}

static const char *reply_to(const char *line)
{
    for (size_t i = 0; i < TLS_SERVER_ANSWERS && fake.answers[i].verb; i++)
        if (strncasecmp(line, fake.answers[i].verb,
                        strlen(fake.answers[i].verb)) == 0)
            return fake.answers[i].reply;
    return NULL;
}

static bool is_verb(const char *line, const char *verb)
{
    return strncasecmp(line, verb, strlen(verb)) == 0;
}

static bool answer_line(struct peer *p, const char *line)
{
    const char *reply = reply_to(line);

    if (is_verb(line, "STARTTLS"))
        return answer_starttls(p, reply);
    if (reply)
        peer_say(p, reply);
    else if (is_verb(line, "EHLO"))
        peer_say(p, p->ssl && fake.ehlo_tls ? fake.ehlo_tls : fake.ehlo);
    else if (is_verb(line, "DATA"))
        hear_mail(p);
    else if (is_verb(line, "BDAT"))
        hear_chunk(p, strtoul(line + 5, NULL, 10));
    else if (is_verb(line, "QUIT"))
        peer_say(p, "221 bye\r\n");
    else if (is_verb(line, "AUTH"))
        peer_say(p, "235 in\r\n");
    else
        peer_say(p, "250 ok\r\n");
    return !is_verb(line, "QUIT");
}

static void serve_peer(int fd)
{
    struct peer p = {.fd = fd};
    char line[4096];
    bool on = !fake.implicit || shake_hands(&p);

    while (fake.mute && read(fd, line, sizeof line) > 0)
        ;
    if (on)
        peer_say(&p, fake.greeting);
    while (on && peer_line(&p, line, sizeof line)) {
        fake_note(&p, line);
        on = answer_line(&p, line);
    }
    if (p.ssl)
        SSL_shutdown(p.ssl);
    SSL_free(p.ssl);
    close(fd);
}

static void *run_fake(void *unused)
{
    int fd;

    (void)unused;
    while ((fd = accept(fake.listener, NULL, NULL)) >= 0) {
        fake.connections++;
        serve_peer(fd);
    }
    return NULL;
}

/* The usual; then change it, then start. */
static void fake_init(const struct cert *cert)
{
    fake = (struct tls_server){.greeting = "220 fake\r\n",
                               .ehlo = "250-fake\r\n250 STARTTLS\r\n",
                               .ehlo_tls = "250-fake\r\n250 PIPELINING\r\n"};
    fake.ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate(fake.ctx, cert->x509) != 1 ||
        SSL_CTX_use_PrivateKey(fake.ctx, cert->key) != 1)
        abort();
}

static void fake_start(void)
{
    socklen_t len = sizeof fake.at;

    fake.listener = socket(AF_INET, SOCK_STREAM, 0);
    fake.at = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fake.listener, (struct sockaddr *)&fake.at, len) != 0 ||
        getsockname(fake.listener, (struct sockaddr *)&fake.at, &len) != 0 ||
        listen(fake.listener, 8) != 0 ||
        pthread_create(&fake.thread, NULL, run_fake, NULL) != 0)
        abort();
}

static void fake_stop(void)
{
    shutdown(fake.listener, SHUT_RDWR);
    pthread_join(fake.thread, NULL);
    close(fake.listener);
    SSL_CTX_free(fake.ctx);
}
#endif
