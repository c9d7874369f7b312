#include "api/pace.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct sample {
    int64_t at_ms, done;
};

struct pace {
    char campaign[PACE_ID_MAX];
    int64_t seen_ms;
    struct sample samples[PACE_SAMPLES_MAX]; /* oldest first */
    int n;
};

/* One process, one set of lookers. */
static struct pace paces[PACE_CAMPAIGNS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The campaign's own place, or that of the least lately looked at. */
static struct pace *find(const char *campaign)
{
    struct pace *oldest = &paces[0];

    for (int i = 0; i < PACE_CAMPAIGNS_MAX; i++) {
        if (strcmp(paces[i].campaign, campaign) == 0)
            return &paces[i];
        if (paces[i].seen_ms < oldest->seen_ms)
            oldest = &paces[i];
    }
    memset(oldest, 0, sizeof *oldest);
    snprintf(oldest->campaign, sizeof oldest->campaign, "%s", campaign);
    return oldest;
}

static void drop_first(struct pace *p)
{
    p->n--;
    memmove(p->samples, p->samples + 1, (size_t)p->n * sizeof *p->samples);
}

double pace_note(const char *campaign, int64_t now_ms, int64_t done)
{
    double rate = -1;

    pthread_mutex_lock(&lock);
    struct pace *p = find(campaign);
    p->seen_ms = now_ms;
    while (p->n > 0 && now_ms - p->samples[0].at_ms > PACE_WINDOW_MS)
        drop_first(p);
    if (p->n > 0 && now_ms - p->samples[0].at_ms >= PACE_STEP_MS)
        rate = (double)(done - p->samples[0].done) * 1000 /
               (double)(now_ms - p->samples[0].at_ms);
    if (p->n == 0 || now_ms - p->samples[p->n - 1].at_ms >= PACE_STEP_MS) {
        if (p->n == PACE_SAMPLES_MAX)
            drop_first(p);
        p->samples[p->n++] = (struct sample){now_ms, done};
    }
    pthread_mutex_unlock(&lock);
    return rate;
}
