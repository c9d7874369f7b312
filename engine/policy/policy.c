#include "policy/policy.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "policy/decide.h"
#include "policy/fetch.h"
#include "policy/rua.h"
#include "policy/store.h"
#include "policy/sts.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MORE = 24,           /* "_mta-sts." and the like */
    POLICY_BLOCK_BYTES = 256, /* most have names only */
    QUESTION_MOST = 253,      /* characters: 255 bytes on the wire */
};

struct policies {
    const struct config *config;
    struct dns *dns;
    struct fetcher *fetcher;
    struct policy_store *store;
    struct map misnamed; /* hosts whose certificate has another name */
    struct asking *askings;
    struct fetching *fetchings;
};

/* One domain's question, while its parts are answered. */
struct asking {
    struct policies *policies;
    policy_found *found;
    void *arg;
    char domain[DNS_NAME_MAX];
    struct policy *policy;
    struct policy_facts facts;
    bool sts;               /* MTA-STS is asked for */
    const char *sts_result; /* as reports have it, "" if all is well */
    char sts_why[POLICY_TEXT_MAX];
    size_t open;
    struct tlsa_question {
        struct asking *asking;
        size_t host;
        const char *base; /* the name whose records are asked for */
    } questions[MX_MAX];
    struct asking *next, **at;
};

/* A policy that is being fetched; asking NULL: nobody waits for it. */
struct fetching {
    struct policies *policies;
    struct asking *asking;
    char domain[DNS_NAME_MAX], id[STS_ID_MAX];
    struct sockaddr_storage addresses[FETCH_ADDRESSES_MAX];
    size_t n_addresses, open;
    struct fetching *next, **at;
};

/* ---- Counting ---- */

/* Without the port, and without brackets. */
static const char *bare(const char *address, char *out, size_t max)
{
    size_t len = strcspn(address, "]");
    const char *colon = strrchr(address, ':');

    if (address[0] == '[')
        snprintf(out, max, "%.*s", (int)(len - 1), address + 1);
    else if (colon && strchr(address, ':') == colon)
        snprintf(out, max, "%.*s", (int)(colon - address), address);
    else
        snprintf(out, max, "%s", address);
    return out;
}

static void count(struct policies *p, const char *domain,
                  const struct policy *policy, const char *result,
                  const char *host, const char *source, const char *peer,
                  const char *why)
{
    char from[INET6_ADDRSTRLEN + 1], to[INET6_ADDRSTRLEN + 1];
    const struct policy_session session = {
        .domain = domain,
        .policy = policy->json,
        .result = result,
        .sending_ip = bare(source, from, sizeof from),
        .mx_host = host,
        .receiving_ip = bare(peer, to, sizeof to),
        .reason = why,
    };

    if (policy->reported)
        policy_store_count(p->store, &session);
}

/* Under MTA-STS in testing, what would have failed is counted as failed. */
void policy_count(struct policies *p, const char *domain,
                  const struct policy *policy, const char *host,
                  const char *source, const char *peer,
                  const struct smtp_tls_facts *facts)
{
    enum smtp_tls_result result = facts->result;
    const char *why = facts->why ? facts->why : "";
    const char *text;

    if (result == SMTP_TLS_UNUSED)
        result = SMTP_TLS_NO_STARTTLS;
    if (result == SMTP_TLS_OK && policy->testing && !facts->verified)
        result = facts->proof;
    text = result == SMTP_TLS_OK ? "" : smtp_tls_result_text(result);
    count(p, domain, policy, text, host, source, peer,
          result == SMTP_TLS_OK ? "" : why);
}

/* ---- The end of a question ---- */

static void unlink_asking(struct asking *a)
{
    *a->at = a->next;
    if (a->next)
        a->next->at = a->at;
}

static void finish(struct asking *a)
{
    struct policy *p = a->policy;

    if (a->sts)
        a->facts.sts = policy_store_sts(a->policies->store, a->domain);
    for (size_t i = 0; i < p->n_hosts; i++)
        a->facts.misnamed[i] =
            map_get(&a->policies->misnamed, p->hosts[i].name) != NULL;
    policy_decide(p, a->domain, &a->facts);
    if (a->sts_result[0])
        count(a->policies, a->domain, p, a->sts_result, "", "", "", a->sts_why);
    for (size_t i = 0; i < p->n_hosts; i++)
        if (!p->hosts[i].usable)
            count(a->policies, a->domain, p,
                  smtp_tls_result_text(a->facts.dane[i] == DANE_BROKEN
                                           ? SMTP_TLS_DNSSEC_INVALID
                                           : SMTP_TLS_VALIDATION),
                  p->hosts[i].name, "", "",
                  a->facts.dane[i] == DANE_BROKEN ? ""
                                                  : "not in the policy's mx");
    unlink_asking(a);
    a->found(a->arg, p);
    free(a);
}

