#include "queue/offers.h"
#include "base/bug.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { OFFERS_FIRST = 16 };

static bool is_idle(const struct offer *f)
{
    return f->batches == 0 && !f->claimable && !f->claiming;
}

static void leave_campaign(struct offer *f)
{
    if (f->of && --f->of->offers == 0)
        free(f->of);
    f->of = NULL;
}

void offers_fini(struct offers *o)
{
    for (size_t i = 0; i < o->n; i++) {
        leave_campaign(o->all[i]);
        free(o->all[i]->site);
        free(o->all[i]);
    }
    free((void *)o->all);
    *o = (struct offers){0};
}

/* Of the offers at work for the site: one for a slow site has a low pass, and
 * says nothing about what is due to one for a fast site. */
static double lowest_pass(const struct offers *o, const char *site)
{
    double lowest = o->pass;
    bool any = false;

    for (size_t i = 0; i < o->n; i++) {
        const struct offer *f = o->all[i];

        if (is_idle(f) || (any && f->pass >= lowest) ||
            strcmp(f->site, site) != 0)
            continue;
        lowest = f->pass;
        any = true;
    }
    return lowest;
}

static struct offer *find(const struct offers *o, enum batch_class class,
                          const unsigned char campaign[UUID_BYTES],
                          const char *site)
{
    for (size_t i = 0; i < o->n; i++) {
        struct offer *f = o->all[i];

        if (f->class == class &&
            memcmp(f->campaign, campaign, UUID_BYTES) == 0 &&
            strcmp(f->site, site) == 0)
            return f;
    }
    return NULL;
}

/* An idle one's place is free for another. */
static struct offer *place(struct offers *o)
{
    for (size_t i = 0; i < o->n; i++)
        if (is_idle(o->all[i]))
            return o->all[i];
    if (o->n == o->cap) {
        o->cap = o->cap ? o->cap * 2 : OFFERS_FIRST;
        o->all = memory_resize((void *)o->all, o->cap, sizeof(struct offer *));
    }
    o->all[o->n] = memory_new(1, sizeof(struct offer));
    return o->all[o->n++];
}

/* With the others of its campaign. */
static struct offers_campaign *join_campaign(
    const struct offers *o, const unsigned char campaign[UUID_BYTES])
{
    struct offers_campaign *of = NULL;

    for (size_t i = 0; i < o->n && !of; i++)
        if (o->all[i]->of &&
            memcmp(o->all[i]->campaign, campaign, UUID_BYTES) == 0)
            of = o->all[i]->of;
    if (!of)
        of = memory_new(1, sizeof *of);
    of->offers++;
    return of;
}

static struct offer *offer_of(struct offers *o, enum batch_class class,
                              const unsigned char campaign[UUID_BYTES],
                              const char *site)
{
    struct offer *f = find(o, class, campaign, site);

    if (f && !is_idle(f))
        return f;
    double pass = lowest_pass(o, site);

    if (!f) {
        f = place(o);
        free(f->site);
        leave_campaign(f);
        *f = (struct offer){.class = class, .weight = 1, .ask = 1};
        if (class == BATCH_CAMPAIGN)
            f->of = join_campaign(o, campaign);
        memcpy(f->campaign, campaign, UUID_BYTES);
        f->site = text_copy(site);
    }
    f->pass = pass;
    return f;
}

/* Those that have a batch here are few: what is held is bounded. */
static bool is_mere(const struct offer *f)
{
    return f->batches == 0 && (f->claimable || f->claiming);
}

static size_t offered(const struct offers *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++)
        n += is_mere(o->all[i]);
    return n;
}

/* One that nobody wants, in turn: with many of them all come by. */
static bool oust(struct offers *o)
{
    for (size_t i = 0; i < o->n; i++) {
        size_t at = (o->ousted + 1 + i) % o->n;
        struct offer *f = o->all[at];

        if (!is_mere(f) || f->claiming || !f->unwanted)
            continue;
        f->claimable = false;
        o->ousted = at;
        return true;
    }
    return false;
}

