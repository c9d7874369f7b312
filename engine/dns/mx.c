#include "dns/mx.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

static bool parse(const struct dns_data *d, struct mx *out)
{
    const size_t fixed = 2; /* preference: RFC 1035, 3.3.9 */

    if (d->len <= fixed)
        return false;
    out->preference = (unsigned)d->bytes[0] << 8 | d->bytes[1];
    return dns_name_text(d->bytes + fixed, d->len - fixed, out->name) ==
           d->len - fixed;
}

/* What looks like an IPv4 address is no host's name (RFC 5321, 5.1). */
static bool is_host(const char *name)
{
    const char *last = strrchr(name, '.');

    last = last ? last + 1 : name;
    return name[0] && strspn(last, "0123456789") < strlen(last);
}

static size_t find(const struct mx *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return i;
    return n;
}

bool mx_is_own(const char *name, const char *own)
{
    size_t len = strlen(name);

    return len > 0 && strncasecmp(name, own, len) == 0 &&
           (own[len] == 0 || strcmp(own + len, ".") == 0);
}

/* How many there are before the first that is as good as our own. */
static size_t better_than_own(const struct mx *list, size_t n, const char *own)
{
    for (size_t i = 0; i < n; i++) {
        if (!mx_is_own(list[i].name, own))
            continue;
        while (i > 0 && list[i - 1].preference == list[i].preference)
            i--;
        return i;
    }
    return n;
}

/* Of equal ones, all domains that have them and all workers take the same
 * first, but not those that come first in the alphabet. */
static int by_preference(const void *a, const void *b)
{
    const struct mx *x = a, *y = b;
    XXH64_hash_t of_x = XXH3_64bits(x->name, strlen(x->name));
    XXH64_hash_t of_y = XXH3_64bits(y->name, strlen(y->name));

    if (x->preference != y->preference)
        return x->preference > y->preference ? 1 : -1;
    return (of_x > of_y) - (of_x < of_y);
}

static void shuffle(struct mx *list, size_t n, uint32_t (*random)(uint32_t n))
{
    for (size_t i = n; i > 1; i--) {
        size_t k = random((uint32_t)i);
        struct mx swap = list[i - 1];

        list[i - 1] = list[k];
        list[k] = swap;
    }
}

void mx_shuffle(struct mx *list, size_t n, uint32_t (*random)(uint32_t n))
{
    for (size_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && list[to].preference == list[from].preference)
            to++;
        shuffle(list + from, to - from, random);
    }
}

enum mx_outcome mx_sort(const struct dns_data *records, size_t n_records,
                        const char *own, struct mx *out, size_t *n)
{
    size_t n_all = 0, at;

    *n = 0;
    for (size_t i = 0; i < n_records && n_all < DNS_RECORDS_MAX; i++) {
        struct mx *m = &out[n_all];

        if (!parse(&records[i], m))
            continue;
        if (n_records == 1 && !m->name[0])
            return MX_NULL;
        at = find(out, n_all, m->name);
        if (at < n_all && m->preference < out[at].preference)
            out[at].preference = m->preference;
        if (at == n_all && is_host(m->name))
            n_all++;
    }
    if (n_all == 0)
        return MX_BROKEN;
    qsort(out, n_all, sizeof *out, by_preference);
    *n = better_than_own(out, n_all, own);
    return *n > 0 ? MX_HOSTS : MX_LOOPS;
}

void mx_site(const struct mx *hosts, size_t n, char *out)
{
    const char *first = "";

    for (size_t i = 0; i < n && hosts[i].preference == hosts[0].preference; i++)
        if (!first[0] || strcmp(hosts[i].name, first) < 0)
            first = hosts[i].name;
    memcpy(out, first, strlen(first) + 1);
}
