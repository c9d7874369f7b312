#include "sign/keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/sign/keys.sql.h"
#include "loop/pg.h"
#include "sign/secret.h"
#include "sign/senders.h"
#include <stdlib.h>

/* Of the setting dkim_required. */
enum { DKIM_REQUIRED_ALWAYS = 1, DKIM_REQUIRED_DIRECT = 2 };

enum {
    KEYS_TICK_MS = 200,
    KEYS_RETRY_MS = 1000, /* until they are known */
    KEYS_REFRESH_MS = 60 * 1000,
};

struct key {
    int64_t project, id;
    char domain[DKIM_NAME_MAX]; /* lower case */
    struct dkim_key *key;       /* NULL: it can't be used */
};

/* Sorted by project, domain, id, as the store sends them. */
struct key_list {
    struct key *keys;
    size_t n;
};

struct keys {
    const struct config *config;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    bool known, wanted;
    int64_t asked_ms;
    int64_t round; /* that the keys now being read are at least of */
    keys_read *read;
    void *owner;
    struct key_list list;
    struct dkim_signer signer;
    struct senders *senders;
    struct args args;
};

static const struct pg_statement round_ = {"keys_round", SQL_KEYS_ROUND};
static const struct pg_statement active = {"keys_active", SQL_KEYS_ACTIVE};
static const struct pg_statement listen_ = {"keys_listen", SQL_KEYS_LISTEN};

/* ---- The list ---- */

static int compare(const struct key *key, int64_t project, const char *domain,
                   int64_t id)
{
    if (key->project != project)
        return key->project < project ? -1 : 1;
    int order = strcmp(key->domain, domain);

    return order ? order : (key->id > id) - (key->id < id);
}

/* The first that is not before these. */
static size_t find(const struct key_list *list, int64_t project,
                   const char *domain, int64_t id)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&list->keys[middle], project, domain, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void list_free(struct key_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        dkim_key_free(list->keys[i].key);
    free(list->keys);
    *list = (struct key_list){0};
}

/* ---- Reading them ---- */

static struct key key_at(const PGresult *r, int at)
{
    struct key key = {.project = pg_bigint(r, at, 1),
                      .id = pg_bigint(r, at, 0)};

    snprintf(key.domain, sizeof key.domain, "%s", PQgetvalue(r, at, 2));
    return key;
}

/* The seal is read each time that something new is to be opened: so an
 * operator can bring it later. */
static void open_key(struct keys *k, struct key *key, const PGresult *r, int at)
{
    const char *selector = PQgetvalue(r, at, 3);
    struct seal seal;
    struct error err;
    char why[LOG_QUOTE_MAX];
    enum status status = seal_read(&seal, k->config, false, &err);

    if (status == STATUS_OK)
        status = secret_unseal(&seal, key->domain, selector,
                               (const unsigned char *)PQgetvalue(r, at, 4),
                               (size_t)PQgetlength(r, at, 4), &key->key, &err);
    seal_fini(&seal);
    if (status != STATUS_OK)
        log_event(LOG_ERROR, "dkim_key_unusable",
                  "domain=%s selector=%s why=%s", key->domain, selector,
                  log_quote(err.text, why));
}

/* What was known moves over from the old list. */
static void take_over(struct keys *k, const PGresult *r)
{
    struct key_list fresh = {.n = (size_t)PQntuples(r)};

    fresh.keys = memory_new(fresh.n + 1, sizeof *fresh.keys);
    for (int at = 0; at < PQntuples(r); at++) {
        struct key *key = &fresh.keys[at];

        *key = key_at(r, at);
        size_t old = find(&k->list, key->project, key->domain, key->id);

        if (!PQgetisnull(r, at, 4)) {
            open_key(k, key, r, at);
        } else if (old < k->list.n && k->list.keys[old].id == key->id) {
            key->key = k->list.keys[old].key;
            k->list.keys[old].key = NULL;
        }
    }
    list_free(&k->list);
    k->list = fresh;
    k->known = true;
}

static void on_rows(void *arg, const PGresult *r)
{
    struct keys *k = arg;
    char why[LOG_QUOTE_MAX];

    if (r && PQresultStatus(r) == PGRES_TUPLES_OK) {
        take_over(k, r);
        k->read(k->owner, k->round);
    } else {
        log_event(LOG_WARN, "dkim_keys_unread", "why=%s",
                  log_quote(pg_why(r), why));
    }
}

static void on_round(void *arg, const PGresult *r)
{
    struct keys *k = arg;

    if (r && PQresultStatus(r) == PGRES_TUPLES_OK)
        k->round = pg_bigint(r, 0, 0);
}

