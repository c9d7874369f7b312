/* presort doctor: does the world see what a good sender shows? */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/doctor/doctor.sql.h"
#include "cli/doctor/say.h"
#include "egress/here.h"
#include "mail/domain.h"
#include "queue/db.h"
#include <stdio.h>
#include <string.h>

enum { ADDRESSES_MAX = 64 };

static const char usage[] =
    "usage: presort doctor [--address IP]... [DOMAIN...]\n\n"
    "Looks up what receivers will look up, and says of each thing whether it "
    "is right,\nwhat was found and what to publish: the host's name and "
    "addresses (A, PTR), those of\neach source address (presort sources), and "
    "of each sending domain DKIM, SPF and whether\nit covers the source "
    "addresses, DMARC and its alignment, MX, MTA-STS, TLS-RPT,\nand what TLS "
    "its mail hosts speak. Without DOMAIN, all sending\ndomains. --address: a "
    "public address that "
    "mail leaves from, where it is not that of\n`hostname`. Leaves with 1 if "
    "anything fails.";

struct options {
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    size_t n;
};

static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"address", 1, NULL, 'a'}, {"help", 0, NULL, 'h'}, {0}};
    socklen_t len;
    int c;

    while ((c = cli_option(argc, argv, known)) != -1) {
        if (c == 'h') {
            puts(usage);
            return -1;
        }
        if (c != 'a')
            return EXIT_USAGE;
        if (o->n == ADDRESSES_MAX)
            return cli_usage("%d addresses at most", ADDRESSES_MAX);
        if (!egress_address(optarg, &o->addresses[o->n++], &len))
            return cli_usage("--address: %s is no IP address", optarg);
    }
    return EXIT_DONE;
}

static void check_named(struct doctor *d, int n, char **names)
{
    char domain[DOMAIN_MAX];
    struct error err;

    for (int i = 0; i < n; i++) {
        putchar('\n');
        if (domain_ascii(names[i], domain, &err) == STATUS_OK)
            check_domain(d, domain);
        else
            say(d, GRADE_FAIL, names[i], "%s", err.text);
    }
}

static void check_all(struct doctor *d)
{
    struct error err;
    DB_RESULT *r =
        d->conn ? db_query(d->conn, &err, SQL_DOCTOR_DOMAINS, 0, NULL) : NULL;

    if (r && PQntuples(r) == 0)
        say(d, GRADE_INFO, "domains",
            "none yet: `presort domains add DOMAIN` makes one");
    for (int row = 0; r && row < PQntuples(r); row++) {
        putchar('\n');
        check_domain(d, PQgetvalue(r, row, 0));
    }
}

static void connect_database(struct doctor *d)
{
    struct error err;

    d->conn = db_connect(d->config, "presort-doctor", &err);
    if (!d->conn)
        say(d, GRADE_WARN, "database", "%s; what it knows is not checked",
            err.text);
}

static int examine(struct doctor *d, const struct options *o, int n,
                   char **names)
{
    struct error err;

    if (dns_new(&d->loop, d->config, &d->dns, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    connect_database(d);
    check_host(d, o->addresses, o->n);
    check_sources(d);
    if (n > 0)
        check_named(d, n, names);
    else
        check_all(d);
    dns_free(d->dns);
    PQfinish(d->conn);
    printf("\n%d failed, %d to look at\n", d->failures, d->warnings);
    return d->failures > 0 ? EXIT_FAILED : EXIT_DONE;
}

int command_doctor(int argc, char **argv)
{
    struct config config;
    struct doctor d = {.config = &config};
    static struct options options;
    int result = options_read(argc, argv, &options);

    if (result != EXIT_DONE)
        return result < 0 ? EXIT_DONE : result;
    if (!cli_config(&config))
        return EXIT_FAILED;
    config_hostname(&config, d.hostname, sizeof d.hostname);
    for (char *c = d.hostname; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    uv_loop_init(&d.loop);
    uv_timer_init(&d.loop, &d.limit);
    result = examine(&d, &options, argc - optind, argv + optind);
    uv_close((uv_handle_t *)&d.limit, NULL);
    uv_run(&d.loop, UV_RUN_DEFAULT);
    uv_loop_close(&d.loop);
    config_fini(&config);
    return result;
}
