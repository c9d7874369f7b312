/* pace/state - what the files of pace/site share; nobody else includes it. */
#ifndef PACE_STATE_H
#define PACE_STATE_H

#include "base/map.h"
#include "pace/site.h"

enum { PACE_KEY_MAX = PACE_NAME_MAX + 32 };

/* Limits of the operator for a name, and what was used of them here. */
struct rule_state {
    enum pace_scope scope;
    char name[PACE_NAME_MAX];
    struct limits limits;
    struct lane_share share;
    struct meter meter;
    int64_t later_us; /* up to then all turns are promised: pace_rules_later */
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
    int64_t clock_us; /* to add for the workers' common clock */
    unsigned n_sources;
    struct map sites; /* struct pace_site */
    struct map rules; /* struct rule_state, by "scope name" */
    size_t n_rules[PACE_SCOPES];
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
    struct shape shape;
    unsigned open;
    int64_t suspended_until_us;
    char why[PACE_WHY_MAX]; /* of the suspension: a reply */
    struct suspension sources[PACE_SOURCES_MAX];
    struct suspension campaigns[PACE_CAMPAIGNS_MAX];
    char campaign_why[PACE_REPLY_MAX]; /* the latest reply that blamed one */
    struct warming warming[PACE_WARMING_MAX];
    size_t n_warming;
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
/* All the list's source addresses at once: until the first is free; 0: some
 * may be used. */
int64_t pace_sources_until(const struct pace_site *s, int64_t now_us);
#endif