/* The round first: the keys are of that one then, or a later one. */
static void ask(struct keys *k)
{
    k->wanted = false;
    k->asked_ms = clock_mono_ms();
    pg_send(k->pg, &round_, NULL, on_round, k);
    args_reset(&k->args);
    args_array_start(&k->args, ARGS_ELEMENT_BIGINT);
    for (size_t i = 0; i < k->list.n; i++)
        if (k->list.keys[i].key)
            args_element_bigint(&k->args, k->list.keys[i].id);
    args_array_end(&k->args);
    args_bigint(&k->args, KEYS_MAX);
    pg_send(k->pg, &active, &k->args, on_rows, k);
    pg_sync(k->pg);
}

static void on_tick(uv_timer_t *timer)
{
    struct keys *k = timer->data;
    int64_t now_ms = clock_mono_ms();
    int64_t pause_ms = k->known ? KEYS_REFRESH_MS : KEYS_RETRY_MS;

    if (!pg_is_idle(k->pg) || (!k->wanted && now_ms - k->asked_ms < pause_ms))
        return;
    ask(k);
}

static void on_up(struct pg *pg, void *owner)
{
    struct keys *k = owner;

    k->wanted = true;
    pg_send(pg, &listen_, NULL, NULL, NULL);
    pg_sync(pg);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct keys *k = owner;

    (void)pg, (void)channel;
    k->wanted |= strcmp(payload, "dkim") == 0;
    if (k->wanted && pg_is_idle(k->pg))
        ask(k);
}

/* ---- Coming and going ---- */

struct keys *keys_new(uv_loop_t *loop, const struct config *config,
                      const char *conninfo, keys_read *read, void *owner)
{
    static const struct pg_events events = {on_up, on_down, on_notified};
    struct keys *k = memory_new(1, sizeof *k);

    char hostname[DKIM_NAME_MAX];

    config_hostname(config, hostname, sizeof hostname);
    k->senders = senders_new(loop, config, conninfo, hostname);
    k->config = config;
    k->read = read;
    k->owner = owner;
    k->pg = pg_new(loop, "keys", conninfo, &events, k);
    k->tick = memory_new(1, sizeof *k->tick);
    uv_timer_init(loop, k->tick);
    k->tick->data = k;
    uv_timer_start(k->tick, on_tick, 0, KEYS_TICK_MS);
    return k;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void keys_free(struct keys *k)
{
    if (!k)
        return;
    uv_timer_stop(k->tick);
    uv_close((uv_handle_t *)k->tick, free_handle);
    senders_free(k->senders);
    pg_free(k->pg);
    args_fini(&k->args);
    list_free(&k->list);
    dkim_signer_fini(&k->signer);
    free(k);
}

bool keys_are_known(const struct keys *k)
{
    return k->known;
}

/* ---- Signing ---- */

static void lower(const char *domain, char out[DKIM_NAME_MAX])
{
    snprintf(out, DKIM_NAME_MAX, "%s", domain);
    for (char *c = out; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

/* The keys of the domain, or of the nearest above it, into the signer. False:
 * one of them can't be used. */
static bool choose(struct keys *k, int64_t project, const char *domain)
{
    struct dkim_signer *s = &k->signer;

    s->n_keys = 0;
    for (const char *d = domain; d && s->n_keys == 0;
         d = strchr(d, '.'), d = d ? d + 1 : NULL)
        for (size_t i = find(&k->list, project, d, 0);
             i < k->list.n && s->n_keys < DKIM_KEYS_MAX &&
             compare(&k->list.keys[i], project, d, k->list.keys[i].id) == 0;
             i++) {
            if (!k->list.keys[i].key)
                return false;
            s->keys[s->n_keys++] = k->list.keys[i].key;
        }
    return true;
}

bool keys_have(struct keys *k, int64_t project, const char *domain)
{
    char name[DKIM_NAME_MAX];

    if (!domain || k->list.n == 0)
        return false;
    lower(domain, name);
    return !choose(k, project, name) || k->signer.n_keys > 0;
}

/* Who takes mail in for us may sign it; receivers only distrust it. */
static bool is_required(const struct config *config, bool direct)
{
    return config->dkim_required == DKIM_REQUIRED_DIRECT
               ? direct
               : config->dkim_required == DKIM_REQUIRED_ALWAYS;
}

enum status keys_sign(struct keys *k, const struct keys_mail *mail,
                      struct buf *wire, struct error *err)
{
    char name[DKIM_NAME_MAX];

    lower(mail->domain, name);
    if (!choose(k, mail->project, name))
        return fail(err, STATUS_UNAVAILABLE,
                    "a DKIM key of %s can't be used: see the engine's log",
                    name);
    if (k->signer.n_keys > 0)
        return dkim_sign(&k->signer, mail->now_s, wire, err);
    if (is_required(k->config, mail->direct))
        return fail(err, STATUS_NOT_FOUND,
                    "%s has no DKIM key: presort domains add %s, or allow "
                    "unsigned mail by the setting dkim_required",
                    name, name);
    return STATUS_OK;
}
