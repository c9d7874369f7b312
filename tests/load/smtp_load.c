/*
 * tests/load/smtp_load - what the SMTP client costs: mails of 4 KB over a few
 * pipelined connections to a sink in a child process. Prints
 * `smtp_us_per_mail`, the CPU time of this process alone (session, connection,
 * libuv and system calls), and `smtp_mails_per_s`.
 *
 *     smtp_load [mails] [connections]
 */
#include "base/clock.h"
#include "smtp/conn.h"
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, BODY_BYTES = 4096, READ_BYTES = 65536 };

struct sink {
    int fd;
    bool in_body;
    size_t len;
    char in[2 * READ_BYTES];
};

/* Answers each command and each body that is whole; keeps the rest. */
static void answer(struct sink *k)
{
    char out[READ_BYTES];
    size_t out_len = 0, at = 0;

    while (at < k->len && out_len < sizeof out - 64) {
        const char *end = k->in_body ? "\r\n.\r\n" : "\r\n";
        char *found = memmem(k->in + at, k->len - at, end, strlen(end));
        const char *reply = "250 2.0.0 Ok\r\n";

        if (!found)
            break;
        if (!k->in_body && memcmp(k->in + at, "DATA", 4) == 0)
            reply = "354 go on\r\n";
        else if (!k->in_body && memcmp(k->in + at, "QUIT", 4) == 0)
            reply = "221 2.0.0 Bye\r\n";
        else if (!k->in_body && memcmp(k->in + at, "EHLO", 4) == 0)
            reply = "250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n";
        k->in_body = reply[0] == '3';
        at = (size_t)(found - k->in) + strlen(end);
        memcpy(out + out_len, reply, strlen(reply));
        out_len += strlen(reply);
    }
    memmove(k->in, k->in + at, k->len -= at);
    if (out_len && write(k->fd, out, out_len) < 0)
        exit(1);
}

static _Noreturn void sink_run(int listener)
{
    static struct sink sinks[CONNECTIONS_MAX];
    struct pollfd fds[CONNECTIONS_MAX + 1] = {{listener, POLLIN, 0}};
    nfds_t n = 1;

    while (poll(fds, n, -1) > 0) {
        for (nfds_t i = 1; i < n; i++) {
            struct sink *k = &sinks[i - 1];

            if (!fds[i].revents)
                continue;
            ssize_t got = read(k->fd, k->in + k->len, READ_BYTES);
            if (got <= 0) {
                close(k->fd);
                fds[i].fd = -1; /* poll passes it over */
                continue;
            }
            k->len += (size_t)got;
            answer(k);
        }
        if (fds[0].revents && n <= CONNECTIONS_MAX) {
            int fd = accept(listener, NULL, NULL);

            if (fd < 0 || write(fd, "220 sink\r\n", 10) < 0)
                exit(1);
            sinks[n - 1].fd = fd;
            fds[n++] = (struct pollfd){fd, POLLIN, 0};
        }
    }
    exit(0);
}

static struct {
    struct smtp_net *net;
    char body[BODY_BYTES];
    unsigned long to_send, delivered, other;
    unsigned open;
} load;

static void on_ready(struct smtp_conn *conn, void *owner)
{
    static const char *const from = "bounce+0123456789abcdef@example.com";
    struct smtp_message m = {.from = from,
                             .to = "somebody@example.org",
                             .data = load.body,
                             .data_len = sizeof load.body,
                             .tag = owner};

    if (load.to_send == 0) {
        smtp_conn_quit(conn);
        return;
    }
    load.to_send--;
    smtp_conn_send(conn, &m);
}

static void on_settled(struct smtp_conn *conn, const struct smtp_result *result,
                       void *owner)
{
    (void)conn, (void)owner;
    if (result->verdict == VERDICT_DELIVERED)
        load.delivered++;
    else
        load.other++;
}

static void on_closed(struct smtp_conn *conn, const struct smtp_end *end,
                      void *owner)
{
    (void)conn, (void)owner;
    if (*end->why)
        fprintf(stderr, "closed: %s\n", end->why);
    load.open--;
}

static void on_check(uv_check_t *check)
{
    smtp_net_flush(load.net);
    if (load.open == 0)
        uv_stop(check->loop);
}

static int listen_anywhere(struct sockaddr_in *at)
{
    socklen_t len = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)at, len) < 0 ||
        listen(fd, CONNECTIONS_MAX) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &len) < 0)
        exit(1);
    return fd;
}

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    static const struct smtp_conn_events events = {on_ready, on_settled,
                                                   on_closed};
    unsigned long mails = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    unsigned long conns = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    struct sockaddr_in at;
    int listener = listen_anywhere(&at);
    pid_t sink = fork();

    if (sink == 0)
        sink_run(listener);
    memset(load.body, 'x', sizeof load.body);
    for (size_t i = 78; i <= sizeof load.body; i += 78)
        memcpy(load.body + i - 2, "\r\n", 2);
    memcpy(load.body + sizeof load.body - 2, "\r\n", 2);

    const struct smtp_conn_setup setup = {
        .address = (struct sockaddr *)&at,
        .address_len = sizeof at,
        .ehlo_name = "load.example",
        .limits = {5000, 5000, 5000, 5000, 0},
    };
    uv_loop_t *loop = uv_default_loop();
    uv_check_t check;
    uv_check_init(loop, &check);
    uv_check_start(&check, on_check);
    load.net = smtp_net_new(loop);
    load.to_send = mails;
    int64_t start_ms = clock_mono_ms();
    double start_cpu = cpu_s();
    for (load.open = 0; load.open < conns && load.open < CONNECTIONS_MAX;
         load.open++)
        smtp_conn_open(load.net, &setup, &events, NULL);
    uv_run(loop, UV_RUN_DEFAULT);

    double wall = (double)(clock_mono_ms() - start_ms) / 1000;
    printf("smtp_us_per_mail %.2f us\n",
           (cpu_s() - start_cpu) * 1e6 / (double)mails);
    printf("smtp_mails_per_s %.0f 1/s\n", (double)load.delivered / wall);
    kill(sink, SIGTERM);
    smtp_net_free(load.net);
    uv_close((uv_handle_t *)&check, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    return load.delivered == mails && load.other == 0 ? 0 : 1;
}
