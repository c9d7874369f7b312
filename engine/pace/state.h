/* pace/state - what the files of pace/site share; nobody else includes it. */
#ifndef PACE_STATE_H
#define PACE_STATE_H

#include "base/map.h"
#include "pace/permits.h"
#include "pace/site.h"
#include "pace/turn.h"

enum {
    PACE_KEY_MAX = PACE_NAME_MAX + 32,
    PACE_WAITS_MAX = 4,
};

/* Limits of the operator for a name, and what was used of them here. */
struct rule_state {
    enum pace_scope scope;
    char name[PACE_NAME_MAX];
    struct limits limits;
    struct lane_share share;
    struct meter meter;
    struct meter_gate connects;
    struct permits permits; /* of a source's connections, or others' mails */
    struct turn turn;       /* of sites whose mail waits */
    struct turn connecting; /* of sites that would connect from a source */
    int64_t later_us; /* up to then all turns are promised: pace_rules_later */
    unsigned ticket;  /* that its connections have */
    bool named;       /* in the list that is being read */
};

struct suspension {
    char name[PACE_ID_TEXT];
    int64_t until_us;
};

/* A source address whose mails a day to a site are few as yet. */
struct warming {
    char source[PACE_ID_TEXT];
    int64_t per_day; /* of all workers */
    struct lane_share share;
    struct meter meter;
};

struct pace {
    struct limits standard;
    struct lanes lanes;
    int64_t clock_us;              /* to add for the workers' common clock */
    char (*sources)[PACE_ID_TEXT]; /* that mail may leave from */
    size_t n_sources;
    struct map sites; /* struct pace_site */
    struct map rules; /* struct rule_state, by "scope name" */
    size_t n_rules[PACE_SCOPES];
    unsigned tickets; /* given out so far */
    bool counts;      /* a campaign's, project's or sender's connections */
};

/* Since when a site's mail waits for a rule. */
struct pace_wait {
    unsigned ticket; /* the rule's; 0: free */
    int64_t since_us;
};

struct pace_site {
    struct pace *pace;
    char name[PACE_NAME_MAX];
    bool relay, paused;
    const struct provider *provider;
    struct limits limits; /* of all workers */
    struct lane_share share;
    struct meter meter;
    struct meter_gate connects;
    struct shape shape; /* of ours; part_of times that is the whole's */
    unsigned part_of;
    unsigned open, ready;   /* connections; those that were ready once */
    struct turn connecting; /* of destinations */
    struct pace_wait waits[PACE_WAITS_MAX];
    int64_t waits_source_us; /* to connect from a source */
    int64_t suspended_until_us;
    char why[PACE_WHY_MAX]; /* of the suspension: a reply */
    struct suspension sources[PACE_SOURCES_MAX];
    struct suspension campaigns[PACE_CAMPAIGNS_MAX];
    char campaign_why[PACE_REPLY_MAX]; /* the latest reply that blamed one */
    struct warming warming[PACE_WARMING_MAX];
    size_t n_warming;
    int64_t failed_us; /* no connection came about, last; 0: one did since */
    char failed_why[PACE_REPLY_MAX];
    struct pace_reply replies[PACE_REPLIES_MAX];
    size_t n_replies;
    /* The last rule of another scope that let a mail wait here, and when. */
    enum pace_scope held_scope;
    char held_name[PACE_NAME_MAX];
    int64_t held_us;
    struct pace_ledger ledger;
};

void pace_key(char *out, const char *kind, const char *name);
struct rule_state *pace_rule_find(const struct pace *p, enum pace_scope scope,
                                  const char *name);

/* Of a campaign, project, sender and source: may a mail go (otherwise: it
 * might, for all else); it goes. */
bool pace_rules_may(struct pace_site *s, const struct pace_keys *keys,
                    bool otherwise, int64_t now_us, int64_t *when_us);
unsigned pace_rules_spend(struct pace_site *s, const struct pace_keys *keys,
                          int64_t now_us);
/* May a connection be opened from there; it is. */
bool pace_source_may_connect(struct pace_site *s, const struct pace_asker *by,
                             bool otherwise, int64_t now_us, int64_t *when_us);
unsigned pace_source_opened(struct pace_site *s, const char *source,
                            int64_t now_us);
/* The limit that lets its mail wait now; LIMITS: none does. */
enum limit pace_rule_binding(const struct rule_state *r, int64_t now_us);
/* Lanes are others. */
void pace_rules_resolve(struct pace *p, int64_t now_us);
void pace_rules_forget_unnamed(struct pace *p);

/* Limits and lanes anew. */
void pace_resolve(struct pace_site *s, int64_t now_us);

/* Lanes are others. */
void pace_warming_resolve(struct pace_site *s, int64_t now_us);
void pace_warm_spend(struct pace_site *s, const char *source, int64_t now_us);
/* One that may not send now; or NULL. */
const struct warming *pace_warm_binding(const struct pace_site *s,
                                        int64_t now_us);

/* 0: it is not suspended. */
int64_t suspension_of(const struct suspension *list, size_t n, const char *name,
                      int64_t now_us);
/* For as long as the longer says; if there is no room the one that ends first
 * goes. */
void suspension_add(struct suspension *list, size_t n, const char *name,
                    int64_t until_us);
/* All the list's source addresses at once: until the first is free; 0: some
 * may be used. */
int64_t pace_sources_until(const struct pace_site *s, int64_t now_us);
#endif
