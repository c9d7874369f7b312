/* presort sites, presort limits: why mail waits, and what holds it up. Spoken
 * to the database itself: it works while nothing else does. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/sites.sql.h"
#include "base/memory.h"
#include "engine/pace/limits.sql.h"
#include "pace/amend.h"
#include "pace/retry.h"
#include "pace/say.h"
#include "queue/db.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sites_usage[] =
    "usage: presort sites [NAME]\n"
    "       presort sites set NAME LIMIT=N|none|default ...\n"
    "       presort sites pause|resume|retry NAME\n\n"
    "NAME is as the list says it: google, mx.example.com, \"relay NAME\". "
    "retry "
    "forgets what\nthe site asked for and tries now. Limits: see `presort "
    "limits "
    "--help`.";

static const char limits_usage[] =
    "usage: presort limits [list]\n"
    "       presort limits set SCOPE NAME LIMIT=N|none|default ...\n"
    "       presort limits remove SCOPE NAME\n\n"
    "SCOPE is site, campaign (its id), project, sender (a domain), "
    "source (an\naddress) or relay. LIMIT is connections, "
    "connections_per_minute,\nmails_per_connection, mails_per_second, "
    "mails_per_minute, mails_per_hour,\nmails_per_day, burst, retry_first or "
    "retry_most. The last two are the first and the\nlongest wait of deferred "
    "mail, as 10m and 4h, and for sites and relays only.\n"
    "What is not named stays as it is; none lifts a limit, default\nforgets "
    "what was set. All workers follow at once.";

enum { SET_TRIES_MAX = 10 };

/* ---- Shown ---- */

enum column {
    COLUMN_SITE,
    COLUMN_MAILS,
    COLUMN_RATE,
    COLUMN_WHY,
    COLUMN_PAUSED,
    COLUMN_TRIED_IN,
    COLUMN_HEARD,
    COLUMN_CONNECTIONS,
    COLUMN_LIMITS,
    COLUMN_BATCHES,
    COLUMN_BOUND,
    COLUMN_SUSPENDED,
};

static const char *cell(const PGresult *r, int row, enum column column)
{
    return PQgetvalue(r, row, (int)column);
}

static void print_sentence(const PGresult *r, int row)
{
    const struct say say = {
        .mails = strtoll(cell(r, row, COLUMN_MAILS), NULL, 10),
        .mails_per_second = strtod(cell(r, row, COLUMN_RATE), NULL),
        .why = cell(r, row, COLUMN_WHY),
        .paused = *cell(r, row, COLUMN_PAUSED) == 't',
        .tried_in_s = strtoll(cell(r, row, COLUMN_TRIED_IN), NULL, 10),
        .heard = *cell(r, row, COLUMN_HEARD) == 't',
    };
    char sentence[SAY_MAX];

    say_site(&say, sentence);
    printf("%s: %s\n", cell(r, row, COLUMN_SITE), sentence);
}

static int list(PGconn *conn)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_SITES_LIST, 0, NULL);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        puts("no mail waits, and no connection is open");
    for (int row = 0; row < PQntuples(r); row++)
        print_sentence(r, row);
    return EXIT_DONE;
}

/* Rows of a question about the site, each by a format of its columns. */
static int print_rows(PGconn *conn, const char *sql, const char *site,
                      const char *title, void (*print)(const PGresult *, int))
{
    const char *params[] = {site};
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, 1, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) > 0)
        printf("\n%s\n", title);
    for (int row = 0; row < PQntuples(r); row++)
        print(r, row);
    return EXIT_DONE;
}

static void print_campaign(const PGresult *r, int row)
{
    printf("  %10s mails in %s batches  %s\n", PQgetvalue(r, row, 1),
           PQgetvalue(r, row, 2), PQgetvalue(r, row, 0));
}

static void print_suspended(const PGresult *r, int row)
{
    printf("  %s: left alone there until %s: %s\n", PQgetvalue(r, row, 0),
           PQgetvalue(r, row, 1), PQgetvalue(r, row, 2));
}

static void print_worker(const PGresult *r, int row)
{
    const char *lane = PQgetvalue(r, row, 2), *why = PQgetvalue(r, row, 6);

    printf("  worker %s on %s: lane %s, %s connections, %s mails in hand, "
           "%.1f/s%s%s\n",
           PQgetvalue(r, row, 0), PQgetvalue(r, row, 1), *lane ? lane : "none",
           PQgetvalue(r, row, 3), PQgetvalue(r, row, 4),
           strtod(PQgetvalue(r, row, 5), NULL), *why ? "; " : "", why);
}

static void print_reply(const PGresult *r, int row)
{
    printf("  %6s times, last %s  %s\n", PQgetvalue(r, row, 0),
           PQgetvalue(r, row, 1), PQgetvalue(r, row, 2));
}

