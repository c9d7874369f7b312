#include "domains.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "pace/providers.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    DOMAINS_MAX = 20000,      /* known at a time; then the stale ones go */
    DOMAINS_AGAIN_MS = 30000, /* an unsure answer is asked for again */
    DOMAINS_OWN_MS = 60000,   /* our own addresses are looked at again */
};

struct entry {
    struct domains *domains;
    char name[DNS_NAME_MAX]; /* ASCII */
    char key[DNS_NAME_MAX + 8];
    bool spare_tls;       /* its own demands are not asked for */
    struct domain *known; /* NULL: not yet */
    bool asking;
    struct domain *fresh; /* its policy is being looked up */
    int64_t ttl_ms;
    int64_t fresh_until_ms;
    int64_t round; /* of the rules that it was asked for by */
    struct parcel *waiting;
};

struct domains {
    const struct config *config;
    const char *own_name;
    struct own own;
    int64_t own_ms; /* found then */
    struct dns *dns;
    struct policies *policies;
    struct map entries;
    struct domain none; /* what can't be looked up */
    domains_found *found;
    domains_learned *learned;
    void *owner;
};

/* ---- What an answer means ---- */

static void refuse(struct domain *d, enum verdict verdict, unsigned code,
                   const char *enhanced, const char *why)
{
    d->verdict = verdict;
    d->code = code;
    snprintf(d->enhanced, sizeof d->enhanced, "%s", enhanced);
    snprintf(d->why, sizeof d->why, "%s", why);
}

static void set_port(struct sockaddr_storage *a, uint16_t port)
{
    void *any = a;

    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)any)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)any)->sin_port = htons(port);
}

/* The setting ip_preference. family 0: any. */
struct preference {
    const char *text;
    sa_family_t family;
    bool only;
};

static const struct preference preferences[] = {
    {"any", 0, false},
    {"ipv6", AF_INET6, false},
    {"ipv4", AF_INET, false},
    {"ipv6-only", AF_INET6, true},
    {"ipv4-only", AF_INET, true},
};

static const struct preference *preference_of(const char *text)
{
    for (size_t i = 0; i < sizeof preferences / sizeof *preferences; i++)
        if (strcmp(preferences[i].text, text) == 0)
            return &preferences[i];
    return NULL;
}

/* Hosts of equal MX preference are one group: of these, the addresses of the
 * other family make one of their own behind it. */
