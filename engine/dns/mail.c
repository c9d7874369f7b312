#include "dns/mail.h"
#include "base/memory.h"
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is found out about one of its hosts. IPv6 addresses come into the first
 * half of those of its dns_mail_host, IPv4 into the other; they are brought in
 * order when all are there. */
struct host_question {
    struct asking *asking;
    size_t host, n4, n6;
    bool unsure; /* an address could not be found out now */
};

/* One question about a domain, while its parts are answered. */
struct asking {
    struct dns *dns;
    dns_mail_answered *answered;
    void *arg;
    const struct own *own;
    char domain[DNS_NAME_MAX];
    bool implicit; /* there is no MX: the domain is the host */
    char unsure_why[DNS_MAIL_WHY_MAX];
    size_t open; /* questions about addresses that are not answered yet */
    struct dns_mail mail;
    struct host_question *questions; /* one for each host */
    struct mx *all;
    size_t from; /* which of them is the first host */
};

static void finish(struct asking *a)
{
    struct dns_mail *m = &a->mail;

    if (m->ttl_seconds < DNS_MAIL_TTL_LEAST)
        m->ttl_seconds = DNS_MAIL_TTL_LEAST;
    if (m->ttl_seconds > DNS_MAIL_TTL_MOST)
        m->ttl_seconds = DNS_MAIL_TTL_MOST;
    a->answered(a->arg, m);
    free(m->hosts);
    free(a->questions);
    free(a->all);
    free(a);
}

PRINTF(5, 6)
static void end(struct asking *a, enum dns_mail_outcome outcome, unsigned code,
                const char *enhanced, const char *fmt, ...)
{
    va_list ap;

    a->mail.outcome = outcome;
    a->mail.code = code;
    a->mail.enhanced = enhanced;
    va_start(ap, fmt);
    vsnprintf(a->mail.why, sizeof a->mail.why, fmt, ap);
    va_end(ap);
    finish(a);
}

/* ---- Addresses ---- */

static void add_address(struct host_question *q, enum dns_type type,
                        const struct dns_data *d)
{
    struct sockaddr_storage *to = q->asking->mail.hosts[q->host].addresses;

    if (type == DNS_A && d->len == sizeof(struct in_addr)) {
        struct sockaddr_in in = {.sin_family = AF_INET};

        memcpy(&in.sin_addr, d->bytes, d->len);
        memcpy(&to[DNS_ADDRESSES_MAX + q->n4++], &in, sizeof in);
    } else if (type == DNS_AAAA && d->len == sizeof(struct in6_addr)) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

        memcpy(&in6.sin6_addr, d->bytes, d->len);
        memcpy(&to[q->n6++], &in6, sizeof in6);
    }
}

/* IPv6 and IPv4 in turn: if one of them does not work here, or there, the
 * second attempt is already the other's. */
static void interleave(const struct host_question *q)
{
    struct dns_mail_host *h = &q->asking->mail.hosts[q->host];
    struct sockaddr_storage found[2 * DNS_ADDRESSES_MAX];

    memcpy(found, h->addresses, sizeof found);
    for (size_t i = 0; i < DNS_ADDRESSES_MAX; i++) {
        if (i < q->n6)
            h->addresses[h->n_addresses++] = found[i];
        if (i < q->n4)
            h->addresses[h->n_addresses++] = found[DNS_ADDRESSES_MAX + i];
    }
}

static void drop_hosts_without_address(struct dns_mail *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_hosts; i++)
        if (m->hosts[i].n_addresses > 0)
            m->hosts[n++] = m->hosts[i];
    m->n_hosts = n;
}

