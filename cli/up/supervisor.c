#include "cli/up/supervisor.h"
#include "cli/up/backoff.h"
#include "cli/up/child.h"
#include "cli/up/prepare.h"
#include "cli/up/spawn.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 256,
    CHILDREN_MAX = WORKERS_MAX + CHILD_KINDS,
    DRAIN_GRACE_MS = 2000, /* over drain_seconds, which the engine keeps */
    STOP_MS = 15000,       /* for those that have nothing to drain */
    STOP_POSTGRES_MS = 60000,
    STOP_AGAIN_MS = 1000, /* a signal so soon after the first is its echo */
};

struct supervisor {
    const struct supervisor_setup *setup;
    struct child children[CHILDREN_MAX];
    size_t n;
    bool prepared, stopping;
    enum child_kind stopping_kind; /* the kind whose end is waited for */
    int64_t stop_limit_ms;         /* then it is killed */
    int64_t stop_asked_ms;
    int exit_status;
};

static const struct {
    const char *name;
    int stop, kill;
} kinds[CHILD_KINDS] = {
#define X_(kind, name, stop, kill) {name, stop, kill},
    CHILD_TABLE(X_)
#undef X_
};

/* --- starting --- */

static void add_child(struct supervisor *s, enum child_kind kind, unsigned slot,
                      int64_t due_ms)
{
    if (s->n == CHILDREN_MAX)
        BUG("too many children");
    struct child *c = &s->children[s->n++];

    *c = (struct child){.kind = kind, .slot = slot, .due_ms = due_ms};
    if (kind == CHILD_ENGINE)
        snprintf(c->name, sizeof c->name, "engine-%u", slot);
    else
        snprintf(c->name, sizeof c->name, "%s", kinds[kind].name);
}

static pid_t start_fellow(const struct supervisor *s, const char *name,
                          const char *const *argv)
{
    char *program = text_format("%s/%s", s->setup->program_dir, name);
    struct spawn what = {.state = s->setup->state,
                         .program = program,
                         .argv = argv,
                         .low_ports = !strcmp(name, "presort-inbound"),
                         .death_signal = SIGTERM};
    pid_t pid = spawn(&what);

    free(program);
    return pid;
}

static pid_t start_postgres(const struct supervisor *s)
{
    struct spawn what = {.state = s->setup->state,
                         .program = s->setup->postgres->program,
                         .argv = s->setup->postgres->argv,
                         .death_signal = SIGINT};

    return spawn(&what);
}

static pid_t start_prepare(const struct supervisor *s)
{
    struct prepare prepare = {.state = s->setup->state,
                              .config = s->setup->config};
    struct spawn what = {.state = s->setup->state,
                         .run = prepare_run,
                         .owner = &prepare,
                         .death_signal = SIGTERM};

    return spawn(&what);
}

static pid_t start_kind(const struct supervisor *s, const struct child *c)
{
    char slot[12];

    snprintf(slot, sizeof slot, "%u", c->slot);
    switch (c->kind) {
    case CHILD_POSTGRES: return start_postgres(s);
    case CHILD_PREPARE: return start_prepare(s);
    case CHILD_SINK:
        return start_fellow(
            s, "presort",
            (const char *const[]){"presort", "sink", "--listen",
                                  s->setup->config->sandbox_listen, NULL});
    case CHILD_API:
        return start_fellow(s, "presort-api",
                            (const char *const[]){"presort-api", NULL});
    case CHILD_INBOUND:
        return start_fellow(s, "presort-inbound",
                            (const char *const[]){"presort-inbound", NULL});
    case CHILD_ENGINE:
        return start_fellow(
            s, "presort-engine",
            (const char *const[]){"presort-engine", "--slot", slot, NULL});
    case CHILD_KINDS: break;
    }
    BUG("no kind of child");
}

static void child_start(struct supervisor *s, struct child *c, int64_t now)
{
    pid_t pid = start_kind(s, c);

    c->started_ms = now;
    if (pid > 0) {
        c->pid = pid;
        c->due_ms = CHILD_NEVER;
        log_event(LOG_DEBUG, "child_started", "child=%s pid=%d", c->name,
                  (int)pid);
        return;
    }
    c->backoff_ms = backoff_next(c->backoff_ms, 0);
    c->due_ms = now + c->backoff_ms;
    log_event(LOG_ERROR, "fork_failed", "child=%s error=\"%s\"", c->name,
              strerror(errno));
}

static void start_due(struct supervisor *s, int64_t now)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->children[i].pid && s->children[i].due_ms <= now)
            child_start(s, &s->children[i], now);
}

