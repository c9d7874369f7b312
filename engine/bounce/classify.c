#include "bounce/classify.h"
#include "bounce/phrase.h"
#include "bounce/scan.h"
#include <string.h>
#include <strings.h>

ENUM_DEFINE(bounce_step, BOUNCE_STEP_TABLE);

static const struct bounce_rule rules[] = {
#define RULE(category, when, phrase, fixture)                                  \
    {CATEGORY_##category, when, phrase, fixture},
#include "bounce/rules.def"
#undef RULE
};
enum { RULES = sizeof rules / sizeof *rules };

static const struct {
    const char *prefix;
    enum bounce_category category;
} statuses[] = {
#define STATUS(prefix, category) {prefix, CATEGORY_##category},
#include "bounce/status.def"
#undef STATUS
};

const struct bounce_rule *bounce_rules(size_t *n)
{
    *n = RULES;
    return rules;
}

static bool has_status(const struct bounce_evidence *e)
{
    return e->status && e->status[0];
}

static bool is_temporary(const struct bounce_evidence *e)
{
    if (has_status(e))
        return e->status[0] == '4';
    return e->code >= 400 && e->code < 500;
}

/* A prefix of three digits and dots against what the prefix is of. */
static bool prefix_holds(const struct bounce_evidence *e, const char *prefix,
                         size_t len)
{
    if (memchr(prefix, '.', len))
        return has_status(e) && strncmp(e->status, prefix, len) == 0;
    unsigned value = 0, code = e->code;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (unsigned)(prefix[i] - '0');
    for (size_t i = len; i < 3; i++)
        code /= 10;
    if (e->code)
        return code == value;
    /* Some say "4.7.1 ..." and no code. */
    return len == 1 && has_status(e) && e->status[0] == prefix[0];
}

static bool when_holds(const struct bounce_evidence *e, const char *when)
{
    while (*when) {
        size_t len = strcspn(when, " ");
        if (!prefix_holds(e, when, len))
            return false;
        when += len + strspn(when + len, " ");
    }
    return true;
}

struct bounce_verdict bounce_verdict_of(enum bounce_category category,
                                        bool temporary)
{
    const struct category_row *row = category_row(category);
    struct bounce_verdict v = {
        .category = category,
        .hard = row->hard && !temporary,
        .reach = row->reach,
        .follow = row->follow,
        .rule = -1,
    };
    if (temporary &&
        (v.follow == BOUNCE_SUPPRESS || v.follow == BOUNCE_GIVE_UP))
        v.follow = BOUNCE_RETRY;
    return v;
}

/* Copies what may be read as words: not addresses, whose local part may be
 * "spam", and not the name of the server that speaks ("host
 * antispam.example.net[192.0.2.1] said"). */
static size_t words_of(const struct bounce_evidence *e,
                       char out[PHRASE_TEXT_MAX])
{
    struct span rest = {e->text, e->text_len}, address, behind;
    size_t n = 0;

    if (rest.len > PHRASE_TEXT_MAX)
        rest.len = PHRASE_TEXT_MAX;
    while (scan_address(rest, &address, &behind)) {
        memcpy(out + n, rest.s, (size_t)(address.s - rest.s));
        n += (size_t)(address.s - rest.s);
        out[n++] = '@';
        rest = behind;
    }
    memcpy(out + n, rest.s, rest.len);
    n += rest.len;
    for (size_t i = 0; i + 5 < n; i++) {
        if (strncasecmp(out + i, "host ", 5) != 0)
            continue;
        size_t end = i + 5;
        while (end < n && out[end] > ' ' && out[end] != '[' &&
               out[end] != '(' && out[end] != ':')
            end++;
        size_t mark = end + (end < n && out[end] == ' ');
        if (mark < n && out[mark] == '[')
            memset(out + i + 5, '.', end - i - 5);
    }
    return n;
}

static bool by_words(const struct bounce_evidence *e,
                     struct bounce_verdict *out)
{
    struct phrase_text text;
    char words[PHRASE_TEXT_MAX];

    if (!e->text_len)
        return false;
    phrase_fold(&text, words, words_of(e, words));
    if (text.len == 0)
        return false;
    for (int i = 0; i < RULES; i++) {
        if (!when_holds(e, rules[i].when) || !phrase_in(&text, rules[i].phrase))
            continue;
        *out = bounce_verdict_of(rules[i].category, is_temporary(e));
        out->ground = BOUNCE_BY_WORDS;
        out->rule = i;
        return true;
    }
    return false;
}

/* Does the text name the address that we send from? Then it is about us. */
static bool names_source(const struct bounce_evidence *e)
{
    size_t len = e->source ? strlen(e->source) : 0;
    if (!len || !e->text_len)
        return false;
    const char *hit = memmem(e->text, e->text_len, e->source, len);
    if (!hit)
        return false;
    const char *end = hit + len;
    bool digit_before = hit > e->text && hit[-1] >= '0' && hit[-1] <= '9';
    bool digit_after =
        end < e->text + e->text_len && *end >= '0' && *end <= '9';
    return !digit_before && !digit_after;
}

/* "7." holds for any detail of subject 7, "7.1" for that detail only. */
static bool status_fits(const char *prefix, const char *rest)
{
    size_t len = strlen(prefix);
    if (prefix[len - 1] == '.')
        return strncmp(prefix, rest, len) == 0;
    return strcmp(prefix, rest) == 0;
}

static bool by_status(const struct bounce_evidence *e,
                      struct bounce_verdict *out)
{
    if (!has_status(e) || !e->status[1])
        return false;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (status_fits(statuses[i].prefix, e->status + 2)) {
            *out = bounce_verdict_of(statuses[i].category, is_temporary(e));
            out->ground = BOUNCE_BY_STATUS;
            return true;
        }
    return false;
}

static enum bounce_category category_of_code(const struct bounce_evidence *e)
{
    switch (e->code) {
    case 421:
    case 450:
    case 451: return CATEGORY_TRANSIENT;
    case 452: return CATEGORY_TRANSIENT;
    case 530:
    case 535:
    case 538: return CATEGORY_AUTH_OR_POLICY;
    case 552: return CATEGORY_MAILBOX_FULL;
    case 521:
    case 556: /* RFC 7504: the host takes no mail */ return CATEGORY_BAD_DOMAIN;
    default: return e->code < 500 ? CATEGORY_TRANSIENT : CATEGORY_OTHER;
    }
}

static struct bounce_verdict by_code(const struct bounce_evidence *e)
{
    struct bounce_verdict v;

    if (e->code) {
        v = bounce_verdict_of(category_of_code(e), is_temporary(e));
        v.ground = BOUNCE_BY_CODE;
        return v;
    }
    v = bounce_verdict_of(is_temporary(e) ? CATEGORY_TRANSIENT : CATEGORY_OTHER,
                          is_temporary(e));
    v.ground = has_status(e) ? BOUNCE_BY_CODE : BOUNCE_BY_NOTHING;
    return v;
}

/* What is refused before any recipient was named reaches further than a
 * mailbox, whatever the words. */
static void widen(struct bounce_verdict *v, enum bounce_step step)
{
    bool early = step == BOUNCE_STEP_CONNECT || step == BOUNCE_STEP_HELO;

    if (!early && step != BOUNCE_STEP_MAIL)
        return;
    if (category_row(v->category)->reach != BOUNCE_REACH_RECIPIENT)
        return;
    v->category = early ? CATEGORY_TRANSIENT : CATEGORY_AUTH_OR_POLICY;
    v->hard = false;
    v->reach = early ? BOUNCE_REACH_SITE : BOUNCE_REACH_SENDER;
    v->follow = early ? BOUNCE_RETRY : BOUNCE_GIVE_UP;
}

struct bounce_verdict bounce_classify(const struct bounce_evidence *e)
{
    struct bounce_verdict v;

    bool found = by_words(e, &v);
    if (names_source(e) && (!found || v.reach == BOUNCE_REACH_RECIPIENT)) {
        v = bounce_verdict_of(CATEGORY_SPAM_OR_REPUTATION, is_temporary(e));
        v.ground = BOUNCE_BY_WORDS;
    } else if (!found && !by_status(e, &v)) {
        v = by_code(e);
    }
    widen(&v, e->step);
    return v;
}
