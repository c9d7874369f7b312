/*
 * Real replies that a checkout may have beside it, labelled by others, and what
 * providers.ini makes of them. Their words differ; which of them say what is in
 * the table of labels. Each reply that should suspend or slow down and does not
 * must be in the table of misses, with the reason.
 */
#include "pace/providers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#define CORPUS "../shared/corpora/smtp-replies/replies.jsonl"

enum about { NOTHING_SURE, RECIPIENT, MAIL, ADDRESS, TOO_FAST };
enum { ABOUTS = TOO_FAST + 1 };

static const struct {
    const char *key, *value;
    enum about about;
} labels[] = {
    {"category", "recipient", RECIPIENT},
    {"category", "spam", MAIL},
    {"category", "blacklist", ADDRESS},
    {"category", "capacity", TOO_FAST},
    {"sisimai_reason", "userunknown", RECIPIENT},
    {"sisimai_reason", "filtered", RECIPIENT}, /* unknown, in other words */
    {"sisimai_reason", "hasmoved", RECIPIENT},
    {"sisimai_reason", "hostunknown", RECIPIENT},
    {"sisimai_reason", "mailboxfull", RECIPIENT},
    {"sisimai_reason", "suspend", RECIPIENT},
    {"sisimai_reason", "authfailure", MAIL},
    {"sisimai_reason", "contenterror", MAIL},
    {"sisimai_reason", "exceedlimit", MAIL},
    {"sisimai_reason", "mesgtoobig", MAIL},
    {"sisimai_reason", "notcompliantrfc", MAIL},
    {"sisimai_reason", "policyviolation", MAIL},
    {"sisimai_reason", "rejected", MAIL},
    {"sisimai_reason", "spamdetected", MAIL},
    {"sisimai_reason", "virusdetected", MAIL},
    {"sisimai_reason", "badreputation", ADDRESS},
    {"sisimai_reason", "blocked", ADDRESS},
    {"sisimai_reason", "requireptr", ADDRESS},
    {"sisimai_reason", "speeding", TOO_FAST},
    {"sisimai_reason", "toomanyconn", TOO_FAST},
    /* Its "blocked" is any refusal that is not the recipient's fault. */
    {"mailbounce_category", "full", RECIPIENT},
    {"mailbounce_category", "invalid", RECIPIENT},
    {"mailbounce_category", "oversized", MAIL},
    {"mdsbp_std_reason", "domain_error", RECIPIENT},
    {"mdsbp_std_reason", "over_quota", RECIPIENT},
    {"mdsbp_std_reason", "user_disabled", RECIPIENT},
    {"mdsbp_std_reason", "user_unknown", RECIPIENT},
    {"mdsbp_std_reason", "spam", MAIL},
    {"kumo_class", "InactiveMailbox", RECIPIENT},
    {"kumo_class", "InvalidRecipient", RECIPIENT},
    {"kumo_class", "QuotaIssues", RECIPIENT},
};

/* Whose a reply is, by its words or by the mail that it was found in. */
static const struct {
    const char *pattern, *site;
} names[] = {
    {"*abuse-att.net*", "att"},
    {"*attrbl*", "att"},
    {"*one or more recipients*:blocked)*", "barracuda"},
    {"*spectrum.net*", "charter"},
    {"*comcast.net*", "comcast"},
    {"*cox.com*", "cox"},
    {"*bizsmtp*", "godaddy"},
    {"*rhost-godaddy*", "godaddy"},
    {"*lpn???_*", "laposte"},
    {"*outlook.com*", "microsoft"},
    {"*mimecast*", "mimecast"},
    {"*ofr???_*", "orange"},
    {"*ipcheck.proofpoint*", "proofpoint"},
    {"*terra.com*", "terra"},
    {"*yahoo*", "yahoo"},
};

static const struct {
    const char *pattern, *reason;
} misses[] = {
    {"* symantec zodiac", "nothing in it says what was refused"},
    {"550 permanent failure for one or more recipients (*:blocked)",
     "Barracuda says the same of content: suspends the campaign"},
    {"* invalid ip for sending mail of domain *",
     "the domain does not allow our address: suspends the campaign"},
};

static bool missed[sizeof misses / sizeof *misses];
static unsigned mistakes, replies[ABOUTS], right[ABOUTS], named, named_right;

static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text ? text : "";
}