size_t dns_mail_better(const struct dns_mail_host *hosts, size_t n,
                       const struct own *own, size_t *loop)
{
    size_t better;

    *loop = n;
    for (size_t i = 0; i < n && *loop == n; i++)
        for (size_t k = 0; k < hosts[i].n_addresses && *loop == n; k++)
            if (own_has(own, (const struct sockaddr *)&hosts[i].addresses[k]))
                *loop = i;
    better = *loop;
    while (*loop < n && better > 0 &&
           hosts[better - 1].preference == hosts[*loop].preference)
        better--;
    return better;
}

static void end_in_loop(struct asking *a, const char *host)
{
    end(a, DNS_MAIL_REFUSED, 550, "5.4.6",
        "mail for domain %s loops back to us: we take mail ourselves "
        "(inbound_listen) at the address of its host %s",
        a->domain, host);
}

static void ask_addresses(struct asking *a);

static void all_answered(struct asking *a)
{
    struct dns_mail *m = &a->mail;
    size_t n = m->n_hosts, loop;
    bool unsure = false;

    for (size_t i = 0; i < n; i++)
        interleave(&a->questions[i]);
    m->n_hosts = dns_mail_better(m->hosts, n, a->own, &loop);
    for (size_t i = 0; i < m->n_hosts; i++)
        unsure |= a->questions[i].unsure;
    drop_hosts_without_address(m);
    if (m->n_hosts > 0)
        end(a, DNS_MAIL_HOSTS, 0, "", "%s", "");
    else if (unsure)
        end(a, DNS_MAIL_LATER, 451, "4.4.3", "DNS: %s", a->unsure_why);
    else if (loop < n)
        end_in_loop(a, m->hosts[loop].name);
    else if (a->from + n < m->n_all) {
        a->from += n;
        ask_addresses(a);
    } else if (a->implicit)
        end(a, DNS_MAIL_REFUSED, 550, "5.1.2",
            "domain %s has no MX and no address", a->domain);
    else
        end(a, DNS_MAIL_REFUSED, 550, "5.4.4",
            "no mail host of domain %s has an address", a->domain);
}

static void take_addresses(struct host_question *q, enum dns_type type,
                           const struct dns_answer *answer)
{
    struct asking *a = q->asking;
    struct dns_mail_host *h = &a->mail.hosts[q->host];

    if (answer->outcome == DNS_FAILED || answer->outcome == DNS_BOGUS) {
        q->unsure = true;
        snprintf(a->unsure_why, sizeof a->unsure_why, "%s: %s", h->name,
                 answer->why);
        return;
    }
    h->secure &= answer->secure;
    if (answer->alias_of[0])
        memcpy(h->alias_of, answer->alias_of, DNS_NAME_MAX);
    for (size_t i = 0; i < answer->n && i < DNS_ADDRESSES_MAX; i++)
        add_address(q, type, &answer->records[i]);
    if (answer->n > 0 && answer->ttl_seconds < a->mail.ttl_seconds)
        a->mail.ttl_seconds = answer->ttl_seconds;
}

static void on_address(struct host_question *q, enum dns_type type,
                       const struct dns_answer *answer)
{
    struct asking *a = q->asking;

    take_addresses(q, type, answer);
    if (--a->open == 0)
        all_answered(a);
}

static void on_a(void *arg, const struct dns_answer *answer)
{
    on_address(arg, DNS_A, answer);
}

static void on_aaaa(void *arg, const struct dns_answer *answer)
{
    on_address(arg, DNS_AAAA, answer);
}

/* MX_MAX of the hosts, or as many as are left. */
static void make_hosts(struct asking *a, size_t n)
{
    struct dns_mail *m = &a->mail;
    struct mx list[MX_MAX];

    memcpy(list, a->all + a->from, n * sizeof *list);
    mx_shuffle(list, n, arc4random_uniform);
    free(m->hosts);
    m->hosts = memory_new(n, sizeof *m->hosts);
    m->n_hosts = n;
    for (size_t i = 0; i < n; i++) {
        memcpy(m->hosts[i].name, list[i].name, sizeof list[i].name);
        m->hosts[i].preference = list[i].preference;
        m->hosts[i].secure = true;
    }
}

