#include "queue/presort.h"
#include "base/arena.h"
#include "base/bug.h"
#include "base/memory.h"
#include "mail/address.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

enum { HASH_SECRET_BYTES = 192 }; /* XXH3 takes XXH3_SECRET_SIZE_MIN or more */
_Static_assert(HASH_SECRET_BYTES >= XXH3_SECRET_SIZE_MIN, "XXH3's secret");

struct item {
    size_t text; /* address, then variables */
    uint32_t variables_len;
    uint32_t domain; /* into domains */
    uint16_t address_len;
    bool dropped;
};

struct key {
    struct copy_uuid hash;
    uint32_t item;
};

struct domain {
    const char *name, *site;
    size_t count;
    uint32_t rank; /* place among the domains, sorted by site and name */
    uint32_t site_at;
};

struct site {
    const char *name;
    size_t first, count; /* mails, in the sorted order */
};

struct presort {
    size_t slice_mails, batch_mails_max;
    unsigned char secret[HASH_SECRET_BYTES];
    struct buf text;
    struct item *items;
    struct key *keys;
    struct copy_uuid *hashes;
    uint32_t *order; /* items, sorted */
    size_t n, n_keys;

    struct arena names;     /* of domains and sites */
    struct domain *domains; /* at most one per item */
    uint32_t *slots;        /* open addressing: domain + 1, 0 is free */
    size_t n_domains, n_slots;
    struct domain **ranked;
    struct site *sites;
    size_t n_sites;
    struct presort_batch *batches;
};

/* Twice the items, so that probes stay short. */
static size_t slots_for(size_t items)
{
    size_t n = 64;

    while (n < items * 2)
        n *= 2;
    return n;
}

/* XXH3 wants more bytes than the installation's secret has. */
static void secret_expand(const unsigned char *secret, unsigned char *out)
{
    const size_t step = 32;
    unsigned char number = 0;

    for (size_t at = 0; at < HASH_SECRET_BYTES; at += step, number++)
        if (!HMAC(EVP_sha256(), secret, MAILID_SECRET_BYTES, &number, 1,
                  out + at, NULL))
            BUG("HMAC-SHA-256 failed");
}

struct presort *presort_new(const unsigned char secret[MAILID_SECRET_BYTES],
                            size_t slice_mails, size_t batch_mails_max)
{
    struct presort *p = memory_new(1, sizeof *p);

    if (slice_mails == 0 || slice_mails >= UINT32_MAX / 4 ||
        batch_mails_max == 0)
        BUG("a slice of an impossible size");
    p->slice_mails = slice_mails;
    p->batch_mails_max = batch_mails_max;
    secret_expand(secret, p->secret);
    p->items = memory_new(slice_mails, sizeof *p->items);
    p->keys = memory_new(slice_mails, sizeof *p->keys);
    p->hashes = memory_new(slice_mails, sizeof *p->hashes);
    p->order = memory_new(slice_mails, sizeof *p->order);
    p->domains = memory_new(slice_mails, sizeof *p->domains);
    p->ranked = memory_new(slice_mails, sizeof(struct domain *));
    p->sites = memory_new(slice_mails, sizeof *p->sites);
    p->batches = memory_new(slice_mails, sizeof *p->batches);
    p->n_slots = slots_for(slice_mails);
    p->slots = memory_new(p->n_slots, sizeof *p->slots);
    return p;
}

void presort_free(struct presort *p)
{
    if (!p)
        return;
    free(p->items);
    free(p->keys);
    free(p->hashes);
    free(p->order);
    free(p->domains);
    free((void *)p->ranked);
    free(p->sites);
    free(p->batches);
    free(p->slots);
    buf_fini(&p->text);
    arena_fini(&p->names);
    free(p);
}

void presort_reset(struct presort *p)
{
    buf_reset(&p->text);
    arena_reset(&p->names);
    memset(p->slots, 0, p->n_slots * sizeof *p->slots);
    p->n = p->n_keys = p->n_domains = p->n_sites = 0;
}

