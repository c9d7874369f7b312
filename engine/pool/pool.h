/*
 * pool/pool - the connections of one worker to one destination.
 *
 * Connections pull: one that can take a mail asks the owner for the next. A
 * few are kept free of campaigns, so that transactional mail never waits
 * behind one. They are opened as mail waits, reused, and closed when idle.
 *
 * A destination has one host or more, in order of preference (RFC 5321, 5.1):
 * a new connection goes to the best group of hosts that has one up, and within
 * it by weight. A host that can't be reached, refuses its greeting or fails
 * before a first mail is tried again after a growing pause, meanwhile the next
 * one is. When none is left the owner is told why. A host whose TLS is broken
 * is remembered (pool/broken), and where TLS is opportunistic it gets its mail
 * in clear.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/config.h"
#include "base/net.h"
#include "pool/broken.h"
#include "queue/batch.h"
#include "smtp/conn.h"

struct pool;

enum { POOL_HOSTS_MAX = 32 };

/* One address of a host. */
struct pool_host {
    struct sockaddr_storage address;
    socklen_t address_len;
    unsigned group;  /* preference: a lower one is tried first */
    unsigned weight; /* share of connections within the group; at least 1 */
    char name[NET_HOST_MAX]; /* that TLS is to prove; "" for none */
    bool implicit_tls;
    /* What TLS must prove here; the owner's, until the hosts are given anew.
     * NULL: as pool_access says. */
    const struct smtp_tls_policy *tls;
};

/* How the hosts are spoken to; copied. */
struct pool_access {
    enum smtp_tls tls;
    const struct smtp_login *login; /* NULL: none */
    bool keeps_tls; /* only with hosts that mail may be given to which requires
                       TLS (RFC 8689): others are down */
};

/* Why every host is down. */
struct pool_refusal {
    const char *why; /* of the last failure, as code */
    unsigned code;
    bool unfit;           /* the last host has not what mail that requires TLS
                             wants */
    bool for_good;        /* nor has any other, and that will not change */
    const char *enhanced; /* of unfit, as that mail is refused for it: "5.7.30",
                             or "4.7.30" if not for good; else "" */
};

enum pool_next {
    POOL_NOTHING,
    POOL_MAIL,
    POOL_WORN, /* a mail that waits wants a newer connection */
};

/* Of a connection that is closed. */
enum pool_life {
    POOL_FAILED, /* it never was ready */
    POOL_UNUSED, /* nor this one, but by no fault of the server's */
    POOL_LIVED,
};

struct pool_events {
    /* The next mail of the class, for a connection that has carried so many.
     * Its bytes live until settled. m->eight_bit says whether they may be 8bit,
     * and is to say then whether they are by choice. */
    enum pool_next (*next)(void *owner, enum batch_class class,
                           unsigned carried, struct smtp_message *m);
    /* Mails of the class that wait: how many connections are worth opening. */
    size_t (*waiting)(void *owner, enum batch_class class);
    void (*settled)(void *owner, const struct smtp_result *result,
                    const char *peer, const char *source);
    /* Every host is down, and no connection is left. Told once each time that
     * it becomes so. */
    void (*unreachable)(void *owner, const struct pool_refusal *refusal);
    /* How many connections there may be, and mails over each (0: no limit
     * besides the setting). */
    unsigned (*connections)(void *owner);
    unsigned (*mails)(void *owner);
    /* May one more be opened now? If not, *when_ms is when to ask again (mono
     * ms; INT64_MAX: after one was closed). */
    bool (*may_connect)(void *owner, int64_t *when_ms);
    /* One was opened, was ready for the first time, is closed, with the ticket
     * that opened gave it. Of one that failed code and why say more. TLS that
     * does not prove what one domain or mail demands is no failure of the
     * server's: others share it. */
    unsigned (*opened)(void *owner);
    void (*connected)(void *owner);
    void (*closed)(void *owner, unsigned ticket, const char *source,
                   enum pool_life life, unsigned code, const char *why);
    /* No login came about over a connection opened then (mono, ms); with a code
     * of 500 and more it is refused for good. */
    void (*login_refused)(void *owner, int64_t opened_ms,
                          const struct smtp_end *end);
    /* What came of TLS with a host, before the first mail or instead of it. */
    void (*tls)(void *owner, const char *host, const char *source,
                const char *peer, const struct smtp_tls_facts *facts);
    /* Something happened on a connection: the pool wants its turn. */
    void (*stirred)(void *owner);
};

struct pool_state {
    unsigned connections, busy; /* busy: with a mail under way */
    unsigned failures;          /* in a row, to connect */
    int64_t down_until_ms;      /* mono clock; 0: up */
};

/* config must live and may change (reload). ehlo_name is copied. broken_tls is
 * shared with other pools, and must live. */
struct pool *pool_new(struct smtp_net *net, const struct config *config,
                      const char *ehlo_name, struct broken_tls *broken_tls,
                      const struct pool_events *events, void *owner);

/* After smtp_net_free, or when it has no connection. */
void pool_free(struct pool *p);

/* Where to connect to, n of them (POOL_HOSTS_MAX); copied. What is known of an
 * address that was there before stays. Without hosts nothing is opened. */
void pool_hosts(struct pool *p, const struct pool_host *hosts, size_t n);

/* Standard: opportunistic TLS, no login. Connections that are open stay. */
void pool_access(struct pool *p, const struct pool_access *access);

/* Connections that are open take no more mail, and end. */
void pool_renew(struct pool *p);

/* The same for as many as are more than there may be: limits are others. */
void pool_shed(struct pool *p);

/* The same for one: an idle one rather than one that has work, and of these one
 * that has been open for so long. With age_ms, not before the last one so told
 * has ended. */
void pool_yield(struct pool *p, int64_t age_ms, int64_t now_ms);

/* Where connections leave from, and the name they say there; copied. address
 * NULL: as the system chooses, and by the name of pool_new. Those that leave
 * from elsewhere take no more mail. Hosts of another family are left out. */
void pool_source(struct pool *p, const struct sockaddr *address, socklen_t len,
                 const char *ehlo_name);

/* Is there a host of that family? */
bool pool_reaches(const struct pool *p, sa_family_t family);

/* A loop turn in which the pool stirred or mail was added, before the flush:
 * give mail to connections that take it, open more where mail waits. Returns
 * when it wants another turn at the latest (mono ms; INT64_MAX: not needed). */
int64_t pool_turn(struct pool *p, int64_t now_ms);

/* Ask for no more mail; connections end when theirs is settled. */
void pool_drain(struct pool *p);

struct pool_state pool_state(const struct pool *p);
bool pool_is_down(const struct pool *p, int64_t now_ms);
#endif
