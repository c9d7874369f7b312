#include "loop/web.h"
#include "base/bug.h"
#include "base/memory.h"
#include <stdlib.h>

struct web {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t *timer; /* heap: outlives us until libuv lets go */
};

static void reap(struct web *w)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(w->multi, &left))) {
        struct web_transfer *t;
        CURLcode code = m->data.result;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        curl_multi_remove_handle(w->multi, t->curl);
        t->done(t, code);
    }
}

/* ---- libcurl's sockets and time on the loop ---- */

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct web *w = poll->data;
    uv_os_fd_t fd;
    int running, flags = 0;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    if (uv_fileno((uv_handle_t *)poll, &fd) != 0)
        return;
    curl_multi_socket_action(w->multi, fd, flags, &running);
    reap(w);
}

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *arg,
                     void *socket)
{
    struct web *w = arg;
    uv_poll_t *poll = socket;
    int events = 0;

    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        if (poll) {
            uv_poll_stop(poll);
            uv_close((uv_handle_t *)poll, free_handle);
        }
        curl_multi_assign(w->multi, fd, NULL);
        return 0;
    }
    if (!poll) {
        poll = memory_new(1, sizeof *poll);
        if (uv_poll_init_socket(w->loop, poll, fd) != 0)
            BUG("a socket of libcurl's can't be polled");
        poll->data = w;
        curl_multi_assign(w->multi, fd, poll);
    }
    events |= what & CURL_POLL_IN ? UV_READABLE : 0;
    events |= what & CURL_POLL_OUT ? UV_WRITABLE : 0;
    uv_poll_start(poll, events, on_poll);
    return 0;
}

static void on_time(uv_timer_t *timer)
{
    struct web *w = timer->data;
    int running;

    curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(w);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct web *w = arg;

    (void)multi;
    if (ms < 0)
        uv_timer_stop(w->timer);
    else
        uv_timer_start(w->timer, on_time, ms > 0 ? (uint64_t)ms : 1, 0);
    return 0;
}

/* ---- Transfers ---- */

void web_start(struct web *w, struct web_transfer *t)
{
    curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t);
    curl_multi_add_handle(w->multi, t->curl);
}

void web_stop(struct web *w, struct web_transfer *t)
{
    curl_multi_remove_handle(w->multi, t->curl);
}

/* ---- Coming and going ---- */

struct web *web_new(uv_loop_t *loop, unsigned at_once_max)
{
    struct web *w = memory_new(1, sizeof *w);

    w->loop = loop;
    w->timer = memory_new(1, sizeof *w->timer);
    w->timer->data = w;
    uv_timer_init(loop, w->timer);
    w->multi = curl_multi_init();
    if (!w->multi)
        BUG("libcurl can't start");
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)at_once_max);
    return w;
}

void web_free(struct web *w)
{
    if (!w)
        return;
    curl_multi_cleanup(w->multi);
    uv_timer_stop(w->timer);
    uv_close((uv_handle_t *)w->timer, free_handle);
    free(w);
}
