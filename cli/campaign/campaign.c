/* presort campaign: list, show, pause, resume, cancel; `send` is in send.c. */
#include "cli/campaign/campaign.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "base/clock.h"
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 200,
    SILENCE_MAX_MS = 60000, /* a service away so long is not coming back */
    NUMBER_TEXT_MAX = 32,
    SITES_SHOWN = 10,
};

/* Final verdicts that are no delivery. */
static const char *const failures[] = {"bounced", "in_doubt", "expired",
                                       "suppressed", "cancelled"};

/* What was told of mails that had been delivered. */
static const char *const later[] = {"bounced_later", "complained"};

enum { FAILURES = sizeof failures / sizeof *failures };

enum status campaign_path(const char *id, const char *more, char *out,
                          struct error *err)
{
    for (const char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-')
            return fail(err, STATUS_INVALID, "%s is no campaign's id", id);
    if (snprintf(out, CAMPAIGN_PATH_MAX, "/campaigns/%s%s", id, more) >=
            CAMPAIGN_PATH_MAX ||
        !*id)
        return fail(err, STATUS_INVALID, "a campaign's id is wanted");
    return STATUS_OK;
}

int64_t campaign_number(const json_t *object, const char *name)
{
    return (int64_t)json_number_value(json_object_get(object, name));
}

const char *campaign_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

struct progress_counts campaign_counts(const json_t *campaign)
{
    const json_t *totals = json_object_get(campaign, "totals");
    struct progress_counts counts = {
        .total = campaign_number(campaign, "recipients"),
        .delivered = campaign_number(totals, "delivered"),
        .state = campaign_text(campaign, "state"),
    };

    for (size_t i = 0; i < FAILURES; i++)
        counts.failed += campaign_number(totals, failures[i]);
    return counts;
}

/* --- watching --- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static bool is_over(const char *state)
{
    return strcmp(state, "sent") == 0 || strcmp(state, "cancelled") == 0;
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};

    nanosleep(&pause, NULL);
}

struct watch {
    struct progress progress;
    int64_t heard_ms; /* when the API last answered */
    json_t *last;     /* the answer with which it was over */
};

/* One look. A service that is away may come back: a restart, a database that
 * is moved. */
static enum status look(struct client *client, const char *path,
                        struct watch *watch, struct error *err)
{
    json_t *answer;
    int64_t now = clock_mono_ms();
    enum status status = client_call(client, "GET", path, NULL, &answer, err);

    if (status == STATUS_UNAVAILABLE && now - watch->heard_ms < SILENCE_MAX_MS)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    struct progress_counts counts = campaign_counts(answer);
    bool over = is_over(counts.state);
    watch->heard_ms = now;
    progress_show(&watch->progress, now, &counts, over);
    if (over)
        watch->last = answer;
    else
        json_decref(answer);
    return STATUS_OK;
}

enum status campaign_watch(struct client *client, const char *id, json_t **last,
                           struct error *err)
{
    struct watch watch = {.progress.terminal = isatty(STDOUT_FILENO),
                          .heard_ms = clock_mono_ms()};
    struct sigaction action = {.sa_handler = on_interrupt}, before;
    char path[CAMPAIGN_PATH_MAX];
    enum status status = campaign_path(id, "", path, err);

    sigaction(SIGINT, &action, &before);
    while (status == STATUS_OK && !watch.last && !interrupted) {
        status = look(client, path, &watch, err);
        if (status == STATUS_OK && !watch.last)
            rest();
    }
    sigaction(SIGINT, &before, NULL);
    *last = watch.last;
    if (status == STATUS_OK && !watch.last)
        return fail(err, STATUS_CONFLICT,
                    "\nNo longer watching; the campaign goes on. "
                    "`presort campaign show %s` tells more.",
                    id);
    return status;
}

/* --- printing --- */

static void print_count(const char *name, int64_t n)
{
    char text[NUMBER_TEXT_MAX];

    printf("  %-11s %12s\n", name, progress_number(n, text));
}

static void print_sites(const json_t *sites)
{
    size_t i;
    json_t *site;

    json_array_foreach(sites, i, site)
    {
        char delivered[NUMBER_TEXT_MAX];
        int64_t failed = 0;

        if (i == SITES_SHOWN) {
            printf("    and %zu more sites\n", json_array_size(sites) - i);
            break;
        }
        for (size_t f = 0; f < FAILURES; f++)
            failed += campaign_number(site, failures[f]);
        printf("    %-24.60s %12s delivered", campaign_text(site, "site"),
               progress_number(campaign_number(site, "delivered"), delivered));
        if (failed)
            printf("  %" PRId64 " failed", failed);
        putchar('\n');
    }
}

