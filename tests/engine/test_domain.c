/* What is kept of a domain: its hosts, or why there are none. */
#include "domain.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char any[] = "any";
static const struct config config = {.direct_port = 2525, .ip_preference = any};

static void add_address(struct dns_mail_host *h, const char *text)
{
    void *to = &h->addresses[h->n_addresses++];
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (strchr(text, ':')) {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        memcpy(to, &in6, sizeof in6);
    } else {
        assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
        memcpy(to, &in, sizeof in);
    }
}

/* n addresses, in turn of IPv6 and IPv4: 2001:db8::host:i, 192.0.host.i. */
static void make_host(struct dns_mail_host *h, unsigned host,
                      unsigned preference, size_t n)
{
    char text[INET6_ADDRSTRLEN];

    *h = (struct dns_mail_host){.preference = preference};
    snprintf(h->name, sizeof h->name, "mx%u.example", host);
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, i % 2 ? "192.0.%u.%zu" : "2001:db8::%u:%zu",
                 host, i + 1);
        add_address(h, text);
    }
}

static size_t count_of(const struct domain *d, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_hosts; i++)
        n += strcmp(d->hosts[i].name, name) == 0;
    return n;
}

static void every_host_has_some_addresses(void **state)
{
    struct dns_mail_host hosts[4];
    const struct dns_mail mail = {.outcome = DNS_MAIL_HOSTS,
                                  .site = "mx0.example",
                                  .hosts = hosts,
                                  .n_hosts = 4};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        make_host(&hosts[i], i, i, 16);
    make_host(&hosts[3], 3, 3, 1);

    struct domain *d = domain_new("to.example", &config, &mail);

    assert_int_equal(d->verdict, VERDICT_DELIVERED);
    assert_string_equal(d->name, "to.example");
    assert_int_equal(d->n_hosts, DOMAIN_HOSTS_MAX);
    assert_int_equal(count_of(d, "mx0.example"), 11);
    assert_int_equal(count_of(d, "mx1.example"), 10);
    assert_int_equal(count_of(d, "mx2.example"), 10);
    assert_int_equal(count_of(d, "mx3.example"), 1);
    for (size_t i = 1; i < d->n_hosts; i++)
        assert_true(d->hosts[i - 1].group <= d->hosts[i].group);
    domain_free(d);
}

static struct domain *of_hosts(const struct mx *all, size_t n,
                               struct dns_mail_host *host)
{
    const struct dns_mail mail = {.outcome = DNS_MAIL_HOSTS,
                                  .site = "mx0.example",
                                  .all = all,
                                  .n_all = n,
                                  .hosts = host,
                                  .n_hosts = 1};

    return domain_new("to.example", &config, &mail);
}

/* Whichever of them are used, and have an address now. */
static void domains_go_together_by_all_their_hosts(void **state)
{
    static const struct mx all[] = {{"mx0.example", 0}, {"mx1.example", 0}};
    static const struct mx other[] = {{"mx0.example", 0}, {"mx1.example", 1}};
    struct dns_mail_host host[2];

    (void)state;
    make_host(&host[0], 0, 0, 1);
    make_host(&host[1], 1, 0, 1);

    struct domain *a = of_hosts(all, 2, &host[0]);
    struct domain *b = of_hosts(all, 2, &host[1]);
    struct domain *c = of_hosts(other, 2, &host[0]);
    struct domain *d = of_hosts(all, 1, &host[0]);

    assert_string_equal(a->key, b->key);
    assert_string_not_equal(a->key, c->key);
    assert_string_not_equal(a->key, d->key);
    domain_free(a);
    domain_free(b);
    domain_free(c);
    domain_free(d);
}

static const struct {
    const char *preference;
    size_t n, n_first; /* n_first: of the group before */
    sa_family_t family;
} preferences[] = {
    {"any", 6, 6, AF_INET6},      {"ipv6", 6, 3, AF_INET6},
    {"ipv4", 6, 3, AF_INET},      {"ipv6-only", 3, 3, AF_INET6},
    {"ipv4-only", 3, 3, AF_INET}, {"nonsense", 6, 6, AF_INET6},
};

