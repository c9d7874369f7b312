/*
 * dns/mail - where mail for a domain goes: its MX hosts with their addresses
 * (RFC 5321, 5.1), or why it can't go there.
 *
 * A domain without MX is its own host, if it has an address. Null MX (RFC 7505)
 * and domains that do not exist are refused for good; where the answer is not
 * known now (SERVFAIL, timeout, false signatures), mail has to wait.
 */
#ifndef DNS_MAIL_H
#define DNS_MAIL_H

#include "dns/dns.h"
#include "dns/mx.h"
#include "dns/own.h"
#include <sys/socket.h>

enum {
    DNS_ADDRESSES_MAX = 8,   /* of one host that are used, of each family */
    DNS_MAIL_WHY_MAX = 512,  /* a name, and more */
    DNS_MAIL_TTL_LEAST = 60, /* seconds */
    DNS_MAIL_TTL_MOST = 3600,
};

enum dns_mail_outcome {
    DNS_MAIL_HOSTS,
    DNS_MAIL_REFUSED, /* for good */
    DNS_MAIL_LATER,
};

struct dns_mail_host {
    char name[DNS_NAME_MAX];
    unsigned preference; /* 0, 1, ...: equal for equal MX preference */
    bool secure;         /* its addresses are signed, and the way to them */
    char alias_of[DNS_NAME_MAX]; /* the name that has them; "": its own */
    struct sockaddr_storage addresses[2 * DNS_ADDRESSES_MAX]; /* port 0 */
    size_t n_addresses; /* IPv6 and IPv4 in turn */
};

struct dns_mail {
    enum dns_mail_outcome outcome;
    unsigned code;        /* of REFUSED and LATER, as an SMTP reply's */
    const char *enhanced; /* "5.1.10" */
    char why[DNS_MAIL_WHY_MAX];
    bool secure;                 /* the MX records, or that there are none */
    char alias_of[DNS_NAME_MAX]; /* the name that has them; "": the domain */
    int ttl_seconds;             /* DNS_MAIL_TTL_LEAST .. MOST */
    char site[DNS_NAME_MAX];     /* of HOSTS: see mx_site */
    const struct mx *all; /* of HOSTS: by preference, which is 0, 1, ... too */
    size_t n_all;
    /* The first MX_MAX; where none of these has an address, the next. */
    struct dns_mail_host *hosts; /* by preference; with addresses */
    size_t n_hosts;              /* MX_MAX at most */
};

/* The answer lives until the callback returns. */
typedef void dns_mail_answered(void *arg, const struct dns_mail *mail);

/* domain: as dns_ascii gives it. own: must live until it is answered; NULL:
 * nothing is a loop. Answered later, never from within; not at all after
 * dns_free. */
void dns_mail(struct dns *d, const char *domain, const struct own *own,
              dns_mail_answered *answered, void *arg);

/* How many of the hosts, which are by preference, are better than the first
 * that has an address of ours: *loop; n, if there is none. */
size_t dns_mail_better(const struct dns_mail_host *hosts, size_t n,
                       const struct own *own, size_t *loop);
#endif
