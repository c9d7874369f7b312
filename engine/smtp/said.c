#include "smtp/said.h"
#include "base/bug.h"
#include <string.h>

void smtp_said_init(struct smtp_said *q)
{
    q->total = q->taken = 0;
    smtp_said_drop(q);
}

void smtp_said_drop(struct smtp_said *q)
{
    q->len = q->at = q->body_place = q->body_left = 0;
    q->body = NULL;
    q->disowned = false;
    q->total = q->taken;
}

static void close_gap(struct smtp_said *q)
{
    q->len -= q->at;
    q->body_place -= q->body ? q->at : 0;
    memmove(q->text, q->text + q->at, q->len);
    q->at = 0;
}

void smtp_said_add(struct smtp_said *q, const char *text)
{
    size_t n = strlen(text);

    if (n > SMTP_SAID_MAX - q->len)
        close_gap(q);
    if (n > SMTP_SAID_MAX - q->len)
        BUG("more said than four commands");
    memcpy(q->text + q->len, text, n);
    q->len += n;
    q->total += n;
}

void smtp_said_add_body(struct smtp_said *q, const char *bytes, size_t len)
{
    if (q->body)
        BUG("a body is said already");
    if (len == 0)
        return;
    q->body = bytes;
    q->disowned = false;
    q->body_left = len;
    q->body_place = q->len;
    q->total += len;
}

static const char zeros[SMTP_SAID_MAX];

void smtp_said_disown(struct smtp_said *q, const char *end)
{
    if (!q->body || q->disowned || q->body + q->body_left != end)
        return;
    q->body = zeros;
    q->disowned = true;
}

static int add_piece(struct iovec *iov, int n, const char *bytes, size_t len)
{
    /* An iovec is not const, but what we give it to only reads. */
    union {
        const char *ours;
        void *theirs;
    } base = {.ours = bytes};

    if (len == 0)
        return n;
    iov[n] = (struct iovec){.iov_base = base.theirs, .iov_len = len};
    return n + 1;
}

int smtp_said_pending(const struct smtp_said *q, struct iovec iov[SMTP_IOV_MAX])
{
    if (!q->body)
        return add_piece(iov, 0, q->text + q->at, q->len - q->at);

    int n = add_piece(iov, 0, q->text + q->at, q->body_place - q->at);
    if (q->disowned && q->body_left > sizeof zeros)
        return add_piece(iov, n, q->body, sizeof zeros);
    n = add_piece(iov, n, q->body, q->body_left);
    return add_piece(iov, n, q->text + q->body_place, q->len - q->body_place);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void smtp_said_taken(struct smtp_said *q, size_t n)
{
    if (n > q->total - q->taken)
        BUG("more taken than said");
    q->taken += n;

    if (q->body) {
        size_t before = least(n, q->body_place - q->at);
        size_t body = least(n - before, q->body_left);

        q->at += before;
        q->body += q->disowned ? 0 : body;
        q->body_left -= body;
        n -= before + body;
        if (q->body_left == 0)
            q->body = NULL;
    }
    q->at += n;
    if (q->at == q->len && !q->body)
        q->at = q->len = 0;
}