static void addresses_come_as_they_are_preferred(void **state)
{
    struct dns_mail_host host;
    const struct dns_mail mail = {.outcome = DNS_MAIL_HOSTS,
                                  .site = "mx0.example",
                                  .hosts = &host,
                                  .n_hosts = 1};

    (void)state;
    make_host(&host, 0, 0, 6);
    for (size_t i = 0; i < sizeof preferences / sizeof *preferences; i++) {
        struct config c = config;
        char preference[16];

        snprintf(preference, sizeof preference, "%s",
                 preferences[i].preference);
        c.ip_preference = preference;

        struct domain *d = domain_new("to.example", &c, &mail);
        size_t n_first = 0;

        while (n_first < d->n_hosts && d->hosts[n_first].group == 0)
            n_first++;
        assert_int_equal(d->n_hosts, preferences[i].n);
        assert_int_equal(n_first, preferences[i].n_first);
        assert_int_equal(d->hosts[0].address.ss_family, preferences[i].family);
        domain_free(d);
    }
}

static void no_address_that_is_allowed_is_waited_for(void **state)
{
    struct dns_mail_host host;
    const struct dns_mail mail = {.outcome = DNS_MAIL_HOSTS,
                                  .site = "mx0.example",
                                  .hosts = &host,
                                  .n_hosts = 1};
    struct config c = config;
    char only[] = "ipv4-only";

    (void)state;
    make_host(&host, 0, 0, 1);
    c.ip_preference = only;

    struct domain *d = domain_new("to.example", &c, &mail);

    assert_int_equal(d->verdict, VERDICT_DEFERRED);
    assert_string_equal(d->enhanced, "4.4.4");
    domain_free(d);
}

static void a_refusal_is_kept(void **state)
{
    const struct dns_mail mail = {.outcome = DNS_MAIL_REFUSED,
                                  .code = 550,
                                  .enhanced = "5.1.2",
                                  .why = "domain x.example does not exist"};
    struct domain *d = domain_new("x.example", &config, &mail);

    (void)state;
    assert_int_equal(d->verdict, VERDICT_BOUNCED);
    assert_int_equal(d->code, 550);
    assert_string_equal(d->enhanced, "5.1.2");
    assert_string_equal(d->why, mail.why);
    assert_int_equal(d->n_hosts, 0);
    domain_free(d);
}

/* Hosts that the policy does not allow go; it is the domain's then. */
static void a_policy_leaves_the_hosts_it_allows(void **state)
{
    struct dns_mail_host hosts[2];
    const struct dns_mail mail = {.outcome = DNS_MAIL_HOSTS,
                                  .site = "mx0.example",
                                  .hosts = hosts,
                                  .n_hosts = 2};

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        make_host(&hosts[i], i, i, 2);
    for (int allowed = 0; allowed <= 1; allowed++) {
        struct domain *d = domain_new("to.example", &config, &mail);
        struct policy *p = calloc(1, sizeof *p);

        p->users = 1;
        p->usable = true;
        p->n_hosts = 1;
        p->hosts = calloc(1, sizeof *p->hosts);
        snprintf(p->hosts[0].name, DNS_NAME_MAX, "mx1.example");
        p->hosts[0].usable = allowed;
        snprintf(p->key, sizeof p->key, "tls 1");
        domain_take_policy(d, p);
        assert_int_equal(d->n_hosts, allowed ? 2 : 0);
        assert_int_equal(d->verdict,
                         allowed ? VERDICT_DELIVERED : VERDICT_DEFERRED);
        assert_non_null(strstr(d->key, " tls 1"));
        if (allowed)
            assert_ptr_equal(d->hosts[0].tls, &p->hosts[0].tls);
        domain_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_host_has_some_addresses),
        cmocka_unit_test(domains_go_together_by_all_their_hosts),
        cmocka_unit_test(addresses_come_as_they_are_preferred),
        cmocka_unit_test(no_address_that_is_allowed_is_waited_for),
        cmocka_unit_test(a_refusal_is_kept),
        cmocka_unit_test(a_policy_leaves_the_hosts_it_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
