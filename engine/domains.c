#include "domains.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    DOMAINS_AGAIN_MS = 30000,     /* an unsure answer is asked for again */
    DOMAINS_OWN_MS = 60000,       /* our own addresses are looked at again */
    DOMAINS_IDLE_MS = 10 * 60000, /* what is not used is forgotten */
    DOMAINS_SWEEP_MS = 1000,
};

/* Each is a list; ENTRY_IDLE: the one that was used last is at its end. */
enum entry_state {
    ENTRY_IDLE,   /* nobody waits */
    ENTRY_URGENT, /* to be asked for, by transactional mail */
    ENTRY_QUEUED, /* by campaigns only */
    ENTRY_ASKING, /* DNS says where its mail goes */
    ENTRY_POLICY, /* and what it demands of TLS */
    ENTRY_TELLING,
    ENTRY_STATES,
};

struct entry {
    TAILQ_ENTRY(entry) link;
    enum entry_state state;
    struct domains *domains;
    struct domain *known; /* NULL: not yet */
    struct domain *fresh; /* its policy is being looked up */
    int64_t ttl_ms;
    int64_t fresh_until_ms;
    int64_t used_ms;
    int64_t round; /* of the rules that it was asked for by */
    struct parcel *waiting;
    bool spare_tls;   /* its own demands are not asked for */
    const char *name; /* ASCII; the end of the key */
    char key[];
};

TAILQ_HEAD(entries, entry);

struct domains {
    const struct config *config;
    const char *own_name;
    struct own own;
    int64_t own_ms; /* found then */
    struct dns *dns;
    struct policies *policies;
    uv_timer_t *sweep; /* heap: outlives us until libuv lets go */
    struct map entries;
    struct entries lists[ENTRY_STATES];
    size_t asking;      /* how many are */
    struct domain none; /* what can't be looked up */
    domains_found *found;
    domains_learned *learned;
    void *owner;
};

/* ---- Entries come and go ---- */

static void leave(struct entry *e)
{
    TAILQ_REMOVE(&e->domains->lists[e->state], e, link);
    e->domains->asking -= e->state == ENTRY_ASKING;
}

static void enter(struct entry *e, enum entry_state state)
{
    e->state = state;
    e->domains->asking += state == ENTRY_ASKING;
    if (state == ENTRY_IDLE)
        e->used_ms = clock_mono_ms();
    TAILQ_INSERT_TAIL(&e->domains->lists[state], e, link);
}

static void become(struct entry *e, enum entry_state state)
{
    leave(e);
    enter(e, state);
}

static void entry_free(struct entry *e)
{
    domain_free(e->known);
    domain_free(e->fresh);
    free(e);
}

static void drop(struct entry *e)
{
    leave(e);
    map_remove(&e->domains->entries, e->key);
    entry_free(e);
}

/* Those not used since then, and more where there are more than max. */
static void drop_oldest(struct domains *d, int64_t until_ms, size_t max)
{
    struct entry *e = TAILQ_FIRST(&d->lists[ENTRY_IDLE]), *next;

    for (; e && (e->used_ms <= until_ms || d->entries.n > max); e = next) {
        next = TAILQ_NEXT(e, link);
        drop(e);
    }
}

static void make_room(struct domains *d, size_t max)
{
    drop_oldest(d, -1, max);
}

static void on_sweep(uv_timer_t *timer)
{
    struct domains *d = timer->data;

    drop_oldest(d, clock_mono_ms() - DOMAINS_IDLE_MS, DOMAINS_MAX);
}

static struct entry *entry_of(struct domains *d, const char *name,
                              bool spare_tls)
{
    const char *prefix = spare_tls ? "any tls " : "";
    char key[DNS_NAME_MAX + 8];
    struct entry *e;

    snprintf(key, sizeof key, "%s%s", prefix, name);
    e = map_get(&d->entries, key);
    if (e)
        return e;
    make_room(d, DOMAINS_MAX - 1);
    e = memory_new(1, sizeof *e + strlen(key) + 1);
    e->domains = d;
    e->spare_tls = spare_tls;
    memcpy(e->key, key, strlen(key) + 1);
    e->name = e->key + strlen(prefix);
    map_put(&d->entries, key, e);
    enter(e, ENTRY_IDLE);
    return e;
}

