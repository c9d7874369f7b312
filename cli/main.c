/* presort COMMAND ...: finds the command in the table and runs it. */
#include "cli/cli.h"
#include "cli/commands.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments, *help;
} commands[] = {
#define X_(name, function, arguments, help) {name, function, arguments, help},
    COMMAND_TABLE(X_)
#undef X_
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(void)
{
    puts("presort - sends mail in bulk\n\n"
         "usage: presort [--config FILE] COMMAND [ARGUMENTS]\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-12s %-22s %s\n", commands[i].name, commands[i].arguments,
               commands[i].help);
    puts("  help                                print this\n\n"
         "`presort COMMAND --help` says more. Settings come from --config, "
         "$PRESORT_CONFIG\nor /etc/presort/presort.conf, and from variables "
         "such as PRESORT_RELAY.");
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    const char *names[COMMANDS];

    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc, argv);
        names[i] = commands[i].name;
    }
    return cli_unknown("", argv[0], names, COMMANDS);
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
    if (argc >= 2 && strcmp(argv[0], "--config") == 0) {
        if (use_config(argv[1]) != EXIT_DONE)
            return EXIT_FAILED;
        argc -= 2, argv += 2;
    }
    if (!argc || strcmp(argv[0], "help") == 0 ||
        strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return help();
    if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "version") == 0) {
        puts("presort " PRESORT_VERSION);
        return EXIT_DONE;
    }
    if (argv[0][0] == '-')
        return cli_usage("unknown option %s", argv[0]);
    return run(argc, argv);
}
