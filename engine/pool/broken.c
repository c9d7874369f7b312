#include "pool/broken.h"
#include "base/memory.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What of an address says where it leads; all of it is set. */
struct place {
    struct in6_addr address;
    uint32_t scope;
    uint16_t family, port;
};

struct slot {
    struct place place;
    int64_t until_ms; /* 0: free */
};

struct broken_tls {
    uint64_t seed; /* nobody can choose whom to push out */
    struct slot slots[BROKEN_TLS_MAX];
};

static struct place place_of(const struct sockaddr *address)
{
    const void *any = address;
    struct place p = {.family = address->sa_family};

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = any;

        memcpy(&p.address, &in->sin_addr, sizeof in->sin_addr);
        p.port = in->sin_port;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = any;

        p.address = in6->sin6_addr;
        p.port = in6->sin6_port;
        p.scope = in6->sin6_scope_id;
    }
    return p;
}

static size_t slot_of(const struct broken_tls *b, const struct place *p)
{
    return XXH3_64bits_withSeed(p, sizeof *p, b->seed) % BROKEN_TLS_MAX;
}

void broken_tls_note(struct broken_tls *b, const struct sockaddr *address,
                     int64_t now_ms)
{
    const struct place p = place_of(address);

    b->slots[slot_of(b, &p)] = (struct slot){p, now_ms + BROKEN_TLS_MS};
}

bool broken_tls_is(const struct broken_tls *b, const struct sockaddr *address,
                   int64_t now_ms)
{
    const struct place p = place_of(address);
    const struct slot *s = &b->slots[slot_of(b, &p)];

    return now_ms < s->until_ms && memcmp(&s->place, &p, sizeof p) == 0;
}

void broken_tls_forget(struct broken_tls *b, const struct sockaddr *address)
{
    const struct place p = place_of(address);
    struct slot *s = &b->slots[slot_of(b, &p)];

    if (memcmp(&s->place, &p, sizeof p) == 0)
        s->until_ms = 0;
}

struct broken_tls *broken_tls_new(void)
{
    struct broken_tls *b = memory_new(1, sizeof *b);

    arc4random_buf(&b->seed, sizeof b->seed);
    return b;
}

void broken_tls_free(struct broken_tls *b)
{
    free(b);
}
