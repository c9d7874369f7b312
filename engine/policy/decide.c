#include "policy/decide.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { TLSA_TEXT_MAX = 160 };

/* ---- One host ---- */

static enum smtp_tls more(enum smtp_tls a, enum smtp_tls b)
{
    return a > b ? a : b; /* the table is in that order */
}

bool policy_trusts_anchors(const struct smtp_tls_policy *tls)
{
    for (size_t i = 0; i < tls->n_tlsa; i++)
        if (tls->tlsa[i].usage == TLSA_TRUST_ANCHOR)
            return true;
    return false;
}

/* RFC 7672, 3.2.2: what the records are of is the name to be proved; for
 * DANE-TA, the domain's own will do too, as the MX records are signed. That
 * keeps domains from sharing connections, so it is asked only where the host
 * proves no other. */
static void name_by_dane(const struct policy *p, struct policy_host *h,
                         bool misnamed)
{
    if (h->tlsa_base)
        h->tls.host = h->tlsa_base;
    if (!misnamed || !policy_trusts_anchors(&h->tls))
        return;
    h->tls.names = p->names;
    h->tls.n_names = p->n_names;
}

static void decide_host(const struct policy *p, struct policy_host *h,
                        const struct policy_facts *facts)
{
    const size_t i = (size_t)(h - p->hosts);
    bool enforced = facts->sts && facts->sts->mode == STS_ENFORCE;

    h->usable = true;
    h->tls.host = h->name;
    h->tls.level = facts->least;
    switch (facts->dane[i]) {
    case DANE_USABLE:
        h->tls.level = SMTP_TLS_DANE;
        h->tls.by = "DANE";
        name_by_dane(p, h, facts->misnamed[i]);
        return;
    case DANE_BROKEN: h->usable = false; return;
    case DANE_UNUSABLE:
        if (h->tls.level < SMTP_TLS_REQUIRED)
            h->tls.by = "DANE";
        h->tls.level = more(h->tls.level, SMTP_TLS_REQUIRED);
        break;
    case DANE_NONE: break;
    }
    if (!enforced)
        return;
    h->usable = sts_allows(facts->sts->mx, h->name);
    h->tls.level = more(h->tls.level, SMTP_TLS_VERIFIED);
    h->tls.by = "MTA-STS";
}

static void say_why(struct policy *p, const char *domain,
                    const struct policy_facts *facts)
{
    for (size_t i = 0; i < p->n_hosts; i++)
        if (facts->dane[i] == DANE_BROKEN) {
            snprintf(p->why, sizeof p->why,
                     "DANE: the TLSA records of %s can't be had, or are "
                     "falsely signed",
                     p->hosts[i].name);
            return;
        }
    snprintf(p->why, sizeof p->why,
             "MTA-STS: none of its mail hosts is in the policy of %s", domain);
}

/* ---- Which domains may share connections ---- */

/* Hosts and records come in any order: sums do not care. */
static XXH64_hash_t hash_of(const struct policy_host *h)
{
    XXH64_hash_t sum = 0, name = XXH3_64bits(h->name, strlen(h->name));
    XXH64_hash_t proved = XXH3_64bits(h->tls.host, strlen(h->tls.host));

    for (size_t i = 0; i < h->tls.n_names; i++)
        proved = XXH3_64bits_withSeed(h->tls.names[i], strlen(h->tls.names[i]),
                                      proved);
    for (size_t i = 0; i < h->tls.n_tlsa; i++) {
        const struct smtp_tlsa *t = &h->tls.tlsa[i];

        sum += XXH3_64bits_withSeed(
            t->data, t->len,
            (XXH64_hash_t)(t->usage << 16 | t->selector << 8 | t->matching));
    }
    const XXH64_hash_t parts[] = {name, proved, sum, h->usable, h->tls.level};

    return XXH3_64bits(parts, sizeof parts);
}

static void make_key(struct policy *p)
{
    XXH64_hash_t sum = 0;
    bool plain = true;

    for (size_t i = 0; i < p->n_hosts; i++) {
        const struct policy_host *h = &p->hosts[i];

        sum += hash_of(h);
        plain &= h->usable && h->tls.level == SMTP_TLS_OPPORTUNISTIC;
    }
    if (!plain)
        snprintf(p->key, sizeof p->key, "tls %016llx", (unsigned long long)sum);
}

/* ---- For reports ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void add_tlsa(json_t *list, const struct policy *p)
{
    char lines[MX_MAX * TLSA_MAX][TLSA_TEXT_MAX];
    size_t n = 0;

    for (size_t i = 0; i < p->n_hosts; i++)
        for (size_t k = 0; k < p->hosts[i].tls.n_tlsa; k++)
            tlsa_text(&p->hosts[i].tls.tlsa[k], lines[n++], TLSA_TEXT_MAX);
    qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(lines[i]));
}

/* The lines of the policy, and its patterns by themselves. */
static void add_sts(json_t *list, json_t *hosts, const struct sts_kept *sts)
{
    json_array_append_new(list, json_string("version: STSv1"));
    json_array_append_new(list,
                          json_sprintf("mode: %s", sts_mode_text(sts->mode)));
    for (const char *p = sts->mx; *p;) {
        size_t n = strcspn(p, "\n");

        json_array_append_new(list, json_sprintf("mx: %.*s", (int)n, p));
        json_array_append_new(hosts, json_stringn(p, n));
        p += n + (p[n] == '\n');
    }
    json_array_append_new(
        list, json_sprintf("max_age: %lld", (long long)sts->max_age_seconds));
}

static void make_json(struct policy *p, const char *domain,
                      const struct sts_kept *sts)
{
    json_t *list = json_array(), *hosts = json_array();
    json_t *policy =
        json_pack("{ss ss}", "policy-type", policy_type_text(p->type),
                  "policy-domain", domain);

    if (p->type == POLICY_TLSA)
        add_tlsa(list, p);
    else if (p->type == POLICY_STS && sts)
        add_sts(list, hosts, sts);
    if (json_array_size(list) > 0)
        json_object_set(policy, "policy-string", list);
    if (json_array_size(hosts) > 0)
        json_object_set(policy, "mx-host", hosts);
    p->json = json_dumps(policy, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(policy);
    json_decref(list);
    json_decref(hosts);
}

/* RFC 8461, 4.1. */
static bool names_all(const struct policy *p, const struct sts_kept *sts)
{
    if (!sts || sts->mode == STS_NONE)
        return false;
    for (size_t i = 0; i < p->n_hosts; i++)
        if (p->hosts[i].usable && !sts_allows(sts->mx, p->hosts[i].name))
            return false;
    return true;
}

void policy_decide(struct policy *p, const char *domain,
                   const struct policy_facts *facts)
{
    bool dane = false;

    for (size_t i = 0; i < p->n_hosts; i++) {
        decide_host(p, &p->hosts[i], facts);
        p->usable |= p->hosts[i].usable;
        dane |= facts->dane[i] == DANE_USABLE;
    }
    p->sure_hosts = names_all(p, facts->sts);
    if (!p->usable)
        say_why(p, domain, facts);
    if (dane)
        p->type = POLICY_TLSA;
    else if (facts->sts && facts->sts->mode != STS_NONE)
        p->type = POLICY_STS;
    p->testing =
        p->type == POLICY_STS && facts->sts && facts->sts->mode == STS_TESTING;
    make_key(p);
    make_json(p, domain, facts->sts);
}
