/* presort up: everything, in one state directory. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/up/ports.h"
#include "cli/up/postgres.h"
#include "cli/up/state.h"
#include "cli/up/supervisor.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/net.h"
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct up {
    struct config config;
    struct state state;
    struct postgres postgres;
    struct supervisor_setup setup;
    char program[PATH_MAX], program_dir[PATH_MAX];
    bool private_database;
};

static unsigned cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) ? 1
                                                  : (unsigned)CPU_COUNT(&set);
}

/* The other programs stand beside this one. */
static enum status find_programs(struct up *up, struct error *err)
{
    static const char *const names[] = {"presort-api", "presort-engine",
                                        "presort-inbound"};
    ssize_t n = readlink("/proc/self/exe", up->program, sizeof up->program - 1);

    if (n <= 0)
        return fail(err, STATUS_FAILED, "/proc/self/exe can't be read");
    snprintf(up->program_dir, sizeof up->program_dir, "%.*s",
             (int)(strrchr(up->program, '/') - up->program), up->program);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = text_format("%s/%s", up->program_dir, names[i]);
        bool there = !access(path, X_OK);

        free(path);
        if (!there)
            return fail(err, STATUS_NOT_FOUND, "%s is not in %s", names[i],
                        up->program_dir);
    }
    return STATUS_OK;
}

static void print_summary(const struct supervisor_setup *setup)
{
    const struct config *c = setup->config;
    char url[NET_TEXT_MAX];

    if (setup->quiet)
        return;
    printf("\n  Presort is up.\n\n"
           "    API        http://%s\n",
           net_reach(c->api_listen, url));
    if (strcmp(c->relay, "sandbox") != 0)
        printf("    relay      %s\n", c->relay);
    else
        printf(
            "    relay      the sandbox at %s: nothing leaves this machine\n",
            c->sandbox_listen);
    if (*c->inbound_listen)
        printf("    bounces    taken at %s\n", c->inbound_listen);
    if (setup->postgres)
        printf("    database   PostgreSQL %u, private, in %s\n",
               setup->postgres->version, setup->postgres->data_dir);
    else
        printf("    database   as DATABASE_URL says\n");
    printf("    state      %s\n"
           "    API key    in %s/cli.key\n"
           "    engines    %u\n\n",
           setup->state->dir, setup->state->dir, setup->workers);
    fflush(stdout);
}

static enum status prepare(struct up *up, struct error *err)
{
    struct supervisor_setup *s = &up->setup;
    enum status status = find_programs(up, err);

    if (status == STATUS_OK)
        status = state_open(&up->state, &up->config, err);
    if (status != STATUS_OK)
        return status;
    state_dir_set(&up->state, &up->config);
    status = state_config_copy(&up->state, err);
    s->workers = up->config.workers ? (unsigned)up->config.workers : cores();
    if (status == STATUS_OK)
        status = ports_check(&up->config, s->workers, err);
    if (status == STATUS_OK && !*up->config.database_url) {
        status = postgres_prepare(&up->postgres, &up->state, &up->config, err);
        s->postgres = &up->postgres;
    }
    s->config = &up->config;
    s->state = &up->state;
    s->program_dir = up->program_dir;
    s->started = print_summary;
    return status;
}

static int run(struct up *up)
{
    struct error err;
    enum log_level level = LOG_INFO;
    int result = EXIT_FAILED;

    log_level_parse(up->config.log_level, &level);
    log_open("up", level);
    up->setup.signals = supervisor_signals();
    if (up->setup.signals < 0)
        return cli_fail("signals can't be taken");
    if (prepare(up, &err) == STATUS_OK)
        result = supervisor_run(&up->setup);
    else
        cli_fail("%s", err.text);
    close(up->setup.signals);
    postgres_fini(&up->postgres);
    if (up->state.dir)
        state_close(&up->state);
    return result;
}

int command_up(int argc, char **argv)
{
    struct up up = {.state.lock = -1};

    up.setup.quiet = argc == 2 && !strcmp(argv[1], "--quiet");
    if (argc > 1 && !up.setup.quiet)
        return cli_help(argc, argv, "up [--quiet]",
                        "Runs everything in the foreground: a private "
                        "PostgreSQL unless DATABASE_URL\n"
                        "is set, the migrations, the API, one engine a core "
                        "and, while no relay is\n"
                        "set, the sandbox. --quiet leaves out the lines that "
                        "say where to look.\n"
                        "SIGTERM drains and ends it, SIGHUP reads the "
                        "configuration again.");
    if (!cli_config(&up.config))
        return EXIT_FAILED;
    int result = run(&up);
    config_fini(&up.config);
    return result;
}
