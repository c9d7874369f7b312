#include "cli/doctor/spf.h"
#include "cli/doctor/look.h"
#include "dns/spf.h"
#include "dns/txt.h"
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LOOKUPS_MAX = 10, /* RFC 7208, 4.6.4 */
    HOSTS_MAX = 10,   /* of one mx; the same */
    RECORD_MAX = 4096,
};

/* One address, over the records that lead to each other. */
struct walk {
    struct doctor *d;
    const struct sockaddr_storage *address;
    unsigned lookups;
    bool broken; /* receivers take it for an error, not for a no */
    char *why;   /* SPF_WHY_MAX */
};

enum match { MATCH_NO, MATCH_YES, MATCH_WRONG, MATCH_UNSURE };

static enum spf_result walk(struct walk *w, const char *domain);

PRINTF(2, 3)
static void because(struct walk *w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(w->why, SPF_WHY_MAX, fmt, ap);
    va_end(ap);
}

/* ---- The record ---- */

struct record {
    char text[RECORD_MAX];
    size_t n; /* SPF records; one is right */
    bool unsure;
};

static void on_txt(void *arg, const struct dns_answer *answer)
{
    struct record *r = arg;
    char one[RECORD_MAX];

    r->unsure = answer->outcome == DNS_FAILED || answer->outcome == DNS_BOGUS;
    for (size_t i = 0; i < answer->n; i++) {
        dns_txt(&answer->records[i], one, sizeof one);
        if (!spf_terms(one))
            continue;
        memcpy(r->text, one, sizeof one);
        r->n++;
    }
}

/* ---- Terms ---- */

static enum match by_addresses(struct walk *w, const char *name,
                               const struct spf_term *t)
{
    struct found found = {0};
    unsigned bits = w->address->ss_family == AF_INET6 ? t->bits6 : t->bits4;

    look_up_addresses(w->d, name, &found);
    for (size_t i = 0; i < found.n; i++)
        if (same_network(&found.addresses[i], w->address, bits))
            return MATCH_YES;
    if (!found.unsure)
        return MATCH_NO;
    because(w, "%s can't be looked up: %s", name, found.why);
    return MATCH_UNSURE;
}

struct hosts {
    char names[HOSTS_MAX][DNS_NAME_MAX];
    size_t n;
    bool unsure;
};

static void on_mx(void *arg, const struct dns_answer *answer)
{
    struct hosts *h = arg;

    h->unsure = answer->outcome == DNS_FAILED || answer->outcome == DNS_BOGUS;
    for (size_t i = 0; i < answer->n && h->n < HOSTS_MAX; i++) {
        const struct dns_data *data = &answer->records[i];

        if (data->len > 2 &&
            dns_name_text(data->bytes + 2, data->len - 2, h->names[h->n]) > 0)
            h->n++;
    }
}

static enum match by_hosts(struct walk *w, const char *domain,
                           const struct spf_term *t)
{
    struct hosts hosts = {0};
    enum match match = MATCH_NO;

    ask(w->d, domain, DNS_MX, on_mx, &hosts);
    for (size_t i = 0; i < hosts.n && match == MATCH_NO; i++)
        match = by_addresses(w, hosts.names[i], t);
    if (!hosts.unsure)
        return match;
    because(w, "the MX of %s can't be looked up", domain);
    return MATCH_UNSURE;
}

static enum match by_include(struct walk *w, const char *domain)
{
    switch (walk(w, domain)) {
    case SPF_PASS: return MATCH_YES;
    case SPF_NO: return w->broken ? MATCH_WRONG : MATCH_NO;
    case SPF_UNSURE: break;
    }
    return MATCH_UNSURE;
}

static enum match by_network(const struct walk *w, const struct spf_term *t)
{
    unsigned bits = t->kind == SPF_IP6 ? t->bits6 : t->bits4;

    return same_network(&t->network, w->address, bits) ? MATCH_YES : MATCH_NO;
}

/* Those that are counted, and may not be more than ten in all. */
static enum match by_dns(struct walk *w, const char *domain,
                         const struct spf_term *t)
{
    const char *name = t->domain[0] ? t->domain : domain;

    if (++w->lookups > LOOKUPS_MAX) {
        because(w, "it takes more than %d look-ups", LOOKUPS_MAX);
        return MATCH_WRONG;
    }
    if (t->macros || t->kind == SPF_PTR || t->kind == SPF_EXISTS) {
        because(w, "\"%s\" is not followed here", t->text);
        return MATCH_UNSURE;
    }
    if (t->kind == SPF_INCLUDE)
        return by_include(w, name);
    return t->kind == SPF_MX ? by_hosts(w, name, t) : by_addresses(w, name, t);
}

static enum match match(struct walk *w, const char *domain,
                        const struct spf_term *t)
{
    switch (t->kind) {
    case SPF_ALL: return MATCH_YES;
    case SPF_IP4:
    case SPF_IP6: return by_network(w, t);
    case SPF_INCLUDE:
    case SPF_A:
    case SPF_MX:
    case SPF_PTR:
    case SPF_EXISTS: return by_dns(w, domain, t);
    case SPF_REDIRECT:
    case SPF_OTHER: return MATCH_NO;
    case SPF_WRONG: break;
    }
    because(w, "\"%s\" of %s is wrong, and so all of it", t->text, domain);
    return MATCH_WRONG;
}

/* ---- A record's terms, until one decides ---- */

static enum spf_result redirected(struct walk *w, const char *domain,
                                  const struct spf_term *t)
{
    if (!t->domain[0]) {
        because(w, "no term of %s fits it", domain);
        return SPF_NO;
    }
    if (t->macros) {
        because(w, "\"%s\" is not followed here", t->text);
        return SPF_UNSURE;
    }
    if (++w->lookups > LOOKUPS_MAX) {
        because(w, "it takes more than %d look-ups", LOOKUPS_MAX);
        w->broken = true;
        return SPF_NO;
    }
    return walk(w, t->domain);
}

static enum spf_result decide(struct walk *w, const char *domain,
                              const char *terms)
{
    struct spf_term t, redirect = {0};

    while ((terms = spf_next(terms, &t))) {
        if (t.kind == SPF_REDIRECT)
            redirect = t;
        switch (match(w, domain, &t)) {
        case MATCH_NO: continue;
        case MATCH_WRONG: w->broken = true; return SPF_NO;
        case MATCH_UNSURE: return SPF_UNSURE;
        case MATCH_YES: break;
        }
        if (t.qualifier == '+')
            return SPF_PASS;
        because(w, "\"%s\" of %s decides", t.text, domain);
        return SPF_NO;
    }
    return redirected(w, domain, &redirect);
}

/* Its depth is bounded, as each level has been counted as a look-up. */
static enum spf_result walk(struct walk *w, const char *domain)
{
    struct record r = {0};

    ask(w->d, domain, DNS_TXT, on_txt, &r);
    if (r.unsure) {
        because(w, "%s can't be looked up", domain);
        return SPF_UNSURE;
    }
    if (r.n != 1) {
        w->broken = true;
        because(w, "%s has %s", domain,
                r.n ? "more than one SPF record" : "no SPF record");
        return SPF_NO;
    }
    return decide(w, domain, spf_terms(r.text));
}

enum spf_result spf_of(struct doctor *d, const char *domain,
                       const struct sockaddr_storage *address,
                       char why[SPF_WHY_MAX])
{
    struct walk w = {.d = d, .address = address, .why = why};
    enum spf_result result = walk(&w, domain);

    if (result == SPF_PASS)
        why[0] = 0;
    return result;
}
