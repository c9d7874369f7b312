#include "metrics.h"
#include "base/buf.h"
#include "base/memory.h"
#include "base/net.h"
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static const int64_t bounds_ms[METRICS_BUCKETS] = {
    1, 2, 5, 10, 20, 50, 100, 250, 1000, 5000, 30000, 300000};

void metrics_observe_ms(struct histogram *h, int64_t ms)
{
    int i = 0;

    while (i < METRICS_BUCKETS && ms > bounds_ms[i])
        i++;
    h->bucket[i]++;
    h->count++;
    h->sum_ms += ms > 0 ? (uint64_t)ms : 0;
}

struct metrics_server {
    const struct metrics *metrics;
    int worker;
    struct MHD_Daemon *daemon;
};

static void write_histogram(struct buf *b, const struct histogram *h, int w)
{
    uint64_t sum = 0;

    buf_add_text(b, "# HELP presort_delivery_seconds From MAIL FROM to the "
                    "outcome\n# TYPE presort_delivery_seconds histogram\n");
    for (int i = 0; i < METRICS_BUCKETS; i++) {
        sum += h->bucket[i];
        buf_addf(b,
                 "presort_delivery_seconds_bucket{slot=\"%d\",le=\"%g\"} "
                 "%" PRIu64 "\n",
                 w, (double)bounds_ms[i] / 1000, sum);
    }
    buf_addf(b,
             "presort_delivery_seconds_bucket{slot=\"%d\",le=\"+Inf\"} "
             "%" PRIu64 "\n"
             "presort_delivery_seconds_sum{slot=\"%d\"} %.3f\n"
             "presort_delivery_seconds_count{slot=\"%d\"} %" PRIu64 "\n",
             w, h->count, w, (double)h->sum_ms / 1000, w, h->count);
}

static void write_page(struct buf *b, const struct metrics *m, int w)
{
    buf_add_text(b, "# HELP presort_outcomes_total Outcomes of mails\n"
                    "# TYPE presort_outcomes_total counter\n");
    for (int v = 0; v < VERDICTS; v++)
        buf_addf(b,
                 "presort_outcomes_total{slot=\"%d\",verdict=\"%s\"} "
                 "%" PRIu64 "\n",
                 w, verdict_text((enum verdict)v), m->outcomes[v]);
#define SUFFIX_counter "_total"
#define SUFFIX_gauge ""
#define X_(kind, name, help)                                                   \
    buf_addf(b,                                                                \
             "# HELP presort_" #name SUFFIX_##kind                             \
             " " help "\n"                                                     \
             "# TYPE presort_" #name SUFFIX_##kind                             \
             " " #kind "\n"                                                    \
             "presort_" #name SUFFIX_##kind "{slot=\"%d\"} %" PRIu64 "\n",     \
             w, m->name);
    METRICS_TABLE(X_)
#undef X_
    write_histogram(b, &m->delivery_ms, w);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_len, void **state)
{
    const struct metrics_server *s = arg;
    struct buf page = {0};
    bool found = strcmp(url, "/metrics") == 0 && strcmp(method, "GET") == 0;

    (void)version, (void)upload, (void)state;
    *upload_len = 0;
    if (found)
        write_page(&page, s->metrics, s->worker);
    else
        buf_add_text(&page, "GET /metrics is here\n");
    struct MHD_Response *response = MHD_create_response_from_buffer(
        page.len, page.data, MHD_RESPMEM_MUST_FREE);

    MHD_add_response_header(response, "Content-Type",
                            "text/plain; version=0.0.4");
    enum MHD_Result result = MHD_queue_response(
        connection, found ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, response);

    MHD_destroy_response(response);
    return result;
}

enum { METRICS_CONNECTIONS_MAX = 16, METRICS_TIMEOUT_S = 10 };

enum status metrics_serve(const struct metrics *metrics, int worker,
                          const char *listen, int offset,
                          struct metrics_server **out, struct error *err)
{
    struct net_address at;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE};
    char port[16];

    if (net_parse(listen, &at, err) != STATUS_OK)
        return STATUS_INVALID;
    snprintf(port, sizeof port, "%d", at.port + (at.port ? offset : 0));
    if (getaddrinfo(at.host, port, &hints, &found) != 0)
        return fail(err, STATUS_INVALID,
                    "engine_metrics_listen: no address "
                    "for %s",
                    at.host);
    struct metrics_server *s = memory_new(1, sizeof *s);

    s->metrics = metrics;
    s->worker = worker;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD |
            (found->ai_family == AF_INET6 ? MHD_USE_IPv6 : MHD_NO_FLAG),
        (uint16_t)atol(port), NULL, NULL, answer, s, MHD_OPTION_SOCK_ADDR,
        found->ai_addr, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)METRICS_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)METRICS_TIMEOUT_S, MHD_OPTION_END);
    freeaddrinfo(found);
    if (!s->daemon) {
        free(s);
        return fail(err, STATUS_FAILED,
                    "engine_metrics_listen: can't listen "
                    "on %s port %s: %s",
                    at.host, port, strerror(errno));
    }
    *out = s;
    return STATUS_OK;
}

void metrics_stop(struct metrics_server *s)
{
    if (!s)
        return;
    MHD_stop_daemon(s->daemon);
    free(s);
}
