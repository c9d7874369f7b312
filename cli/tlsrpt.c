/* presort tlsrpt: reports of TLS (RFC 8460) for domains that want them. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/doctor/say.h"
#include "cli/tls.sql.h"
#include "policy/rua.h"
#include "queue/db.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { PATH_MAX_BYTES = 4096, DAY_SECONDS = 86400, TIME_MAX = 32 };

static const char usage[] =
    "usage: presort tlsrpt [--date YYYY-MM-DD] [--domain DOMAIN] [--out "
    "DIR]\n\n"
    "Writes a report (RFC 8460, JSON, gzip) for each recipient domain that "
    "wants one, and\nprints where it is to go: to each of these addresses. "
    "--date: a day by UTC; without\nit, yesterday. Counts are kept for 30 "
    "days.";

struct tlsrpt {
    const char *date, *domain, *out;
    struct doctor dns; /* only to ask */
    PGresult *rows;
    char day[TIME_MAX];
    long long from_seconds;
};

enum { DOMAIN, POLICY, RESULT, SENDING, HOST, RECEIVING, REASON, SESSIONS };

static const char *field(const struct tlsrpt *t, int row, int column)
{
    return PQgetvalue(t->rows, row, column);
}

/* ---- A report ---- */

static void put(json_t *object, const char *name, const char *text)
{
    if (text[0])
        json_object_set_new(object, name, json_string(text));
}

static json_t *failure_of(const struct tlsrpt *t, int row, long long n)
{
    json_t *f = json_object();

    put(f, "result-type", field(t, row, RESULT));
    put(f, "sending-mta-ip", field(t, row, SENDING));
    put(f, "receiving-mx-hostname", field(t, row, HOST));
    put(f, "receiving-ip", field(t, row, RECEIVING));
    json_object_set_new(f, "failed-session-count", json_integer(n));
    put(f, "failure-reason-code", field(t, row, REASON));
    return f;
}

/* Rows of one domain and policy from row on; *row is behind them then. */
static json_t *policy_of(const struct tlsrpt *t, int *row)
{
    int first = *row;
    long long good = 0, bad = 0;
    json_t *failures = json_array(), *policy;

    for (; *row < PQntuples(t->rows) &&
           strcmp(field(t, *row, DOMAIN), field(t, first, DOMAIN)) == 0 &&
           strcmp(field(t, *row, POLICY), field(t, first, POLICY)) == 0;
         (*row)++) {
        long long n = strtoll(field(t, *row, SESSIONS), NULL, 10);

        if (!field(t, *row, RESULT)[0]) {
            good += n;
            continue;
        }
        bad += n;
        json_array_append_new(failures, failure_of(t, *row, n));
    }
    policy = json_pack("{so s{sI sI}}", "policy",
                       json_loads(field(t, first, POLICY), 0, NULL), "summary",
                       "total-successful-session-count", (json_int_t)good,
                       "total-failure-session-count", (json_int_t)bad);
    if (json_array_size(failures) > 0)
        json_object_set(policy, "failure-details", failures);
    json_decref(failures);
    return policy;
}

