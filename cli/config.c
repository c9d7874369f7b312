/* presort config: every setting, its value, and where that came from. */
#include "cli/cli.h"
#include "cli/commands.h"
#include <stdio.h>
#include <string.h>

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

int command_config(int argc, char **argv)
{
    struct config config;
    size_t n;
    bool markdown = argc == 2 && strcmp(argv[1], "--markdown") == 0;

    if (argc > 1 && !markdown)
        return cli_help(
            argc, argv, "config [--markdown]",
            "Every setting: its value, meaning, unit, default, and where the "
            "value came\n"
            "from. --markdown prints the page docs/reference/settings.md.");
    if (!cli_config(&config))
        return EXIT_FAILED;
    const struct setting *settings = config_settings(&n);
    if (markdown)
        print_markdown(settings, n);
    for (size_t i = 0; i < n && !markdown; i++)
        print_plain(&settings[i]);
    config_fini(&config);
    return EXIT_DONE;
}