/* The database is ready: the rest may start. */
static void start_rest(struct supervisor *s, int64_t now)
{
    s->prepared = true;
    if (!strcmp(s->setup->config->relay, "sandbox"))
        add_child(s, CHILD_SINK, 0, now);
    add_child(s, CHILD_API, 0, now);
    add_child(s, CHILD_INBOUND, 0, now);
    for (unsigned i = 0; i < s->setup->workers; i++)
        add_child(s, CHILD_ENGINE, i, now);
    start_due(s, now);
    s->setup->started(s->setup);
}

/* --- ending --- */

static bool kind_lives(const struct supervisor *s, enum child_kind kind)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->children[i].kind == kind && s->children[i].pid)
            return true;
    return false;
}

static void kind_signal(const struct supervisor *s, enum child_kind kind,
                        int signal)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->children[i].kind == kind && s->children[i].pid)
            kill(s->children[i].pid, signal);
}

static int64_t stop_limit(const struct supervisor *s, enum child_kind kind)
{
    if (kind == CHILD_ENGINE)
        return s->setup->config->drain_seconds * 1000 + DRAIN_GRACE_MS;
    return kind == CHILD_POSTGRES ? STOP_POSTGRES_MS : STOP_MS;
}

/* On to the next kind that lives, once the present one is gone. */
static void stop_on(struct supervisor *s, int64_t now)
{
    enum child_kind kind = s->stopping_kind;

    if (kind < CHILD_KINDS && s->stop_limit_ms && kind_lives(s, kind))
        return;
    while (kind < CHILD_KINDS && !kind_lives(s, kind))
        kind++;
    s->stopping_kind = kind;
    if (kind == CHILD_KINDS)
        return;
    s->stop_limit_ms = now + stop_limit(s, kind);
    kind_signal(s, kind, kinds[kind].stop);
}

static void stop_hard(struct supervisor *s, int64_t now)
{
    enum child_kind kind = s->stopping_kind;

    log_event(LOG_WARN, "child_killed", "children=%s", kinds[kind].name);
    kind_signal(s, kind, kinds[kind].kill);
    s->stop_limit_ms = now + STOP_MS;
}

static void stop(struct supervisor *s, int64_t now)
{
    if (s->stopping) {
        if (s->stopping_kind < CHILD_KINDS &&
            now - s->stop_asked_ms >= STOP_AGAIN_MS)
            stop_hard(s, now);
        return;
    }
    log_event(LOG_INFO, "draining", "limit_seconds=%lld",
              (long long)s->setup->config->drain_seconds);
    s->stopping = true;
    s->stop_asked_ms = now;
    for (size_t i = 0; i < s->n; i++)
        s->children[i].due_ms = CHILD_NEVER;
    stop_on(s, now);
}

/* --- what happens --- */

static void prepare_ended(struct supervisor *s, struct child *c, int status,
                          int64_t now)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == PREPARE_DONE) {
        start_rest(s, now);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == PREPARE_REFUSED) {
        s->exit_status = 1;
        stop(s, now);
    } else {
        c->backoff_ms = backoff_next(c->backoff_ms, 0);
        c->due_ms = now + c->backoff_ms;
    }
}

/* Asked to leave: whoever crashes instead has not finished its work. */
static void child_left(struct supervisor *s, const struct child *c, pid_t pid,
                       int status)
{
    static const int crashes[] = {SIGABRT, SIGBUS,  SIGFPE,
                                  SIGILL,  SIGSEGV, SIGSYS};

    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (WIFSIGNALED(status) && WTERMSIG(status) == crashes[i]) {
            log_event(LOG_ERROR, "child_crashed", "child=%s pid=%d signal=%d",
                      c->name, (int)pid, crashes[i]);
            s->exit_status = 1;
        }
}

static void child_ended(struct supervisor *s, struct child *c, int status,
                        int64_t now)
{
    int64_t alive_ms = now - c->started_ms;
    pid_t pid = c->pid;

    c->pid = 0;
    if (s->stopping) {
        child_left(s, c, pid, status);
        return;
    }
    if (c->kind == CHILD_PREPARE) {
        prepare_ended(s, c, status, now);
        return;
    }
    c->backoff_ms = backoff_next(c->backoff_ms, alive_ms);
    c->due_ms = now + c->backoff_ms;
    log_event(LOG_WARN, "child_ended",
              "child=%s pid=%d %s=%d alive_ms=%lld again_in_ms=%lld", c->name,
              (int)pid, WIFSIGNALED(status) ? "signal" : "status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
              (long long)alive_ms, (long long)c->backoff_ms);
}

