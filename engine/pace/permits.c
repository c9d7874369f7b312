#include "pace/permits.h"
#include "pace/limits.h"

#define US_A_SECOND 1e6
/* What nobody uses is given back after that. */
#define SPARE_US INT64_C(1000000)
#define ASK_US INT64_C(300000)
#define LOOK_US INT64_C(1000000) /* for others who ask */
#define AGAIN_US INT64_C(700000)
/* How long one is used for a mail: at first, and of how many the average is. */
#define TOOK_FIRST_US 100e3
#define TOOK_OF 64

void permits_limit(struct permits *p, int64_t limit, unsigned mine,
                   unsigned workers)
{
    if (limit <= 0) {
        *p = (struct permits){.used = p->used};
        return;
    }
    if (p->limit != limit)
        p->settled = false;
    p->limit = limit;
    p->scarce = limit < workers;
    p->share = 0;
    if (workers > 0)
        p->share = p->scarce ? 1 : (unsigned)limits_share(limit, mine, workers);
}

/* Another worker's turn. */
static bool yields(const struct permits *p, int64_t now_us)
{
    return p->scarce && p->asked && p->held > 0 &&
           now_us - p->got_us >= PERMITS_TURN_US;
}

unsigned permits_cap(const struct permits *p, int64_t now_us)
{
    if (p->limit == 0)
        return UINT32_MAX;
    if (yields(p, now_us))
        return 0;
    return p->held < p->share ? p->held : p->share;
}

bool permits_allow(const struct permits *p, int64_t now_us)
{
    return p->limit == 0 || p->used < permits_cap(p, now_us);
}

void permits_refused(struct permits *p, int64_t now_us)
{
    p->refused_us = now_us;
}

static void count(struct permits *p, int64_t now_us)
{
    if (p->at_us > 0)
        p->used_us += (double)(now_us - p->at_us) * p->used;
    p->at_us = now_us;
}

void permits_use(struct permits *p, int64_t now_us)
{
    count(p, now_us);
    p->used++;
    p->busy_us = now_us;
}

void permits_free(struct permits *p, int64_t now_us)
{
    count(p, now_us);
    p->used -= p->used > 0;
    p->busy_us = now_us;
    if (++p->n_used >= TOOK_OF) {
        p->n_used /= 2;
        p->used_us /= 2;
    }
}

/* ---- The store ---- */

static unsigned wanted(const struct permits *p, int64_t now_us)
{
    unsigned most = permits_cap(p, now_us), want = p->used;

    if (yields(p, now_us) || now_us < p->again_us)
        return want;
    if (p->refused_us > 0 && now_us - p->refused_us < ASK_US)
        want = most + (p->used > 1 ? p->used : 1);
    else if (now_us - p->busy_us < SPARE_US)
        want = most;
    if (want > p->share)
        want = p->share;
    return want > p->used ? want : p->used;
}

bool permits_ask(struct permits *p, int64_t now_us, unsigned *want)
{
    bool was_turn = yields(p, now_us);

    if (p->limit == 0)
        return false;
    *want = wanted(p, now_us);
    if (p->settled && *want == p->held &&
        (!p->scarce || p->held == 0 || now_us - p->told_us < LOOK_US))
        return false;
    if (p->settled && *want > p->held && now_us - p->told_us < ASK_US)
        return false;
    if (*want < p->held)
        p->held = *want;
    if (was_turn && p->held == 0)
        p->again_us = now_us + AGAIN_US;
    p->told_us = now_us;
    return true;
}

void permits_told(struct permits *p, unsigned held, bool asked, int64_t now_us)
{
    if (p->held == 0 && held > 0)
        p->got_us = now_us;
    p->held = held;
    p->asked = asked;
    p->settled = true;
}

void permits_lost(struct permits *p)
{
    p->held = 0;
    p->settled = false;
}

double permits_rate(const struct permits *p)
{
    double took_us = TOOK_FIRST_US;

    if (p->limit == 0)
        return 0;
    if (p->n_used > 0 && p->used_us > 0)
        took_us = p->used_us / p->n_used;
    return (p->share > 0 ? p->share : 1) * US_A_SECOND / took_us;
}