/* What no worker has told of yet may have a schedule that is not known here. */
static void print_retry(const struct config *config, const char *limits)
{
    const struct retry retry = retry_by_text(config, limits);
    char first[LIMITS_WAIT_MAX], most[LIMITS_WAIT_MAX];

    if (!*limits)
        return;
    limits_wait_text(retry.first_s, first);
    limits_wait_text(retry.most_s, most);
    printf("deferred mail is tried again after %s", first);
    if (retry.first_s < retry.most_s)
        printf(", then after twice that, and so on up to %s\n", most);
    else
        puts(" each time");
}

static void print_state(const struct config *config, const PGresult *r)
{
    const char *limits = cell(r, 0, COLUMN_LIMITS);
    double bound = strtod(cell(r, 0, COLUMN_BOUND), NULL);

    printf("limits: %s\n", *limits ? limits : "none known yet");
    print_retry(config, limits);
    if (bound > 0)
        printf("shaped to %.2f mails a second, after complaints\n", bound);
    if (*cell(r, 0, COLUMN_SUSPENDED))
        printf("suspended until %s\n", cell(r, 0, COLUMN_SUSPENDED));
}

static int show(PGconn *conn, const struct config *config, const char *site)
{
    const char *params[] = {site};
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_SITES_SHOW, 1, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("nothing is known of a site %s: no mail waits for it, "
                        "and none was sent there lately",
                        site);
    print_sentence(r, 0);
    print_state(config, r);
    if (print_rows(conn, SQL_SITES_CAMPAIGNS, site,
                   "waiting:", print_campaign) ||
        print_rows(conn, SQL_SITES_SUSPENDED, site,
                   "campaigns that it blames, and its latest reply that does:",
                   print_suspended) ||
        print_rows(conn, SQL_SITES_WORKERS, site, "workers:", print_worker) ||
        print_rows(conn, SQL_SITES_REPLIES, site,
                   "replies of today:", print_reply))
        return EXIT_FAILED;
    return EXIT_DONE;
}

/* ---- Changed ---- */

static int order(PGconn *conn, const char *sql, const char *site,
                 const char *done)
{
    const char *params[] = {site};
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, 1, params);

    if (!r)
        return cli_fail("%s", err.text);
    printf("%s %s\n", site, done);
    return EXIT_DONE;
}

/* The words from a place on, in one text of LIMITS_TEXT_MAX bytes. */
static int join(char **words, int n, char *text)
{
    size_t len = 0;

    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        len += (size_t)snprintf(text + len, LIMITS_TEXT_MAX - len, "%s ",
                                words[i]);
        if (len >= LIMITS_TEXT_MAX)
            return cli_fail("too many limits");
    }
    return EXIT_DONE;
}

static bool is_for_sites(const char *scope)
{
    return strcmp(scope, "site") == 0 || strcmp(scope, "relay") == 0;
}

