#include "policy/tlsa.h"
#include <stdio.h>

enum {
    TLSA_FIXED = 3, /* usage, selector, matching type */
    TLSA_SELECTOR_LAST = 1,
};

static bool length_is_right(const struct smtp_tlsa *t)
{
    switch (t->matching) {
    case 0: return t->len > 0 && t->len <= TLSA_BYTES_MAX; /* the whole */
    case 1: return t->len == 32;                           /* SHA-256 */
    case 2: return t->len == 64;                           /* SHA-512 */
    default: return false;
    }
}

static bool parse(const struct dns_data *d, struct smtp_tlsa *t)
{
    if (d->len <= TLSA_FIXED)
        return false;
    *t = (struct smtp_tlsa){.usage = d->bytes[0],
                            .selector = d->bytes[1],
                            .matching = d->bytes[2],
                            .data = d->bytes + TLSA_FIXED,
                            .len = d->len - TLSA_FIXED};
    return (t->usage == TLSA_TRUST_ANCHOR || t->usage == TLSA_END_ENTITY) &&
           t->selector <= TLSA_SELECTOR_LAST && length_is_right(t);
}

size_t tlsa_usable(const struct dns_answer *answer,
                   struct smtp_tlsa out[TLSA_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < answer->n && n < TLSA_MAX; i++)
        if (parse(&answer->records[i], &out[n]))
            n++;
    return n;
}

const char *tlsa_text(const struct smtp_tlsa *t, char *out, size_t max)
{
    int n = snprintf(out, max, "%u %u %u ", t->usage, t->selector, t->matching);

    for (size_t i = 0, at = (size_t)n; i < t->len && at + 2 < max; i++, at += 2)
        snprintf(out + at, max - at, "%02x", t->data[i]);
    return out;
}
