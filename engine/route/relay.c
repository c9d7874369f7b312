#include "route/relay.h"
#include "base/log.h"
#include "base/memory.h"
#include "route/bearer.h"
#include "route/refresh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RELAY_AGAIN_MS = 60 * 1000,
    RELAY_RETRY_MS = 1000,
    RELAY_RETRY_MOST_MS = 16 * 1000,
    RELAY_SPEC_MAX = 512
};

/* One server and the last good answer about it. */
struct server {
    struct relay *relay;
    struct server_address host;
    char port[8];
    uv_timer_t *again;
    uv_getaddrinfo_t *asking; /* NULL if none; outlives a freed relay */
    unsigned retry_ms;        /* the last pause; 0: there was an answer */
    struct relay_address addresses[RELAY_ADDRESSES_MAX];
    size_t n;
};

struct watcher {
    void (*changed)(void *owner);
    void *owner;
};

struct relay {
    const struct relay_world *world;
    char name[RELAY_NAME_MAX];
    char *text; /* its servers, as they were given */
    struct server *servers[SERVERS_MAX];
    size_t n;
    char *tls, *login, *username, *secret;
    struct oauth_kept oauth;
    struct bearer *bearer;   /* NULL: the secret is not printed by a command */
    struct refresh *refresh; /* NULL: nor does an endpoint give it */
    unsigned version;
    struct watcher *watchers;
    size_t n_watchers;
};

static void tell(void *owner)
{
    const struct relay *r = owner;

    for (size_t i = 0; i < r->n_watchers; i++)
        r->watchers[i].changed(r->watchers[i].owner);
}

/* ---- Looking up ---- */

static void ask(uv_timer_t *timer);

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void take_answer(struct server *s, const struct addrinfo *answer)
{
    s->n = 0;
    for (; answer && s->n < RELAY_ADDRESSES_MAX; answer = answer->ai_next) {
        struct relay_address *a = &s->addresses[s->n];

        if (answer->ai_addrlen > sizeof a->address)
            continue;
        *a =
            (struct relay_address){.host = &s->host, .len = answer->ai_addrlen};
        memcpy(&a->address, answer->ai_addr, answer->ai_addrlen);
        s->n++;
    }
}

/* Twice the last pause: the log has a line for each. */
static unsigned next_retry_ms(struct server *s)
{
    s->retry_ms = s->retry_ms ? 2 * s->retry_ms : RELAY_RETRY_MS;
    if (s->retry_ms > RELAY_RETRY_MOST_MS)
        s->retry_ms = RELAY_RETRY_MOST_MS;
    return s->retry_ms;
}

static void on_answer(uv_getaddrinfo_t *asked, int status,
                      struct addrinfo *answer)
{
    struct server *s = asked->data;

    free(asked);
    if (!s) { /* freed meanwhile */
        uv_freeaddrinfo(answer);
        return;
    }
    s->asking = NULL;
    if (status != 0) {
        unsigned pause_ms = next_retry_ms(s);

        log_event(LOG_WARN, "relay_unknown",
                  "relay=%s host=%s pause_ms=%u why=\"%s\"", s->relay->name,
                  s->host.at.host, pause_ms, uv_strerror(status));
        uv_timer_start(s->again, ask, pause_ms, 0);
        return;
    }
    s->retry_ms = 0;
    take_answer(s, answer);
    uv_freeaddrinfo(answer);
    uv_timer_start(s->again, ask, RELAY_AGAIN_MS, 0);
    tell(s->relay);
}

static void ask(uv_timer_t *timer)
{
    struct server *s = timer->data;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    if (s->asking)
        return;
    s->asking = memory_new(1, sizeof *s->asking);
    s->asking->data = s;
    if (uv_getaddrinfo(s->relay->world->loop, s->asking, on_answer,
                       s->host.at.host, s->port, &hints) != 0) {
        free(s->asking);
        s->asking = NULL;
        uv_timer_start(s->again, ask, RELAY_RETRY_MS, 0);
    }
}

/* ---- The whole ---- */

static struct server *server_new(struct relay *r,
                                 const struct server_address *host)
{
    struct server *s = memory_new(1, sizeof *s);

    s->relay = r;
    s->host = *host;
    snprintf(s->port, sizeof s->port, "%u", host->at.port);
    s->again = memory_new(1, sizeof *s->again);
    uv_timer_init(r->world->loop, s->again);
    s->again->data = s;
    uv_timer_start(s->again, ask, 0, 0);
    return s;
}

static void drop_servers(struct relay *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct server *s = r->servers[i];

        if (s->asking)
            s->asking->data = NULL;
        uv_timer_stop(s->again);
        uv_close((uv_handle_t *)s->again, free_handle);
        free(s);
    }
    r->n = 0;
    free(r->text);
    r->text = NULL;
}