/* ---- Asking ---- */

static bool is_by_rules(const struct entry *e)
{
    return e->round == policies_round(e->domains->policies);
}

static bool is_fresh(const struct entry *e, int64_t now_ms)
{
    const struct domain *known = e->known;

    return known && now_ms < e->fresh_until_ms && is_by_rules(e) &&
           !(known->policy &&
             policy_is_stale(e->domains->policies, known->policy));
}

static const struct own *own_now(struct domains *d)
{
    int64_t now_ms = clock_mono_ms();

    if (!d->own.name || now_ms - d->own_ms >= DOMAINS_OWN_MS) {
        own_find(&d->own, d->config, d->own_name);
        d->own_ms = now_ms;
    }
    return &d->own;
}

static void on_mail(void *arg, const struct dns_mail *mail);

static void ask(struct entry *e)
{
    struct domains *d = e->domains;

    become(e, ENTRY_ASKING);
    e->round = policies_round(d->policies);
    dns_mail(d->dns, e->name, own_now(d), on_mail, e);
}

static void ask_next(struct domains *d)
{
    struct entry *e;

    while (d->asking < DOMAINS_ASKED_MAX &&
           (e = TAILQ_FIRST(&d->lists[ENTRY_URGENT])))
        ask(e);
    while (d->asking < DOMAINS_ASKED_MAX - DOMAINS_RESERVED &&
           (e = TAILQ_FIRST(&d->lists[ENTRY_QUEUED])))
        ask(e);
}

/* Mail that comes while others are told of what it can't use asks again. */
static void tell(struct entry *e)
{
    struct domains *d = e->domains;
    struct parcel *p = e->waiting, *next;

    become(e, ENTRY_TELLING);
    e->waiting = NULL;
    for (; p; p = next) {
        next = p->next;
        p->next = NULL;
        d->found(d->owner, p, e->known);
    }
    become(e, e->waiting ? ENTRY_URGENT : ENTRY_IDLE);
    make_room(d, DOMAINS_MAX);
}

static void on_known(struct entry *e, struct domain *known)
{
    struct domains *d = e->domains;
    bool unsure = known->verdict == VERDICT_DEFERRED;

    if (is_by_rules(e)) {
        domain_free(e->known);
        e->known = known;
        if (known->verdict == VERDICT_DELIVERED)
            d->learned(d->owner, e->name, known->site);
        e->fresh_until_ms =
            clock_mono_ms() + (unsure ? DOMAINS_AGAIN_MS : e->ttl_ms);
        tell(e);
    } else { /* they changed meanwhile */
        domain_free(known);
        become(e, ENTRY_URGENT);
    }
    ask_next(d);
}

static void on_policy(void *arg, struct policy *policy)
{
    struct entry *e = arg;
    struct domain *known = e->fresh;

    e->fresh = NULL;
    domain_take_policy(known, policy);
    on_known(e, known);
}

/* A policy is the domain's, before domains are merged by their hosts. While it
 * is looked up, where a web server may take its time, others are asked for. */
static void on_mail(void *arg, const struct dns_mail *mail)
{
    struct entry *e = arg;
    struct domains *d = e->domains;
    struct domain *known = domain_new(e->name, d->config, mail);

    e->ttl_ms = (int64_t)mail->ttl_seconds * 1000;
    if (known->verdict != VERDICT_DELIVERED) {
        on_known(e, known);
        return;
    }
    e->fresh = known;
    become(e, ENTRY_POLICY);
    policy_find(d->policies, e->name, e->spare_tls, mail, on_policy, e);
    ask_next(d);
}

static const struct domain *no_domain(struct domains *d, const char *enhanced,
                                      const char *why)
{
    arena_fini(&d->none.memory);
    d->none = (struct domain){.why = "", .key = "", .site = "", .name = ""};
    domain_refuse(&d->none, VERDICT_BOUNCED, 550, enhanced, why);
    return &d->none;
}

