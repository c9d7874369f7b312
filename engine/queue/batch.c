#include "queue/batch.h"
#include "base/bug.h"
#include "base/memory.h"

enum { CARRY_FIRST = 16 };

struct batch *batch_new(void)
{
    return memory_new(1, sizeof(struct batch));
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    for (int i = 0; i < BATCH_CARRIES; i++)
        free(b->carry[i].mails);
    free(b->mails);
    free(b->emails);
    free(b->again);
    arena_fini(&b->arena);
    free(b);
}

void batch_reserve(struct batch *b, size_t n)
{
    b->mails = memory_new(n, sizeof *b->mails);
}

struct mail *batch_next(struct batch *b)
{
    struct mail *mail = NULL;

    if (b->n_again > 0)
        mail = b->again[--b->n_again];
    else if (b->at < b->n_mails)
        mail = &b->mails[b->at++];
    if (mail)
        b->n_out++;
    return mail;
}

void batch_put_back(struct batch *b, struct mail *mail)
{
    if (b->n_out == 0)
        BUG("a mail put back that was not out");
    if (b->n_again == b->cap_again) {
        b->cap_again = b->cap_again ? b->cap_again * 2 : CARRY_FIRST;
        b->again = memory_resize(b->again, b->cap_again, sizeof *b->again);
    }
    b->again[b->n_again++] = mail;
    b->n_out--;
}

size_t batch_waiting(const struct batch *b)
{
    return b->n_again + b->n_mails - b->at;
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

void batch_carry(struct batch *b, enum batch_carry kind, struct mailid id)
{
    struct carry *c = &b->carry[kind];

    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : CARRY_FIRST;
        c->mails = memory_resize(c->mails, c->cap, sizeof *c->mails);
    }
    c->mails[c->n++] = id;
}

void batch_return_waiting(struct batch *b)
{
    struct mail *mail;

    while ((mail = batch_next(b))) {
        batch_carry(b, BATCH_RETURNED, mail->id);
        b->n_out--;
    }
}

void batch_drop_waiting(struct batch *b)
{
    b->n_again = 0;
    b->at = b->n_mails;
}

bool batch_is_over(const struct batch *b)
{
    return b->n_out == 0 && batch_waiting(b) == 0;
}