void offers_come(struct offers *o, enum batch_class class,
                 const unsigned char campaign[UUID_BYTES], const char *site,
                 int weight)
{
    struct offer *f = find(o, class, campaign, site);

    if ((!f || is_idle(f)) && offered(o) >= OFFERS_MAX && !oust(o))
        return;
    f = offer_of(o, class, campaign, site);
    f->claimable = true;
    f->weight = weight > 0 ? weight : 1;
}

void offers_answered(struct offers *o, struct offer *f, int n)
{
    if (!f->claiming)
        BUG("an answer that nobody asked for");
    f->claiming = false;
    o->claims--;
    if (n <= 0)
        f->claimable = false;
}

/* Small batches are claimed several at a time, as many as make
 * OFFERS_ASK_MAILS: what is claimed beyond need is kept from other workers. */
static int next_ask(int ask, size_t mails)
{
    size_t most = mails > 0 ? OFFERS_ASK_MAILS / mails : OFFERS_ASK_MAX;

    if (most > OFFERS_ASK_MAX)
        most = OFFERS_ASK_MAX;
    if ((size_t)ask * 2 <= most)
        return ask * 2;
    return most > 0 ? (int)most : 1;
}

void offers_hold(struct offers *o, struct batch *b, const char *site)
{
    struct offer *f = offer_of(o, b->class, b->campaign, site);

    if (b->offer)
        BUG("a batch that is held already");
    f->ask = next_ask(f->ask, b->n_mails);
    f->mails = b->n_mails;
    f->batches++;
    f->in_hand += b->n_waiting;
    if (f->of) {
        f->of->batches++;
        f->of->counted_ms = 0;
    }
    b->in_hand = &f->in_hand;
    b->offer = f;
}

void offers_sent(struct offers *o, const struct batch *b)
{
    struct offer *f = b->offer;

    if (!f)
        return;
    o->pass = f->pass;
    f->pass += 1.0 / f->weight;
}

void offers_let_go(struct batch *b)
{
    struct offer *f = b->offer;

    if (!f)
        return;
    f->batches--;
    f->in_hand -= b->n_waiting;
    if (f->of)
        f->of->batches--;
    b->in_hand = NULL;
    b->offer = NULL;
}

static bool goes_before(const struct offer *a, const struct offer *b)
{
    if (a->class != b->class)
        return a->class == BATCH_TRANSACTIONAL;
    return a->pass < b->pass;
}

/* What is claimed beyond need is kept from other workers. */
static int batches_of(const struct offer *f, size_t wanted)
{
    size_t n = f->mails > 0 ? (wanted + f->mails - 1) / f->mails : 1;

    return n < (size_t)f->ask ? (int)n : f->ask;
}

struct offer *offers_claim(struct offers *o, offers_wants *wants, void *arg,
                           int *batches)
{
    struct offer *best = NULL;
    size_t wanted = 0, n;

    if (o->claims >= OFFERS_CLAIMS_MAX)
        return NULL;
    for (size_t i = 0; i < o->n; i++) {
        struct offer *f = o->all[i];

        if (!f->claimable || f->claiming || (best && !goes_before(f, best)))
            continue;
        n = wants(arg, f);
        f->unwanted = n == 0;
        if (n > 0) {
            best = f;
            wanted = n;
        }
    }
    if (!best)
        return NULL;
    *batches = batches_of(best, wanted);
    best->claiming = true;
    best->asked = wanted;
    if (best->of)
        best->of->counted_ms = 0;
    o->claims++;
    return best;
}

size_t offers_active(const struct offers *o)
{
    size_t active = 0;

    for (size_t i = 0; i < o->n; i++)
        active += o->all[i]->class == BATCH_CAMPAIGN && !is_idle(o->all[i]);
    return active ? active : 1;
}
