/* pace/words - the part of pace/site that says to people why mail waits. */
#include "pace/state.h"
#include <stdio.h>
#include <string.h>

#define US_A_SECOND INT64_C(1000000)
/* A limit by the day is asked about seldom. */
#define HELD_LATELY_US (3600 * US_A_SECOND)
#define FAILED_LATELY_US (900 * US_A_SECOND)
/* By number: it is asked about all the time. */
#define HELD_NOW_US (5 * US_A_SECOND)

static const char *title(const struct pace_site *s)
{
    return s->provider ? s->provider->title : s->name;
}

/* "40 s", "12 min", "2 h 5 min". */
static void duration(int64_t us, char *out, size_t max)
{
    long long s = (long long)((us + US_A_SECOND - 1) / US_A_SECOND);

    if (s < 120)
        snprintf(out, max, "%lld s", s);
    else if (s < 7200)
        snprintf(out, max, "%lld min", s / 60);
    else
        snprintf(out, max, "%lld h %lld min", s / 3600, s % 3600 / 60);
}

static void why_parked(const struct pace_site *s, int64_t now_us, char *out)
{
    char left[32];
    int64_t sources_us = pace_sources_until(s, now_us);

    if (s->paused) {
        snprintf(out, PACE_WHY_MAX, "paused by the operator");
    } else if (s->share.n == 0) {
        snprintf(out, PACE_WHY_MAX, "other workers send to this site");
    } else if (sources_us > s->suspended_until_us) {
        duration(sources_us - now_us, left, sizeof left);
        snprintf(out, PACE_WHY_MAX,
                 "%s blames our address, so it is left alone for %s: %.150s",
                 title(s), left, s->why);
    } else {
        duration(s->suspended_until_us - now_us, left, sizeof left);
        snprintf(out, PACE_WHY_MAX,
                 "%s asked us to stop; tried again in %s: %.150s", title(s),
                 left, s->why);
    }
}

static const char *unit(enum limit limit)
{
    switch (limit) {
    case LIMIT_MAILS_PER_SECOND: return "mails a second";
    case LIMIT_MAILS_PER_MINUTE: return "mails a minute";
    case LIMIT_MAILS_PER_HOUR: return "mails an hour";
    case LIMIT_MAILS_PER_DAY: return "mails a day";
    case LIMIT_CONNECTIONS: return "connections";
    case LIMIT_CONNECTIONS_PER_MINUTE: return "new connections a minute";
    case LIMIT_MAILS_PER_CONNECTION: return "mails a connection";
    case LIMIT_BURST: return "mails at once";
    case LIMIT_RETRY_FIRST:
    case LIMIT_RETRY_MOST: break; /* nothing waits for them to allow it */
    }
    return "";
}

static void why_limit(const struct pace_site *s, enum limit limit, char *out)
{
    snprintf(out, PACE_WHY_MAX, "the limit for %s is %lld %s", title(s),
             (long long)s->limits.of[limit], unit(limit));
}

/* The operator's, or what was learned where it is less. */
static void why_connections(const struct pace_site *s, char *out)
{
    int64_t limit = s->limits.of[LIMIT_CONNECTIONS];
    double lines = s->shape.lines * s->share.n;

    if (s->shape.lines > 0 && (limit <= 0 || lines < (double)limit))
        snprintf(out, PACE_WHY_MAX,
                 "%s refused connections: %.0f at a time, rising", title(s),
                 lines);
    else
        why_limit(s, LIMIT_CONNECTIONS, out);
}

/* Of a campaign, project, sender or source, as long as it was met lately. */
static void why_rule(const struct pace_site *s, int64_t now_us, char *out)
{
    const struct rule_state *r =
        pace_rule_find(s->pace, s->held_scope, s->held_name);
    enum limit binding = r ? pace_rule_binding(r, now_us) : (enum limit)LIMITS;
    bool by_time = binding >= LIMIT_MAILS_PER_SECOND;

    if (binding == (enum limit)LIMITS ||
        s->held_us < now_us - (by_time ? HELD_LATELY_US : HELD_NOW_US) ||
        (!by_time && s->ledger.waiting == 0))
        return;
    snprintf(out, PACE_WHY_MAX, "the limit for %s %s is %lld %s",
             pace_scope_text(r->scope), r->name,
             (long long)r->limits.of[binding], unit(binding));
}

/* Mail waits, and the latest attempts to connect came to nothing. */
static bool is_unreached(const struct pace_site *s, int64_t now_us)
{
    return s->ledger.waiting > 0 && s->ready == 0 && s->failed_us > 0 &&
           now_us - s->failed_us < FAILED_LATELY_US;
}

void pace_why(const struct pace_site *s, int64_t now_us, char *out)
{
    int64_t when_us = now_us;
    enum limit binding = meter_binding(&s->meter, now_us);
    const struct warming *warming = pace_warm_binding(s, now_us);

    out[0] = '\0';
    if (pace_parked(s, now_us, &when_us)) {
        why_parked(s, now_us, out);
        return;
    }
    if (!meter_gate_allows(&s->shape.gate, now_us, &when_us))
        /* To what, all workers know together (sites_now). */
        snprintf(out, PACE_WHY_MAX, "%s asked us to slow down", title(s));
    else if (binding != (enum limit)LIMITS)
        why_limit(s, binding, out);
    else if (warming)
        snprintf(out, PACE_WHY_MAX,
                 "%s is being warmed up: %lld mails a day for %s",
                 warming->source, (long long)warming->per_day, title(s));
    else if (s->ledger.stranded)
        snprintf(out, PACE_WHY_MAX,
                 "no source address of its pool can be used here and reaches "
                 "its servers");
    else if (s->open >= pace_connections(s) && s->open > 0)
        why_connections(s, out);
    else if (s->open == 0 && !meter_gate_allows(&s->connects, now_us, &when_us))
        why_limit(s, LIMIT_CONNECTIONS_PER_MINUTE, out);
    else if (is_unreached(s, now_us))
        snprintf(out, PACE_WHY_MAX, "%s is not reached: %s", title(s),
                 s->failed_why);
    else
        why_rule(s, now_us, out);
}

int64_t pace_next_us(const struct pace_site *s, int64_t now_us)
{
    int64_t when_us = now_us;
    const struct rule_state *r =
        pace_rule_find(s->pace, s->held_scope, s->held_name);

    if (pace_parked(s, now_us, &when_us))
        return when_us;
    when_us = now_us;
    (void)meter_allows(&s->meter, now_us, &when_us);
    (void)meter_gate_allows(&s->shape.gate, now_us, &when_us);
    if (s->open == 0)
        (void)meter_gate_allows(&s->connects, now_us, &when_us);
    if (r && s->held_us >= now_us - HELD_LATELY_US)
        (void)meter_allows(&r->meter, now_us, &when_us);
    return when_us;
}

size_t pace_replies(const struct pace_site *s, const struct pace_reply **out)
{
    *out = s->replies;
    return s->n_replies;
}

unsigned pace_open(const struct pace_site *s)
{
    return s->open;
}
