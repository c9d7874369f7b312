/*
 * pace/site - may a mail, or a connection, go to this site now? And what does
 * its answer mean for the next?
 *
 * One struct pace per worker; it knows the limits (settings, providers, the
 * operator's rules), the lanes, and for each site what was sent and said. The
 * worker asks before it claims, connects and sends, and tells what happened.
 * Everything is for this worker: its share of a limit (pace/lanes).
 *
 * Limits of other scopes (campaign, project, sender's domain, source, relay)
 * hold beside the site's; nothing is spent unless all allow.
 *
 * Time is an argument: microseconds of a clock that never jumps. No I/O, no
 * log; nothing is allocated per mail.
 */
#ifndef PACE_SITE_H
#define PACE_SITE_H

#include "mail/outcome.h"
#include "pace/lanes.h"
#include "pace/providers.h"
#include "pace/shape.h"

enum {
    PACE_NAME_MAX = 256,
    PACE_WHY_MAX = 768,
    PACE_RULES_MAX = 2000,   /* of the operator */
    PACE_REPLIES_MAX = 8,    /* kept of a site */
    PACE_REPLY_MAX = 160,    /* bytes of one */
    PACE_SOURCES_MAX = 8,    /* of a site that are suspended at a time */
    PACE_CAMPAIGNS_MAX = 16, /* likewise */
    PACE_WARMING_MAX = 8,    /* source addresses of a site in their warm-up */
    PACE_ID_TEXT = 48,       /* a campaign's id; an address of a source */
};

#define PACE_NEVER_US INT64_MAX

#define PACE_SCOPE_TABLE(X)                                                    \
    X(PACE_SITE, "site")                                                       \
    X(PACE_CAMPAIGN, "campaign")                                               \
    X(PACE_PROJECT, "project")                                                 \
    X(PACE_SENDER, "sender")                                                   \
    X(PACE_SOURCE, "source")                                                   \
    X(PACE_RELAY, "relay")
ENUM_DECLARE(pace_scope, PACE_SCOPE_TABLE);
enum { PACE_SCOPES = PACE_RELAY + 1 };

bool pace_scope_named(const char *text, enum pace_scope *scope);

/* What a mail counts for besides its site; NULL: for nothing of the kind. Names
 * as in rules: a campaign's or project's id, a domain, an address. */
struct pace_keys {
    const char *of[PACE_SCOPES]; /* of[PACE_SITE] and [PACE_RELAY]: unused */
    unsigned carried;            /* mails that its connection took before */
    bool urgent;                 /* transactional: before others that wait */
};

struct pace;
struct pace_site;

/* A reply that was heard, and how often. */
struct pace_reply {
    char text[PACE_REPLY_MAX]; /* "421 4.7.0 ..." */
    uint64_t n;
    int64_t last_us;
};

/* What a reply asked for, beyond its own mail. */
struct pace_verdict {
    enum provider_deed deed;
    bool keep; /* it blames us, not the recipient: bounced must be deferred */
};

/* What outlives a restart, and what workers tell each other. Times are of the
 * same clock; 0: not, or none. */
struct pace_saved {
    bool has_lane;              /* who saved it; else its bounds are hearsay */
    double rate, lines;         /* of all workers together; 0: no bound */
    int64_t suspended_until_us; /* the site itself */
    int64_t shut_until_us;      /* that, or all addresses of ours; for people */
    char why[PACE_WHY_MAX];
    struct pace_blamed {
        char name[PACE_ID_TEXT];
        int64_t until_us;
    } sources[PACE_SOURCES_MAX], campaigns[PACE_CAMPAIGNS_MAX];
    char campaign_why[PACE_REPLY_MAX]; /* the latest reply that blamed one */
};

/* What is counted of a site for the store, which keeps its own notes here. */
struct pace_ledger {
    uint64_t changes; /* of everything that is worth telling */
    uint64_t sent;
    size_t waiting;     /* mails in hand: the owner's */
    bool stranded;      /* they have no address to leave from: the owner's */
    const char *fault;  /* why it takes nothing, or NULL: the owner's */
    bool slow;          /* mail waits there, and goes at this speed */
    double speed;       /* a second; these two are the owner's */
    unsigned users;     /* of the state: the owner's */
    int64_t retried_us; /* the latest order to retry, wall clock: the owner's */
    uint64_t changes_told, sent_told, changes_learned;
    bool stranded_told;
    int64_t told_us, learned_us;
};

/* standard: limits of sites that nothing is known of (not of relays). */
struct pace *pace_new(const struct limits *standard);
void pace_free(struct pace *p);

/* The addresses that mail may leave from, "" for the system's choice; copied:
 * where all are suspended for a site, it waits. {""} unless said otherwise. */
void pace_sources(struct pace *p, const char *const *names, size_t n);
/* How many workers there are, as the list has it. */
unsigned pace_workers(const struct pace *p);
bool pace_source_may(const struct pace_site *s, const char *source,
                     int64_t now_us);