static int check_scope(const char *scope, const char *text)
{
    struct limits limits = limits_unset();
    struct error err;

    if (limits_parse(text, &limits, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    for (int i = 0; i < LIMITS; i++)
        if (limits.of[i] != LIMIT_UNSET && limit_is_of_sites((enum limit)i) &&
            !is_for_sites(scope))
            return cli_fail("%s: only sites and relays have that",
                            limit_text((enum limit)i));
    return EXIT_DONE;
}

/* What the words name is changed. *beaten: somebody else was faster, and it is
 * to be done again. */
static int change(PGconn *conn, const char *scope, const char *name,
                  const char *words, bool *beaten)
{
    char text[LIMITS_TEXT_MAX];
    const char *params[] = {scope, name, NULL, text};
    struct error err;
    DB_RESULT *was = db_query(conn, &err, SQL_LIMITS_WAS, 2, params);

    if (!was)
        return cli_fail("%s", err.text);
    params[2] = PQntuples(was) ? PQgetvalue(was, 0, 0) : "";
    if (limits_amend_text(params[2], words, text, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (check_scope(scope, text) != EXIT_DONE)
        return EXIT_FAILED;
    DB_RESULT *r = db_query(conn, &err, SQL_LIMITS_CHANGE, 4, params);

    if (!r)
        return cli_fail("%s", err.text);
    *beaten = PQntuples(r) == 0;
    if (!*beaten)
        puts(PQgetvalue(r, 0, 0));
    return EXIT_DONE;
}

static int set(PGconn *conn, const char *scope, const char *name, char **words,
               int n)
{
    char text[LIMITS_TEXT_MAX];
    bool beaten = true;
    int result = join(words, n, text);

    for (int i = 0; result == EXIT_DONE && beaten && i < SET_TRIES_MAX; i++)
        result = change(conn, scope, name, text, &beaten);
    if (result == EXIT_DONE && beaten)
        return cli_fail("others change these limits at this moment");
    return result;
}

/* A site "relay NAME" has its limits as the relay NAME. */
static int set_site(PGconn *conn, const char *site, char **words, int n)
{
    static const char relay[] = "relay ";
    size_t len = strlen(relay);

    if (strncmp(site, relay, len) == 0)
        return set(conn, "relay", site + len, words, n);
    return set(conn, "site", site, words, n);
}

static int list_limits(PGconn *conn)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_LIMITS_LIST, 0, NULL);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        puts("no limits but those of the settings and the providers");
    for (int row = 0; row < PQntuples(r); row++)
        printf("%s %s: %s\n", PQgetvalue(r, row, 0), PQgetvalue(r, row, 1),
               PQgetvalue(r, row, 2));
    return EXIT_DONE;
}

static int remove_limit(PGconn *conn, const char *scope, const char *name)
{
    const char *params[] = {scope, name};
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_LIMITS_REMOVE, 2, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("there is no limit for %s %s", scope, name);
    printf("removed %s\n", PQgetvalue(r, 0, 0));
    return EXIT_DONE;
}

/* ---- Commands ---- */

/* What people know is the domain: its site is meant then. NULL: the database
 * can't say, and that was told. */
static char *resolve(PGconn *conn, const char *word)
{
    const char *params[] = {word};
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_SITES_NAME, 1, params);

    if (!r)
        (void)cli_fail("%s", err.text);
    return r ? text_copy(PQgetvalue(r, 0, 0)) : NULL;
}

static int run_site(PGconn *conn, const struct config *config, int n,
                    char **words)
{
    if (strcmp(words[0], "set") == 0)
        return n > 2 ? set_site(conn, words[1], words + 2, n - 2)
                     : cli_usage("%s", sites_usage);
    if (n == 2 && strcmp(words[0], "pause") == 0)
        return order(conn, SQL_SITES_PAUSE, words[1], "is paused");
    if (n == 2 && strcmp(words[0], "resume") == 0)
        return order(conn, SQL_SITES_RESUME, words[1], "goes on");
    if (n == 2 && strcmp(words[0], "retry") == 0)
        return order(conn, SQL_SITES_RETRY, words[1], "is tried now");
    return n == 1 ? show(conn, config, words[0]) : cli_usage("%s", sites_usage);
}

static int run_sites(PGconn *conn, const struct config *config, int n,
                     char **words)
{
    int at = n > 1 ? 1 : 0, result;
    char *said, *name;

    if (n == 0 || (n == 1 && strcmp(words[0], "list") == 0))
        return list(conn);
    said = words[at];
    name = resolve(conn, said);
    if (!name)
        return EXIT_FAILED;
    words[at] = name;
    result = run_site(conn, config, n, words);
    words[at] = said;
    free(name);
    return result;
}

static int check_known(const char *verb, const char *scope)
{
    static const char *const known[] = {"site",    "relay",  "campaign",
                                        "project", "sender", "source"};
    enum { KNOWN = sizeof known / sizeof *known };

    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(scope, known[i]) == 0)
            return EXIT_DONE;
    return cli_unknown(verb, scope, known, KNOWN);
}

static int run_limits(PGconn *conn, const struct config *config, int n,
                      char **words)
{
    (void)config;
    if (n == 0 || (n == 1 && strcmp(words[0], "list") == 0))
        return list_limits(conn);
    if (n > 3 && strcmp(words[0], "set") == 0)
        return check_known("limits set", words[1]) == EXIT_DONE
                   ? set(conn, words[1], words[2], words + 3, n - 3)
                   : EXIT_USAGE;
    if (n == 3 && strcmp(words[0], "remove") == 0)
        return check_known("limits remove", words[1]) == EXIT_DONE
                   ? remove_limit(conn, words[1], words[2])
                   : EXIT_USAGE;
    return cli_usage("%s", limits_usage);
}

static int run(int (*what)(PGconn *conn, const struct config *config, int n,
                           char **words),
               int n, char **words)
{
    struct config config;
    int result = EXIT_FAILED;

    if (n > 0 && words[0][0] == '-')
        return cli_usage("unknown option %s", words[0]);
    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);

    if (conn)
        result = what(conn, &config, n, words);
    PQfinish(conn);
    config_fini(&config);
    return result;
}

static bool wants_help(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "--help") == 0;
}

int command_sites(int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        puts(sites_usage);
        return EXIT_DONE;
    }
    return run(run_sites, argc - 1, argv + 1);
}

int command_limits(int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        puts(limits_usage);
        return EXIT_DONE;
    }
    return run(run_limits, argc - 1, argv + 1);
}
