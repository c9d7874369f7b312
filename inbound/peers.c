#include "inbound/peers.h"
#include "base/memory.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000 };

static void set_key(unsigned char key[PEER_KEY_BYTES],
                    const struct sockaddr *from)
{
    const void *any = from;

    memset(key, 0, PEER_KEY_BYTES);
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = any;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        memcpy(key, &v6->sin6_addr, mapped ? 16 : 8);
    } else {
        const struct sockaddr_in *v4 = any;
        key[10] = key[11] = 0xff;
        memcpy(key + 12, &v4->sin_addr, 4);
    }
}

static struct peer **bucket(struct peers *peers, const unsigned char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a: chains are bounded by PEERS_MAX */

    for (size_t i = 0; i < PEER_KEY_BYTES; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return &peers->buckets[hash % PEERS_BUCKETS];
}

struct peer *peer_enter(struct peers *peers, const struct sockaddr *from,
                        int64_t connections_max)
{
    unsigned char key[PEER_KEY_BYTES];

    set_key(key, from);
    struct peer **chain = bucket(peers, key), *peer = *chain;

    while (peer && memcmp(peer->key, key, sizeof key) != 0)
        peer = peer->next;
    if (!peer) {
        if (peers->n == PEERS_MAX)
            return NULL;
        peer = memory_new(1, sizeof *peer);
        memcpy(peer->key, key, sizeof key);
        peer->next = *chain;
        *chain = peer;
        peers->n++;
    }
    if (peer->connections >= connections_max)
        return NULL;
    peer->connections++;
    return peer;
}

void peer_leave(struct peer *peer)
{
    peer->connections--;
}

bool peer_bring(struct peer *peer, int64_t now_ms, int64_t mails_max)
{
    if (now_ms - peer->minute_ms >= MINUTE_MS) {
        peer->minute_ms = now_ms;
        peer->mails = 0;
    }
    if (peer->mails >= mails_max)
        return false;
    peer->mails++;
    return true;
}

static void sweep(struct peers *peers, struct peer **at, int64_t now_ms)
{
    while (*at) {
        struct peer *peer = *at;

        if (peer->connections || now_ms - peer->minute_ms < MINUTE_MS) {
            at = &peer->next;
            continue;
        }
        *at = peer->next;
        peers->n--;
        free(peer);
    }
}

void peers_sweep(struct peers *peers, int64_t now_ms)
{
    for (size_t i = 0; i < PEERS_BUCKETS; i++)
        sweep(peers, &peers->buckets[i], now_ms);
}

void peers_fini(struct peers *peers)
{
    for (size_t i = 0; i < PEERS_BUCKETS; i++)
        for (struct peer *p = peers->buckets[i], *next; p; p = next) {
            next = p->next;
            free(p);
        }
    *peers = (struct peers){0};
}