/* Until when it may not; 0: it may. */
int64_t pace_source_until(const struct pace_site *s, const char *source,
                          int64_t now_us);

/* A source address in its warm-up may send so many mails a day to the site, all
 * workers together; 0: it is warm. False: PACE_WARMING_MAX others are known
 * already, and nothing may leave from it. */
bool pace_warm(struct pace_site *s, const char *source, int64_t per_day,
               int64_t now_us);
/* May it send one more? *when_us is raised if not. */
bool pace_warm_may(const struct pace_site *s, const char *source,
                   int64_t now_us, int64_t *when_us);

/* The list of live workers has been read (pace/lanes). clock_us: what to add to
 * now_us for a clock that they share; it may jitter by some milliseconds. */
void pace_lanes(struct pace *p, const int32_t *workers, unsigned n,
                int32_t mine, int64_t quiet_until_us, int64_t clock_us,
                int64_t now_us);

/* Is any worker of the present list not in this one? */
bool pace_lacks_worker(const struct pace *p, const int32_t *workers,
                       unsigned n);

/* The operator's limits, anew: start, each one, done. Beyond PACE_RULES_MAX
 * they are ignored (false). A scope's meter goes on where it is named again. */
void pace_rules_start(struct pace *p);
bool pace_rule(struct pace *p, enum pace_scope scope, const char *name,
               const struct limits *limits);
void pace_rules_done(struct pace *p, int64_t now_us);
bool pace_has_rules(const struct pace *p, enum pace_scope scope);

/* The state of a site, made at first use; until pace_forget. relay: its name
 * is a relay's. */
struct pace_site *pace_site(struct pace *p, const char *name, bool relay,
                            int64_t now_us);
/* NULL: not made yet. */
struct pace_site *pace_find(const struct pace *p, const char *name, bool relay);
/* Nothing was learned or ordered: it may be forgotten. */
bool pace_is_plain(const struct pace_site *s, int64_t now_us);
/* Of a site (not a relay) that has no state yet: may this worker send there,
 * and about how many mails a second (0: no limit of its own)? */
bool pace_foresee(struct pace *p, const char *name, int64_t now_us,
                  double *rate);
/* Gone from memory; its address is void. */
void pace_forget(struct pace *p, struct pace_site *s);
struct pace_site *pace_next(const struct pace *p, size_t *at);

const char *pace_name(const struct pace_site *s);
bool pace_is_relay(const struct pace_site *s);
const struct limits *pace_limits(
    const struct pace_site *s); /* of all workers */
struct lane_share pace_share(const struct pace_site *s);
const struct shape *pace_shape(const struct pace_site *s);
const struct provider *pace_provider(const struct pace_site *s); /* or NULL */

/* ---- Asking ---- */

/* Nothing is to be claimed or sent: suspended, paused, or no lane of ours; and
 * until when (PACE_NEVER_US: until told otherwise). A site that is merely at
 * its rate is not parked. */
bool pace_parked(const struct pace_site *s, int64_t now_us, int64_t *until_us);

/* Connections that this worker may have in all, and mails over each (0: no
 * limit of ours). */
unsigned pace_connections(const struct pace_site *s);
unsigned pace_mails_per_connection(const struct pace_site *s,
                                   const char *source);

/* Who would connect: one of several that share the site. */
struct pace_asker {
    const void *who;    /* only compared */
    int64_t *waits_us;  /* who's: since when it waits; 0: it does not */
    const char *source; /* from where; NULL or "": no matter */
    bool urgent;        /* for transactional mail */
};

/* May one more be opened? Then say pace_opened. *when_us is set if not. */
bool pace_may_connect(struct pace_site *s, const struct pace_asker *by,
                      int64_t now_us, int64_t *when_us);
bool pace_may_send(struct pace_site *s, const struct pace_keys *keys,
                   int64_t now_us, int64_t *when_us);

/* A connection that took so many mails takes no mail with these keys any more,
 * by a limit of its campaign, project or sender; a new one may. */
bool pace_is_worn(const struct pace *p, const struct pace_keys *keys);

/* Do such limits count connections: any, or those of these keys? */
bool pace_counts_any(const struct pace *p);
bool pace_counts_connections(const struct pace *p,
                             const struct pace_keys *keys);

/* Of a campaign's (project's, ...) limits alone. False: none of it may be sent
 * here. *rate: about how many a second may; 0: no limit. */
bool pace_rule_rate(const struct pace *p, enum pace_scope scope,
                    const char *name, double *rate);

/* May a mail with these keys go, by the limits of its campaign, project, sender
 * and source alone? */
bool pace_rules_allow(const struct pace *p, const struct pace_keys *keys,
                      int64_t now_us);

/* About how many a second these let go at most; 0: no limit. */
double pace_rules_rate(const struct pace *p, const struct pace_keys *keys);

