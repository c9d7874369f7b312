/*
 * tests/smtp/servers - servers, each with a habit, for one connection on
 * loopback. They run in a thread and assert nothing: what went wrong there is
 * said to the client, and shows in what its owner hears.
 */
#ifndef TESTS_SMTP_SERVERS_H
#define TESTS_SMTP_SERVERS_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BIG_BYTES = 8 * 1024 * 1024, /* of the body for slow_reader */
    WINDOW_BYTES = 65536,        /* so that the kernels do not swallow it */
};

static struct server {
    int listener;
    struct sockaddr_in at;
    pthread_t thread;
    void (*serve)(int fd);
} server;

static void say(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads one line into out; false at the end. */
static bool read_line(int fd, char *out, size_t max)
{
    size_t n = 0;

    while (n + 1 < max && read(fd, out + n, 1) == 1)
        if (out[n++] == '\n') {
            out[n] = 0;
            return true;
        }
    return false;
}

static bool hear_line(int fd, const char *wanted)
{
    char line[1024];

    return read_line(fd, line, sizeof line) &&
           strncmp(line, wanted, strlen(wanted)) == 0;
}

static void greet(int fd)
{
    say(fd, "220 test\r\n");
    say(fd, hear_line(fd, "EHLO me.example\r\n")
                ? "250-test\r\n250 PIPELINING\r\n"
                : "554 no EHLO\r\n");
}

static void hear_envelope(int fd)
{
    bool ok = hear_line(fd, "MAIL FROM:<a@x>\r\n") &&
              hear_line(fd, "RCPT TO:<b@y>\r\n") && hear_line(fd, "DATA\r\n");

    say(fd, ok ? "250 ok\r\n250 ok\r\n354 go\r\n" : "554 not what I want\r\n");
}

static void hear_body(int fd)
{
    char line[1024];

    while (read_line(fd, line, sizeof line) && strcmp(line, ".\r\n") != 0)
        ;
}

static void take_all(int fd)
{
    greet(fd);
    for (;;) {
        char line[1024];

        if (!read_line(fd, line, sizeof line) || strcmp(line, "QUIT\r\n") == 0)
            break;
        if (strcmp(line, "MAIL FROM:<a@x>\r\n") != 0 ||
            !hear_line(fd, "RCPT TO:<b@y>\r\n") || !hear_line(fd, "DATA\r\n"))
            return;
        say(fd, "250 ok\r\n250 ok\r\n354 go\r\n");
        hear_body(fd);
        say(fd, "250 2.0.0 kept\r\n");
    }
    say(fd, "221 bye\r\n");
}

/* Until the other side goes. */
static void wait_for_end(int fd)
{
    char bytes[4096];

    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

static void mute(int fd)
{
    wait_for_end(fd);
}

static void trickle(int fd)
{
    say(fd, "220-");
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        usleep(20000);
}

static void mute_at_the_dot(int fd)
{
    greet(fd);
    hear_envelope(fd);
    wait_for_end(fd);
}

/* Takes no more of the body than its window. */
static void deaf_at_the_body(int fd)
{
    greet(fd);
    hear_envelope(fd);
    usleep(600000);
}

static void mute_at_quit(int fd)
{
    greet(fd);
    wait_for_end(fd);
}

static void gone_at_mail(int fd)
{
    greet(fd);
    (void)hear_line(fd, "MAIL");
}

static void gone_after_the_dot(int fd)
{
    greet(fd);
    hear_envelope(fd);
    hear_body(fd);
}

static void gone_within_the_body(int fd)
{
    char line[1024];

    greet(fd);
    hear_envelope(fd);
    for (int i = 0; i < 100; i++)
        (void)!read_line(fd, line, sizeof line);
}

static void closing_within_the_body(int fd)
{
    greet(fd);
    hear_envelope(fd);
    say(fd, "421 4.3.2 shutting down\r\n");
    wait_for_end(fd);
}

/* Reads a big body in small gulps, and tells the sum of its bytes. */
static void slow_reader(int fd)
{
    static unsigned char bytes[30000];
    unsigned long sum = 0, n = 0;
    char reply[64];

    greet(fd);
    hear_envelope(fd);
    while (n < BIG_BYTES + strlen(".\r\n")) {
        ssize_t got = read(fd, bytes, sizeof bytes);

        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++)
            sum = sum * 31 + bytes[i];
        n += (unsigned long)got;
        usleep(3000);
    }
    snprintf(reply, sizeof reply, "250 %lu %lu\r\n", n, sum);
    say(fd, reply);
    say(fd, hear_line(fd, "QUIT") ? "221 bye\r\n" : "421 no QUIT\r\n");
}

/* Says in its greeting's place whether we spoke too soon. */
static void patient(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    say(fd, "220 test\r\n");
    say(fd, poll(&p, 1, 300) == 0 ? "" : "554 you spoke before the flush\r\n");
    wait_for_end(fd);
}

static void *run_server(void *unused)
{
    int fd = accept(server.listener, NULL, NULL);

    (void)unused;
    if (fd >= 0) {
        server.serve(fd);
        close(fd);
    }
    return NULL;
}

static void start_server(void (*serve)(int fd))
{
    socklen_t len = sizeof server.at;
    int window = WINDOW_BYTES;

    server.serve = serve;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (setsockopt(server.listener, SOL_SOCKET, SO_RCVBUF, &window,
                   sizeof window) != 0)
        abort();
    server.at = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(server.listener, (struct sockaddr *)&server.at, len) != 0)
        abort();
    if (getsockname(server.listener, (struct sockaddr *)&server.at, &len) != 0)
        abort();
    if (listen(server.listener, 1) != 0)
        abort();
    if (pthread_create(&server.thread, NULL, run_server, NULL) != 0)
        abort();
}

/* accept() of a server that nobody came to ends with the listener. */
static void stop_server(void)
{
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
}
#endif