static void answered(struct asking *a)
{
    if (--a->open == 0)
        finish(a);
}

/* ---- DANE ---- */

static void take_tlsa(struct asking *a, size_t host,
                      const struct dns_answer *answer)
{
    struct smtp_tls_policy *tls = &a->policy->hosts[host].tls;
    struct smtp_tlsa found[TLSA_MAX], *kept;
    size_t n = tlsa_usable(answer, found);

    a->facts.dane[host] = n > 0 ? DANE_USABLE : DANE_UNUSABLE;
    if (n == 0)
        return;
    kept = arena_take(&a->policy->memory, n * sizeof *kept);
    for (size_t i = 0; i < n; i++) {
        char *copy = arena_copy(&a->policy->memory, (const char *)found[i].data,
                                found[i].len);

        kept[i] = found[i];
        kept[i].data = (const unsigned char *)copy;
    }
    tls->tlsa = kept;
    tls->n_tlsa = n;
}

static void on_tlsa(void *arg, const struct dns_answer *answer);

/* False: the name would be too long. */
static bool ask_tlsa_of(struct tlsa_question *q, const char *base)
{
    const struct policies *p = q->asking->policies;
    char name[DNS_NAME_MAX + NAME_MORE];
    int n = snprintf(name, sizeof name, "_%d._tcp.%s",
                     (int)p->config->direct_port, base);

    if (n > QUESTION_MOST)
        return false;
    q->base = base;
    dns_ask(p->dns, name, DNS_TLSA, on_tlsa, q);
    return true;
}

static const char *own_name(const struct tlsa_question *q)
{
    return q->asking->policy->hosts[q->host].name;
}

static void on_tlsa(void *arg, const struct dns_answer *answer)
{
    struct tlsa_question *q = arg;
    struct asking *a = q->asking;

    if (answer->outcome == DNS_FOUND && answer->secure) {
        take_tlsa(a, q->host, answer);
        a->policy->hosts[q->host].tlsa_base = q->base;
    } else if (answer->outcome == DNS_FAILED || answer->outcome == DNS_BOGUS) {
        /* Somebody may be hiding them: RFC 7672, 2.1.1. */
        a->facts.dane[q->host] = DANE_BROKEN;
    } else if (q->base != own_name(q) && ask_tlsa_of(q, own_name(q))) {
        return; /* none behind the alias */
    }
    answered(a);
}

/* A host's addresses are not signed, and it is an alias: if that much is
 * signed, its own TLSA records count. */
static void on_alias(void *arg, const struct dns_answer *answer)
{
    struct tlsa_question *q = arg;
    struct asking *a = q->asking;

    switch (answer->outcome) {
    case DNS_FOUND:
        if (answer->secure && ask_tlsa_of(q, own_name(q)))
            return;
        break;
    case DNS_NO_DATA:
    case DNS_NO_NAME: break;
    case DNS_FAILED:
    case DNS_BOGUS: a->facts.dane[q->host] = DANE_BROKEN; break;
    }
    answered(a);
}

/* Of an alias that is signed to its end, the records of what it leads to come
 * first (RFC 7672, 2.2.2). False: nothing is asked. Name servers of hosts that
 * are not signed are known to fall over questions for TLSA. */
static bool ask_tlsa_of_host(struct tlsa_question *q,
                             const struct dns_mail_host *host)
{
    struct policies *p = q->asking->policies;
    size_t len = strlen(host->alias_of);

    if (!host->secure && len == 0)
        return false;
    if (!host->secure) {
        dns_ask(p->dns, own_name(q), DNS_CNAME, on_alias, q);
        return true;
    }
    return (len > 0 && ask_tlsa_of(q, arena_copy(&q->asking->policy->memory,
                                                 host->alias_of, len))) ||
           ask_tlsa_of(q, own_name(q));
}

static void ask_tlsa(struct asking *a, const struct dns_mail *mail)
{
    if (!a->policies->config->dane || !mail->secure)
        return;
    for (size_t i = 0; i < mail->n_hosts; i++) {
        a->questions[i] = (struct tlsa_question){.asking = a, .host = i};
        a->open += ask_tlsa_of_host(&a->questions[i], &mail->hosts[i]);
    }
}

/* ---- MTA-STS: the policy is fetched ---- */

static void fetching_end(struct fetching *f)
{
    struct asking *a = f->asking;

    *f->at = f->next;
    if (f->next)
        f->next->at = f->at;
    free(f);
    if (a)
        answered(a);
}