size_t presort_count(const struct presort *p)
{
    return p->n;
}

bool presort_full(const struct presort *p)
{
    return p->n == p->slice_mails || p->text.len >= PRESORT_BYTES_MAX;
}

static struct key key_of(const struct presort *p, const char *folded,
                         size_t len, size_t item)
{
    XXH128_canonical_t canonical;
    struct key key = {.item = (uint32_t)item};

    XXH128_canonicalFromHash(
        &canonical,
        XXH3_128bits_withSecret(folded, len, p->secret, sizeof p->secret));
    memcpy(key.hash.bytes, canonical.digest, sizeof key.hash.bytes);
    return key;
}

/* The slot where the domain is, or where it would go. */
static uint32_t *slot_of(const struct presort *p, const char *name, size_t len)
{
    size_t mask = p->n_slots - 1;
    size_t at = XXH3_64bits_withSecret(name, len, p->secret, sizeof p->secret);

    for (;; at++) {
        uint32_t *slot = &p->slots[at & mask];

        if (*slot == 0)
            return slot;
        const struct domain *d = &p->domains[*slot - 1];
        if (strncmp(d->name, name, len) == 0 && d->name[len] == 0)
            return slot;
    }
}

static uint32_t domain_at(struct presort *p, const char *name, size_t len)
{
    uint32_t *slot = slot_of(p, name, len);

    if (*slot == 0) {
        p->domains[p->n_domains++] = (struct domain){
            .name = arena_copy(&p->names, name, len),
        };
        *slot = (uint32_t)p->n_domains;
    }
    return *slot - 1;
}

void presort_add(struct presort *p, const char *address, size_t address_len,
                 const char *variables, size_t variables_len)
{
    char folded[ADDRESS_MAX];
    size_t len = address_fold(address, address_len, folded);
    const char *at = memrchr(folded, '@', len);

    if (presort_full(p))
        BUG("more recipients than the slice takes");
    if (!at || address_len >= ADDRESS_MAX)
        BUG("an address that nobody checked");
    p->keys[p->n] = key_of(p, folded, len, p->n);
    p->items[p->n] = (struct item){
        .text = p->text.len,
        .variables_len = variables ? (uint32_t)variables_len : 0,
        .address_len = (uint16_t)address_len,
        .domain = domain_at(p, at + 1, (size_t)(folded + len - at - 1)),
    };
    buf_add(&p->text, address, address_len);
    if (variables)
        buf_add(&p->text, variables, variables_len);
    p->n++;
}

static int key_order(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int by_hash = memcmp(&x->hash, &y->hash, sizeof x->hash);

    /* Of duplicates the first comes first. */
    return by_hash ? by_hash : (x->item > y->item) - (x->item < y->item);
}

/* What is dropped leaves keys and hashes, which stay parallel. */
static void keys_close_up(struct presort *p)
{
    size_t to = 0;

    for (size_t i = 0; i < p->n_keys; i++) {
        if (p->items[p->keys[i].item].dropped)
            continue;
        p->keys[to] = p->keys[i];
        p->hashes[to++] = p->keys[i].hash;
    }
    p->n_keys = to;
}

const struct copy_uuid *presort_keys(const struct presort *p, size_t *n)
{
    *n = p->n_keys;
    return p->hashes;
}

const struct copy_uuid *presort_fold(struct presort *p, size_t *n)
{
    qsort(p->keys, p->n, sizeof *p->keys, key_order);
    p->n_keys = p->n;
    for (size_t i = 1; i < p->n; i++)
        if (memcmp(&p->keys[i].hash, &p->keys[i - 1].hash,
                   sizeof p->keys[i].hash) == 0)
            p->items[p->keys[i].item].dropped = true;
    keys_close_up(p);
    return presort_keys(p, n);
}

static int hash_order(const void *a, const void *b)
{
    return memcmp(a, b, COPY_UUID_BYTES);
}

