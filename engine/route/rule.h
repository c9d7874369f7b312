/*
 * route/rule - which rule a mail's way follows: the first one that matches.
 * No I/O.
 */
#ifndef ROUTE_RULE_H
#define ROUTE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RULE_DOMAIN_MAX = 256, RULES_MAX = 1000 };

enum rule_via { RULE_DIRECT, RULE_SANDBOX, RULE_RELAY };

struct rule {
    int64_t id;      /* of the table */
    int64_t project; /* 0: any */
    int class;       /* of a batch; -1: any */
    char sender[RULE_DOMAIN_MAX], recipient[RULE_DOMAIN_MAX]; /* "": any;
                                     "*.example.com": all below it */
    enum rule_via via;
    void *relay, *fallback; /* the owner's; NULL: none */
    void *pool;             /* likewise: of source addresses */
};

/* What a mail's way may depend on. Domains in any case; sender may be NULL
 * where it is not known: then rules that ask for it do not match. */
struct rule_question {
    int64_t project;
    int class;
    const char *sender, *recipient;
};

/* NULL: none matches. */
const struct rule *rule_find(const struct rule *rules, size_t n,
                             const struct rule_question *question);

/* "example.com" is itself, "*.example.com" all below it; ASCII case does not
 * count. */
bool rule_domain_matches(const char *pattern, const char *domain);
#endif