/* What recipients did; nothing where nothing was tracked. */
static void print_events(const json_t *events)
{
    static const char *const kinds[] = {"opened", "clicked", "unsubscribed"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const json_t *event = json_object_get(events, kinds[i]);
        int64_t mails = campaign_number(event, "mails");
        int64_t total = campaign_number(event, "total");
        int64_t machine = campaign_number(event, "machine");
        char text[NUMBER_TEXT_MAX];

        if (!total && !machine)
            continue;
        printf("  %-12s %11s", kinds[i], progress_number(mails, text));
        if (total > mails)
            printf("  (%s times)", progress_number(total, text));
        if (machine)
            printf("  and %s by machines", progress_number(machine, text));
        putchar('\n');
    }
}

/* What the refusals meant. */
static void print_failures(const json_t *list)
{
    size_t i;
    json_t *row;

    json_array_foreach(list, i, row)
    {
        char bounced[NUMBER_TEXT_MAX], deferred[NUMBER_TEXT_MAX];

        printf("    %-24.60s %12s bounced    %s deferred\n",
               campaign_text(row, "category"),
               progress_number(campaign_number(row, "bounced"), bounced),
               progress_number(campaign_number(row, "deferred"), deferred));
    }
}

/* RFC 3339 as the API writes it, in milliseconds since 1970; 0: none. */
static int64_t time_ms(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!rest)
        return 0;
    return (int64_t)timegm(&tm) * 1000 +
           (*rest == '.' ? (int64_t)(strtod(rest, NULL) * 1000) : 0);
}

static void print_times(const json_t *campaign, int64_t delivered)
{
    const char *started = campaign_text(campaign, "started_at");
    const char *finished = campaign_text(campaign, "finished_at");
    int64_t took = time_ms(finished) - time_ms(started);
    char text[NUMBER_TEXT_MAX], per_s[NUMBER_TEXT_MAX];

    if (*started)
        printf("  started     %s\n", started);
    if (!*finished)
        return;
    printf("  finished    %s\n", finished);
    if (*started && took > 0)
        printf("  took        %s, %s mails/s\n", progress_time(took, text),
               progress_number(delivered * 1000 / took, per_s));
}

void campaign_print(const json_t *campaign)
{
    const json_t *totals = json_object_get(campaign, "totals");
    struct progress_counts counts = campaign_counts(campaign);

    printf("%s  (%s)\n  %s\n", campaign_text(campaign, "name"),
           campaign_text(campaign, "id"), counts.state);
    if (*campaign_text(campaign, "paused_reason"))
        printf("  paused by itself: %s\n",
               campaign_text(campaign, "paused_reason"));
    print_count("recipients", counts.total);
    print_count("delivered", counts.delivered);
    for (size_t i = 0; i < FAILURES; i++)
        if (campaign_number(totals, failures[i]))
            print_count(failures[i], campaign_number(totals, failures[i]));
    print_events(json_object_get(campaign, "events"));
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (campaign_number(campaign, later[i]))
            print_count(later[i], campaign_number(campaign, later[i]));
    print_times(campaign, counts.delivered);
    print_sites(json_object_get(campaign, "sites"));
    print_failures(json_object_get(campaign, "failures"));
}

/* --- the verbs --- */

struct verb {
    const char *name;
    int (*run)(struct client *client, const struct verb *verb, int argc,
               char **argv);
};

