/*
 * presort-api - the HTTP API. Started by `presort up`, or by hand:
 *
 *     presort-api [--config FILE]
 *
 * SIGTERM and SIGINT end it: what is open is answered first, within
 * drain_seconds.
 */
#include "api/api.h"
#include "api/committer.h"
#include "api/fetch.h"
#include "api/idempotency.h"
#include "api/keeper.h"
#include "api/server.h"
#include "api/track/targets.h"
#include "api/track/tracker.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MORE_MS = 1000, FILES_OWN = 512, HEAPS_MAX = 4 };

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

static bool drain(struct api *api, int64_t until_ms)
{
    struct timespec pause = {0, 10 * 1000 * 1000};

    while (atomic_load(&api->open) > 0 && clock_mono_ms() < until_ms)
        nanosleep(&pause, NULL);
    return atomic_load(&api->open) == 0;
}

/* What is open is answered. Then nothing more is let in, and what came in
 * between is answered too, so that no request is left with the threads when
 * these end. */
static void stop(struct api *api, struct server *server)
{
    int64_t until_ms = clock_mono_ms() + api->config->drain_seconds * 1000;

    api->stopping = true;
    server_quiesce(server);
    drain(api, until_ms);
    api->closing = true;
    if (drain(api, until_ms + DRAIN_MORE_MS))
        return;
    log_event(LOG_WARN, "stopped_hard", "open=%lld",
              (long long)atomic_load(&api->open));
    _exit(1);
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
    stop(api, server);
    server_free(server);
    pool_free(api->pool); /* before the committer, which it feeds */
    committer_free(api->committer);
    pool_free(api->streams);
    tracker_free(api->tracker);
    targets_free(api->targets);
    keeper_free(keeper);
    return 0;
}

/* Large bodies come from the system and go back to it, instead of leaving
 * each thread's heap as large as the largest it ever saw. */
static void bound_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_ARENA_MAX, HEAPS_MAX);
}

static int run(const struct config *config)
{
    struct api api = {.config = config};
    sigset_t signals;

    log_open("api", level_of(config->log_level));
    files_allow(SERVER_CONNECTIONS_MAX + FILES_OWN);
    bound_heap();
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
    api.committer = committer_new(config);
    api.tracker = tracker_new(config);
    api.targets = targets_new(TARGETS_MAX, TARGETS_BYTES_MAX);
    api.fetch = fetch_new(config);
    int status = serve(&api, &signals);
    fetch_free(api.fetch);
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