static void fetching_failed(struct fetching *f, const char *result,
                            const char *why)
{
    char quoted[LOG_QUOTE_MAX];

    log_event(LOG_WARN, "mta_sts_failed", "domain=%s result=%s why=%s",
              f->domain, result, log_quote(why, quoted));
    if (f->asking) {
        f->asking->sts_result = result;
        snprintf(f->asking->sts_why, sizeof f->asking->sts_why, "%s", why);
    }
    fetching_end(f);
}

static void on_fetched(void *arg, enum fetch outcome, const char *body,
                       size_t len, const char *why)
{
    struct fetching *f = arg;
    struct error err;
    struct sts sts;

    if (outcome != FETCH_DONE) {
        fetching_failed(f, fetch_text(outcome), why);
        return;
    }
    if (sts_parse(body, len, &sts, &err) != STATUS_OK) {
        fetching_failed(f, smtp_tls_result_text(SMTP_TLS_STS_INVALID),
                        err.text);
        return;
    }
    policy_store_keep(f->policies->store, f->domain, f->id, &sts);
    fetching_end(f);
}

static void take_address(struct fetching *f, const struct dns_data *d)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    void *to = &f->addresses[f->n_addresses];

    if (f->n_addresses == FETCH_ADDRESSES_MAX)
        return;
    if (d->len == sizeof in.sin_addr) {
        memcpy(&in.sin_addr, d->bytes, d->len);
        memcpy(to, &in, sizeof in);
        f->n_addresses++;
    } else if (d->len == sizeof in6.sin6_addr) {
        memcpy(&in6.sin6_addr, d->bytes, d->len);
        memcpy(to, &in6, sizeof in6);
        f->n_addresses++;
    }
}

static void on_address(void *arg, const struct dns_answer *answer)
{
    struct fetching *f = arg;

    for (size_t i = 0; i < answer->n; i++)
        take_address(f, &answer->records[i]);
    if (--f->open > 0)
        return;
    if (f->n_addresses > 0)
        fetch_policy(f->policies->fetcher, f->domain, f->addresses,
                     f->n_addresses, on_fetched, f);
    else
        fetching_failed(f, fetch_text(FETCH_FAILED),
                        "its web server has no address");
}

static void start_fetching(struct policies *p, struct asking *a,
                           const char *domain, const char *id)
{
    struct fetching *f = memory_new(1, sizeof *f);
    char name[DNS_NAME_MAX + NAME_MORE];

    *f = (struct fetching){.policies = p,
                           .asking = a,
                           .open = 2,
                           .next = p->fetchings,
                           .at = &p->fetchings};
    if (p->fetchings)
        p->fetchings->at = &f->next;
    p->fetchings = f;
    snprintf(f->domain, sizeof f->domain, "%s", domain);
    snprintf(f->id, sizeof f->id, "%s", id);
    snprintf(name, sizeof name, "mta-sts.%s", domain);
    dns_ask(p->dns, name, DNS_A, on_address, f);
    dns_ask(p->dns, name, DNS_AAAA, on_address, f);
}

/* ---- MTA-STS: the record ---- */

static void on_record(void *arg, const struct dns_answer *answer)
{
    struct asking *a = arg;
    struct policies *p = a->policies;
    char id[STS_ID_MAX];
    const struct sts_kept *kept = policy_store_sts(p->store, a->domain);

    if (!sts_id(answer, id)) {
        answered(a);
        return;
    }
    if (!kept || strcmp(kept->id, id) != 0) {
        start_fetching(p, a, a->domain, id);
        return;
    }
    if (clock_wall_us() - kept->fetched_us >
        (int64_t)POLICY_STS_FRESH_SECONDS * 1000000)
        start_fetching(p, NULL, a->domain, id);
    answered(a);
}

static void ask_sts(struct asking *a)
{
    char name[DNS_NAME_MAX + NAME_MORE];
    int n = snprintf(name, sizeof name, "_mta-sts.%s", a->domain);

    if (!a->policies->config->mta_sts || n >= DNS_NAME_MAX)
        return;
    a->sts = true;
    a->open++;
    dns_ask(a->policies->dns, name, DNS_TXT, on_record, a);
}

/* ---- Reports ---- */

static void on_rua(void *arg, const struct dns_answer *answer)
{
    struct asking *a = arg;
    char uris[RUA_MAX];

    a->policy->reported = rua_of(answer, uris);
    answered(a);
}

static void ask_rua(struct asking *a)
{
    char name[DNS_NAME_MAX + NAME_MORE];
    int n = snprintf(name, sizeof name, "_smtp._tls.%s", a->domain);

    if (!a->policies->config->tls_reports || n >= DNS_NAME_MAX)
        return;
    a->open++;
    dns_ask(a->policies->dns, name, DNS_TXT, on_rua, a);
}

/* ---- The question ---- */

