/*
 * sink/seen - a bounded table from 64-bit keys (hashes of addresses) to
 * numbers. It only grows: nothing is ever taken out. Two addresses with the
 * same hash would share a number; at a million addresses the chance of one
 * such pair is 1 in 37 million.
 */
#ifndef SINK_SEEN_H
#define SINK_SEEN_H

#include <stddef.h>
#include <stdint.h>

enum { SINK_SEEN_MAX = 4 << 20 }; /* 64 MB of slots at most */

struct sink_seen_slot {
    uint64_t key; /* 0: free */
    int64_t value;
};

struct sink_seen {
    struct sink_seen_slot *slots; /* {0} is an empty table */
    size_t cap, n;
};

void sink_seen_fini(struct sink_seen *seen);

/* Where the key's number is, 0 if the key is new; NULL if the key is new and
 * SINK_SEEN_MAX / 2 others are known. Valid until the next call. */
int64_t *sink_seen_at(struct sink_seen *seen, uint64_t key);

/* A key for an address, compared without case; seed tells apart what the
 * table is asked about. */
uint64_t sink_seen_key(uint64_t seed, const char *address);
#endif
