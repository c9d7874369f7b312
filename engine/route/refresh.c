#include "route/refresh.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "oauth/ask.h"
#include "oauth/grant.h"
#include "oauth/token.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct refresh {
    uv_loop_t *loop;
    struct web *web;
    char *name;
    struct oauth_kept kept;
    struct oauth_url url;
    const char *ca_file;
    void (*changed)(void *owner);
    void *owner;
    uv_timer_t *timer;        /* heap: outlives us until libuv lets go */
    uv_getaddrinfo_t *lookup; /* the same; NULL: none is under way */
    struct oauth_ask *ask;    /* the same */
    struct web_transfer transfer;
    struct oauth_token token;
    struct oauth_grant grant;
    bool thrown_away; /* the token, and the owner is still to be told */
};

static void on_time(uv_timer_t *timer);

/* ---- The end of a question ---- */

static void schedule(struct refresh *f)
{
    int64_t wake_ms = oauth_token_wake_ms(&f->token);
    int64_t now_ms = clock_mono_ms();

    uv_update_time(f->loop);
    if (wake_ms == INT64_MAX)
        uv_timer_stop(f->timer);
    else
        uv_timer_start(f->timer, on_time,
                       wake_ms > now_ms ? (uint64_t)(wake_ms - now_ms) : 0, 0);
}

static void fault(struct refresh *f, const char *why)
{
    char quoted[LOG_QUOTE_MAX];

    oauth_token_fail(&f->token, why, clock_mono_ms(), arc4random());
    log_event(LOG_ERROR, "relay_token", "relay=%s pause_ms=%lld why=%s",
              f->name, (long long)(f->token.ask_ms - clock_mono_ms()),
              log_quote(why, quoted));
    schedule(f);
    f->changed(f->owner);
}

static void take(struct refresh *f, const struct oauth_answer *answer)
{
    bool fresh = oauth_token_take(&f->token, answer, clock_mono_ms());

    if (oauth_grant_take(&f->grant, answer))
        log_event(LOG_INFO, "relay_refresh_token_replaced", "relay=%s",
                  f->name);
    log_event(LOG_INFO, "relay_token", "relay=%s seconds=%lld", f->name,
              (long long)answer->expires_seconds);
    schedule(f);
    if (fresh)
        f->changed(f->owner);
}

static void on_done(struct web_transfer *transfer, CURLcode code)
{
    struct refresh *f = transfer->owner;
    struct oauth_answer answer;
    char why[OAUTH_WHY_MAX];
    struct error err;
    enum status status = oauth_ask_end(f->ask, code, &answer, &err);

    oauth_ask_free(f->ask);
    f->ask = NULL;
    if (status == STATUS_OK) {
        take(f, &answer);
    } else {
        oauth_grant_fail(&f->grant, err.text, why);
        fault(f, why);
    }
    explicit_bzero(&answer, sizeof answer);
}

/* ---- A question ---- */

/* addresses: NULL where the URL has one. */
static void start(struct refresh *f, const struct addrinfo *addresses)
{
    f->ask = oauth_ask_new(&f->kept.settings, f->grant.client_secret,
                           oauth_grant_refresh(&f->grant), f->ca_file);
    if (addresses)
        oauth_ask_at(f->ask, &f->url, addresses);
    f->transfer = (struct web_transfer){oauth_ask_curl(f->ask), on_done, f};
    web_start(f->web, &f->transfer);
}

static void on_addresses(uv_getaddrinfo_t *lookup, int status,
                         struct addrinfo *answer)
{
    struct refresh *f = lookup->data;
    char why[OAUTH_WHY_MAX];

    free(lookup);
    if (f)
        f->lookup = NULL;
    if (f && status == 0) {
        start(f, answer);
    } else if (f) {
        snprintf(why, sizeof why, "the token endpoint's name: %s",
                 uv_strerror(status));
        fault(f, why);
    }
    uv_freeaddrinfo(answer);
}

/* A name is looked up first: libcurl might block for it. */
static void look_up(struct refresh *f)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    f->lookup = memory_new(1, sizeof *f->lookup);
    f->lookup->data = f;
    if (uv_getaddrinfo(f->loop, f->lookup, on_addresses, f->url.host,
                       f->url.port, &hints) == 0)
        return;
    free(f->lookup);
    f->lookup = NULL;
    fault(f, "the token endpoint's name can't be looked up");
}

static void ask(struct refresh *f)
{
    struct error err;

    oauth_token_ask(&f->token, clock_mono_ms());
    if (oauth_grant_read(&f->grant, &f->kept.settings, &err) != STATUS_OK)
        fault(f, err.text);
    else if (f->url.is_address)
        start(f, NULL);
    else
        look_up(f);
}

static void on_time(uv_timer_t *timer)
{
    struct refresh *f = timer->data;
    int64_t now_ms = clock_mono_ms();
    bool over = oauth_token_age(&f->token, now_ms) || f->thrown_away;

    f->thrown_away = false;
    if (oauth_token_is_due(&f->token, now_ms))
        ask(f);
    schedule(f);
    if (over)
        f->changed(f->owner);
}

/* ---- What the relay wants to know, and knows ---- */

const char *refresh_text(const struct refresh *f)
{
    return f->token.text;
}

const char *refresh_fault(const struct refresh *f)
{
    return oauth_token_fault(&f->token);
}

int64_t refresh_again_ms(const struct refresh *f)
{
    return f->token.ask_ms;
}

void refresh_refused(struct refresh *f, int64_t opened_ms)
{
    if (!oauth_token_refuse(&f->token, opened_ms, clock_mono_ms(),
                            arc4random()))
        return;
    log_event(LOG_WARN, "relay_token_refused", "relay=%s", f->name);
    /* Who calls is in the middle of something. */
    f->thrown_away = true;
    uv_timer_start(f->timer, on_time, 0, 0);
}

void refresh_accepted(struct refresh *f)
{
    oauth_token_accept(&f->token);
}

/* ---- Coming and going ---- */

struct refresh *refresh_new(uv_loop_t *loop, struct web *web, const char *name,
                            const struct oauth_settings *settings,
                            const char *ca_file, void (*changed)(void *owner),
                            void *owner)
{
    struct refresh *f = memory_new(1, sizeof *f);
    struct error ignored;

    *f = (struct refresh){
        .loop = loop,
        .web = web,
        .name = text_copy(name),
        .ca_file = ca_file,
        .changed = changed,
        .owner = owner,
        .timer = memory_new(1, sizeof *f->timer),
    };
    if (oauth_url_parse(settings->token_url, &f->url, &ignored) != STATUS_OK)
        BUG("settings that nobody has checked");
    oauth_keep(&f->kept, settings);
    oauth_token_init(&f->token, clock_mono_ms());
    uv_timer_init(loop, f->timer);
    f->timer->data = f;
    uv_timer_start(f->timer, on_time, 0, 0);
    return f;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void refresh_free(struct refresh *f)
{
    if (!f)
        return;
    if (f->lookup)
        f->lookup->data = NULL;
    if (f->ask)
        web_stop(f->web, &f->transfer);
    oauth_ask_free(f->ask);
    uv_timer_stop(f->timer);
    uv_close((uv_handle_t *)f->timer, free_handle);
    oauth_kept_fini(&f->kept);
    free(f->name);
    explicit_bzero(f, sizeof *f);
    free(f);
}
