#include "pace/meter.h"

#define NS_A_SECOND INT64_C(1000000000)

enum {
    METER_BURST_SHARE = 20,
    METER_OPEN_SHARE = 20, /* of the time between turns, one is open so long */
    NS_A_US = 1000,
};
/* And so long at least: whoever waits for a turn must not miss it. */
#define METER_OPEN_LEAST_NS (120 * NS_A_SECOND / 1000)
/* Of a minute's and longer ones: turns by the second fall into it. */
#define METER_OPEN_LONG_NS (10 * NS_A_SECOND)

static const struct {
    enum limit limit;
    int64_t period_ns;
} periods[METER_PERIODS] = {
    [METER_SECOND] = {LIMIT_MAILS_PER_SECOND, NS_A_SECOND},
    [METER_MINUTE] = {LIMIT_MAILS_PER_MINUTE, 60 * NS_A_SECOND},
    [METER_HOUR] = {LIMIT_MAILS_PER_HOUR, 3600 * NS_A_SECOND},
    [METER_DAY] = {LIMIT_MAILS_PER_DAY, 86400 * NS_A_SECOND},
};

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A burst is at most half of it, or next to nothing would be left to follow.
 *
 * A window that starts with a whole burst b holds b and what follows at
 * intervals: N in all if the interval is a (N - b + 1)th of the period,
 * rounded up. */
void meter_gate_set(struct meter_gate *gate, int64_t n, int64_t period_ns,
                    int64_t burst, int64_t now_us)
{
    int64_t now_ns = now_us * NS_A_US;
    int64_t apart, interval_ns, slack_ns;

    if (n <= 0) {
        *gate = (struct meter_gate){0};
        return;
    }
    burst = most(least(burst > 0 ? burst : n / METER_BURST_SHARE, n / 2), 1);
    apart = n - burst + 1;
    interval_ns = (period_ns + apart - 1) / apart;
    slack_ns = (burst - 1) * interval_ns;
    if (gate->n == n && gate->interval_ns == interval_ns && !gate->turn_ns)
        return;
    gate->turn_ns = 0;
    if (gate->n == 0)
        gate->next_ns = now_ns + slack_ns;
    else
        gate->next_ns = least(most(gate->next_ns, now_ns + slack_ns),
                              now_ns + slack_ns + interval_ns);
    gate->n = n;
    gate->interval_ns = interval_ns;
    gate->slack_ns = slack_ns;
}

/* n in a period for all workers, of which we are number mine. n + 1 mails, the
 * first as late and the last as early as can be, are a period apart at least.
 * One that was sent by former turns counts for as long as it would by these. */
void meter_gate_turns(struct meter_gate *gate, int64_t n, int64_t period_ns,
                      unsigned mine, unsigned workers, int64_t clock_us,
                      int64_t now_us)
{
    int64_t even_ns = (period_ns + n - 1) / n;
    int64_t open_ns = most(even_ns / METER_OPEN_SHARE,
                           period_ns > NS_A_SECOND ? METER_OPEN_LONG_NS
                                                   : METER_OPEN_LEAST_NS);
    int64_t apart_ns = even_ns + open_ns;

    *gate = (struct meter_gate){
        .n = n,
        .interval_ns = apart_ns * workers,
        .next_ns = least(gate->next_ns, now_us * NS_A_US + apart_ns),
        .turn_ns = apart_ns * workers,
        .first_ns = apart_ns * mine,
        .open_ns = open_ns,
        .apart_ns = apart_ns,
        .clock_ns = clock_us * NS_A_US,
    };
}

void meter_gate_pass(struct meter_gate *gate, int64_t now_us)
{
    if (gate->turn_ns)
        gate->next_ns = most(gate->next_ns, now_us * NS_A_US + gate->open_ns);
    else
        meter_gate_spend(gate, now_us);
}

/* The turn that is open, or comes next; and whether it is open. */
static int64_t turn_at(const struct meter_gate *gate, int64_t now_us,
                       bool *open)
{
    int64_t now_ns = now_us * NS_A_US;
    int64_t since = now_ns + gate->clock_ns - gate->first_ns;
    int64_t turn = since / gate->turn_ns; /* since 1970: never negative */

    *open =
        since - turn * gate->turn_ns < gate->open_ns && now_ns >= gate->next_ns;
    return *open ? turn : turn + 1;
}