static bool level_of_setting(const struct config *config, enum smtp_tls *level)
{
    for (int l = SMTP_TLS_NONE; l <= SMTP_TLS_VERIFIED; l++)
        if (strcmp(config->tls_policy, smtp_tls_text((enum smtp_tls)l)) == 0) {
            *level = (enum smtp_tls)l;
            return true;
        }
    return false;
}

/* Is there more to find out? "none" is the last word, and so is what a rule
 * says below "required". */
static bool take_least(struct asking *a)
{
    const struct policies *p = a->policies;
    enum smtp_tls *least = &a->facts.least;

    if (policy_store_rule(p->store, a->domain, least))
        return *least >= SMTP_TLS_REQUIRED;
    if (!level_of_setting(p->config, least))
        *least = SMTP_TLS_VERIFIED; /* a reload made it nonsense */
    return *least != SMTP_TLS_NONE;
}

static void add_name(struct policy *p, const char *name)
{
    if (name[0])
        p->names[p->n_names++] = arena_copy(&p->memory, name, strlen(name));
}

static struct policy *policy_new(const char *domain,
                                 const struct dns_mail *mail)
{
    struct policy *p = memory_new(1, sizeof *p);

    p->memory.block_bytes = POLICY_BLOCK_BYTES;
    add_name(p, domain);
    add_name(p, mail->alias_of);
    p->users = 1;
    p->n_hosts = mail->n_hosts;
    p->hosts = memory_new(p->n_hosts, sizeof *p->hosts);
    for (size_t i = 0; i < mail->n_hosts; i++)
        memcpy(p->hosts[i].name, mail->hosts[i].name, DNS_NAME_MAX);
    return p;
}

void policy_find(struct policies *p, const char *domain, bool spared,
                 const struct dns_mail *mail, policy_found *found, void *arg)
{
    struct asking *a = memory_new(1, sizeof *a);

    *a = (struct asking){.policies = p,
                         .found = found,
                         .arg = arg,
                         .policy = policy_new(domain, mail),
                         .sts_result = "",
                         .open = 1, /* ours, until all is asked */
                         .next = p->askings,
                         .at = &p->askings};
    if (p->askings)
        p->askings->at = &a->next;
    p->askings = a;
    snprintf(a->domain, sizeof a->domain, "%s", domain);
    if (take_least(a) && !spared) {
        ask_tlsa(a, mail);
        ask_sts(a);
    }
    if (!spared)
        ask_rua(a);
    answered(a);
}

/* ---- Certificates with another name ---- */

/* Of how many nobody needs to know: beyond that, mail waits. */
void policies_misnamed(struct policies *p, const struct policy *policy,
                       const char *host)
{
    const struct policy_host *h = policy ? policy_host(policy, host) : NULL;

    if (!h || h->tls.level != SMTP_TLS_DANE ||
        !policy_trusts_anchors(&h->tls) || map_get(&p->misnamed, h->name) ||
        p->misnamed.n >= POLICY_MISNAMED_MAX)
        return;
    map_put(&p->misnamed, h->name, p);
}

bool policy_is_stale(const struct policies *p, const struct policy *policy)
{
    if (p->misnamed.n == 0)
        return false;
    for (size_t i = 0; i < policy->n_hosts; i++) {
        const struct policy_host *h = &policy->hosts[i];

        if (h->tls.level == SMTP_TLS_DANE && h->tls.n_names == 0 &&
            policy_trusts_anchors(&h->tls) && map_get(&p->misnamed, h->name))
            return true;
    }
    return false;
}

/* ---- Coming and going ---- */

enum status policies_new(uv_loop_t *loop, const struct config *config,
                         const char *conninfo, struct dns *dns,
                         struct policies **out, struct error *err)
{
    struct policies *p;
    enum smtp_tls level;

    if (!level_of_setting(config, &level))
        return fail(err, STATUS_INVALID,
                    "tls_policy: %s is none of none, opportunistic, required, "
                    "verified",
                    config->tls_policy);
    p = memory_new(1, sizeof *p);
    p->config = config;
    p->dns = dns;
    p->fetcher = fetcher_new(loop, config);
    p->store = policy_store_new(loop, conninfo);
    *out = p;
    return STATUS_OK;
}

int64_t policies_round(const struct policies *p)
{
    return policy_store_round(p->store);
}

bool policies_are_known(const struct policies *p)
{
    return policies_round(p) >= 0;
}

void policies_free(struct policies *p)
{
    if (!p)
        return;
    fetcher_free(p->fetcher);
    policy_store_free(p->store);
    map_fini(&p->misnamed);
    while (p->fetchings) {
        struct fetching *f = p->fetchings;

        p->fetchings = f->next;
        free(f);
    }
    while (p->askings) {
        struct asking *a = p->askings;

        p->askings = a->next;
        policy_drop(a->policy);
        free(a);
    }
    free(p);
}
