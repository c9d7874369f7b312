/* The handlers' side of an exchange: in threads that may wait. */
#include "api/exchange.h"
#include "base/bug.h"
#include "base/log.h"
#include <string.h>

static struct exchange *of_job(struct pool_job *job)
{
    return (struct exchange *)(void *)((char *)job -
                                       offsetof(struct exchange, job));
}

void exchange_look_up_key(struct pool_job *job, struct session *session)
{
    struct exchange *x = of_job(job);
    struct error err;
    enum status status = session_ready(session, &err);

    if (status == STATUS_OK)
        status = auth_look_up(x->api->auth, session, &x->key, &err);
    if (status != STATUS_OK)
        reply_status(&x->reply, status, &err);
    exchange_finish(x);
}

static void digest_start(struct exchange *x)
{
    x->digest = EVP_MD_CTX_new();
    if (!x->digest || !EVP_DigestInit_ex(x->digest, EVP_sha256(), NULL))
        BUG("no SHA-256");
    EVP_DigestUpdate(x->digest, x->method, strlen(x->method) + 1);
    EVP_DigestUpdate(x->digest, x->path, strlen(x->path) + 1);
    EVP_DigestUpdate(x->digest, x->query, strlen(x->query) + 1);
}

static void digest_end(struct exchange *x)
{
    EVP_DigestFinal_ex(x->digest, x->claim.hash, NULL);
}

bool exchange_claim(struct exchange *x)
{
    const char *key = x->request.headers[HEADER_IDEMPOTENCY_KEY];
    const struct buf *body = &x->request.body;

    if (!key || strcmp(x->method, "POST") != 0 ||
        x->request.route->scope == SCOPE_NONE)
        return true;
    if (!idempotency_key_valid(key)) {
        reply_error(&x->reply, API_INVALID_IDEMPOTENCY_KEY,
                    "Idempotency-Key is to have 1 to %d printable characters.",
                    IDEMPOTENCY_KEY_MAX);
        return false;
    }
    x->claim.project = x->request.caller.project;
    memcpy(x->claim.key, key, strlen(key) + 1);
    x->claimed = idempotency_claim(x->api->idempotency, &x->claim);
    if (!x->claimed) {
        reply_error(&x->reply, API_CONCURRENT_IDEMPOTENT_REQUESTS,
                    "A request with this idempotency key is in progress. "
                    "Retry when it has been answered.");
        return false;
    }
    digest_start(x);
    if (x->request.route->kind != ROUTE_STREAM) {
        EVP_DigestUpdate(x->digest, body->data ? body->data : "", body->len);
        digest_end(x);
    }
    return true;
}

static void handle(struct exchange *x)
{
    x->request.route->handler(&x->request, &x->reply);
}

static bool succeeded(const struct exchange *x)
{
    return !x->out && x->reply.status >= 200 && x->reply.status < 300;
}

static enum status store(struct exchange *x, struct error *err)
{
    struct session *s = x->request.session;
    enum status status = idempotency_store(s, &x->claim, &x->reply, err);

    if (status == STATUS_OK)
        status = session_commit(s, err);
    if (status == STATUS_CONFLICT)
        reply_error(&x->reply, API_CONCURRENT_IDEMPOTENT_REQUESTS,
                    "Another request with this idempotency key was faster. "
                    "Retry to see its answer.");
    else if (status != STATUS_OK)
        reply_status(&x->reply, status, err);
    return status;
}

/* The work and its key's row in one transaction. */
static void handle_once(struct exchange *x)
{
    struct session *s = x->request.session;
    struct error err;
    bool known = false;
    enum status status = session_begin(s, &err);

    if (status == STATUS_OK)
        status = idempotency_find(s, &x->claim, &x->reply, &known, &err);
    if (status != STATUS_OK)
        reply_status(&x->reply, status, &err);
    if (status == STATUS_OK && !known) {
        handle(x);
        if (succeeded(x) && store(x, &err) == STATUS_OK)
            return;
    }
    session_rollback(s);
}

static void drain(struct exchange *x)
{
    char bytes[16 * 1024];

    while (request_read(&x->request, bytes, sizeof bytes) > 0)
        ;
    digest_end(x);
}

/* A streamed body is hashed as it passes, so whether it is the same is known
 * only behind it; and its handler has transactions of its own, so the row
 * follows them. */
static void handle_stream_once(struct exchange *x)
{
    struct session *s = x->request.session;
    struct error err;
    bool known = false;
    enum status status =
        idempotency_find(s, &x->claim, &x->reply, &known, &err);

    if (status == STATUS_OK && known) {
        drain(x);
        reply_reset(&x->reply);
        status = idempotency_find(s, &x->claim, &x->reply, &known, &err);
    } else if (status == STATUS_OK) {
        handle(x);
        if (!succeeded(x))
            return;
        drain(x);
        status = session_begin(s, &err);
        if (status == STATUS_OK && store(x, &err) != STATUS_OK)
            session_rollback(s);
    }
    if (status != STATUS_OK)
        reply_status(&x->reply, status, &err);
}

static void run(struct exchange *x)
{
    struct error err;
    enum status status = STATUS_OK;

    /* Probes ask without a key, and must hear "away" in their own words. */
    if (x->request.session)
        status = session_ready(x->request.session, &err);
    if (status != STATUS_OK && x->request.route->scope != SCOPE_NONE)
        reply_status(&x->reply, status, &err);
    else if (x->claimed && x->request.route->kind == ROUTE_POOL)
        handle_once(x);
    else if (x->claimed && x->request.route->kind == ROUTE_STREAM)
        handle_stream_once(x);
    else
        handle(x);
}

/* A handler that began to write and then failed breaks off, so that half an
 * answer can't pass for a whole one. */
static void close_rings(struct exchange *x)
{
    if (x->in)
        ring_break(x->in);
    if (!x->out)
        return;
    if (x->reply.status >= 400)
        ring_break(x->out);
    else
        ring_end(x->out);
}

/* By a thread that has a session. */
static void submit_again(struct exchange *x)
{
    if (pool_submit(x->api->pool, &x->job))
        return;
    reply_unavailable(&x->reply, "Too many requests are waiting.");
    exchange_finish(x);
}

void exchange_work(struct pool_job *job, struct session *session)
{
    struct exchange *x = of_job(job);

    x->request.session = session;
    exchange_hold(x); /* whom it is handed to may finish at once */
    run(x);
    if (x->request.needs_session && !session) {
        x->request.needs_session = false;
        submit_again(x);
    } else if (!x->request.handed_over) {
        if (x->reply.status == 0 && !x->out)
            BUG("a handler answered nothing");
        close_rings(x);
        exchange_finish(x);
    }
    exchange_release(x);
}
