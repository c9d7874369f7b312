#include "route/rule.h"
#include <string.h>
#include <strings.h>

bool rule_domain_matches(const char *pattern, const char *domain)
{
    size_t len = strlen(domain), tail;

    if (strncmp(pattern, "*.", 2) != 0)
        return strcasecmp(pattern, domain) == 0;
    pattern++; /* ".example.com" */
    tail = strlen(pattern);
    return len > tail && strcasecmp(domain + len - tail, pattern) == 0;
}

static bool matches(const struct rule *r, const struct rule_question *q)
{
    if (r->project != 0 && r->project != q->project)
        return false;
    if (r->class >= 0 && r->class != q->class)
        return false;
    if (r->sender[0] &&
        !(q->sender && rule_domain_matches(r->sender, q->sender)))
        return false;
    return !r->recipient[0] || rule_domain_matches(r->recipient, q->recipient);
}

const struct rule *rule_find(const struct rule *rules, size_t n,
                             const struct rule_question *question)
{
    for (size_t i = 0; i < n; i++)
        if (matches(&rules[i], question))
            return &rules[i];
    return NULL;
}
