/*
 * dest - one destination: a relay, or the mail servers that have their MX in
 * common. Mail waits in its hand until a connection of its pool takes it, as
 * its gate allows.
 *
 * Part of the pipeline; dests, which has the table of them, is its only user.
 */
#ifndef DEST_H
#define DEST_H

#include "dests.h"
#include "domains.h"
#include "gate.h"
#include "pool/pool.h"
#include "queue/hand.h"
#include "route/relay.h"
#include "route/sources.h"
#include "sites.h"
#include "slow.h"

enum {
    DEST_REPORTS_MAX = 64,
    DEST_FAULT_MAX = SMTP_WHY_MAX + 64,
    DEST_WAIT_US = 5 * 1000000, /* a longer pause empties the hand */
};

/* A domain whose mail comes here and that wants reports of TLS. */
struct dest_report {
    char domain[DNS_NAME_MAX];
    struct policy *policy; /* kept */
};

/* What all destinations share. */
struct dest_world {
    const struct config *config;
    struct smtp_net *net;
    char hostname[SMTP_EHLO_NAME_MAX];
    struct dests_events events;
    void *owner;
    struct sites *sites;
    struct pace *pace; /* theirs */
    struct policies *policies;
    struct broken_tls *broken_tls;
    bool one;             /* one destination takes all mail */
    bool crowded;         /* many batches are held */
    bool pressed;         /* what waits for slow sites is in others' way */
    int64_t judged_ms;    /* which these are */
    struct dest *stirred; /* those that want a turn */
    int64_t now_ms;       /* of this turn of the loop */
};

struct dest {
    struct dest_world *world;
    char *key;
    struct relay *relay;    /* NULL: mail servers found by MX */
    unsigned relay_version; /* that connections are of */
    const char *site;       /* the label; NULL for a relay */
    char *label;            /* the site, or SITES_RELAY and the name */
    struct gate gate;
    struct pool *pool;
    struct hand hand;
    struct slow slow;
    struct dest *next_stirred;
    bool stirred;       /* it wants a turn, and is in that list */
    int64_t wake_ms;    /* and at the latest then */
    unsigned carried;   /* mails that the connection that asks has carried */
    int64_t waits_us;   /* for a connection, since; 0: it does not */
    bool counts;        /* of what waits there: see may_begin */
    unsigned ticket;    /* that connections from its source have */
    int64_t held_us[2]; /* by class: nothing that waits may go before; 0: not
                           known */
    int64_t room_ms;    /* when the hand was last cleared for others */
    int64_t used_ms;    /* it had mail or connections */
    int64_t closed_ms;  /* no server answers, or no token is had, until then */
    bool tokenless;     /* a relay that is out of tokens, until closed_ms */
    char why[SMTP_WHY_MAX];
    char fault[DEST_FAULT_MAX]; /* why a relay has taken no mail at last */
    struct policy *policy;      /* kept: the hosts point into it */
    const struct source_pool *sources; /* that it leaves from; or NULL */
    char source[SOURCE_TEXT_MAX];      /* the one now; "" */
    int64_t source_ms;                 /* looked at again then */
    bool sourceless;                   /* none may be used now */
    int64_t sourceless_us; /* until then; PACE_NEVER_US: not known */
    bool stranded;         /* nor at any other time */
    struct dest *fallback; /* a relay's, where no server is reached; or NULL */
    bool by_fallback;      /* until closed_ms all mail goes there */
    /* It is for mail that requires TLS, and until closed_ms all bounces with
     * this status; "": none does. */
    char unfit[SMTP_ENHANCED_MAX];
    struct dest_report *reports;
    size_t n_reports;
};

/* Without hosts yet. label: see there; copied. relay: NULL where it is a site
 * of mail servers. sources: a pool, or NULL. */
struct dest *dest_new(struct dest_world *w, const char *key, const char *label,
                      struct relay *relay, const struct source_pool *sources);
void dest_free(struct dest *t);

/* It is for mail that requires TLS alone: hosts that can't be given it are
 * down, and where that is so of all, it bounces. */
void dest_keeps_tls(struct dest *t);

/* The hosts that DNS named, which may be others than a minute ago. */
void dest_hosts(struct dest *t, const struct domain *domain);

/* It is in use: has mail, or connections, or wants a turn. */
bool dest_is_used(const struct dest *t);

/* Nothing is sent there, and not within a few seconds either. */
bool dest_is_shut(const struct dest *t);
bool dest_is_down(const struct dest *t);

/* Mail waits, and no address of its pool is usable: none is this machine's, or
 * none reaches a host. */
bool dest_is_stranded(const struct dest *t);

/* A parcel waits here from now on, or at the fall-back relay while no server
 * answers; or, where the destination is shut or there is no such relay, it is
 * handed back: who calls asks whether its batch is over. */
void dest_put(struct dest *t, struct parcel *p);

/* A mail that came back untried. */
void dest_put_again(struct dest *t, struct mail *mail);

/* What a mail of it counts for. */
struct pace_keys dest_keys(const struct dest *t, const struct mail *mail);

/* Microseconds, as pace has them. */
int64_t dest_now_us(const struct dest *t);

/* It wants a turn then, if not before (PACE_NEVER_US: no matter). */
void dest_wake_at(struct dest *t, int64_t at_us);
void dest_stir(struct dest *t);
void dest_turn(struct dest *t);
#endif
