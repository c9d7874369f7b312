#include "route/bearer.h"
#include "base/log.h"
#include "base/memory.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEARER_AGAIN_MS = 5 * 60 * 1000,
    BEARER_RETRY_MS = 10 * 1000,
    BEARER_RUN_MS = 30 * 1000, /* then it is killed */
};

struct bearer {
    uv_loop_t *loop;
    char *name, *command;
    void (*changed)(void *owner);
    void *owner;
    uv_timer_t timer; /* when to run, or when to kill */
    uv_process_t process;
    uv_pipe_t out;
    bool running, exited, ended; /* ended: it has printed all */
    int64_t status;
    bool freed;
    unsigned open; /* handles that libuv holds */
    char text[SECRET_MAX];
    char heard[SECRET_MAX];
    size_t n;
};

static void run(uv_timer_t *timer);

static void wipe_free(struct bearer *t)
{
    free(t->name);
    free(t->command);
    explicit_bzero(t, sizeof *t);
    free(t);
}

static void on_closed(uv_handle_t *handle)
{
    struct bearer *t = handle->data;

    if (--t->open == 0 && t->freed)
        wipe_free(t);
}

/* ---- The answer ---- */

static const char *fault_of(const struct bearer *t)
{
    if (t->status != 0)
        return "the command failed";
    if (t->n == sizeof t->heard)
        return "it printed too much";
    return t->heard[0] ? NULL : "it printed nothing";
}

static void take(struct bearer *t)
{
    const char *why;

    if (t->n < sizeof t->heard) {
        t->heard[t->n] = 0;
        t->heard[strcspn(t->heard, "\r\n")] = 0;
    }
    why = fault_of(t);
    if (why)
        log_event(LOG_ERROR, "relay_secret", "relay=%s status=%lld why=\"%s\"",
                  t->name, (long long)t->status, why);
    bool fresh = !why && strcmp(t->heard, t->text) != 0;
    if (fresh)
        memcpy(t->text, t->heard, sizeof t->text);
    explicit_bzero(t->heard, sizeof t->heard);
    uv_timer_start(&t->timer, run, why ? BEARER_RETRY_MS : BEARER_AGAIN_MS, 0);
    if (fresh)
        t->changed(t->owner);
}

/* Both its end and that of what it printed have come. */
static void finish(struct bearer *t)
{
    if (!t->exited || !t->ended)
        return;
    t->running = false;
    uv_close((uv_handle_t *)&t->process, on_closed);
    uv_close((uv_handle_t *)&t->out, on_closed);
    if (!t->freed)
        take(t);
}

static void on_ended(uv_process_t *process, int64_t status, int by_signal)
{
    struct bearer *t = process->data;

    t->exited = true;
    t->status = by_signal ? by_signal : status;
    finish(t);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct bearer *t = handle->data;

    (void)wanted;
    *out = uv_buf_init(t->heard + t->n, (unsigned)(sizeof t->heard - t->n));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct bearer *t = stream->data;

    (void)buf;
    if (n >= 0) {
        t->n += (size_t)n;
        return;
    }
    /* UV_ENOBUFS: it prints too much; UV_EOF: that was all. */
    uv_read_stop(stream);
    t->ended = true;
    finish(t);
}

/* ---- The question ---- */

static void kill_it(uv_timer_t *timer)
{
    struct bearer *t = timer->data;

    if (!t->running || t->exited)
        return;
    /* With all that it has started: they hold its output open. */
    kill(-t->process.pid, SIGKILL);
}

static void run(uv_timer_t *timer)
{
    struct bearer *t = timer->data;
    char shell[] = "/bin/sh", flag[] = "-c";
    char *args[] = {shell, flag, t->command, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&t->out},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    const uv_process_options_t options = {.exit_cb = on_ended,
                                          .file = shell,
                                          .args = args,
                                          .flags = UV_PROCESS_DETACHED,
                                          .stdio_count = 3,
                                          .stdio = stdio};

    if (t->running || t->open > 1) /* the last one is still being closed */
        return;
    uv_pipe_init(t->loop, &t->out, 0);
    t->out.data = t->process.data = t;
    t->n = 0;
    t->exited = t->ended = false;
    t->open += 2;
    t->running = true;
    int wrong = uv_spawn(t->loop, &t->process, &options);
    if (wrong) {
        t->status = wrong;
        t->exited = t->ended = true;
        finish(t);
        return;
    }
    uv_read_start((uv_stream_t *)&t->out, on_alloc, on_read);
    uv_timer_start(&t->timer, kill_it, BEARER_RUN_MS, 0);
}

/* ---- Coming and going ---- */

const char *bearer_text(const struct bearer *t)
{
    return t->text;
}

struct bearer *bearer_new(uv_loop_t *loop, const char *name,
                          const char *command, void (*changed)(void *owner),
                          void *owner)
{
    struct bearer *t = memory_new(1, sizeof *t);

    t->loop = loop;
    t->name = text_copy(name);
    t->command = text_copy(command);
    t->changed = changed;
    t->owner = owner;
    t->open = 1;
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    uv_timer_start(&t->timer, run, 0, 0);
    return t;
}

void bearer_free(struct bearer *t)
{
    if (!t)
        return;
    t->freed = true;
    if (t->running && !t->exited)
        kill(-t->process.pid, SIGKILL);
    uv_close((uv_handle_t *)&t->timer, on_closed);
}
