#include "queue/batch.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/memory.h"
#include <string.h>

enum { CARRY_FIRST = 16 };

struct batch *batch_new(void)
{
    struct batch *b = memory_new(1, sizeof *b);

    b->weight = 1;
    b->whole.batch = b;
    b->parcels = &b->whole;
    b->n_parcels = 1;
    return b;
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    for (int i = 0; i < BATCH_CARRIES; i++)
        free(b->carry[i].mails);
    for (size_t i = 0; i < b->n_parcels; i++)
        free(b->parcels[i].again);
    if (b->parcels != &b->whole)
        free(b->parcels);
    free(b->mails);
    free(b->emails);
    arena_fini(&b->arena);
    free(b);
}

void batch_reserve(struct batch *b, size_t n)
{
    b->mails = memory_new(n, sizeof *b->mails);
    b->whole.mails = b->mails;
}

void batch_add(struct batch *b, const struct mail *mail)
{
    b->mails[b->n_mails] = *mail;
    b->mails[b->n_mails++].parcel = &b->whole;
    b->whole.n++;
    b->n_waiting++;
}

void batch_split(struct batch *b, const size_t *starts, size_t n)
{
    if (b->parcels != &b->whole || b->n_waiting != b->n_mails || n == 0)
        BUG("a batch that can't be split");
    b->parcels = memory_new(n, sizeof *b->parcels);
    b->n_parcels = n;
    for (size_t i = 0; i < n; i++) {
        size_t end = i + 1 < n ? starts[i + 1] : b->n_mails;

        b->parcels[i] = (struct parcel){
            .batch = b, .mails = b->mails + starts[i], .n = end - starts[i]};
        for (size_t k = starts[i]; k < end; k++)
            b->mails[k].parcel = &b->parcels[i];
    }
}

static void count_waiting(struct batch *b, ptrdiff_t n)
{
    b->n_waiting += (size_t)n;
    if (b->in_hand)
        *b->in_hand += (size_t)n;
}

struct mail batch_pick(struct batch *b, size_t i)
{
    struct mail picked = b->mails[i];

    if (b->parcels != &b->whole || b->n_waiting != b->n_mails)
        BUG("a batch that mails can't be picked from");
    b->mails[i] = b->mails[--b->n_mails];
    b->whole.n--;
    b->n_out++;
    count_waiting(b, -1);
    return picked;
}

struct mail *parcel_next(struct parcel *p)
{
    struct mail *mail;

    if (p->n_again > 0)
        mail = p->again[--p->n_again];
    else if (p->at < p->n)
        mail = &p->mails[p->at++];
    else
        return NULL;
    p->batch->n_out++;
    count_waiting(p->batch, -1);
    return mail;
}

struct mail *batch_next(struct batch *b)
{
    struct mail *mail = NULL;

    while (b->n_waiting > 0 && !(mail = parcel_next(&b->parcels[b->parcel_at])))
        b->parcel_at = (b->parcel_at + 1) % b->n_parcels;
    return mail;
}

void batch_put_back(struct mail *mail)
{
    struct parcel *p = mail->parcel;

    if (p->batch->n_out == 0)
        BUG("a mail put back that was not out");
    if (p->n_again == p->cap_again) {
        p->cap_again = p->cap_again ? p->cap_again * 2 : CARRY_FIRST;
        p->again = memory_resize(p->again, p->cap_again, sizeof *p->again);
    }
    p->again[p->n_again++] = mail;
    p->batch->n_out--;
    count_waiting(p->batch, 1);
}

size_t parcel_waiting(const struct parcel *p)
{
    return p->n_again + p->n - p->at;
}

const struct mail *parcel_peek(const struct parcel *p)
{
    return p->n_again > 0 ? p->again[p->n_again - 1] : &p->mails[p->at];
}

size_t batch_waiting(const struct batch *b)
{
    return b->n_waiting;
}

struct batch_email *batch_email(const struct batch *b, const struct mail *m)
{
    size_t low = 0, high = b->n_emails;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct mailid *id = &b->emails[mid].id;

        if (id->batch < m->id.batch ||
            (id->batch == m->id.batch && id->seq < m->email))
            low = mid + 1;
        else
            high = mid;
    }
    if (low == b->n_emails || b->emails[low].id.batch != m->id.batch ||
        b->emails[low].id.seq != m->email)
        return NULL;
    return &b->emails[low];
}

void batch_carry(struct batch *b, enum batch_carry kind,
                 const struct carried *mail)
{
    struct carry *c = &b->carry[kind];

    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : CARRY_FIRST;
        c->mails = memory_resize(c->mails, c->cap, sizeof *c->mails);
    }
    c->mails[c->n++] = *mail;
}

static void return_waiting(struct parcel *p, const char *site, int64_t due_us,
                           size_t piece)
{
    struct mail *mail;

    if (site && parcel_waiting(p) > 0)
        site = arena_copy(&p->batch->arena, site, strlen(site));
    while ((mail = parcel_next(p))) {
        const struct carried carried = {
            .id = mail->id, .site = site, .due_us = due_us, .piece = piece};

        batch_carry(p->batch, BATCH_RETURNED, &carried);
        p->batch->n_out--;
    }
}

void parcel_return_waiting(struct parcel *p, const char *site, int64_t due_us)
{
    return_waiting(p, site, due_us, 0);
}

void parcel_return_pieces(struct parcel *p, const char *site, size_t piece)
{
    return_waiting(p, site, 0, piece);
}

void batch_return_waiting(struct batch *b)
{
    for (size_t i = 0; i < b->n_parcels; i++)
        parcel_return_waiting(&b->parcels[i], NULL, 0);
}

void batch_drop_waiting(struct batch *b)
{
    for (size_t i = 0; i < b->n_parcels; i++) {
        b->parcels[i].n_again = 0;
        b->parcels[i].at = b->parcels[i].n;
    }
    count_waiting(b, -(ptrdiff_t)b->n_waiting);
}

void batch_outcome(const struct batch *b, const struct mail *mail,
                   int64_t now_us, struct settled *s)
{
    s->mail = mail->id;
    s->attempt = b->tries + 1;
    s->at_us = now_us;
    s->claimed_ms = clock_between_ms(b->due_us, b->claimed_us);
    s->site = b->site;
    memcpy(s->campaign, b->campaign, UUID_BYTES);
}

bool batch_is_gone(const struct batch *b)
{
    return b->stolen || b->expired;
}

bool batch_is_over(const struct batch *b)
{
    return b->n_out == 0 && b->n_waiting == 0;
}