static int list(struct client *client, const struct verb *verb, int argc,
                char **argv)
{
    json_t *answer, *campaign;
    struct error err;
    size_t i;

    (void)verb, (void)argv;
    if (argc > 1)
        return cli_usage("usage: presort campaign list");
    if (client_call(client, "GET", "/campaigns?limit=100", NULL, &answer,
                    &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    json_array_foreach(json_object_get(answer, "data"), i, campaign)
    {
        char total[NUMBER_TEXT_MAX];

        printf("%s  %-9s %12s  %s\n", campaign_text(campaign, "id"),
               campaign_text(campaign, "state"),
               progress_number(campaign_number(campaign, "recipients"), total),
               campaign_text(campaign, "name"));
    }
    json_decref(answer);
    return EXIT_DONE;
}

static int show(struct client *client, const struct verb *verb, int argc,
                char **argv)
{
    char path[CAMPAIGN_PATH_MAX];
    json_t *answer;
    struct error err;
    bool raw = argc == 3 && strcmp(argv[2], "--json") == 0;

    (void)verb;
    if (argc != 2 && !raw)
        return cli_usage("usage: presort campaign show ID [--json]");
    if (campaign_path(argv[1], "", path, &err) != STATUS_OK ||
        client_call(client, "GET", path, NULL, &answer, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (raw)
        json_dumpf(answer, stdout, JSON_INDENT(2)), putchar('\n');
    else
        campaign_print(answer);
    json_decref(answer);
    return EXIT_DONE;
}

static int act(struct client *client, const struct verb *verb, int argc,
               char **argv)
{
    char path[CAMPAIGN_PATH_MAX], more[16];
    json_t *answer;
    struct error err;

    if (argc != 2)
        return cli_usage("usage: presort campaign %s ID", verb->name);
    snprintf(more, sizeof more, "/%s", verb->name);
    if (campaign_path(argv[1], more, path, &err) != STATUS_OK ||
        client_call(client, "POST", path, NULL, &answer, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    printf("%s: %s\n", verb->name, argv[1]);
    json_decref(answer);
    return EXIT_DONE;
}

static void print_check(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    json_t *missing = json_object_get(answer, "missing"), *item;
    size_t i;

    printf("  %" PRId64 " of %" PRId64 " recipients looked at: %s\n",
           campaign_number(answer, "checked"),
           campaign_number(answer, "recipients"),
           json_is_true(json_object_get(answer, "ok")) ? "all is there"
                                                       : "not all is well");
    if (json_is_object(error))
        printf("  %" PRId64 " mails can't be rendered, as that to %s: %s\n",
               campaign_number(answer, "failed"),
               campaign_text(error, "recipient"),
               campaign_text(error, "message"));
    json_array_foreach(missing, i, item)
    {
        json_t *example = json_array_get(json_object_get(item, "examples"), 0);

        printf("  %s: %" PRId64 " lack it, as %s\n",
               campaign_text(item, "variable"),
               campaign_number(item, "recipients"),
               example ? json_string_value(example) : "");
    }
}

/* Fails if a script is to stop there. */
static int check(struct client *client, const struct verb *verb, int argc,
                 char **argv)
{
    char path[CAMPAIGN_PATH_MAX];
    json_t *answer;
    struct error err;

    (void)verb;
    if (argc != 2)
        return cli_usage("usage: presort campaign check ID");
    if (campaign_path(argv[1], "/check", path, &err) != STATUS_OK ||
        client_call(client, "POST", path, NULL, &answer, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    print_check(answer);
    int result =
        json_is_true(json_object_get(answer, "ok")) ? EXIT_DONE : EXIT_FAILED;
    json_decref(answer);
    return result;
}

static int watch(struct client *client, const struct verb *verb, int argc,
                 char **argv)
{
    json_t *last = NULL;
    struct error err;

    (void)verb;
    if (argc != 2)
        return cli_usage("usage: presort campaign watch ID");
    if (campaign_watch(client, argv[1], &last, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    campaign_print(last);
    json_decref(last);
    return EXIT_DONE;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct config config;
    struct error err;

    if (!cli_config(&config))
        return EXIT_FAILED;
    struct client *client = client_new(&config, &err);
    int result =
        client ? verb->run(client, verb, argc, argv) : cli_fail("%s", err.text);
    client_free(client);
    config_fini(&config);
    return result;
}

int command_campaign(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"list", list}, {"show", show},  {"watch", watch}, {"check", check},
        {"pause", act}, {"resume", act}, {"cancel", act}};
    enum { VERBS = sizeof verbs / sizeof *verbs };
    const char *names[VERBS + 1] = {[VERBS] = "send"};

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        puts("usage: presort campaign send --from ADDRESS --subject TEXT "
             "--html FILE\n"
             "           --recipients FILE.csv[.gz] [--text FILE] "
             "[--name NAME]\n"
             "           [--reply-to ADDRESS] [--at TIME] [--watch]\n"
             "           [--template ALIAS] [--strict] [--inline-css]\n"
             "       presort campaign list\n"
             "       presort campaign show ID [--json]\n"
             "       presort campaign check|watch|pause|resume|cancel ID\n\n"
             "send makes a campaign and sends it: texts are Liquid templates, "
             "the columns of the\nCSV their variables, `email` the address. "
             "--watch stays until all is sent (Ctrl-C\nleaves it going), --at "
             "2026-12-01T08:00:00Z or \"in 2 hours\" sends later, --strict\n"
             "refuses missing variables. show: totals, by site and by reason "
             "of failure. check\nrenders a draft for a sample. cancel is for "
             "good. It talks to the API of a running\n`presort up`, with its "
             "cli.key or PRESORT_API_KEY.");
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(argv[1], "send") == 0)
        return campaign_send(argc - 1, argv + 1);
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run(&verbs[i], argc - 1, argv + 1);
        names[i] = verbs[i].name;
    }
    return cli_unknown(argv[0], argv[1], names, VERBS + 1);
}
