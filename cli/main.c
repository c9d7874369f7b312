/* presort COMMAND ...: finds the command in the table and runs it. */
#include "cli/cli.h"
#include "cli/commands.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
    const char *heading, *name;
    int (*run)(int argc, char **argv);
    const char *help, *examples;
} commands[] = {
#define X_(heading, name, function, help, examples)                            \
    {heading, name, function, help, examples},
    COMMAND_TABLE(X_)
#undef X_
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(void)
{
    puts("presort - sends mail in bulk\n\n"
         "usage: presort [--config FILE] COMMAND [ARGUMENTS]");
    for (size_t i = 0; i < COMMANDS; i++) {
        if (*commands[i].heading)
            printf("\n%s\n", commands[i].heading);
        printf("  %-12s  %s\n", commands[i].name, commands[i].help);
    }
    puts("\n`presort COMMAND --help` says more. Settings come from --config, "
         "$PRESORT_CONFIG\nor /etc/presort/presort.conf, and from variables "
         "such as PRESORT_RELAY.");
    return EXIT_DONE;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int help_of(const struct command *command, char *name)
{
    char word[] = "--help";
    char *argv[] = {name, word, NULL};
    int result = command->run(2, argv);

    for (const char *at = command->examples; *at;) {
        size_t n = strcspn(at, "\n");

        if (at == command->examples)
            puts("\nFor example:\n");
        printf("  %s%.*s\n", *at == ' ' ? "" : "presort ", (int)n, at);
        at += n + (at[n] != 0);
    }
    return result;
}

static int run(int argc, char **argv)
{
    const char *names[COMMANDS];
    const struct command *found = NULL;
    bool helps = false;

    if (strcmp(argv[0], "help") == 0)
        argc--, argv++, helps = true;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            found = &commands[i];
        names[i] = commands[i].name;
    }
    if (!found)
        return cli_unknown("", argv[0], names, COMMANDS);
    cli_command(found->name);
    for (int i = 1; i < argc && !helps; i++)
        helps = is_help(argv[i]);
    return helps ? help_of(found, argv[0]) : found->run(argc, argv);
}

/* The path stands in the environment, so that children find it too. */
static int use_config(const char *path)
{
    char *absolute = realpath(path, NULL);

    if (!absolute || setenv("PRESORT_CONFIG", absolute, 1)) {
        free(absolute);
        return cli_fail("%s: no such file", path);
    }
    free(absolute);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    argc--, argv++;
    if (argc && strcmp(argv[0], "--config") == 0) {
        if (argc < 2)
            return cli_usage("--config wants a file");
        if (use_config(argv[1]) != EXIT_DONE)
            return EXIT_FAILED;
        argc -= 2, argv += 2;
    }
    if (!argc || is_help(argv[0]) ||
        (argc == 1 && strcmp(argv[0], "help") == 0))
        return help();
    if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "version") == 0) {
        puts("presort " PRESORT_VERSION);
        return EXIT_DONE;
    }
    if (argv[0][0] == '-')
        return cli_usage("unknown option %s%s", argv[0],
                         strncmp(argv[0], "--conf", 6) == 0
                             ? ", did you mean --config FILE?"
                             : "");
    return run(argc, argv);
}
