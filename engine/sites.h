/*
 * sites - pace/site, kept in step with the store: the operator's limits and
 * orders come in, and what this worker does and learned at each site goes out.
 *
 * Part of the pipeline, beside dests. Orders are heard within a moment (NOTIFY,
 * and a slow poll), reports are written every second or two, and only of what
 * has changed; nothing here waits, and nothing is asked per mail.
 */
#ifndef SITES_H
#define SITES_H

#include "base/config.h"
#include "pace/site.h"
#include <uv.h>

struct sites;

enum {
    SITES_KNOWN_MAX = 100000, /* whose state or orders are remembered */
    SITES_REPORT_MAX = 200,   /* at a time */
    SITES_DOMAINS_MAX = 500,  /* learned and not told yet; more are dropped */
    SITES_LABEL_MAX = PACE_NAME_MAX + 16,
};

/* config must live; conninfo is copied. counted: the owner adds to `waiting`
 * in the sites' ledgers, they are about to be told. changed: limits, lanes or
 * orders are others now. */
struct sites *sites_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, void (*counted)(void *owner),
                        void (*changed)(void *owner), void *owner);
void sites_free(struct sites *s);

/* This worker has its number: it may have lanes. */
void sites_start(struct sites *s, int worker);

/* Limits and orders have been read once: nothing should be sent before. */
bool sites_are_known(const struct sites *s);

struct pace *sites_pace(struct sites *s);

/* By its label: a site's name, or SITES_RELAY and a relay's. NULL: it has no
 * state here. */
struct pace_site *sites_find(const struct sites *s, const char *label);

/* Is one, which may have no state here yet, paused or suspended? */
bool sites_held(const struct sites *s, const char *name);
/* Is a campaign (its id) suspended there? */
bool sites_campaign_held(const struct sites *s, const char *label,
                         const char *campaign);

/* pace_site, with what was learned and ordered before. */
struct pace_site *sites_site(struct sites *s, const char *name, bool relay);

/* A destination of the site goes, of which `users` of its ledger counts one.
 * What was learned stays, for when there is mail again. */
void sites_release(struct sites *s, struct pace_site *site);

/* Mail for a domain goes to that site: the store is told, in time. */
void sites_learn_domain(struct sites *s, const char *domain, const char *site);

/* The clock of pace: microseconds, never jumps. */
int64_t sites_now_us(void);
#endif
