/* presort rates: how much bounces and is complained of, by sending domain. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATH_TEXT_MAX = 64, HOURS_DIGITS_MAX = 3, SHOWN_WIDTH = 32 };

static const char usage[] =
    "usage: presort rates [--hours N]\n\n"
    "By sending domain: mails tried, those that bounced for "
    "good, and\ncomplaints of what was delivered. N is 1 to 168; else the "
    "setting\nrate_window_seconds counts.";

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static double percent_of(const json_t *object, const char *name)
{
    return 100 * json_number_value(json_object_get(object, name));
}

static void print_line(const char *name, const json_t *rates)
{
    int64_t tried = number_of(rates, "delivered") + number_of(rates, "bounced");

    printf("%-*.60s %12" PRId64 "  %10" PRId64 " %7.2f %%  %10" PRId64
           " %7.3f %%\n",
           SHOWN_WIDTH, name, tried, number_of(rates, "hard_bounces"),
           percent_of(rates, "bounce_rate"), number_of(rates, "complaints"),
           percent_of(rates, "complaint_rate"));
}

static void print_all(const json_t *answer)
{
    json_t *row;
    size_t i;

    printf("%-*s %12s  %20s  %20s\n", SHOWN_WIDTH, "", "mails", "hard bounces",
           "complaints");
    json_array_foreach(json_object_get(answer, "domains"), i, row)
    {
        const char *domain = json_string_value(json_object_get(row, "domain"));

        print_line(domain ? domain : "", json_object_get(row, "rates"));
    }
    print_line("all", json_object_get(answer, "all"));
}

static int show(const char *path)
{
    struct config config;
    json_t *answer = NULL;
    struct error err;

    if (!cli_config(&config))
        return EXIT_FAILED;
    struct client *client = client_new(&config, &err);
    enum status status =
        client ? client_call(client, "GET", path, NULL, &answer, &err)
               : STATUS_FAILED;

    client_free(client);
    config_fini(&config);
    if (status != STATUS_OK)
        return cli_fail("%s", err.text);
    print_all(answer);
    json_decref(answer);
    return EXIT_DONE;
}

int command_rates(int argc, char **argv)
{
    static const struct option known[] = {{"hours", 1, NULL, 'h'}, {0}};
    const char *hours = NULL;
    char path[PATH_TEXT_MAX];
    int c;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return EXIT_DONE;
    }
    while ((c = cli_option(argc, argv, known)) != -1) {
        if (c != 'h')
            return EXIT_USAGE;
        hours = optarg;
    }
    if (optind < argc)
        return cli_usage("what is %s?", argv[optind]);
    if (hours && (!*hours || strlen(hours) > HOURS_DIGITS_MAX ||
                  hours[strspn(hours, "0123456789")]))
        return cli_usage("--hours is a number from 1 to 168");
    snprintf(path, sizeof path, "/rates%s%s", hours ? "?hours=" : "",
             hours ? hours : "");
    return show(path);
}
