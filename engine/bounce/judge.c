#include "bounce/judge.h"
#include "bounce/text.h"
#include <string.h>

static void take_verdict(struct bounce_recipient *to,
                         const struct bounce_verdict *v)
{
    to->category = v->category;
    to->hard = v->hard;
    to->reach = v->reach;
    to->follow = v->follow;
    to->ground = v->ground;
}

/* The step that the words name: Postfix's "in reply to RCPT TO command",
 * Exim's "after MAIL FROM". */
static enum bounce_step step_in(struct span text)
{
    static const struct {
        const char *phrase;
        enum bounce_step step;
    } steps[] = {
        {"in reply to mail from", BOUNCE_STEP_MAIL},
        {"after mail from", BOUNCE_STEP_MAIL},
        {"in reply to rcpt to", BOUNCE_STEP_RCPT},
        {"after rcpt to", BOUNCE_STEP_RCPT},
        {"in reply to end of data", BOUNCE_STEP_DATA},
        {"after end of data", BOUNCE_STEP_DATA},
        {"after initial connection", BOUNCE_STEP_CONNECT},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t n = strlen(steps[i].phrase);
        for (size_t at = 0; at + n <= text.len; at++)
            if ((text.s[at] | 0x20) == steps[i].phrase[0] &&
                strncasecmp(text.s + at, steps[i].phrase, n) == 0)
                return steps[i].step;
    }
    return BOUNCE_STEP_UNKNOWN;
}

/* The words, with the code and status that the report gives, or else with
 * those found in the words. */
static struct bounce_verdict weigh(const struct bounce_recipient *to,
                                   struct span words,
                                   struct bounce_reply *reply)
{
    bounce_reply_find(words.s, words.len, reply);
    struct bounce_evidence e = {
        .step = step_in(words),
        .code = to->code ? to->code : reply->code,
        .status = to->status[0] ? to->status : reply->status,
        .text = words.s,
        .text_len = words.len,
    };
    return bounce_classify(&e);
}

static void take_words(struct bounce_recipient *to, struct span words,
                       const struct bounce_reply *reply)
{
    if (!to->code)
        to->code = reply->code;
    if (!to->status[0])
        memcpy(to->status, reply->status, sizeof to->status);
    if (!to->diagnostic[0])
        bounce_report_say(to, words.s, words.len);
}

/* Another text may overrule what only a number said, or nothing at all. */
static void consider(struct bounce_recipient *to, struct span words,
                     bool may_be_hard)
{
    struct bounce_reply reply;

    if (!words.len || to->ground == BOUNCE_BY_WORDS)
        return;
    if (to->ground == BOUNCE_BY_STATUS && to->diagnostic[0])
        return;
    struct bounce_verdict v = weigh(to, words, &reply);
    if (v.ground <= to->ground || (v.hard && !may_be_hard))
        return;
    take_words(to, words, &reply);
    take_verdict(to, &v);
}

/* The numbers that the fields leave out stand in the text, as a rule. */
static void complete(struct bounce_recipient *to, struct span words)
{
    struct bounce_reply reply;

    if (to->code && !bounce_status_says_little(to->status))
        return;
    bounce_reply_find(words.s, words.len, &reply);
    if (to->status[0] && reply.code &&
        (unsigned)(to->status[0] - '0') != reply.code / 100)
        return;
    if (!to->code)
        to->code = reply.code;
    if (reply.status[0] && bounce_status_says_little(to->status))
        memcpy(to->status, reply.status, sizeof to->status);
}

/* A delay is their server's to retry, not ours; whatever the reason, nothing
 * is final. */
static void soften(struct bounce_recipient *to)
{
    if (to->action != BOUNCE_ACTION_DELAYED)
        return;
    if (to->ground < BOUNCE_BY_WORDS)
        to->category = CATEGORY_TRANSIENT;
    to->hard = false;
    to->follow = BOUNCE_NOTHING;
}

void bounce_judge(struct bounce_recipient *to, struct span text, bool alone)
{
    struct span diagnostic = {to->diagnostic, strlen(to->diagnostic)};
    struct bounce_reply reply;

    if (to->action == BOUNCE_ACTION_DELIVERED) {
        struct bounce_verdict v = bounce_verdict_of(CATEGORY_DELIVERED, false);
        take_verdict(to, &v);
        return;
    }
    struct bounce_verdict v = weigh(to, diagnostic, &reply);
    take_verdict(to, &v);
    struct span about = bounce_text_about(text, to->address);
    consider(to, about, true);
    consider(to, text, alone);
    if (about.len || alone)
        complete(to, about.len ? about : text);
    soften(to);
}
