/* pace/tell - the part of pace/site that learns: what was sent, and said. */
#include "base/utf8.h"
#include "pace/state.h"
#include <stdio.h>
#include <string.h>

#define US_A_SECOND INT64_C(1000000)

unsigned pace_opened(struct pace_site *s, const struct pace_asker *by,
                     int64_t now_us)
{
    turn_served(&s->connecting, by->who, by->waits_us);
    s->open++;
    s->ledger.changes++;
    meter_gate_spend(&s->connects, now_us);
    return pace_source_opened(s, by->source, now_us);
}

void pace_connected(struct pace_site *s, int64_t now_us)
{
    s->ready++;
    s->failed_us = 0;
    shape_connected(&s->shape, s->open, now_us);
}

void pace_disconnected(struct pace_site *s)
{
    s->ready -= s->ready > 0;
}

unsigned pace_spend(struct pace_site *s, const struct pace_keys *keys,
                    int64_t now_us)
{
    s->ledger.sent++;
    s->ledger.changes++;
    meter_spend(&s->meter, now_us);
    shape_sent(&s->shape, now_us);
    pace_warm_spend(s, keys->of[PACE_SOURCE], now_us);
    return pace_rules_spend(s, keys, now_us);
}

/* ---- What was said ---- */

/* Room for one more reply: the one that was not heard for longest goes. */
static struct pace_reply *room(struct pace_site *s)
{
    struct pace_reply *oldest = &s->replies[0];

    if (s->n_replies < PACE_REPLIES_MAX)
        return &s->replies[s->n_replies++];
    for (size_t i = 1; i < s->n_replies; i++)
        if (s->replies[i].last_us < oldest->last_us)
            oldest = &s->replies[i];
    return oldest;
}

static const struct pace_reply *hear(struct pace_site *s, unsigned code,
                                     const char *enhanced, const char *text,
                                     int64_t now_us)
{
    char said[PACE_REPLY_MAX];
    bool has_status = enhanced && enhanced[0];
    struct pace_reply *r;

    if (code)
        snprintf(said, sizeof said, "%u %s%s%s", code,
                 has_status ? enhanced : "", has_status ? " " : "", text);
    else
        snprintf(said, sizeof said, "%s", text);
    for (size_t i = 0; said[i]; i++)
        if (said[i] == '\n' || said[i] == '\r')
            said[i] = ' ';
    said[utf8_check(said, strlen(said))] = '\0';
    s->ledger.changes++;
    for (size_t i = 0; i < s->n_replies; i++)
        if (strcmp(s->replies[i].text, said) == 0) {
            s->replies[i].n++;
            s->replies[i].last_us = now_us;
            return &s->replies[i];
        }
    r = room(s);
    snprintf(r->text, sizeof r->text, "%s", said);
    r->n = 1;
    r->last_us = now_us;
    return r;
}

/* ---- What it asks for ---- */

/* The address without its port: that is what others blame. */
static void source_name(const char *source, char *out, size_t max)
{
    size_t len = strlen(source);
    const char *colon = strrchr(source, ':');

    if (source[0] == '[') {
        source++;
        len = strcspn(source, "]");
    } else if (colon && strchr(source, ':') == colon) {
        len = (size_t)(colon - source);
    }
    snprintf(out, max, "%.*s", (int)len, source);
}

static void obey(struct pace_site *s, const struct pace_keys *keys,
                 const struct provider_rule *rule, bool connecting,
                 int64_t now_us)
{
    int64_t until_us = now_us + rule->seconds * US_A_SECOND;
    const char *campaign = keys->of[PACE_CAMPAIGN];
    char source[PACE_ID_TEXT];

    s->ledger.changes++;
    switch (rule->deed) {
    case PROVIDER_NOTHING: break;
    case PROVIDER_SLOW:
        /* A refused connection is no word about mails: it bounds connections
         * already. */
        if (!connecting)
            shape_slow_down(&s->shape, now_us);
        break;
    case PROVIDER_SUSPEND_SITE:
        if (until_us > s->suspended_until_us)
            s->suspended_until_us = until_us;
        break;
    case PROVIDER_SUSPEND_SOURCE:
        source_name(keys->of[PACE_SOURCE] ? keys->of[PACE_SOURCE] : "", source,
                    sizeof source);
        suspension_add(s->sources, PACE_SOURCES_MAX, source, until_us);
        break;
    case PROVIDER_SUSPEND_CAMPAIGN:
        if (campaign)
            suspension_add(s->campaigns, PACE_CAMPAIGNS_MAX, campaign,
                           until_us);
        break;
    }
}

