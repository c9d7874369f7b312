/*
 * pace/providers - what is known of mail providers (providers.ini, built in):
 * whose MX hosts these are, what they take, what their replies mean.
 *
 * Of a reply's text, white space counts as one space, as each server breaks its
 * lines elsewhere, and an address as "@", as it is no word of the server's.
 *
 * No I/O, no allocation. Patterns are matched in time linear in the text for
 * each piece between stars, so no reply makes us spin.
 */
#ifndef PACE_PROVIDERS_H
#define PACE_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROVIDER_SUBJECT_MAX = 1024 }; /* of a reply that is looked at */

enum provider_deed {
    PROVIDER_NOTHING,
    PROVIDER_SLOW,             /* slow down */
    PROVIDER_SUSPEND_SITE,     /* send nothing there for a time */
    PROVIDER_SUSPEND_SOURCE,   /* nor from this address */
    PROVIDER_SUSPEND_CAMPAIGN, /* nor of this campaign */
};

struct provider_rule {
    const char *when;
    enum provider_deed deed;
    int32_t seconds; /* of a suspension */
    const char *proof;
};

struct provider_mx {
    const char *pattern, *example;
};

struct provider {
    const char *site, *title, *limits;
    int mx, n_mx, rule, n_rules; /* where its rows are */
};

/* The tables, for tests and for showing. The last provider is "*": its rules
 * hold for all. */
const struct provider *providers_all(size_t *n);
const struct provider_mx *provider_mxs(const struct provider *p);
const struct provider_rule *provider_rules(const struct provider *p);

/* The provider that all of these hosts (lower case, no final dot) are of; NULL:
 * none, or no host. */
const struct provider *provider_of(const char *const *hosts, size_t n);
const struct provider *provider_named(const char *site);

/* What a reply means to the provider (NULL: any server); NULL: no rule.
 * text is without code, and without enhanced status where that is given; both
 * may be NULL. */
const struct provider_rule *provider_judge(const struct provider *p,
                                           unsigned code, const char *enhanced,
                                           const char *text);

/* The whole text, case does not count: * any text, ? any character. pattern is
 * in lower case. */
bool provider_matches(const char *pattern, const char *text);
#endif
