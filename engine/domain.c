#include "domain.h"
#include "base/memory.h"
#include "pace/providers.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    DOMAIN_BLOCK_BYTES = 512, /* the texts and hosts of most */
    REFUSAL_BLOCK_BYTES = 64,
};

static const char *keep(struct domain *d, const char *text)
{
    return arena_copy(&d->memory, text, strlen(text));
}

void domain_refuse(struct domain *d, enum verdict verdict, unsigned code,
                   const char *enhanced, const char *why)
{
    d->verdict = verdict;
    d->code = code;
    snprintf(d->enhanced, sizeof d->enhanced, "%s", enhanced);
    d->why = keep(d, why);
}

/* ---- Hosts ---- */

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

bool domain_prefers(const char *ip_preference)
{
    return preference_of(ip_preference) != NULL;
}

/* A host's addresses that may be used, and how many of them are. */
struct choice {
    const struct dns_mail_host *host;
    const struct sockaddr_storage *at[2 * DNS_ADDRESSES_MAX];
    size_t n, n_first, taken; /* n_first of n: of the family preferred */
};

static void choose(struct choice *c, const struct dns_mail_host *h,
                   const struct preference *prefer)
{
    *c = (struct choice){.host = h};
    for (size_t i = 0; i < h->n_addresses; i++)
        if (!prefer->family || h->addresses[i].ss_family == prefer->family)
            c->at[c->n++] = &h->addresses[i];
    c->n_first = c->n;
    for (size_t i = 0; i < h->n_addresses && !prefer->only; i++)
        if (prefer->family && h->addresses[i].ss_family != prefer->family)
            c->at[c->n++] = &h->addresses[i];
}

/* Returns how many there are of all. */
static size_t share_out(struct choice *choices, size_t n)
{
    size_t total = 0, before;

    do {
        before = total;
        for (size_t i = 0; i < n && total < DOMAIN_HOSTS_MAX; i++)
            if (choices[i].taken < choices[i].n) {
                choices[i].taken++;
                total++;
            }
    } while (total > before);
    return total;
}

/* Hosts of equal MX preference are one group: of these, the addresses of the
 * other family make one of their own behind it. */
static void add_host(struct domain *d, const struct choice *c, uint16_t port)
{
    const char *name = c->taken > 0 ? keep(d, c->host->name) : NULL;

    for (size_t i = 0; i < c->taken; i++) {
        struct domain_host *to = &d->hosts[d->n_hosts++];

        *to = (struct domain_host){.name = name, .address = *c->at[i]};
        to->len = to->address.ss_family == AF_INET6
                      ? sizeof(struct sockaddr_in6)
                      : sizeof(struct sockaddr_in);
        to->group = 2 * c->host->preference + (i >= c->n_first);
        set_port(&to->address, port);
    }
}

static void take_hosts(struct domain *d, const struct config *config,
                       const struct dns_mail *mail)
{
    const struct preference *prefer = preference_of(config->ip_preference);
    struct choice choices[MX_MAX];

    if (!prefer) /* changed since, to nothing that there is */
        prefer = &preferences[0];
    for (size_t i = 0; i < mail->n_hosts; i++)
        choose(&choices[i], &mail->hosts[i], prefer);
    d->hosts = arena_take(&d->memory,
                          share_out(choices, mail->n_hosts) * sizeof *d->hosts);
    for (size_t i = 0; i < mail->n_hosts; i++)
        add_host(d, &choices[i], (uint16_t)config->direct_port);
    if (d->n_hosts == 0)
        domain_refuse(d, VERDICT_DEFERRED, 451, "4.4.4",
                      "no mail host has an address that the setting "
                      "ip_preference allows");
}

/* ---- Which domains go together ---- */

/* Domains share connections if they have the same hosts, all told: the order
 * of equal ones, and which of many are used, is the same for all of them. */
static void make_key(struct domain *d, const struct dns_mail *mail)
{
    char key[DOMAIN_KEY_MAX];
    XXH64_hash_t hash = 0;

    for (size_t i = 0; i < mail->n_all; i++)
        hash =
            XXH3_64bits_withSeed(mail->all[i].name, strlen(mail->all[i].name),
                                 hash * 31 + mail->all[i].preference);
    snprintf(key, sizeof key, "mx %s %016llx", mail->site,
             (unsigned long long)hash);
    d->key = keep(d, key);
}

/* A provider's, if all hosts are; else that of the hosts themselves. */
static const char *site_of(const struct dns_mail *mail)
{
    const char *names[DNS_RECORDS_MAX];
    const struct provider *provider;

    for (size_t i = 0; i < mail->n_all; i++)
        names[i] = mail->all[i].name;
    provider = provider_of(names, mail->n_all);
    return provider ? provider->site : mail->site;
}

/* ---- The whole ---- */

struct domain *domain_new(const char *name, const struct config *config,
                          const struct dns_mail *mail)
{
    struct domain *d = memory_new(1, sizeof *d);
    bool found = mail->outcome == DNS_MAIL_HOSTS;

    *d = (struct domain){.why = "", .key = "", .site = "", .name = ""};
    d->memory.block_bytes = found ? DOMAIN_BLOCK_BYTES : REFUSAL_BLOCK_BYTES;
    d->verdict = VERDICT_DELIVERED;
    switch (mail->outcome) {
    case DNS_MAIL_HOSTS:
        d->name = keep(d, name);
        d->sure_hosts = mail->secure;
        d->site = keep(d, site_of(mail));
        make_key(d, mail);
        take_hosts(d, config, mail);
        break;
    case DNS_MAIL_REFUSED:
        domain_refuse(d, VERDICT_BOUNCED, mail->code, mail->enhanced,
                      mail->why);
        break;
    case DNS_MAIL_LATER:
        domain_refuse(d, VERDICT_DEFERRED, mail->code, mail->enhanced,
                      mail->why);
        break;
    }
    return d;
}

void domain_take_policy(struct domain *d, struct policy *policy)
{
    char key[DOMAIN_KEY_MAX];
    size_t n = 0;

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
    if (policy->key[0]) {
        snprintf(key, sizeof key, "%s %s", d->key, policy->key);
        d->key = keep(d, key);
    }
    if (!policy->usable)
        domain_refuse(d, VERDICT_DEFERRED, 451, "4.7.0", policy->why);
    else if (n == 0)
        domain_refuse(d, VERDICT_DEFERRED, 451, "4.7.0",
                      "no mail host that its policy allows has an address");
}

void domain_free(struct domain *d)
{
    if (!d)
        return;
    policy_drop(d->policy);
    arena_fini(&d->memory);
    free(d);
}
