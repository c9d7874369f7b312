#include "api/pool.h"
#include "base/bug.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdlib.h>

struct pool {
    const struct config *config;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct pool_job *first, **last;
    size_t queued, queued_max, busy, n_threads;
    bool stopping;
    pthread_t threads[];
};

/* NULL: stop. */
static struct pool_job *next_job(struct pool *p)
{
    struct pool_job *job;

    pthread_mutex_lock(&p->lock);
    while (!p->first && !p->stopping)
        pthread_cond_wait(&p->work, &p->lock);
    job = p->first;
    if (job) {
        p->first = job->next;
        if (!p->first)
            p->last = &p->first;
        p->queued--;
        p->busy++;
    }
    pthread_mutex_unlock(&p->lock);
    return job;
}

static void *work(void *context)
{
    struct pool *p = context;
    struct session *session = session_new(p->config);
    struct pool_job *job;

    while ((job = next_job(p)) != NULL) {
        job->run(job, session); /* the job may be gone when it returns */
        pthread_mutex_lock(&p->lock);
        p->busy--;
        pthread_mutex_unlock(&p->lock);
    }
    session_free(session);
    return NULL;
}

struct pool *pool_new(const struct config *config, size_t threads,
                      size_t queued_max)
{
    struct pool *p = memory_new(1, sizeof *p + threads * sizeof p->threads[0]);

    p->config = config;
    p->queued_max = queued_max;
    p->last = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    for (; p->n_threads < threads; p->n_threads++)
        if (pthread_create(&p->threads[p->n_threads], NULL, work, p) != 0)
            BUG("no thread to be had");
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    free(p);
}

bool pool_submit(struct pool *p, struct pool_job *job)
{
    bool taken;

    pthread_mutex_lock(&p->lock);
    taken = p->queued < p->queued_max;
    if (taken) {
        job->next = NULL;
        *p->last = job;
        p->last = &job->next;
        p->queued++;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    return taken;
}

struct pool_count pool_count(struct pool *p)
{
    struct pool_count c;

    pthread_mutex_lock(&p->lock);
    c = (struct pool_count){p->n_threads, p->busy, p->queued};
    pthread_mutex_unlock(&p->lock);
    return c;
}