/* As the first process of a container we are given strangers too. */
static void reap(struct supervisor *s, int64_t now)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < s->n; i++)
            if (s->children[i].pid == pid) {
                child_ended(s, &s->children[i], status, now);
                break;
            }
}

/* What some program reads at its start alone; all that begins so where a name
 * ends in "_". The other settings hold as soon as they are read again. */
static const char *const at_start[] = {
    "api_",
    "batch_mails_max",
    "database_url",
    "dns_servers",
    "dns_trust_anchor_file",
    "engine_metrics_listen",
    "expire_seconds",
    "fetch_",
    "hostname",
    "inbound_listen",
    "inbound_message_max_bytes",
    "inbound_poll_seconds",
    "log_level",
    "postgres_bin_dir",
    "public_url",
    "relay",
    "relay_",
    "sandbox_listen",
    "slice_mails",
    "tls_ca_file",
    "transactional_expire_seconds",
    "workers",
};

static bool is_at_start(const char *name)
{
    for (size_t i = 0; i < sizeof at_start / sizeof *at_start; i++) {
        size_t n = strlen(at_start[i]);
        bool begins = at_start[i][n - 1] == '_';

        if (begins ? strncmp(name, at_start[i], n) == 0
                   : strcmp(name, at_start[i]) == 0)
            return true;
    }
    return false;
}

static void warn_of_restart(const struct config *was, const struct config *is)
{
    size_t n;
    const struct setting *settings = config_settings(&n);

    for (size_t i = 0; i < n; i++)
        if (config_differs(was, is, i) && is_at_start(settings[i].name))
            log_event(LOG_WARN, "restart_needed", "setting=%s",
                      settings[i].name);
}

static void reload(const struct supervisor *s)
{
    static const enum child_kind told[] = {CHILD_API, CHILD_INBOUND,
                                           CHILD_ENGINE, CHILD_POSTGRES};
    struct config fresh;
    struct error err;
    enum log_level level;
    enum status status = config_load(&fresh, NULL, &err);

    if (status == STATUS_OK)
        status = state_config_copy(s->setup->state, &err);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "reload_refused", "%s", err.text);
        return;
    }
    state_dir_set(s->setup->state, &fresh);
    warn_of_restart(s->setup->config, &fresh);
    config_fini(s->setup->config);
    *s->setup->config = fresh;
    if (log_level_parse(fresh.log_level, &level))
        log_open("up", level);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        kind_signal(s, told[i], SIGHUP);
    log_event(LOG_INFO, "reloaded", "file=%s",
              config_path() ? config_path() : "-");
}

static void take_signals(struct supervisor *s, int64_t now)
{
    struct signalfd_siginfo info;

    while (read(s->setup->signals, &info, sizeof info) == sizeof info)
        switch ((int)info.ssi_signo) {
        case SIGCHLD: break; /* see reap, which runs in every turn */
        case SIGHUP: reload(s); break;
        default: stop(s, now); break;
        }
}

/* Milliseconds until something is due; -1 for never. */
static int wait_ms(const struct supervisor *s, int64_t now)
{
    int64_t next = CHILD_NEVER;

    for (size_t i = 0; i < s->n; i++)
        if (!s->children[i].pid && s->children[i].due_ms < next)
            next = s->children[i].due_ms;
    if (s->stopping)
        next = s->stop_limit_ms;
    if (next == CHILD_NEVER)
        return -1;
    return next <= now ? 0 : (int)(next - now);
}

static void turn(struct supervisor *s)
{
    struct pollfd p = {.fd = s->setup->signals, .events = POLLIN};
    int n = poll(&p, 1, wait_ms(s, clock_mono_ms()));
    int64_t now = clock_mono_ms();

    if (n < 0 && errno != EINTR)
        BUG("poll refuses");
    take_signals(s, now);
    reap(s, now);
    if (!s->stopping) {
        start_due(s, now);
        return;
    }
    stop_on(s, now);
    if (s->stopping_kind < CHILD_KINDS && now >= s->stop_limit_ms)
        stop_hard(s, now);
}

int supervisor_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int supervisor_run(const struct supervisor_setup *setup)
{
    struct supervisor s = {.setup = setup};
    int64_t now = clock_mono_ms();

    if (setup->workers > WORKERS_MAX)
        BUG("too many workers");
    if (setup->postgres)
        add_child(&s, CHILD_POSTGRES, 0, now);
    add_child(&s, CHILD_PREPARE, 0, now);
    start_due(&s, now);
    while (!s.stopping || s.stopping_kind < CHILD_KINDS)
        turn(&s);
    log_event(LOG_INFO, "stopped", "status=%d", s.exit_status);
    return s.exit_status;
}