size_t presort_drop(struct presort *p, const struct copy_uuid *keys, size_t n)
{
    size_t before = p->n_keys;

    for (size_t i = 0; i < n; i++) {
        const struct copy_uuid *found =
            bsearch(&keys[i], p->hashes, p->n_keys, sizeof *keys, hash_order);

        if (found)
            p->items[p->keys[found - p->hashes].item].dropped = true;
    }
    if (n)
        keys_close_up(p);
    return before - p->n_keys;
}

/* Domains whose recipients all fell away are left out, too. */
size_t presort_domains(struct presort *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_domains; i++)
        p->domains[i].count = 0;
    for (size_t i = 0; i < p->n_keys; i++)
        p->domains[p->items[p->keys[i].item].domain].count++;
    for (size_t i = 0; i < p->n_domains; i++)
        if (p->domains[i].count > 0)
            p->ranked[n++] = &p->domains[i];
    return n;
}

const char *presort_domain(const struct presort *p, size_t i)
{
    return p->ranked[i]->name;
}

void presort_site(struct presort *p, const char *domain, const char *site)
{
    uint32_t slot = *slot_of(p, domain, strlen(domain));

    if (slot)
        p->domains[slot - 1].site = arena_copy(&p->names, site, strlen(site));
}

static int domain_order(const void *a, const void *b)
{
    const struct domain *x = *(struct domain *const *)a;
    const struct domain *y = *(struct domain *const *)b;
    int by_site = strcmp(x->site, y->site);

    return by_site ? by_site : strcmp(x->name, y->name);
}

/* Gives each domain its site, and each site its run of mails. Mails of one
 * domain keep the order in which they came. */
static void rank(struct presort *p)
{
    size_t n = presort_domains(p), first = 0;

    for (size_t i = 0; i < n; i++) {
        struct domain *d = p->ranked[i];

        if (!d->site)
            d->site =
                d->count >= PRESORT_OWN_SITE ? d->name : PRESORT_SITE_OTHER;
    }
    qsort((void *)p->ranked, n, sizeof(struct domain *), domain_order);
    p->n_sites = 0;
    for (size_t i = 0; i < n; i++) {
        struct domain *d = p->ranked[i];

        if (i == 0 || strcmp(d->site, p->ranked[i - 1]->site) != 0)
            p->sites[p->n_sites++] =
                (struct site){.name = d->site, .first = first};
        p->sites[p->n_sites - 1].count += d->count;
        d->rank = (uint32_t)first;
        first += d->count;
    }
}

static size_t pieces_of(const struct presort *p, const struct site *site)
{
    return (site->count + p->batch_mails_max - 1) / p->batch_mails_max;
}

/* The piece of a site's run that goes out in this round. A run is cut into
 * pieces as equal as can be: a last batch of one mail would be a waste. */
static struct presort_batch piece(const struct site *site, size_t pieces,
                                  size_t round)
{
    size_t from = site->count * round / pieces;
    size_t to = site->count * (round + 1) / pieces;

    return (struct presort_batch){site->name, site->first + from, to - from};
}

const struct presort_batch *presort_cut(struct presort *p, size_t *n)
{
    rank(p);
    for (size_t i = 0; i < p->n; i++) {
        /* Counting sort: rank is where the domain's next mail goes. */
        if (!p->items[i].dropped)
            p->order[p->domains[p->items[i].domain].rank++] = (uint32_t)i;
    }
    size_t count = 0;
    bool more = true;
    for (size_t round = 0; more; round++) {
        more = false;
        for (size_t i = 0; i < p->n_sites; i++) {
            size_t pieces = pieces_of(p, &p->sites[i]);

            if (round >= pieces)
                continue;
            p->batches[count++] = piece(&p->sites[i], pieces, round);
            more = true;
        }
    }
    *n = count;
    return p->batches;
}

struct presort_mail presort_mail(const struct presort *p, size_t at)
{
    const struct item *item = &p->items[p->order[at]];
    const char *text = p->text.data + item->text;

    return (struct presort_mail){
        .address = text,
        .address_len = item->address_len,
        .variables = item->variables_len ? text + item->address_len : NULL,
        .variables_len = item->variables_len,
    };
}
