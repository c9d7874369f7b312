#include "cli/cli.h"
#include "base/log.h"
#include "base/nearest.h"
#include "queue/db.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cli_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("presort: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EXIT_FAILED;
}

int cli_usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("presort: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("\nTry `presort help`.\n", stderr);
    va_end(ap);
    return EXIT_USAGE;
}

int cli_help(int argc, char **argv, const char *usage, const char *more)
{
    if (argc != 2 ||
        (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0))
        return cli_usage("usage: presort %s", usage);
    printf("usage: presort %s\n\n%s\n", usage, more);
    return EXIT_DONE;
}

bool cli_config(struct config *config)
{
    struct error err;
    enum log_level level = LOG_INFO;

    if (config_load(config, NULL, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    log_level_parse(config->log_level, &level);
    log_open("presort", level);
    return true;
}

PGconn *cli_database(const struct config *config)
{
    struct error err;
    PGconn *conn = db_connect(config, "presort", &err);

    if (!conn)
        cli_fail("%s", err.text);
    return conn;
}

int cli_unknown(const char *command, const char *word, const char *const *known,
                size_t n)
{
    const char *meant = nearest_word(word, known, n);
    const char *space = *command ? " " : "";

    if (meant)
        return cli_usage("unknown `%s%s%s`, did you mean `%s%s%s`?", command,
                         space, word, command, space, meant);
    return cli_usage("unknown `%s%s%s`", command, space, word);
}
