#include "pace/providers.h"
#include "engine/pace/providers.ini.h"
#include <stdio.h>
#include <string.h>

#define PROVIDERS (sizeof provider_rows / sizeof *provider_rows)

const struct provider *providers_all(size_t *n)
{
    *n = PROVIDERS;
    return provider_rows;
}

const struct provider_mx *provider_mxs(const struct provider *p)
{
    return mx_rows + p->mx;
}

const struct provider_rule *provider_rules(const struct provider *p)
{
    return rule_rows + p->rule;
}

/* ---- Patterns ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool fits(char pattern, char c)
{
    return c != '\0' && (pattern == '?' || pattern == lower(c));
}

/* After a star the first place where the next piece fits is as good as any
 * later one, so only the last star is ever gone back to. */
bool provider_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
        } else if (fits(*pattern, *text)) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* ---- Whose hosts ---- */

static bool is_of(const struct provider *p, const char *host)
{
    const struct provider_mx *mx = provider_mxs(p);

    for (int i = 0; i < p->n_mx; i++)
        if (provider_matches(mx[i].pattern, host))
            return true;
    return false;
}

const struct provider *provider_of(const char *const *hosts, size_t n)
{
    for (size_t i = 0; i < PROVIDERS && n > 0; i++) {
        size_t its = 0;

        while (its < n && is_of(&provider_rows[i], hosts[its]))
            its++;
        if (its == n)
            return &provider_rows[i];
    }
    return NULL;
}

const struct provider *provider_named(const char *site)
{
    for (size_t i = 0; i < PROVIDERS; i++)
        if (strcmp(provider_rows[i].site, site) == 0)
            return &provider_rows[i];
    return NULL;
}

/* ---- What replies mean ---- */

#define ENDS_WORD " \t\n<>()[],:;\""

/* Of the address that a word, or a pair of angle brackets less the last one,
 * holds; 0: it holds none. */
static size_t address_len(const char *word)
{
    size_t len = strcspn(word, ENDS_WORD);

    if (word[0] == '<') {
        len = 1 + strcspn(word + 1, "<>");
        if (word[len] != '>')
            return 0;
    }
    return memchr(word, '@', len) ? len : 0;
}

/* Adds the text as rules see it. An address is a bare @ there: it is not the
 * server's word, and whoever chose it would choose the rule. */
static void add_text(char subject[PROVIDER_SUBJECT_MAX], const char *text)
{
    size_t len = strlen(subject);
    bool inside = false; /* a word */

    while (*text && len + 1 < PROVIDER_SUBJECT_MAX) {
        size_t address = inside ? 0 : address_len(text);
        bool blank = *text == ' ' || *text == '\t' || *text == '\n';

        inside = !strchr(ENDS_WORD, *text);
        if (!blank || subject[len - 1] != ' ')
            subject[len++] = address ? '@' : blank ? ' ' : *text;
        text += address ? address : 1;
    }
    subject[len] = '\0';
}

static const struct provider_rule *find(const struct provider *p,
                                        const char *subject)
{
    const struct provider_rule *rules = provider_rules(p);

    for (int i = 0; i < p->n_rules; i++)
        if (provider_matches(rules[i].when, subject))
            return &rules[i];
    return NULL;
}

const struct provider_rule *provider_judge(const struct provider *p,
                                           unsigned code, const char *enhanced,
                                           const char *text)
{
    const struct provider *any = &provider_rows[PROVIDERS - 1];
    const struct provider_rule *rule = NULL;
    char subject[PROVIDER_SUBJECT_MAX];
    bool has_status = enhanced && enhanced[0];

    if (code == 0)
        return NULL;
    snprintf(subject, sizeof subject, "%u %s%s", code,
             has_status ? enhanced : "", has_status ? " " : "");
    add_text(subject, text ? text : "");
    if (p)
        rule = find(p, subject);
    return rule || p == any ? rule : find(any, subject);
}