static bool turn_allows(const struct meter_gate *gate, int64_t now_us,
                        int64_t *when_us)
{
    bool open;
    int64_t turn = turn_at(gate, now_us, &open);
    int64_t at_ns = turn * gate->turn_ns + gate->first_ns - gate->clock_ns;

    if (!open)
        *when_us = most(*when_us, (at_ns + NS_A_US - 1) / NS_A_US);
    return open;
}

bool meter_gate_allows(const struct meter_gate *gate, int64_t now_us,
                       int64_t *when_us)
{
    int64_t at_ns = gate->next_ns - gate->slack_ns;

    if (gate->turn_ns)
        return turn_allows(gate, now_us, when_us);
    if (gate->n == 0 || now_us * NS_A_US >= at_ns)
        return true;
    *when_us = most(*when_us, (at_ns + NS_A_US - 1) / NS_A_US);
    return false;
}

void meter_gate_spend(struct meter_gate *gate, int64_t now_us)
{
    if (gate->turn_ns)
        gate->next_ns = now_us * NS_A_US + gate->apart_ns;
    else if (gate->n > 0)
        gate->next_ns =
            most(gate->next_ns, now_us * NS_A_US) + gate->interval_ns;
}

void meter_set(struct meter *meter, const struct limits *limits, unsigned mine,
               unsigned n, int64_t now_us)
{
    for (int i = 0; i < METER_PERIODS; i++) {
        int64_t limit = limits->of[periods[i].limit];
        int64_t burst = limits->of[LIMIT_BURST];

        if (limit > 0)
            limit = most(limits_share(limit, mine, n), 1);
        if (burst > 0)
            burst = most(limits_share(burst, mine, n), 1);
        meter_gate_set(&meter->gates[i], limit, periods[i].period_ns, burst,
                       now_us);
    }
}

void meter_gate_set_turns(struct meter_gate *gate, int64_t n, int64_t period_ns,
                          int64_t burst, unsigned mine, unsigned workers,
                          int64_t clock_us, int64_t now_us)
{
    if (n > 0 && n < workers) {
        meter_gate_turns(gate, n, period_ns, mine, workers, clock_us, now_us);
        return;
    }
    if (burst > 0)
        burst = most(limits_share(burst, mine, workers), 1);
    meter_gate_set(gate, n > 0 ? limits_share(n, mine, workers) : 0, period_ns,
                   burst, now_us);
}

void meter_set_turns(struct meter *meter, const struct limits *limits,
                     unsigned mine, unsigned n, int64_t clock_us,
                     int64_t now_us)
{
    for (int i = 0; i < METER_PERIODS; i++)
        meter_gate_set_turns(&meter->gates[i], limits->of[periods[i].limit],
                             periods[i].period_ns, limits->of[LIMIT_BURST],
                             mine, n, clock_us, now_us);
}

bool meter_allows(const struct meter *meter, int64_t now_us, int64_t *when_us)
{
    bool all = true;

    for (int i = 0; i < METER_PERIODS; i++)
        all &= meter_gate_allows(&meter->gates[i], now_us, when_us);
    return all;
}

void meter_spend(struct meter *meter, int64_t now_us)
{
    for (int i = 0; i < METER_PERIODS; i++)
        meter_gate_spend(&meter->gates[i], now_us);
}

enum limit meter_binding(const struct meter *meter, int64_t now_us)
{
    enum limit binding = (enum limit)LIMITS;
    int64_t latest_us = 0;

    for (int i = 0; i < METER_PERIODS; i++) {
        int64_t when_us = 0;

        if (meter_gate_allows(&meter->gates[i], now_us, &when_us) ||
            when_us < latest_us)
            continue;
        latest_us = when_us;
        binding = periods[i].limit;
    }
    return binding;
}

double meter_rate(const struct meter *meter)
{
    double lowest = 0;

    for (int i = 0; i < METER_PERIODS; i++) {
        const struct meter_gate *gate = &meter->gates[i];
        double rate;

        if (gate->n == 0)
            continue;
        rate = (double)NS_A_SECOND / (double)gate->interval_ns;
        if (lowest == 0 || rate < lowest)
            lowest = rate;
    }
    return lowest;
}
