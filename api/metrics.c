#include "api/metrics.h"
#include <stdatomic.h>

enum { ROUTES_MAX = 64, BOUNDS = 12 };

static const int statuses[] = {200, 201, 400, 401, 403, 404, 405, 408, 409,
                               413, 414, 415, 422, 429, 431, 500, 503, 0};
enum { STATUSES = sizeof statuses / sizeof *statuses };

static const int64_t bounds_us[BOUNDS] = {500,    1000,   2500,    5000,
                                          10000,  25000,  50000,   100000,
                                          250000, 500000, 1000000, 5000000};

static _Atomic int64_t values[METRICS];
/* The last row is for requests that no route takes. */
static _Atomic int64_t requests[ROUTES_MAX + 1][STATUSES];
static _Atomic int64_t slower[ROUTES_MAX + 1][BOUNDS + 1];
static _Atomic int64_t sum_us[ROUTES_MAX + 1];

void metric_add(enum metric metric, int64_t n)
{
    atomic_fetch_add_explicit(&values[metric], n, memory_order_relaxed);
}

void metric_set(enum metric metric, int64_t n)
{
    atomic_store_explicit(&values[metric], n, memory_order_relaxed);
}

int64_t metric_get(enum metric metric)
{
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

static size_t row_of(const struct route *route)
{
    size_t row = route ? (size_t)(route - route_table) : ROUTES_MAX;

    return row < ROUTES_MAX ? row : ROUTES_MAX;
}

void metric_request(const struct route *route, int status, int64_t took_us)
{
    size_t row = row_of(route), at = 0, bound = 0;

    while (at < STATUSES - 1 && statuses[at] != status)
        at++;
    while (bound < BOUNDS && took_us > bounds_us[bound])
        bound++;
    atomic_fetch_add_explicit(&requests[row][at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&slower[row][bound], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&sum_us[row], took_us, memory_order_relaxed);
}

static void add_label(struct buf *out, size_t row)
{
    if (row < route_count)
        buf_addf(out, "route=\"%s %s\"", route_table[row].method,
                 route_table[row].pattern);
    else
        buf_add_text(out, "route=\"none\"");
}

static void write_counts(struct buf *out, size_t row)
{
    for (size_t at = 0; at < STATUSES; at++) {
        int64_t n =
            atomic_load_explicit(&requests[row][at], memory_order_relaxed);

        if (n == 0)
            continue;
        buf_add_text(out, "presort_api_requests_total{");
        add_label(out, row);
        if (statuses[at])
            buf_addf(out, ",status=\"%d\"} %lld\n", statuses[at], (long long)n);
        else
            buf_addf(out, ",status=\"other\"} %lld\n", (long long)n);
    }
}

static void write_latency(struct buf *out, size_t row)
{
    static const char name[] = "presort_api_request_seconds";
    int64_t n = 0;

    for (size_t at = 0; at <= BOUNDS; at++) {
        n += atomic_load_explicit(&slower[row][at], memory_order_relaxed);
        buf_addf(out, "%s_bucket{", name);
        add_label(out, row);
        if (at < BOUNDS)
            buf_addf(out, ",le=\"%g\"} %lld\n", (double)bounds_us[at] / 1e6,
                     (long long)n);
        else
            buf_addf(out, ",le=\"+Inf\"} %lld\n", (long long)n);
    }
    buf_addf(out, "%s_sum{", name);
    add_label(out, row);
    buf_addf(out, "} %.6f\n%s_count{",
             (double)atomic_load_explicit(&sum_us[row], memory_order_relaxed) /
                 1e6,
             name);
    add_label(out, row);
    buf_addf(out, "} %lld\n", (long long)n);
}

static void head(struct buf *out, const char *name, const char *kind,
                 const char *meaning)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, meaning, name, kind);
}

void metrics_write(struct buf *out)
{
    static const struct {
        const char *name, *kind, *meaning;
    } table[] = {
#define X_(member, name, kind, meaning) {name, kind, meaning},
        METRIC_TABLE(X_)
#undef X_
    };

    head(out, "presort_api_requests_total", "counter", "requests answered");
    for (size_t row = 0; row <= ROUTES_MAX; row++)
        write_counts(out, row);
    head(out, "presort_api_request_seconds", "histogram",
         "time from the request's first line to its answer");
    for (size_t row = 0; row <= ROUTES_MAX; row++)
        if (atomic_load_explicit(&sum_us[row], memory_order_relaxed) > 0)
            write_latency(out, row);
    for (size_t i = 0; i < METRICS; i++) {
        head(out, table[i].name, table[i].kind, table[i].meaning);
        buf_addf(out, "%s %lld\n", table[i].name,
                 (long long)metric_get((enum metric)i));
    }
}