/* n mails are to wait elsewhere: about when these limits let them go, behind
 * those that wait here (kept) and those for whom it was asked before; after
 * most_us at the latest. */
int64_t pace_rules_later(struct pace *p, const struct pace_keys *keys,
                         size_t kept, size_t n, int64_t most_us,
                         int64_t now_us);

/* Until when a campaign is suspended at the site; 0: it is not. */
int64_t pace_suspended_until(const struct pace_site *s, const char *campaign,
                             int64_t now_us);
/* The next campaign that is suspended there, from *at (0 at first) on, and
 * until when; NULL: no more. */
const char *pace_suspended_next(const struct pace_site *s, size_t *at,
                                int64_t now_us, int64_t *until_us);

/* About how many mails a second this worker sends there at most; 0: no limit.
 */
double pace_rate(const struct pace_site *s);

/* ---- Telling ---- */

/* Returns a ticket, which pace_source_closed wants when it is closed. */
unsigned pace_opened(struct pace_site *s, const struct pace_asker *by,
                     int64_t now_us);
void pace_connected(struct pace_site *s, int64_t now_us);
/* One that was ready is gone; before pace_closed. */
void pace_disconnected(struct pace_site *s);
/* failed: it never was ready; text and code say why. */
struct pace_verdict pace_closed(struct pace_site *s, const char *source,
                                bool failed, unsigned code, const char *text,
                                int64_t now_us);
/* A mail is under way. Returns what it counts for, which pace_done wants when
 * it is settled. */
unsigned pace_spend(struct pace_site *s, const struct pace_keys *keys,
                    int64_t now_us);
void pace_done(struct pace *p, const struct pace_keys *keys, unsigned counted,
               int64_t now_us);
struct pace_verdict pace_outcome(struct pace_site *s,
                                 const struct pace_keys *keys,
                                 enum verdict verdict, unsigned code,
                                 const char *enhanced, const char *text,
                                 int64_t now_us);

/* The operator's orders. retry: forget suspensions and bounds. */
void pace_pause(struct pace_site *s, bool paused);
void pace_retry(struct pace_site *s, int64_t now_us);

/* ---- Connections that others wait for ---- */

void pace_source_closed(struct pace *p, unsigned ticket, int64_t now_us);

/* The ticket that one opened from there would have; 0: no limits. */
unsigned pace_source_ticket(const struct pace *p, const char *source);

/* Is one of ours at the site to be closed, as others wait for it? */
enum pace_yield {
    PACE_KEEP,
    PACE_YIELD_SOON, /* one that is idle, or was open for a while */
    PACE_YIELD_NOW,  /* any: it is another worker's turn */
};
enum pace_yield pace_yields(const struct pace_site *s,
                            const struct pace_asker *by, int64_t now_us);

/* ---- The store of permits (pace/permits) ---- */

struct pace_permits {
    enum pace_scope scope;
    const char *name; /* as long as the rules stay */
    int64_t limit;
    unsigned want;
};

/* The next of which the store is to be asked, from *at (0 at first) on. */
bool pace_permits_ask(struct pace *p, size_t *at, int64_t now_us,
                      struct pace_permits *out);
void pace_permits_told(struct pace *p, enum pace_scope scope, const char *name,
                       unsigned held, bool asked, int64_t now_us);
/* The store may not have heard what it was told. */
void pace_permits_unsure(struct pace *p);
/* The worker has another number now: it holds none. */
void pace_permits_lost(struct pace *p);

/* Are no more connections open than our shares of limits allow? Others wait for
 * that who join. */
bool pace_has_made_room(const struct pace *p);

/* ---- For people, and for the store ---- */

/* Why mail waits there, in a sentence; "" if nothing holds it up. */
void pace_why(const struct pace_site *s, int64_t now_us, char *out);
/* When the next mail may go there, as far as limits and orders say; now_us: at
 * once. PACE_NEVER_US: not known. */
int64_t pace_next_us(const struct pace_site *s, int64_t now_us);
size_t pace_replies(const struct pace_site *s, const struct pace_reply **out);
unsigned pace_open(const struct pace_site *s);
struct pace_ledger *pace_ledger(struct pace_site *s);
void pace_save(const struct pace_site *s, int64_t now_us,
               struct pace_saved *out);
/* To a state that was just made. */
void pace_restore(struct pace_site *s, const struct pace_saved *saved,
                  int64_t now_us);
/* What another worker was told: who is suspended stays so for as long as the
 * longer says. Bounds are taken over only while there is no lane of ours. True:
 * something is suspended longer than it was. */
bool pace_hear(struct pace_site *s, const struct pace_saved *said,
               int64_t now_us);
/* Until when it would be parked by that; 0: it would not. Of sources, only ours
 * may be named. */
int64_t pace_saved_until(const struct pace *p, const struct pace_saved *said,
                         int64_t now_us);
#endif
