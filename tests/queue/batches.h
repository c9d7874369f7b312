/* Batches for tests of the queue: of a campaign, or transactional with
 * campaign 0. */
#ifndef TESTS_QUEUE_BATCHES_H
#define TESTS_QUEUE_BATCHES_H

#include "queue/batch.h"

struct test_campaign {
    unsigned char id[UUID_BYTES];
};

static inline struct test_campaign campaign_of(unsigned number)
{
    return (struct test_campaign){
        {(unsigned char)number, (unsigned char)(number >> 8)}};
}

static inline struct batch *batch_of(unsigned campaign, int64_t id, int32_t n)
{
    struct batch *b = batch_new();

    b->id = id;
    b->class = campaign ? BATCH_CAMPAIGN : BATCH_TRANSACTIONAL;
    for (int i = 0; i < UUID_BYTES; i++)
        b->campaign[i] = campaign_of(campaign).id[i];
    batch_reserve(b, (size_t)n);
    for (int32_t i = 0; i < n; i++) {
        const struct mail mail = {.id = {id, i}, .email = -1};

        batch_add(b, &mail);
    }
    return b;
}
#endif
