#include "claims.h"
#include "dests.h"
#include "queue/presort.h"
#include <string.h>

enum {
    CLAIMS_URGENT = 64,     /* batches of transactional mail at a time */
    CLAIMS_LOW_LEAST = 200, /* mails of an offer in hand */
    CLAIMS_AHEAD_SECONDS = 5,
    CLAIMS_COUNT_MS = 50,
    CLAIMS_FEW = 4, /* batches that a campaign may have in any case */
    CLAIMS_ROOM = HELD_MAX / 4 * 3, /* the rest is for transactional mail */
    CLAIMS_RELIEF_MS = 100,
    CLAIMS_LIST_MS = 50, /* the store is asked what it has not more often */
};

void claims_init(struct claims *c, struct queue *queue)
{
    *c = (struct claims){.queue = queue};
}

void claims_by_site(struct claims *c, bool by_site)
{
    c->by_site = by_site;
    c->list_wanted = c->urgent_wanted = true;
}

void claims_fini(struct claims *c)
{
    offers_fini(&c->offers);
}

void claims_woken(struct claims *c, bool campaigns, bool transactional)
{
    c->list_wanted |= campaigns;
    c->urgent_wanted |= transactional;
}

void claims_keys(void *owner, int64_t round)
{
    struct claims *c = owner;

    queue_dkim_round(c->queue, round);
    claims_woken(c, true, true);
}

void claims_offered(struct claims *c, const struct queue_offer *offers,
                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        offers_come(&c->offers, offers[i].class, offers[i].campaign,
                    offers[i].site, offers[i].weight);
}

void claims_answered(struct claims *c, void *asked, int n)
{
    if (asked) {
        offers_answered(&c->offers, asked, n);
        return;
    }
    c->claiming_urgent = false;
    c->urgent_wanted |= n == CLAIMS_URGENT;
}

void claims_hold(struct claims *c, struct batch *b)
{
    offers_hold(&c->offers, b, c->by_site ? b->site : "");
}

struct wanting {
    struct claims *claims;
    struct dests *dests;
    size_t low; /* about a third of a second's work in hand is few: enough to
                   never run dry while a claim is under way */
    int64_t now_ms;
    size_t held; /* batches, of all kinds */
};

/* What a limit of so many a second lets go in some seconds, if that is less. */
static size_t enough(size_t low, double rate)
{
    if (rate > 0 && rate * CLAIMS_AHEAD_SECONDS < (double)low)
        return (size_t)(rate * CLAIMS_AHEAD_SECONDS) + 1;
    return low;
}

/* Mails of the campaign that are in hand or asked for, at all sites; of a site
 * no more than it takes in some seconds: the rest keeps nobody busy. */
static size_t soon_of(const struct wanting *w, struct offers_campaign *of)
{
    const struct offers *all = &w->claims->offers;

    if (of->counted_ms && w->now_ms - of->counted_ms < CLAIMS_COUNT_MS)
        return of->soon;
    of->counted_ms = w->now_ms;
    of->soon = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct offer *f = all->all[i];
        double rate = 0;

        if (f->of != of || (f->in_hand == 0 && !f->claiming))
            continue;
        if (w->claims->by_site)
            (void)dests_site_is_open(w->dests, f->site, w->now_ms, &rate);
        of->soon += enough(f->in_hand + (f->claiming ? f->asked : 0), rate);
    }
    return of->soon;
}

/* Of a campaign with a limit, what it takes in some seconds is enough, and a
 * few batches, as some sites may be slow. None has more than twice as many
 * batches as there is room left for others: so one that comes always finds
 * some. */
static size_t wanted_of_campaign(const struct wanting *w,
                                 const struct offer *offer, size_t low)
{
    size_t room = w->held < CLAIMS_ROOM ? CLAIMS_ROOM - w->held : 0, soon;
    double rate;

    if (offer->of->batches >= 2 * room ||
        !dests_campaign_is_open(w->dests, offer->campaign, offer->site, &rate))
        return 0;
    low = enough(low, rate);
    if (rate <= 0 || offer->of->batches < CLAIMS_FEW)
        return low;
    soon = soon_of(w, offer->of);
    rate *= CLAIMS_AHEAD_SECONDS;
    if ((double)soon >= rate + 1)
        return 0;
    return low;
}

/* Of a site with a limit, what it takes in some seconds is enough; of one that
 * is shut, nothing is wanted. */
static size_t wanted_of(void *arg, const struct offer *offer)
{
    const struct wanting *w = arg;
    size_t low = w->low;
    double rate;

    if (w->claims->by_site) {
        if (!dests_site_is_open(w->dests, offer->site, w->now_ms, &rate))
            return 0;
        low = enough(low, rate);
    }
    if (offer->class == BATCH_CAMPAIGN)
        low = wanted_of_campaign(w, offer, low);
    if (low > offer->in_hand)
        return low - offer->in_hand;
    if (w->claims->by_site && strcmp(offer->site, PRESORT_SITE_OTHER) == 0)
        dests_press(w->dests);
    return 0;
}

static void claim_urgent(struct claims *c)
{
    /* New mail is not sorted by site yet; what was is among the offers. */
    const struct queue_offer urgent = {
        .class = BATCH_TRANSACTIONAL,
        .site = c->by_site ? PRESORT_SITE_OTHER : "",
    };

    c->urgent_wanted = false;
    c->claiming_urgent = true;
    queue_claim(c->queue, &urgent, CLAIMS_URGENT, NULL);
}

static void claim(struct claims *c, struct offer *o, int batches)
{
    struct queue_offer of = {.class = o->class, .site = o->site};

    memcpy(of.campaign, o->campaign, UUID_BYTES);
    queue_claim(c->queue, &of, batches, o);
}

void claims_measure(struct claims *c, int every_ms)
{
    double rate = (double)(c->settled - c->settled_before) * 1000 / every_ms;

    c->settled_before = c->settled;
    c->rate += (rate - c->rate) / 8;
}

void claims_turn(struct claims *c, const struct held *held, struct dests *dests,
                 int64_t now_ms)
{
    struct wanting wanting = {
        .claims = c,
        .dests = dests,
        .low = (size_t)(c->rate / 3 / (double)offers_active(&c->offers)),
        .now_ms = now_ms,
        .held = held->n,
    };
    struct offer *o;
    int batches;

    queue_tls_round(c->queue, dests_tls_round(dests));
    if (wanting.low < CLAIMS_LOW_LEAST)
        wanting.low = CLAIMS_LOW_LEAST;
    if (c->urgent_wanted && !c->claiming_urgent && !held_is_full(held))
        claim_urgent(c);
    if (c->list_wanted && now_ms - c->list_ms >= CLAIMS_LIST_MS) {
        c->list_wanted = false;
        c->list_ms = now_ms;
        queue_list(c->queue, c->by_site);
    }
    if (held->n > CLAIMS_ROOM / 2 &&
        now_ms - c->relieved_ms >= CLAIMS_RELIEF_MS) {
        c->relieved_ms = now_ms;
        dests_relieve(dests);
    }
    while (!held_is_full(held) &&
           (o = offers_claim(&c->offers, wanted_of, &wanting, &batches)))
        claim(c, o, batches);
}