static void add_host(struct domain *d, const struct dns_mail_host *h,
                     const struct preference *prefer, uint16_t port)
{
    for (size_t i = 0; i < h->n_addresses && d->n_hosts < DOMAIN_HOSTS_MAX;
         i++) {
        bool other =
            prefer->family && h->addresses[i].ss_family != prefer->family;
        struct domain_host *to = &d->hosts[d->n_hosts];

        if (other && prefer->only)
            continue;
        d->n_hosts++;
        memcpy(to->name, h->name, sizeof to->name);
        to->address = h->addresses[i];
        to->len = to->address.ss_family == AF_INET6
                      ? sizeof(struct sockaddr_in6)
                      : sizeof(struct sockaddr_in);
        to->group = 2 * h->preference + other;
        set_port(&to->address, port);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct dns_mail_host *x = *(const struct dns_mail_host *const *)a;
    const struct dns_mail_host *y = *(const struct dns_mail_host *const *)b;

    return strcmp(x->name, y->name);
}

/* Domains share connections if they have the same hosts, whatever the order
 * of equal ones. */
static void make_key(struct domain *d, const struct dns_mail *mail)
{
    const struct dns_mail_host *hosts[MX_MAX];
    XXH64_hash_t hash = 0;

    for (size_t i = 0; i < mail->n_hosts; i++)
        hosts[i] = &mail->hosts[i];
    qsort((void *)hosts, mail->n_hosts, sizeof *hosts, by_name);
    for (size_t i = 0; i < mail->n_hosts; i++)
        hash = XXH3_64bits_withSeed(hosts[i]->name, strlen(hosts[i]->name),
                                    hash * 31 + hosts[i]->preference);
    snprintf(d->key, sizeof d->key, "mx %s %016llx", mail->site,
             (unsigned long long)hash);
}

/* A provider's, if all hosts are; else that of the hosts themselves. */
static const char *site_of(const struct dns_mail *mail)
{
    const char *names[MX_MAX];
    const struct provider *provider;

    for (size_t i = 0; i < mail->n_hosts; i++)
        names[i] = mail->hosts[i].name;
    provider = provider_of(names, mail->n_hosts);
    return provider ? provider->site : mail->site;
}

static void learn_hosts(struct domain *known, const struct config *config,
                        const struct dns_mail *mail)
{
    const struct preference *prefer = preference_of(config->ip_preference);

    if (!prefer) /* changed since, to nothing that there is */
        prefer = &preferences[0];
    known->verdict = VERDICT_DELIVERED;
    known->sure_hosts = mail->secure;
    snprintf(known->site, sizeof known->site, "%s", site_of(mail));
    make_key(known, mail);
    for (size_t i = 0; i < mail->n_hosts; i++)
        add_host(known, &mail->hosts[i], prefer, (uint16_t)config->direct_port);
    if (known->n_hosts == 0)
        refuse(known, VERDICT_DEFERRED, 451, "4.4.4",
               "no mail host has an address that the setting ip_preference "
               "allows");
}

static struct domain *learn(const struct domains *d,
                            const struct dns_mail *mail)
{
    struct domain *known = memory_new(1, sizeof *known);

    switch (mail->outcome) {
    case DNS_MAIL_HOSTS: learn_hosts(known, d->config, mail); break;
    case DNS_MAIL_REFUSED:
        refuse(known, VERDICT_BOUNCED, mail->code, mail->enhanced, mail->why);
        break;
    case DNS_MAIL_LATER:
        refuse(known, VERDICT_DEFERRED, mail->code, mail->enhanced, mail->why);
        break;
    }
    return known;
}

/* Only hosts that its policy allows, each with what it must prove; if none is
 * left, mail waits. */
static void take_policy(struct domain *d, struct policy *policy)
{
    size_t n = 0, len = strlen(d->key);

    d->policy = policy;
    for (size_t i = 0; i < d->n_hosts; i++) {
        const struct policy_host *h = policy_host(policy, d->hosts[i].name);

        if (!h || !h->usable)
            continue;
        d->hosts[i].tls = &h->tls;
        d->hosts[n++] = d->hosts[i];
    }
    d->n_hosts = n;
    d->sure_hosts |= policy->sure_hosts;
    if (policy->key[0])
        snprintf(d->key + len, sizeof d->key - len, " %s", policy->key);
    if (!policy->usable)
        refuse(d, VERDICT_DEFERRED, 451, "4.7.0", policy->why);
    else if (n == 0)
        refuse(d, VERDICT_DEFERRED, 451, "4.7.0",
               "no mail host that its policy allows has an address");
}

static void domain_free(struct domain *d)
{
    if (d)
        policy_drop(d->policy);
    free(d);
}

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

static void ask(struct entry *e);

static void on_known(struct entry *e, struct domain *known)
{
    struct domains *d = e->domains;
    struct parcel *p, *next;
    bool unsure = known->verdict == VERDICT_DEFERRED;

    if (!is_by_rules(e)) { /* they changed meanwhile */
        domain_free(known);
        ask(e);
        return;
    }
    domain_free(e->known);
    e->known = known;
    e->asking = false;
    if (known->verdict == VERDICT_DELIVERED)
        d->learned(d->owner, e->name, known->site);
    e->fresh_until_ms =
        clock_mono_ms() + (unsure ? DOMAINS_AGAIN_MS : e->ttl_ms);
    p = e->waiting;
    e->waiting = NULL;
    for (; p; p = next) {
        next = p->next;
        p->next = NULL;
        d->found(d->owner, p, e->known);
    }
}

static void on_policy(void *arg, struct policy *policy)
{
    struct entry *e = arg;
    struct domain *known = e->fresh;

    e->fresh = NULL;
    take_policy(known, policy);
    on_known(e, known);
}

/* A policy is the domain's, before domains are merged by their hosts. */
static void on_mail(void *arg, const struct dns_mail *mail)
{
    struct entry *e = arg;
    struct domain *known = learn(e->domains, mail);

    snprintf(known->name, sizeof known->name, "%s", e->name);
    e->ttl_ms = (int64_t)mail->ttl_seconds * 1000;
    if (known->verdict != VERDICT_DELIVERED) {
        on_known(e, known);
        return;
    }
    e->fresh = known;
    policy_find(e->domains->policies, e->name, e->spare_tls, mail, on_policy,
                e);
}

/* ---- Asking ---- */

static const struct own *own_now(struct domains *d)
{
    int64_t now_ms = clock_mono_ms();

    if (!d->own.name || now_ms - d->own_ms >= DOMAINS_OWN_MS) {
        own_find(&d->own, d->config, d->own_name);
        d->own_ms = now_ms;
    }
    return &d->own;
}

static void ask(struct entry *e)
{
    struct domains *d = e->domains;

    e->asking = true;
    e->round = policies_round(d->policies);
    dns_mail(d->dns, e->name, own_now(d), on_mail, e);
}

static const struct domain *no_domain(struct domains *d, const char *enhanced,
                                      const char *why)
{
    d->none = (struct domain){0};
    refuse(&d->none, VERDICT_BOUNCED, 550, enhanced, why);
    return &d->none;
}

static void entry_free(struct entry *e)
{
    domain_free(e->known);
    domain_free(e->fresh);
    free(e);
}

/* Room for more: what would be asked for again anyway. */
static void sweep(struct domains *d, int64_t now_ms)
{
    size_t at = 0;

    for (struct entry *e; (e = map_next(&d->entries, &at));) {
        if (e->asking || now_ms < e->fresh_until_ms)
            continue;
        map_remove(&d->entries, e->key);
        entry_free(e);
    }
}

static struct entry *entry_of(struct domains *d, const char *name,
                              bool spare_tls, int64_t now_ms)
{
    char key[DNS_NAME_MAX + 8];
    struct entry *e;

    snprintf(key, sizeof key, "%s%s", spare_tls ? "any tls " : "", name);
    e = map_get(&d->entries, key);
    if (e)
        return e;
    if (d->entries.n >= DOMAINS_MAX)
        sweep(d, now_ms);
    e = memory_new(1, sizeof *e);
    e->domains = d;
    e->spare_tls = spare_tls;
    snprintf(e->name, sizeof e->name, "%s", name);
    memcpy(e->key, key, sizeof e->key);
    map_put(&d->entries, key, e);
    return e;
}

const struct domain *domains_find(struct domains *d, const char *domain,
                                  bool spare_tls, struct parcel *p)
{
    char name[DNS_NAME_MAX];
    int64_t now_ms = clock_mono_ms();
    struct entry *e;
    struct error err;

    if (domain[0] == '[')
        return no_domain(d, "5.1.3", "mail is not sent to address literals");
    if (dns_ascii(domain, name, &err) != STATUS_OK)
        return no_domain(d, "5.1.2", err.text);
    e = entry_of(d, name, spare_tls, now_ms);
    if (is_fresh(e, now_ms))
        return e->known;
    p->next = e->waiting;
    e->waiting = p;
    if (!e->asking)
        ask(e);
    return NULL;
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
    if (!preference_of(config->ip_preference))
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

void domains_free(struct domains *d)
{
    size_t at = 0;

    if (!d)
        return;
    dns_free(d->dns);
    policies_free(d->policies);
    for (struct entry *e; (e = map_next(&d->entries, &at));)
        entry_free(e);
    map_fini(&d->entries);
    free(d);
}