static bool blames_us(enum provider_deed deed)
{
    switch (deed) {
    case PROVIDER_NOTHING:
    case PROVIDER_SUSPEND_CAMPAIGN: return false;
    case PROVIDER_SLOW:
    case PROVIDER_SUSPEND_SITE:
    case PROVIDER_SUSPEND_SOURCE: return true;
    }
    return false;
}

/* What asked for a suspension, on one line. */
static void keep_why(struct pace_site *s, enum provider_deed deed,
                     unsigned code, const char *enhanced, const char *text)
{
    bool of_campaign = deed == PROVIDER_SUSPEND_CAMPAIGN;
    char *why = of_campaign ? s->campaign_why : s->why;
    size_t max = of_campaign ? sizeof s->campaign_why : sizeof s->why;

    if (deed == PROVIDER_NOTHING || deed == PROVIDER_SLOW)
        return;
    snprintf(why, max, "%u %s%s%.180s", code, enhanced ? enhanced : "",
             enhanced && enhanced[0] ? " " : "", text ? text : "");
    for (size_t i = 0; why[i]; i++)
        if (why[i] == '\n' || why[i] == '\r')
            why[i] = ' ';
    why[utf8_check(why, strlen(why))] = '\0';
}

static struct pace_verdict judge(struct pace_site *s,
                                 const struct pace_keys *keys, unsigned code,
                                 const char *enhanced, const char *text,
                                 bool connecting, int64_t now_us)
{
    const struct provider_rule *rule =
        provider_judge(s->provider, code, enhanced, text);
    struct pace_verdict verdict = {.deed = PROVIDER_NOTHING};

    if (!rule)
        return verdict;
    verdict.deed = rule->deed;
    verdict.keep = blames_us(rule->deed);
    keep_why(s, rule->deed, code, enhanced, text);
    obey(s, keys, rule, connecting, now_us);
    return verdict;
}

struct pace_verdict pace_outcome(struct pace_site *s,
                                 const struct pace_keys *keys,
                                 enum verdict verdict, unsigned code,
                                 const char *enhanced, const char *text,
                                 int64_t now_us)
{
    s->ledger.changes++;
    if (verdict == VERDICT_DELIVERED) {
        shape_delivered(&s->shape, now_us);
        return (struct pace_verdict){.deed = PROVIDER_NOTHING};
    }
    hear(s, code, enhanced, text ? text : "", now_us);
    return judge(s, keys, code, enhanced, text, false, now_us);
}

/* "greeting: 554 5.7.1 no": at which step the server said it is not its word.
 */
static const char *server_said(unsigned code, const char *text)
{
    char code_text[16];
    const char *at;

    snprintf(code_text, sizeof code_text, ": %u ", code);
    at = strstr(text, code_text);
    return at ? at + strlen(code_text) : text;
}

struct pace_verdict pace_closed(struct pace_site *s, const char *source,
                                bool failed, unsigned code, const char *text,
                                int64_t now_us)
{
    const struct pace_keys keys = {.of[PACE_SOURCE] = source};

    s->open -= s->open > 0;
    s->ledger.changes++;
    if (!failed)
        return (struct pace_verdict){.deed = PROVIDER_NOTHING};
    shape_connect_failed(&s->shape, s->open, s->ready, now_us);
    text = text ? text : "";
    s->failed_us = now_us;
    memcpy(s->failed_why, hear(s, code, "", text, now_us)->text,
           sizeof s->failed_why);
    return judge(s, &keys, code, "", server_said(code, text), true, now_us);
}

/* ---- Orders ---- */

void pace_pause(struct pace_site *s, bool paused)
{
    s->ledger.changes += s->paused != paused;
    s->paused = paused;
}

void pace_retry(struct pace_site *s, int64_t now_us)
{
    (void)now_us;
    s->suspended_until_us = 0;
    s->why[0] = '\0';
    memset(s->sources, 0, sizeof s->sources);
    memset(s->campaigns, 0, sizeof s->campaigns);
    s->campaign_why[0] = '\0';
    shape_forget(&s->shape);
    s->ledger.changes++;
}

struct pace_ledger *pace_ledger(struct pace_site *s)
{
    return &s->ledger;
}
