/*
 * inbound/peers - how much each client takes up: connections now, mails in
 * this minute. An IPv6 client is its /64. Bounded: PEERS_MAX are known, and a
 * stranger beyond them is refused. No I/O; time is an argument.
 */
#ifndef INBOUND_PEERS_H
#define INBOUND_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PEERS_MAX = 16384, PEERS_BUCKETS = 4096, PEER_KEY_BYTES = 16 };

struct peer {
    unsigned char key[PEER_KEY_BYTES];
    int64_t connections, mails, minute_ms; /* mails since minute_ms */
    struct peer *next;
};

struct peers {
    struct peer *buckets[PEERS_BUCKETS];
    size_t n;
};

void peers_fini(struct peers *peers);

/* One connection more; NULL: no room, or connections_max are open. The peer
 * stays until the connection is given back by peer_leave. */
struct peer *peer_enter(struct peers *peers, const struct sockaddr *from,
                        int64_t connections_max);
void peer_leave(struct peer *peer);

/* One mail more; false: mails_max came in this minute. */
bool peer_bring(struct peer *peer, int64_t now_ms, int64_t mails_max);

/* Forgets those of whom nothing is left to know. */
void peers_sweep(struct peers *peers, int64_t now_ms);
#endif