static void wait_for(struct entry *e, struct parcel *p)
{
    bool urgent = !p->batch || p->batch->class == BATCH_TRANSACTIONAL;

    p->next = e->waiting;
    e->waiting = p;
    if (e->state == ENTRY_IDLE || (urgent && e->state == ENTRY_QUEUED))
        become(e, urgent ? ENTRY_URGENT : ENTRY_QUEUED);
    ask_next(e->domains);
}

const struct domain *domains_find(struct domains *d, const char *domain,
                                  bool spare_tls, struct parcel *p)
{
    char name[DNS_NAME_MAX];
    struct entry *e;
    struct error err;

    if (domain[0] == '[')
        return no_domain(d, "5.1.3", "mail is not sent to address literals");
    if (dns_ascii(domain, name, &err) != STATUS_OK)
        return no_domain(d, "5.1.2", err.text);
    e = entry_of(d, name, spare_tls);
    if (!is_fresh(e, clock_mono_ms())) {
        wait_for(e, p);
        return NULL;
    }
    if (e->state == ENTRY_IDLE)
        become(e, ENTRY_IDLE);
    return e->known;
}

size_t domains_known(const struct domains *d)
{
    return d->entries.n;
}

/* ---- Taking back ---- */

static void take(struct domains *d, const unsigned char *campaign, bool gone)
{
    size_t at = 0;

    for (struct entry *e; (e = map_next(&d->entries, &at));) {
        struct parcel **from = &e->waiting, *p;

        while ((p = *from)) {
            bool mine = gone ? batch_is_gone(p->batch)
                             : !campaign || memcmp(p->batch->campaign, campaign,
                                                   UUID_BYTES) == 0;

            if (mine) {
                *from = p->next;
                p->next = NULL;
            } else {
                from = &p->next;
            }
        }
    }
}

void domains_take(struct domains *d, const unsigned char *campaign)
{
    take(d, campaign, false);
}

void domains_take_gone(struct domains *d)
{
    take(d, NULL, true);
}

/* ---- Coming and going ---- */

enum status domains_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, const char *own_name,
                        domains_found *found, domains_learned *learned,
                        void *owner, struct domains **out, struct error *err)
{
    if (!domain_prefers(config->ip_preference))
        return fail(err, STATUS_INVALID,
                    "ip_preference: %s is none of any, ipv6, ipv4, ipv6-only, "
                    "ipv4-only",
                    config->ip_preference);
    struct domains *d = memory_new(1, sizeof *d);
    enum status status = dns_new(loop, config, &d->dns, err);

    if (status == STATUS_OK)
        status =
            policies_new(loop, config, conninfo, d->dns, &d->policies, err);
    if (status != STATUS_OK) {
        dns_free(d->dns);
        free(d);
        return status;
    }
    for (size_t i = 0; i < ENTRY_STATES; i++)
        TAILQ_INIT(&d->lists[i]);
    d->sweep = memory_new(1, sizeof *d->sweep);
    d->sweep->data = d;
    uv_timer_init(loop, d->sweep);
    uv_timer_start(d->sweep, on_sweep, DOMAINS_SWEEP_MS, DOMAINS_SWEEP_MS);
    d->config = config;
    d->own_name = own_name;
    d->found = found;
    d->learned = learned;
    d->owner = owner;
    *out = d;
    return STATUS_OK;
}

struct policies *domains_policies(struct domains *d)
{
    return d->policies;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void domains_free(struct domains *d)
{
    size_t at = 0;

    if (!d)
        return;
    uv_timer_stop(d->sweep);
    uv_close((uv_handle_t *)d->sweep, free_handle);
    dns_free(d->dns);
    policies_free(d->policies);
    for (struct entry *e; (e = map_next(&d->entries, &at));)
        entry_free(e);
    map_fini(&d->entries);
    arena_fini(&d->none.memory);
    free(d);
}
