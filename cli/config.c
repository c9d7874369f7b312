/* presort config: every setting, its value, and where that came from. */
#include "cli/cli.h"
#include "base/bug.h"
#include "cli/commands.h"
#include <stdio.h>
#include <string.h>

enum { SETTINGS_MAX = 256 };

static void print_plain(const struct setting *s)
{
    printf("%s = %s\n    %s\n    unit: %s, default: %s, from: %s\n\n", s->name,
           s->value, s->meaning, s->unit, *s->standard ? s->standard : "empty",
           s->origin);
}

static void print_row(const struct setting *s)
{
    bool url = strcmp(s->name, "database_url") == 0;

    printf("| `%s` | %s | %s%s%s | ", s->name, s->unit, *s->standard ? "`" : "",
           *s->standard ? s->standard : "empty", *s->standard ? "`" : "");
    if (url) {
        fputs("`DATABASE_URL`", stdout);
    } else {
        fputs("`PRESORT_", stdout);
        for (const char *c = s->name; *c; c++)
            putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        putchar('`');
    }
    printf(" | %s |\n", s->meaning);
}

static void print_markdown(const struct setting *settings, size_t n)
{
    puts("# Settings\n\n"
         "Printed by `presort config --markdown` from the table in "
         "`engine/base/config.h`.\n\n"
         "A setting comes from its default, then from the file (`name = "
         "value` lines, `#` comments), then from the environment; the later "
         "wins. The file is `--config FILE`, `$PRESORT_CONFIG` or "
         "`/etc/presort/presort.conf`. Durations are spelled `500ms`, `30s`, "
         "`5m`, `4h`, `3d`, sizes `64k`, `10m`, `1g`; a bare number is in the "
         "setting's unit. `presort config` prints the values in force and "
         "where each came from.\n\n"
         "| setting | unit | default | variable | meaning |\n"
         "|---|---|---|---|---|");
    for (size_t i = 0; i < n; i++)
        print_row(&settings[i]);
}

/* Those of names[], or all. */
static int print_settings(const struct setting *settings, size_t n, int n_names,
                          char **names)
{
    const char *known[SETTINGS_MAX];
    size_t i;

    if (n > SETTINGS_MAX)
        BUG("more settings than SETTINGS_MAX");
    for (i = 0; i < n; i++)
        known[i] = settings[i].name;
    for (i = 0; i < n && !n_names; i++)
        print_plain(&settings[i]);
    for (; n_names > 0; n_names--, names++) {
        for (i = 0; i < n && strcmp(settings[i].name, *names) != 0;)
            i++;
        if (i == n)
            return cli_unknown("config", *names, known, n);
        print_plain(&settings[i]);
    }
    return EXIT_DONE;
}

int command_config(int argc, char **argv)
{
    struct config config;
    size_t n;
    int result = EXIT_DONE;
    bool markdown = argc == 2 && strcmp(argv[1], "--markdown") == 0;

    if (argc > 1 && argv[1][0] == '-' && !markdown)
        return cli_help(
            argc, argv, "config [SETTING...] [--markdown]",
            "Every setting, or those named: value, meaning, unit, default, and "
            "where the value\ncame from. --markdown prints the page "
            "docs/reference/settings.md.");
    if (!cli_config(&config))
        return EXIT_FAILED;
    const struct setting *settings = config_settings(&n);
    if (markdown)
        print_markdown(settings, n);
    else
        result = print_settings(settings, n, argc - 1, argv + 1);
    config_fini(&config);
    return result;
}