static const struct relay_access standard = {
    "opportunistic", "none", "", "", {"", "", "", "", ""}};

struct relay *relay_new(const struct relay_world *world, const char *name)
{
    struct relay *r = memory_new(1, sizeof *r);

    r->world = world;
    snprintf(r->name, sizeof r->name, "%s", name);
    relay_access(r, &standard);
    return r;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    drop_servers(r);
    bearer_free(r->bearer);
    refresh_free(r->refresh);
    oauth_kept_fini(&r->oauth);
    free(r->tls);
    free(r->login);
    free(r->username);
    free(r->secret);
    free(r->watchers);
    free(r);
}

enum status relay_servers(struct relay *r, const char *text, struct error *err)
{
    struct server_address hosts[SERVERS_MAX];
    size_t n;

    if (r->text && strcmp(r->text, text) == 0)
        return STATUS_OK;
    drop_servers(r);
    if (servers_parse(text, hosts, &n, err) != STATUS_OK)
        return STATUS_INVALID;
    r->text = text_copy(text);
    r->version++;
    r->n = n;
    for (size_t i = 0; i < n; i++)
        r->servers[i] = server_new(r, &hosts[i]);
    return STATUS_OK;
}

/* True if it is another text than before. */
static bool set(char **to, const char *text)
{
    if (*to && strcmp(*to, text) == 0)
        return false;
    free(*to);
    *to = text_copy(text);
    return true;
}

#define COMMAND "command:"

static bool has_command(const struct relay *r)
{
    return strncmp(r->secret, COMMAND, strlen(COMMAND)) == 0;
}

static void get_token(struct relay *r)
{
    bearer_free(r->bearer);
    refresh_free(r->refresh);
    r->bearer = NULL;
    r->refresh = NULL;
    if (*r->oauth.settings.token_url)
        r->refresh =
            refresh_new(r->world->loop, r->world->web, r->name,
                        &r->oauth.settings, r->world->ca_file, tell, r);
    else if (has_command(r))
        r->bearer = bearer_new(r->world->loop, r->name,
                               r->secret + strlen(COMMAND), tell, r);
}

bool relay_has_token(const struct relay *r)
{
    return r->refresh || r->bearer;
}

const char *relay_token(const struct relay *r)
{
    if (r->refresh)
        return refresh_text(r->refresh);
    return r->bearer ? bearer_text(r->bearer) : "";
}

const char *relay_fault(const struct relay *r, int64_t *again_ms)
{
    *again_ms = r->refresh ? refresh_again_ms(r->refresh) : 0;
    return r->refresh ? refresh_fault(r->refresh) : "";
}

void relay_refused(struct relay *r, int64_t opened_ms)
{
    if (r->refresh)
        refresh_refused(r->refresh, opened_ms);
}

void relay_accepted(struct relay *r)
{
    if (r->refresh)
        refresh_accepted(r->refresh);
}

/* The first time there is nothing to compare with. */
static bool keep_oauth(struct relay *r, const struct oauth_settings *oauth)
{
    if (r->oauth.memory && oauth_settings_same(&r->oauth.settings, oauth))
        return false;
    oauth_keep(&r->oauth, oauth);
    return true;
}

void relay_access(struct relay *r, const struct relay_access *access)
{
    bool changed = set(&r->tls, access->tls);
    bool other_token = set(&r->secret, access->secret);

    changed |= set(&r->login, access->login);
    changed |= set(&r->username, access->username);
    other_token |= keep_oauth(r, &access->oauth);
    if (other_token)
        get_token(r);
    if (changed || other_token) {
        r->version++;
        tell(r);
    }
}

void relay_retire(struct relay *r)
{
    /* The servers first: nobody is to be met without a login. */
    drop_servers(r);
    relay_access(r, &standard);
}

struct relay_access relay_how(const struct relay *r)
{
    return (struct relay_access){r->tls, r->login, r->username, r->secret,
                                 r->oauth.settings};
}

unsigned relay_version(const struct relay *r)
{
    return r->version;
}

const char *relay_name(const struct relay *r)
{
    return r->name;
}

size_t relay_addresses(const struct relay *r, struct relay_address *out,
                       size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->servers[i]->n && n < max; k++)
            out[n++] = r->servers[i]->addresses[k];
    return n;
}

void relay_watch(struct relay *r, void (*changed)(void *owner), void *owner)
{
    r->watchers =
        memory_resize(r->watchers, r->n_watchers + 1, sizeof *r->watchers);
    r->watchers[r->n_watchers++] = (struct watcher){changed, owner};
}
