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

static const char *command;

void cli_command(const char *name)
{
    command = name;
}

int cli_usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("presort: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry `presort %s%s`.\n", command ? command : "help",
            command ? " --help" : "");
    return EXIT_USAGE;
}

int cli_help(int argc, char **argv, const char *usage, const char *more)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: presort %s\n\n%s\n", usage, more);
        return EXIT_DONE;
    }
    if (argc > 1)
        return cli_usage("what is %s?\nusage: presort %s", argv[1], usage);
    return cli_usage("usage: presort %s", usage);
}

/* The option that word, `--name=value`, gives a value which it does not take.
 * getopt_long() says by optopt which one; but by that, too, which short option
 * is unknown, and then word may be the one before. */
static const struct option *without_value(const char *word,
                                          const struct option *known)
{
    size_t len = strcspn(word, "=");

    if (strncmp(word, "--", 2) != 0 || !word[len])
        return NULL;
    for (; known->name; known++)
        if (known->val == optopt && !known->has_arg &&
            strncmp(known->name, word + 2, len - 2) == 0)
            return known;
    return NULL;
}

/* word is `--name` or `--name=value`. */
static void option_unknown(const char *word, const struct option *known)
{
    char name[NEAREST_WORD_MAX + 1];
    const char *names[CLI_OPTIONS_MAX];
    size_t n = 0;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    for (; known->name && n < CLI_OPTIONS_MAX; known++)
        names[n++] = known->name;
    const char *meant = nearest_word(name + 2, names, n);
    if (meant)
        cli_usage("unknown option %s, did you mean --%s?", name, meant);
    else
        cli_usage("unknown option %s", name);
}

int cli_option(int argc, char **argv, const struct option *known)
{
    const struct option *bare;
    int found;

    opterr = 0;
    found = getopt_long(argc, argv, ":", known, NULL);
    if (found != ':' && found != '?')
        return found;
    const char *word = argv[optind - 1];
    if (found == ':')
        cli_usage("%s wants a value", word);
    else if (!optopt)
        option_unknown(word, known);
    else if ((bare = without_value(word, known)))
        cli_usage("--%s takes no value", bare->name);
    else
        cli_usage("unknown option -%c", optopt);
    return '?';
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

    if (!conn && *config->database_url)
        cli_fail("%s", err.text);
    else if (!conn)
        cli_fail("%s\nIs `presort up` running, and %s (state_dir) its "
                 "directory?",
                 err.text, config->state_dir);
    return conn;
}

int cli_unknown(const char *of, const char *word, const char *const *known,
                size_t n)
{
    const char *meant = nearest_word(word, known, n);
    const char *space = *of ? " " : "";

    if (meant)
        return cli_usage("unknown `%s%s%s`, did you mean `%s%s%s`?", of, space,
                         word, of, space, meant);
    return cli_usage("unknown `%s%s%s`", of, space, word);
}
