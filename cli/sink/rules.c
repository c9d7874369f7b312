#include "cli/sink/rules.h"
#include <fnmatch.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

ENUM_DEFINE(sink_step, SINK_STEP_TABLE);
ENUM_DEFINE(sink_deed, SINK_DEED_TABLE);

void sink_rules_fini(struct sink_rules *rules)
{
    sink_seen_fini(&rules->seen);
    rules->n = 0;
}

static struct sink_rule *rule_new(struct sink_rules *rules, enum sink_deed deed)
{
    if (rules->n == SINK_RULES_MAX)
        return NULL;
    struct sink_rule *rule = &rules->rules[rules->n];
    *rule = (struct sink_rule){
        .deed = deed, .step = SINK_AT_RCPT, .share = 1, .seed = rules->n};
    return rule;
}

static bool copy(char *out, size_t out_size, const char *s, size_t n)
{
    if (n >= out_size)
        return false;
    memcpy(out, s, n);
    out[n] = '\0';
    return true;
}

/* If spec ends with mark and a number, cut both off and give the number. */
static bool cut_number(char *spec, char mark, double *number)
{
    char *at = strrchr(spec, mark);
    if (!at || at[1] < '0' || at[1] > '9')
        return false;
    char *end;
    double value = strtod(at + 1, &end);
    if (*end == '%' && mark == '=') {
        value /= 100;
        end++;
    }
    if (*end || !isfinite(value))
        return false;
    *number = value;
    *at = '\0';
    return true;
}

static void cut_step(char *spec, enum sink_step *step)
{
    static const enum sink_step steps[] = {SINK_AT_MAIL, SINK_AT_RCPT,
                                           SINK_AT_DATA, SINK_AT_DOT};
    char *at = strrchr(spec, '@');
    for (size_t i = 0; at && i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(at + 1, sink_step_text(steps[i])) != 0)
            continue;
        *step = steps[i];
        *at = '\0';
        return;
    }
}

static enum status parse_who(struct sink_rule *rule, const char *text,
                             struct error *err)
{
    double times = 0;
    if (cut_number(rule->pattern, '+', &times) &&
        (times < 1 || times > SINK_TIMES_MAX))
        return fail(err, STATUS_INVALID, "%s: TIMES is 1 to %d", text,
                    SINK_TIMES_MAX);
    rule->times = (int64_t)times;
    cut_number(rule->pattern, '=', &rule->share);
    if (rule->share < 0 || rule->share > 1)
        return fail(err, STATUS_INVALID,
                    "%s: a share is 0 to 1 or 0%% to 100%%", text);
    if (!rule->pattern[0])
        return fail(err, STATUS_INVALID, "%s: no pattern before it", text);
    return STATUS_OK;
}

static bool is_reply(const char *s, char class)
{
    if (s[0] != class || strspn(s, "0123456789") != 3 || s[3] != ' ')
        return false;
    for (; *s; s++)
        if (*s < ' ' || *s > '~')
            return false;
    return true;
}

enum status sink_rules_add(struct sink_rules *rules, enum sink_deed deed,
                           const char *text, struct error *err)
{
    struct sink_rule *rule = rule_new(rules, deed);
    if (!rule)
        return fail(err, STATUS_TOO_BIG, "%d rules at most", SINK_RULES_MAX);
    char class = deed == SINK_REFUSED ? '5' : '4';
    const char *reply = strchr(text, ':');
    const char *standard = deed == SINK_REFUSED
                               ? "550 5.1.1 no such mailbox"
                               : "450 4.2.1 mailbox busy, try again later";
    size_t who = reply ? (size_t)(reply - text) : strlen(text);
    reply = reply ? reply + 1 : standard;
    if (!copy(rule->pattern, sizeof rule->pattern, text, who) ||
        !copy(rule->reply, sizeof rule->reply, reply, strlen(reply)))
        return fail(err, STATUS_TOO_BIG, "%s: too long", text);
    if (!is_reply(rule->reply, class))
        return fail(err, STATUS_INVALID,
                    "%s: the reply is a code from %c00 to %c99, a space and "
                    "printable text",
                    text, class, class);
    cut_step(rule->pattern, &rule->step);
    enum status status = parse_who(rule, text, err);
    rules->n += status == STATUS_OK;
    return status;
}

