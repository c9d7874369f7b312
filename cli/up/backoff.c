#include "cli/up/backoff.h"

int64_t backoff_next(int64_t last_ms, int64_t alive_ms)
{
    if (!last_ms || alive_ms >= BACKOFF_FORGET_MS)
        return BACKOFF_FIRST_MS;
    return last_ms * 2 < BACKOFF_MOST_MS ? last_ms * 2 : BACKOFF_MOST_MS;
}
