/* presort-engine - one worker: claims batches, sends their mails, settles.
 * Started by `presort up`, one per core; each in a slot of its own. */
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/memory.h"
#include "metrics.h"
#include "pipeline.h"
#include "trial.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_OWN = 100 }; /* beside connections */

struct engine {
    uv_loop_t loop;
    struct config config;
    const char *config_path; /* NULL: the usual one */
    int slot;
    char dir[PATH_MAX]; /* of this slot; holds its journal and lock */
    struct pipeline *pipeline;
    struct metrics metrics;
    struct metrics_server *server;
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t limit; /* of draining */
};

static const char usage[] =
    "usage: presort-engine [--slot N] [--config FILE]\n"
    "One worker. `presort up` starts as many as there are cores.\n";

static void die(const char *what, const char *why)
{
    log_event(LOG_ERROR, "start_failed", "what=%s why=\"%s\"", what, why);
    exit(EXIT_FAILURE);
}

static void on_drained(void *owner)
{
    struct engine *e = owner;

    log_event(LOG_INFO, "drained", "slot=%d", e->slot);
    uv_stop(&e->loop);
}

static void on_limit(uv_timer_t *timer)
{
    struct engine *e = timer->data;

    log_event(LOG_WARN, "drain_cut_off", "slot=%d", e->slot);
    uv_stop(&e->loop);
}

static void on_leave(uv_signal_t *handle, int signum)
{
    struct engine *e = handle->data;

    log_event(LOG_INFO, "draining", "signal=%d", signum);
    uv_timer_start(&e->limit, on_limit,
                   (uint64_t)e->config.drain_seconds * 1000, 0);
    pipeline_drain(e->pipeline);
}

/* What may change while running is read from config at each use; the rest
 * takes a restart. A bad file leaves all as it is. */
static void on_reload(uv_signal_t *handle, int signum)
{
    struct engine *e = handle->data;
    struct config fresh;
    struct error err;

    (void)signum;
    if (config_load(&fresh, e->config_path, &err) != STATUS_OK) {
        log_event(LOG_ERROR, "reload_refused", "why=\"%s\"", err.text);
        return;
    }
    struct config old = e->config;

    e->config = fresh;
    config_fini(&old);
    log_event(LOG_INFO, "reloaded", "slot=%d", e->slot);
}

/* One process a slot: two would share a journal. */
static void take_slot(struct engine *e, char *slot, size_t slot_max)
{
    char path[PATH_MAX + 8], host[256] = "";
    const char *state = e->config.state_dir;

    if ((mkdir(state, 0700) != 0 && errno != EEXIST) || !realpath(state, path))
        die(state, strerror(errno));
    gethostname(host, sizeof host - 1);
    if (snprintf(slot, slot_max, "%s:%s#%d", host, path, e->slot) >=
            (int)slot_max ||
        snprintf(e->dir, sizeof e->dir, "%s/engine-%d", path, e->slot) >=
            (int)sizeof e->dir)
        die("state_dir", "path too long");
    if (mkdir(e->dir, 0700) != 0 && errno != EEXIST)
        die(e->dir, strerror(errno));
    snprintf(path, sizeof path, "%s/lock", e->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        die(path, errno == EWOULDBLOCK ? "another worker has this slot"
                                       : strerror(errno));
    /* fd stays open: the lock lives as long as the process. */
}

static void on_signal(struct engine *e, uv_signal_t *handle, uv_signal_cb run,
                      int signum)
{
    uv_signal_init(&e->loop, handle);
    handle->data = e;
    uv_signal_start(handle, run, signum);
}

static void parse_args(struct engine *e, int argc, char **argv)
{
    static const struct option options[] = {
        {"slot", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 's')
            e->slot = (int)strtol(optarg, NULL, 10);
        else if (c == 'c')
            e->config_path = optarg;
        else {
            fputs(usage, c == 'h' ? stdout : stderr);
            exit(c == 'h' ? EXIT_SUCCESS : 2);
        }
    }
    if (optind < argc || e->slot < 0 || e->slot > 255) {
        fputs(usage, stderr);
        exit(2);
    }
}

static void load(struct engine *e)
{
    struct error err;
    char name[32];
    enum log_level level = LOG_INFO;

    if (config_load(&e->config, e->config_path, &err) != STATUS_OK) {
        fprintf(stderr, "presort-engine: %s\n", err.text);
        exit(2);
    }
    for (int l = LOG_DEBUG; l <= LOG_ERROR; l++)
        if (strcmp(e->config.log_level, log_level_text((enum log_level)l)) == 0)
            level = (enum log_level)l;
    snprintf(name, sizeof name, "engine-%d", e->slot);
    log_open(name, level);
}

int main(int argc, char **argv)
{
    static struct engine e;
    char slot[512];
    struct error err;

    if (argc > 1 && strcmp(argv[1], "--trial") == 0)
        return trial_main(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    parse_args(&e, argc, argv);
    load(&e);
    take_slot(&e, slot, sizeof slot);
    files_allow((unsigned long)e.config.site_connections_max + FILES_OWN);
    if (uv_loop_init(&e.loop) != 0)
        die("loop", "can't start");
    if (pipeline_new(&e.loop, &e.config, e.dir, slot, &e.metrics, on_drained,
                     &e, &e.pipeline, &err) != STATUS_OK)
        die("pipeline", err.text);
    /* A worker without its metrics page still delivers mail. */
    if (metrics_serve(&e.metrics, e.slot, e.config.engine_metrics_listen,
                      e.slot, &e.server, &err) != STATUS_OK)
        log_event(LOG_WARN, "metrics_unavailable", "why=\"%s\"", err.text);
    uv_timer_init(&e.loop, &e.limit);
    e.limit.data = &e;
    on_signal(&e, &e.on_term, on_leave, SIGTERM);
    on_signal(&e, &e.on_int, on_leave, SIGINT);
    on_signal(&e, &e.on_hup, on_reload, SIGHUP);
    log_event(LOG_INFO, "started", "slot=%d", e.slot);
    uv_run(&e.loop, UV_RUN_DEFAULT);
    metrics_stop(e.server);
    pipeline_free(e.pipeline);
    uv_run(&e.loop, UV_RUN_NOWAIT);
    config_fini(&e.config);
    return EXIT_SUCCESS;
}