enum status sink_rules_add_drop(struct sink_rules *rules, enum sink_deed deed,
                                enum sink_step step, const char *text,
                                struct error *err)
{
    struct sink_rule *rule = rule_new(rules, deed);
    if (!rule)
        return fail(err, STATUS_TOO_BIG, "%d rules at most", SINK_RULES_MAX);
    rule->step = step;
    if (!copy(rule->pattern, sizeof rule->pattern, text, strlen(text)))
        return fail(err, STATUS_TOO_BIG, "%s: too long", text);
    enum status status = parse_who(rule, text, err);
    rules->n += status == STATUS_OK;
    return status;
}

enum status sink_rules_add_greylist(struct sink_rules *rules, const char *text,
                                    struct error *err)
{
    struct sink_rule *rule = rule_new(rules, SINK_DEFERRED);
    if (!rule)
        return fail(err, STATUS_TOO_BIG, "%d rules at most", SINK_RULES_MAX);
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || (*end && *end != ',') ||
        !(seconds > 0 && seconds <= 86400))
        return fail(
            err, STATUS_INVALID,
            "%s: SECONDS[,PATTERN] with up to 86400 seconds is expected", text);
    const char *pattern = *end ? end + 1 : "*";
    if (!copy(rule->pattern, sizeof rule->pattern, pattern, strlen(pattern)))
        return fail(err, STATUS_TOO_BIG, "%s: too long", text);
    rule->greylist_ms = (int64_t)(seconds * 1000) + 1;
    static const char reply[] = "451 4.7.1 greylisted, try again later";
    memcpy(rule->reply, reply, sizeof reply);
    rules->n++;
    return STATUS_OK;
}

static bool is_greylisted(struct sink_rules *rules,
                          const struct sink_rule *rule, const char *sender,
                          const char *recipient, int64_t now_ms)
{
    uint64_t pair = sink_seen_key(sink_seen_key(rule->seed, sender), recipient);
    int64_t *until = sink_seen_at(&rules->seen, pair);
    if (!until)
        return false;
    if (*until == 0)
        *until = now_ms + rule->greylist_ms;
    return now_ms < *until;
}

static bool has_times_left(struct sink_rules *rules,
                           const struct sink_rule *rule, uint64_t hash)
{
    if (rule->times == 0)
        return true;
    /* hash + 1: another key than a greylist's, which hashes the pair. */
    int64_t *times = sink_seen_at(&rules->seen, hash + 1);
    if (!times || *times >= rule->times)
        return false;
    ++*times;
    return true;
}

static bool applies(struct sink_rules *rules, const struct sink_rule *rule,
                    const char *sender, const char *recipient, int64_t now_ms)
{
    const char *who = rule->step == SINK_AT_MAIL ? sender : recipient;
    if (fnmatch(rule->pattern, who, FNM_CASEFOLD) != 0)
        return false;
    if (rule->greylist_ms)
        return is_greylisted(rules, rule, sender, recipient, now_ms);
    uint64_t hash = sink_seen_key(rule->seed, who);
    if ((double)(hash >> 11) * 0x1p-53 >= rule->share)
        return false;
    return has_times_left(rules, rule, hash);
}

const struct sink_rule *sink_rules_match(struct sink_rules *rules,
                                         enum sink_step step,
                                         const char *sender,
                                         const char *recipient, int64_t now_ms)
{
    for (size_t i = 0; i < rules->n; i++)
        if (rules->rules[i].step == step &&
            applies(rules, &rules->rules[i], sender, recipient, now_ms))
            return &rules->rules[i];
    return NULL;
}