static enum about about(const json_t *line)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(text_of(line, labels[i].key), labels[i].value) == 0)
            return labels[i].about;
    return NOTHING_SURE;
}

static const struct provider *whose(const json_t *line)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (provider_matches(names[i].pattern, text_of(line, "reply")) ||
            provider_matches(names[i].pattern, text_of(line, "source")))
            return provider_named(names[i].site);
    return NULL;
}

/* Some are without a code; a refusal for good is what would do most harm. */
static const struct provider_rule *judge(const struct provider *p,
                                         const char *reply)
{
    char *end;
    unsigned long code = strtoul(reply, &end, 10);

    if (end - reply != 3 || (*end != ' ' && *end != '-'))
        return provider_judge(p, 550, NULL, reply);
    return provider_judge(p, (unsigned)code, NULL, end + 1);
}

static enum provider_deed deed(const struct provider_rule *rule)
{
    return rule ? rule->deed : PROVIDER_NOTHING;
}

static void complain(const char *reply, const char *site,
                     const struct provider_rule *rule)
{
    print_error("%s\n  [%s]: %s\n", reply, site, rule ? rule->when : "no rule");
    mistakes++;
}

/* Whosever it is: such words blame neither our address nor our haste. */
static void blames_none_of_us(const char *reply, enum about what)
{
    size_t n;
    const struct provider *all = providers_all(&n);
    unsigned before = mistakes;

    for (size_t i = 0; i < n; i++) {
        const struct provider_rule *rule = judge(&all[i], reply);

        if (deed(rule) != PROVIDER_NOTHING &&
            (what != MAIL || rule->deed != PROVIDER_SUSPEND_CAMPAIGN))
            complain(reply, all[i].site, rule);
    }
    right[what] += mistakes == before;
}

static bool fits(enum provider_deed is, const char *reply, enum about what)
{
    switch (is) {
    case PROVIDER_SUSPEND_SITE:
    case PROVIDER_SUSPEND_SOURCE: return true;
    case PROVIDER_SLOW: return what == TOO_FAST || reply[0] == '4';
    case PROVIDER_NOTHING:
    case PROVIDER_SUSPEND_CAMPAIGN: return false;
    }
    return false;
}

static void blames_us(const char *reply, enum about what,
                      const struct provider *p)
{
    const struct provider_rule *rule = judge(p, reply);
    bool is_right = fits(deed(rule), reply, what);

    right[what] += is_right;
    named += p != NULL;
    named_right += p && is_right;
    for (size_t i = 0; !is_right && i < sizeof misses / sizeof *misses; i++)
        if (provider_matches(misses[i].pattern, reply)) {
            missed[i] = true;
            return;
        }
    if (!is_right)
        complain(reply, p ? p->site : "*", rule);
}

static void hold_against(const json_t *line)
{
    const char *reply = text_of(line, "reply");
    enum about what = about(line);

    replies[what]++;
    switch (what) {
    case NOTHING_SURE: return;
    case RECIPIENT:
    case MAIL: blames_none_of_us(reply, what); return;
    case ADDRESS:
    case TOO_FAST: blames_us(reply, what, whose(line)); return;
    }
}

static void every_reply(void **state)
{
    FILE *f = fopen(CORPUS, "r");
    json_t *line;

    (void)state;
    if (!f) {
        print_message("%s is not here: not held against it\n", CORPUS);
        skip();
    }
    while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        hold_against(line);
        json_decref(line);
    }
    fclose(f);
    print_message("right: recipient %u/%u, mail %u/%u, our address %u/%u, "
                  "too fast %u/%u; of known providers %u/%u\n",
                  right[RECIPIENT], replies[RECIPIENT], right[MAIL],
                  replies[MAIL], right[ADDRESS], replies[ADDRESS],
                  right[TOO_FAST], replies[TOO_FAST], named_right, named);
    assert_int_equal(mistakes, 0);
    assert_true(replies[RECIPIENT] > 50 && replies[MAIL] > 15);
    assert_true(100 * right[ADDRESS] >= 94 * replies[ADDRESS]);
    assert_int_equal(right[TOO_FAST], replies[TOO_FAST]);
    assert_true(named >= 15 && 100 * named_right >= 88 * named);
    for (size_t i = 0; i < sizeof misses / sizeof *misses; i++)
        if (!missed[i])
            fail_msg("%s is no miss any more", misses[i].pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
