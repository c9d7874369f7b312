#include "api/rate.h"

/* The bucket is counted in units of 1 / 1,000,000 token, so that a microsecond
 * adds exactly `limit` of them and nothing is lost to rounding. */
#define TOKEN INT64_C(1000000)

struct rate_answer rate_take(struct rate *r, int64_t limit, int64_t now_us)
{
    int64_t full = limit * TOKEN;
    int64_t passed_us = now_us - r->at_us;

    /* A second fills any bucket; more would only overflow. */
    if (r->at_us == 0 || passed_us >= TOKEN)
        r->millionths = full;
    else if (passed_us > 0)
        r->millionths += passed_us * limit;
    if (r->millionths > full)
        r->millionths = full;
    r->at_us = now_us;

    struct rate_answer a = {.allowed = r->millionths >= TOKEN, .limit = limit};

    if (a.allowed)
        r->millionths -= TOKEN;
    else
        a.retry_seconds = 1;
    a.remaining = r->millionths / TOKEN;
    a.reset_seconds = (full - r->millionths + full - 1) / full;
    return a;
}