static void ask_addresses(struct asking *a)
{
    struct dns_mail *m = &a->mail;
    size_t left = m->n_all - a->from, n = left < MX_MAX ? left : MX_MAX;

    make_hosts(a, n);
    free(a->questions);
    a->questions = memory_new(n, sizeof *a->questions);
    a->open = 2 * n;
    for (size_t i = 0; i < n; i++) {
        struct host_question *q = &a->questions[i];

        *q = (struct host_question){.asking = a, .host = i};
        dns_ask(a->dns, m->hosts[i].name, DNS_AAAA, on_aaaa, q);
        dns_ask(a->dns, m->hosts[i].name, DNS_A, on_a, q);
    }
}

/* ---- MX ---- */

/* Preferences become 0, 1, ... */
static void take_hosts(struct asking *a, const struct mx *list, size_t n)
{
    struct dns_mail *m = &a->mail;

    a->all = memory_new(n, sizeof *a->all);
    memcpy(a->all, list, n * sizeof *list);
    a->all[0].preference = 0;
    for (size_t i = 1; i < n; i++)
        a->all[i].preference = a->all[i - 1].preference +
                               (list[i].preference != list[i - 1].preference);
    m->all = a->all;
    m->n_all = n;
    mx_site(list, n, m->site);
    ask_addresses(a);
}

static void on_found(struct asking *a, const struct dns_answer *answer)
{
    struct mx list[DNS_RECORDS_MAX];
    size_t n;

    switch (mx_sort(answer->records, answer->n, a->own->name, list, &n)) {
    case MX_HOSTS: take_hosts(a, list, n); break;
    case MX_NULL:
        end(a, DNS_MAIL_REFUSED, 556, "5.1.10",
            "domain %s takes no mail (null MX)", a->domain);
        break;
    case MX_LOOPS:
        end(a, DNS_MAIL_REFUSED, 550, "5.4.6",
            "mail for domain %s loops back to us", a->domain);
        break;
    case MX_BROKEN:
        end(a, DNS_MAIL_REFUSED, 550, "5.4.4",
            "the MX records of domain %s name no host", a->domain);
        break;
    }
}

static void on_no_mx(struct asking *a)
{
    struct mx self = {0};

    a->implicit = true;
    memcpy(self.name, a->domain, sizeof self.name);
    if (mx_is_own(self.name, a->own->name))
        end(a, DNS_MAIL_REFUSED, 550, "5.4.6",
            "mail for domain %s loops back to us", a->domain);
    else
        take_hosts(a, &self, 1);
}

static void on_mx(void *arg, const struct dns_answer *answer)
{
    struct asking *a = arg;

    a->mail.secure = answer->secure;
    memcpy(a->mail.alias_of, answer->alias_of, DNS_NAME_MAX);
    a->mail.ttl_seconds = answer->ttl_seconds;
    switch (answer->outcome) {
    case DNS_FOUND: on_found(a, answer); break;
    case DNS_NO_DATA: on_no_mx(a); break;
    case DNS_NO_NAME:
        end(a, DNS_MAIL_REFUSED, 550, "5.1.2", "domain %s does not exist",
            a->domain);
        break;
    case DNS_FAILED:
    case DNS_BOGUS:
        end(a, DNS_MAIL_LATER, 451, "4.4.3", "DNS: %s: %s", a->domain,
            answer->why);
        break;
    }
}

void dns_mail(struct dns *d, const char *domain, const struct own *own,
              dns_mail_answered *answered, void *arg)
{
    static const struct own nobody = {.name = ""};
    struct asking *a = memory_new(1, sizeof *a);

    a->dns = d;
    a->answered = answered;
    a->arg = arg;
    snprintf(a->domain, sizeof a->domain, "%s", domain);
    a->own = own ? own : &nobody;
    dns_ask(d, domain, DNS_MX, on_mx, a);
}