static void time_text(long long seconds, char out[TIME_MAX])
{
    time_t at = (time_t)seconds;
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static json_t *report_of(const struct tlsrpt *t, int *row)
{
    const char *domain = field(t, *row, DOMAIN);
    char from[TIME_MAX], to[TIME_MAX];
    json_t *policies = json_array();

    time_text(t->from_seconds, from);
    time_text(t->from_seconds + DAY_SECONDS - 1, to);
    while (*row < PQntuples(t->rows) &&
           strcmp(field(t, *row, DOMAIN), domain) == 0)
        json_array_append_new(policies, policy_of(t, row));
    return json_pack(
        "{ss s{ss ss} so so so}", "organization-name", t->dns.hostname,
        "date-range", "start-datetime", from, "end-datetime", to,
        "contact-info", json_sprintf("postmaster@%s", t->dns.hostname),
        "report-id", json_sprintf("%s_%s@%s", t->day, domain, t->dns.hostname),
        "policies", policies);
}

/* The name is that of RFC 8460, 5.1. */
static bool write_report(const struct tlsrpt *t, const char *domain,
                         json_t *report)
{
    char path[PATH_MAX_BYTES];
    char *text = json_dumps(report, JSON_INDENT(2));
    gzFile file;
    bool good;

    snprintf(path, sizeof path, "%s/%s!%s!%lld!%lld.json.gz", t->out,
             t->dns.hostname, domain, t->from_seconds,
             t->from_seconds + DAY_SECONDS - 1);
    file = gzopen(path, "wb");
    good = file && gzputs(file, text) > 0;
    if (file && gzclose(file) != Z_OK)
        good = false;
    free(text);
    if (good)
        printf("%s", path);
    else
        cli_fail("%s: can't be written", path);
    return good;
}

/* ---- Who wants it ---- */

struct wanted {
    char uris[RUA_MAX];
    bool unsure;
};

static void on_rua(void *arg, const struct dns_answer *answer)
{
    struct wanted *w = arg;

    (void)rua_of(answer, w->uris);
    w->unsure = answer->outcome == DNS_FAILED || answer->outcome == DNS_BOGUS;
}

static bool report_domain(struct tlsrpt *t, int *row)
{
    const char *domain = field(t, *row, DOMAIN);
    char name[DNS_NAME_MAX + 16];
    struct wanted wanted = {.unsure = false};
    json_t *report = report_of(t, row);
    bool good = true;

    snprintf(name, sizeof name, "_smtp._tls.%s", domain);
    ask(&t->dns, name, DNS_TXT, on_rua, &wanted);
    if (wanted.uris[0] || wanted.unsure) {
        good = write_report(t, domain, report);
        if (good)
            printf("  %s\n", wanted.unsure ? "(its record can't be looked up)"
                                           : wanted.uris);
    }
    json_decref(report);
    return good;
}

/* ---- The command ---- */

static int read_rows(struct tlsrpt *t, PGconn *conn)
{
    const char *params[] = {t->date, t->domain};
    struct error err;
    DB_RESULT *day = db_query(conn, &err, SQL_TLS_DAY, 1, params);

    if (!day)
        return cli_usage("--date: %s", err.text);
    snprintf(t->day, sizeof t->day, "%s", PQgetvalue(day, 0, 0));
    t->from_seconds = strtoll(PQgetvalue(day, 0, 1), NULL, 10);
    params[0] = t->day;
    t->rows = db_query(conn, &err, SQL_TLS_COUNTS, 2, params);
    if (!t->rows)
        return cli_fail("%s", err.text);
    if (PQntuples(t->rows) == 0)
        fprintf(stderr, "presort: no connections were counted on %s\n", t->day);
    return EXIT_DONE;
}

static int write_all(struct tlsrpt *t)
{
    struct error err;
    bool good = true;

    if (dns_new(&t->dns.loop, t->dns.config, &t->dns.dns, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    for (int row = 0; row < PQntuples(t->rows);)
        good &= report_domain(t, &row);
    dns_free(t->dns.dns);
    return good ? EXIT_DONE : EXIT_FAILED;
}

/* YYYY-MM-DD; whether there is such a day is for the database to say. */
static bool is_day(const char *text)
{
    static const char shape[] = "0000-00-00";
    size_t i = 0;

    while (text[i] && shape[i] &&
           (text[i] >= '0' && text[i] <= '9' ? '0' : text[i]) == shape[i])
        i++;
    return !text[i] && !shape[i];
}

static int options_read(int argc, char **argv, struct tlsrpt *t)
{
    static const struct option known[] = {{"date", 1, NULL, 'd'},
                                          {"domain", 1, NULL, 'n'},
                                          {"out", 1, NULL, 'o'},
                                          {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'd': t->date = optarg; break;
        case 'n': t->domain = optarg; break;
        case 'o': t->out = optarg; break;
        default: return EXIT_USAGE;
        }
    if (t->date && !is_day(t->date))
        return cli_usage("--date: \"%s\" is no day such as 2026-11-27",
                         t->date);
    return optind < argc ? cli_usage("too many words: %s", argv[optind])
                         : EXIT_DONE;
}

static int run(struct tlsrpt *t, const struct config *config)
{
    PGconn *conn = cli_database(config);
    int result = conn ? read_rows(t, conn) : EXIT_FAILED;

    PQfinish(conn);
    if (result != EXIT_DONE)
        return result;
    t->dns.config = config;
    config_hostname(config, t->dns.hostname, sizeof t->dns.hostname);
    uv_loop_init(&t->dns.loop);
    uv_timer_init(&t->dns.loop, &t->dns.limit);
    result = write_all(t);
    uv_close((uv_handle_t *)&t->dns.limit, NULL);
    uv_run(&t->dns.loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->dns.loop);
    PQclear(t->rows);
    return result;
}

int command_tlsrpt(int argc, char **argv)
{
    struct config config;
    struct tlsrpt t = {.out = "."};
    int result;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return EXIT_DONE;
    }
    result = options_read(argc, argv, &t);
    if (result != EXIT_DONE)
        return result;
    if (!cli_config(&config))
        return EXIT_FAILED;
    result = run(&t, &config);
    config_fini(&config);
    return result;
}
