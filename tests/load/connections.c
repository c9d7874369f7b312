/*
 * tests/load/connections - what many connections hold of memory: opens them to
 * a server on 127.0.0.1, each with STARTTLS, sends a mail over every one, and
 * tells the resident size while all of them are open.
 *
 *     connections PORT [connections] [none|required]
 */
#include "base/memory.h"
#include "smtp/conn.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_BYTES = 4096, PATIENCE_MS = 60000, AT_ONCE = 50 };

static struct {
    struct smtp_net *net;
    struct smtp_conn_setup setup;
    char body[BODY_BYTES];
    size_t wanted, opened, sent, closed, coming;
} load;

static double resident_mb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        exit(1);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void on_ready(struct smtp_conn *conn, void *owner)
{
    bool *served = owner;
    struct smtp_message m = {.from = "a@example.com",
                             .to = "b@example.org",
                             .data = load.body,
                             .data_len = sizeof load.body};

    if (*served)
        return;
    *served = true;
    load.coming--;
    smtp_conn_send(conn, &m);
}

static void on_settled(struct smtp_conn *conn, const struct smtp_result *result,
                       void *owner)
{
    (void)conn, (void)owner;
    load.sent += result->verdict == VERDICT_DELIVERED;
}

static void on_closed(struct smtp_conn *conn, const struct smtp_end *end,
                      void *owner)
{
    (void)conn, (void)owner;
    fprintf(stderr, "closed: %s\n", end->why);
    load.closed++;
}

static void on_check(uv_check_t *check)
{
    static const struct smtp_conn_events events = {on_ready, on_settled,
                                                   on_closed};

    while (load.opened < load.wanted && load.coming < AT_ONCE) {
        smtp_conn_open(load.net, &load.setup, &events, memory_new(1, 1));
        load.opened++;
        load.coming++;
    }
    smtp_net_flush(load.net);
    if (load.sent == load.wanted || load.closed > 0)
        uv_stop(check->loop);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uv_loop_t *loop = uv_default_loop();
    uv_check_t check;

    if (argc < 2)
        return 2;
    at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    load.wanted = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
    load.setup = (struct smtp_conn_setup){
        .address = (struct sockaddr *)&at,
        .address_len = sizeof at,
        .ehlo_name = "load.example",
        .tls = {.level = argc > 3 && strcmp(argv[3], "none") == 0
                             ? SMTP_TLS_NONE
                             : SMTP_TLS_REQUIRED,
                .host = "sink.localhost"},
        .limits = {PATIENCE_MS, PATIENCE_MS, PATIENCE_MS, 10 * PATIENCE_MS, 0},
    };
    memset(load.body, 'x', sizeof load.body);
    memcpy(load.body + sizeof load.body - 2, "\r\n", 2);
    load.net = smtp_net_new(loop);
    uv_check_init(loop, &check);
    uv_check_start(&check, on_check);
    on_check(&check); /* or nothing would ever happen */

    double before = resident_mb();
    uv_run(loop, UV_RUN_DEFAULT);
    printf("connections %zu\nbefore_rss %.1f MB\nconnections_rss %.1f MB\n",
           load.sent, before, resident_mb());
    return load.sent == load.wanted ? 0 : 1;
}
