#include "bounce/answer.h"
#include "bounce/classify.h"
#include <string.h>

/* Steps by the names that outcomes have for them: smtp/session, dests. What is
 * not listed comes before a sender is named. */
static const struct {
    const char *name;
    enum bounce_step step;
} steps[] = {
    {"greeting", BOUNCE_STEP_CONNECT}, {"connect", BOUNCE_STEP_CONNECT},
    {"DNS", BOUNCE_STEP_RCPT},         {"MAIL FROM", BOUNCE_STEP_MAIL},
    {"RCPT TO", BOUNCE_STEP_RCPT},     {"DATA", BOUNCE_STEP_DATA},
    {"end of data", BOUNCE_STEP_DATA},
};

/* Nobody else had a say in these. */
static const char *const ours[] = {"render", "sign", "queue", "suppress"};

static enum bounce_step step_of(const struct settled *s)
{
    for (size_t i = 0; s->step && i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].name, s->step) == 0)
            return steps[i].step;
    return BOUNCE_STEP_HELO;
}

static bool is_ours(const struct settled *s)
{
    for (size_t i = 0; s->step && i < sizeof ours / sizeof *ours; i++)
        if (strcmp(ours[i], s->step) == 0)
            return true;
    return s->verdict != VERDICT_DEFERRED && s->verdict != VERDICT_BOUNCED;
}

/* A rule of ours, not of the recipient's server nor of DNS: it must never
 * suppress, whatever its enhanced status says of others. */
static bool rule_is_ours(const struct settled *s)
{
    return !s->code || (s->step && strcmp(s->step, "DNS") == 0 && s->enhanced &&
                        strcmp(s->enhanced, "5.1.3") == 0);
}

static struct bounce_verdict verdict_of(const struct settled *s,
                                        enum bounce_step step)
{
    const struct bounce_evidence e = {
        .step = step,
        .code = s->code,
        .status = s->enhanced,
        .text = s->reply,
        .text_len = s->reply ? strlen(s->reply) : 0,
        .source = s->source,
    };

    /* No answer: the words are our own. */
    if (!s->code && !(s->enhanced && s->enhanced[0]))
        return bounce_verdict_of(CATEGORY_TRANSIENT, true);
    struct bounce_verdict v = bounce_classify(&e);

    if (v.follow == BOUNCE_SUPPRESS && rule_is_ours(s))
        return bounce_verdict_of(CATEGORY_OTHER,
                                 s->verdict == VERDICT_DEFERRED);
    return v;
}

/* For good, they say, but it is not about the recipient, and passes. */
static bool passes(const struct bounce_verdict *v, enum bounce_step step)
{
    switch (v->follow) {
    case BOUNCE_RETRY:
    case BOUNCE_SLOW_DOWN: return true;
    case BOUNCE_CHANGE_SOURCE: return step != BOUNCE_STEP_DATA;
    case BOUNCE_GIVE_UP:
    case BOUNCE_SUPPRESS:
    case BOUNCE_NOTHING: return false;
    }
    return false;
}

/* A login or TLS is wanted (RFC 4954, 4; RFC 3207, 4): any mail would be told
 * so, until the relay is set right. At RCPT it may mean that their host does
 * not handle the recipient's domain. */
static bool wants_login(const struct settled *s, enum bounce_step step)
{
    return s->code == 530 && step == BOUNCE_STEP_MAIL;
}

void answer_judge(struct settled *s, int tries, int64_t tries_max)
{
    if (is_ours(s))
        return;
    enum bounce_step step = step_of(s);
    struct bounce_verdict v = verdict_of(s, step);

    s->category = category_text(v.category);
    if (s->verdict != VERDICT_BOUNCED)
        return;
    if (wants_login(s, step) || (tries < tries_max && passes(&v, step)))
        s->verdict = VERDICT_DEFERRED;
}
