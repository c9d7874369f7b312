/*
 * presort-api - the HTTP API. Started by `presort up`, or by hand:
 *
 *     presort-api [--config FILE]
 *
 * SIGTERM and SIGINT end it: what is open is answered first, within
 * drain_seconds.
 */
#include "api/api.h"
#include "api/idempotency.h"
#include "api/keeper.h"
#include "api/server.h"
#include "base/clock.h"
#include "base/log.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static enum log_level level_of(const char *text)
{
    enum log_level level = LOG_ERROR;

    while (level > LOG_DEBUG && strcmp(text, log_level_text(level)) != 0)
        level--;
    return level;
}

static void wait_for_signal(const sigset_t *set)
{
    int got;

    sigwait(set, &got);
    log_event(LOG_INFO, "stopping", "signal=%d", got);
}

static void drain(struct api *api)
{
    int64_t until = clock_mono_ms() + api->config->drain_seconds * 1000;
    struct timespec pause = {0, 20 * 1000 * 1000};

    while (atomic_load(&api->open) > 0 && clock_mono_ms() < until)
        nanosleep(&pause, NULL);
}

static int serve(struct api *api, const sigset_t *signals)
{
    struct error err;
    struct server *server = server_new(api, &err);

    if (!server) {
        fprintf(stderr, "presort-api: %s\n", err.text);
        return 1;
    }
    struct keeper *keeper = keeper_new(api);

    wait_for_signal(signals);
    api->stopping = true;
    server_quiesce(server);
    drain(api);
    pool_free(api->pool);
    pool_free(api->streams);
    server_free(server);
    keeper_free(keeper);
    return 0;
}

static int run(const struct config *config)
{
    struct api api = {.config = config};
    sigset_t signals;

    log_open("api", level_of(config->log_level));
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    /* Blocked before the first thread, so that all threads inherit it. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);

    api.auth = auth_new(config->api_rate_limit_per_second);
    api.idempotency = idempotency_new();
    api.pool =
        pool_new(config, (size_t)config->api_threads, API_POOL_QUEUED_MAX);
    api.streams = pool_new(config, API_STREAMS_MAX, API_STREAMS_QUEUED_MAX);
    int status = serve(&api, &signals);
    auth_free(api.auth);
    idempotency_free(api.idempotency);
    return status;
}

int main(int argc, char **argv)
{
    struct config config;
    struct error err;
    const char *path = NULL;

    if (argc == 3 && strcmp(argv[1], "--config") == 0) {
        path = argv[2];
    } else if (argc != 1) {
        fprintf(stderr, "usage: presort-api [--config FILE]\n");
        return 2;
    }
    if (config_load(&config, path, &err) != STATUS_OK) {
        fprintf(stderr, "presort-api: %s\n", err.text);
        return 2;
    }
    int status = run(&config);
    config_fini(&config);
    return status;
}
