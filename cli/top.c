/* presort top: live rates per campaign and site, drawn again each second. */
#include "cli/campaign/campaign.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "base/buf.h"
#include "base/clock.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TOP_ROWS_MAX = 512,
    TOP_SITES_SHOWN = 8,
    TOP_NAME_MAX = 96,
    TOP_TEXT_MAX = 32,
};

/* What a row had delivered at the last look. A row is a campaign's id, or
 * that and a site. */
struct top_row {
    char name[TOP_NAME_MAX];
    int64_t delivered, failed;
    bool seen;
};

struct top {
    struct client *client;
    struct top_row rows[TOP_ROWS_MAX];
    size_t n;
    int64_t looked_ms, elapsed_ms; /* of the monotonic clock; since */
    bool terminal;
};

static struct top_row *row_of(struct top *top, const char *id, const char *site)
{
    char name[TOP_NAME_MAX];

    snprintf(name, sizeof name, "%s %s", id, site);
    for (size_t i = 0; i < top->n; i++)
        if (strcmp(top->rows[i].name, name) == 0)
            return &top->rows[i];
    /* More than anyone reads on a screen: the oldest give way. */
    if (top->n == TOP_ROWS_MAX) {
        memmove(top->rows, top->rows + 1,
                (TOP_ROWS_MAX - 1) * sizeof *top->rows);
        top->n--;
    }
    struct top_row *row = &top->rows[top->n++];
    *row = (struct top_row){0};
    memcpy(row->name, name, sizeof name);
    return row;
}

/* Mails per second since the last look; 0 at the first. */
static int64_t rate(const struct top *top, const struct top_row *row,
                    int64_t now)
{
    if (!row->seen || top->elapsed_ms <= 0 || now < row->delivered)
        return 0;
    return (now - row->delivered) * 1000 / top->elapsed_ms;
}

static void add_row(struct top *top, struct buf *out, const json_t *of,
                    const char *id, const char *site, const char *label)
{
    struct top_row *row = row_of(top, id, site);
    struct progress_counts c = campaign_counts(of);
    char per_s[TOP_TEXT_MAX], delivered[TOP_TEXT_MAX], failed[TOP_TEXT_MAX];

    buf_addf(out, "%-34.34s %9s %13s %10s", label,
             progress_number(rate(top, row, c.delivered), per_s),
             progress_number(c.delivered, delivered),
             progress_number(c.failed, failed));
    row->delivered = c.delivered;
    row->failed = c.failed;
    row->seen = true;
}

static void add_sites(struct top *top, struct buf *out, const char *id,
                      const json_t *sites)
{
    size_t i;
    json_t *site;

    json_array_foreach(sites, i, site)
    {
        char label[TOP_NAME_MAX];
        json_t *wrapped = json_pack("{s:O}", "totals", site);

        if (i == TOP_SITES_SHOWN) {
            buf_addf(out, "    and %zu more\n", json_array_size(sites) - i);
            json_decref(wrapped);
            break;
        }
        snprintf(label, sizeof label, "    %s", campaign_text(site, "site"));
        add_row(top, out, wrapped, id, campaign_text(site, "site"), label);
        buf_add_char(out, '\n');
        json_decref(wrapped);
    }
}

static enum status add_campaign(struct top *top, struct buf *out,
                                const json_t *listed, struct error *err)
{
    const char *id = campaign_text(listed, "id");
    char path[CAMPAIGN_PATH_MAX], left[TOP_TEXT_MAX];
    json_t *campaign;
    enum status status = campaign_path(id, "", path, err);

    if (status == STATUS_OK)
        status = client_call(top->client, "GET", path, NULL, &campaign, err);
    if (status != STATUS_OK)
        return status;
    struct progress_counts c = campaign_counts(campaign);
    add_row(top, out, campaign, id, "", campaign_text(campaign, "name"));
    buf_addf(out, " %13s  %s\n",
             progress_number(c.total - c.delivered - c.failed, left), c.state);
    add_sites(top, out, id, json_object_get(campaign, "sites"));
    json_decref(campaign);
    return STATUS_OK;
}

static bool is_open(const char *state)
{
    return strcmp(state, "sending") == 0 || strcmp(state, "paused") == 0 ||
           strcmp(state, "scheduled") == 0;
}

static enum status look(struct top *top, struct buf *out, struct error *err)
{
    json_t *answer, *campaign;
    size_t i, shown = 0;
    int64_t now = clock_mono_ms();
    enum status status = client_call(top->client, "GET", "/campaigns?limit=100",
                                     NULL, &answer, err);

    if (status != STATUS_OK)
        return status;
    top->elapsed_ms = top->looked_ms ? now - top->looked_ms : 0;
    top->looked_ms = now;
    buf_addf(out, "%-34s %9s %13s %10s %13s\n", "campaign, site", "mails/s",
             "delivered", "failed", "left");
    json_array_foreach(json_object_get(answer, "data"), i, campaign)
    {
        if (status != STATUS_OK || !is_open(campaign_text(campaign, "state")))
            continue;
        status = add_campaign(top, out, campaign, err);
        shown++;
    }
    if (!shown)
        buf_add_text(out, "nothing is being sent\n");
    json_decref(answer);
    return status;
}

/* Rates need two looks; the first of --once is not shown. */
static int run(struct top *top, bool once)
{
    const struct timespec second = {.tv_sec = 1};
    struct buf out = {0};
    struct error err;

    for (unsigned looks = 1;; looks++) {
        buf_reset(&out);
        enum status status = look(top, &out, &err);
        if (status != STATUS_OK && (once || status != STATUS_UNAVAILABLE)) {
            buf_fini(&out);
            return cli_fail("%s", err.text);
        }
        if (!once || looks == 2)
            printf("%s%s%s%s", top->terminal && !once ? "\033[H\033[2J" : "",
                   out.data ? out.data : "",
                   status == STATUS_OK ? "" : err.text,
                   top->terminal ? "" : "\n");
        fflush(stdout);
        if (once && looks == 2)
            break;
        nanosleep(&second, NULL);
    }
    buf_fini(&out);
    return EXIT_DONE;
}

int command_top(int argc, char **argv)
{
    static struct top top;
    struct config config;
    struct error err;
    bool once = argc == 2 && strcmp(argv[1], "--once") == 0;

    if (argc > 1 && !once)
        return cli_help(argc, argv, "top [--once]",
                        "Rates of what is being sent, anew every second until "
                        "Ctrl-C; --once prints\n"
                        "them once.");
    if (!cli_config(&config))
        return EXIT_FAILED;
    top.terminal = isatty(STDOUT_FILENO);
    top.client = client_new(&config, &err);
    int result = top.client ? run(&top, once) : cli_fail("%s", err.text);
    client_free(top.client);
    config_fini(&config);
    return result;
}
