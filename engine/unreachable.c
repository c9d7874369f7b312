#include "unreachable.h"
#include "base/log.h"
#include "room.h"
#include <stdio.h>
#include <string.h>

void unreachable_refuse(struct dest *t, const struct dests_refusal *refusal)
{
    for (int class = BATCH_TRANSACTIONAL; class <= BATCH_CAMPAIGN; class ++) {
        struct mail *mail;

        while ((
            mail = hand_next(&t->hand, (enum batch_class) class, NULL, NULL))) {
            struct batch *b = mail->parcel->batch;

            t->world->events.refused(t->world->owner, mail, refusal);
            t->world->events.left(t->world->owner, b);
        }
    }
}

/* What waits goes to the fall-back relay instead. */
static void fall_back(struct dest *t)
{
    char why[LOG_QUOTE_MAX];
    struct parcel *next;

    log_event(LOG_WARN, "fall_back", "site=%s relay=%s why=%s", t->site,
              relay_name(t->fallback->relay), log_quote(t->why, why));
    for (struct parcel *p = hand_take(&t->hand, NULL); p; p = next) {
        struct batch *b = p->batch;

        next = p->next;
        p->next = NULL;
        p->fell_back = true;
        dest_put(t->fallback, p);
        t->world->events.left(t->world->owner, b);
    }
}

/* A server that says 5xx was reached, and its word counts. Nor may mail that
 * wants TLS with the right server be given to another one. */
static bool may_fall_back(const struct dest *t, const struct pool_refusal *r)
{
    return t->fallback && !dest_is_down(t->fallback) && r->code < 500 &&
           !r->for_good && !policy_demands_tls(t->policy);
}

/* RFC 8689, 4.2.1. */
static struct dests_refusal bounce(const struct dest *t)
{
    return (struct dests_refusal){.verdict = VERDICT_BOUNCED,
                                  .reach = REACH_MESSAGE,
                                  .enhanced = t->unfit,
                                  .step = "connect",
                                  .why = t->why};
}

/* Others' mail wants the room. */
static struct dests_refusal defer(const struct dest *t,
                                  const struct pool_refusal *r)
{
    const char *usual = r->code ? "" : "4.4.1";

    return (struct dests_refusal){.verdict = VERDICT_DEFERRED,
                                  .reach = REACH_SITE,
                                  .code = r->code,
                                  .enhanced = r->unfit ? r->enhanced : usual,
                                  .step = "connect",
                                  .why = t->why};
}

void unreachable_now(struct dest *t, const struct pool_refusal *r)
{
    t->closed_ms = pool_state(t->pool).down_until_ms;
    snprintf(t->why, sizeof t->why, "%s%s", r->why,
             r->for_good ? ", and no other mail host of the domain will do"
                         : "");
    snprintf(t->unfit, sizeof t->unfit, "%s", r->for_good ? r->enhanced : "");
    t->by_fallback = may_fall_back(t, r);
    if (t->by_fallback) {
        fall_back(t);
    } else {
        const struct dests_refusal refusal =
            r->for_good ? bounce(t) : defer(t, r);

        unreachable_refuse(t, &refusal);
    }
}

static void give_back(struct dest *t, struct parcel *list)
{
    int64_t wait_ms = pool_state(t->pool).down_until_ms - t->world->now_ms;
    struct parcel *next;

    for (struct parcel *p = list; p; p = next) {
        struct batch *b = p->batch;

        next = p->next;
        p->next = NULL;
        if (!p->fell_back) {
            hand_add(&t->hand, p, false);
            continue;
        }
        p->fell_back = false;
        room_put_off(p, wait_ms > 0 ? wait_ms : 0);
        t->world->events.left(t->world->owner, b);
    }
}

void unreachable_relay(struct dest *t)
{
    give_back(t, hand_take_urgent(&t->hand));
    give_back(t, hand_take(&t->hand, NULL));
}

void unreachable_put(struct dest *t, struct parcel *p)
{
    const struct dests_refusal refusal = bounce(t);
    struct mail *mail;

    if (t->by_fallback && !dest_is_down(t->fallback)) {
        p->fell_back = true;
        dest_put(t->fallback, p);
        return;
    }
    if (!t->unfit[0])
        room_put_off(p, t->closed_ms - t->world->now_ms);
    else
        while ((mail = parcel_next(p)))
            t->world->events.refused(t->world->owner, mail, &refusal);
}
