#include "api/exchange.h"
#include "api/metrics.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/nearest.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

ENUM_DEFINE(request_header, REQUEST_HEADER_TABLE);

struct exchange *exchange_new(struct api *api, const char *target)
{
    struct exchange *x = memory_new(1, sizeof *x);

    x->api = api;
    x->request.api = api;
    x->request.config = api->config;
    x->started_us = clock_wall_us();
    x->target = text_copy(target);
    x->path = x->target;
    x->query = x->target + strcspn(x->target, "?");
    if (*x->query)
        *x->query++ = 0;
    x->holders = 1;
    pthread_mutex_init(&x->lock, NULL);
    atomic_fetch_add(&api->open, 1);
    return x;
}

static void uncharge(struct exchange *x)
{
    metric_add(METRIC_BODY_BYTES, -(int64_t)x->body_charged);
    x->body_charged = 0;
}

void exchange_drop_body(struct exchange *x)
{
    uncharge(x);
    buf_fini(&x->request.body);
    x->request.body = (struct buf){0};
}

void exchange_hold(struct exchange *x)
{
    atomic_fetch_add(&x->holders, 1);
}

void exchange_release(struct exchange *x)
{
    if (atomic_fetch_sub(&x->holders, 1) > 1)
        return;
    exchange_drop_body(x);
    reply_fini(&x->reply);
    ring_free(x->in);
    ring_free(x->out);
    EVP_MD_CTX_free(x->digest);
    for (size_t i = 0; i < REQUEST_HEADERS; i++)
        free(x->request.headers[i]);
    for (size_t i = 0; i < x->request.n_query; i++)
        free(x->request.query[i].name);
    pthread_mutex_destroy(&x->lock);
    free(x->target);
    free(x);
}

void exchange_over(struct exchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->gone = true;
    if (x->in)
        ring_break(x->in);
    if (x->out)
        ring_break(x->out);
    pthread_mutex_unlock(&x->lock);
    atomic_fetch_sub(&x->api->open, 1);
    exchange_release(x);
}

static void wake(struct exchange *x)
{
    if (x->waiting) {
        x->waiting = false;
        MHD_resume_connection(x->connection);
    }
}

void exchange_finish(struct exchange *x)
{
    if (x->claimed)
        idempotency_release(x->api->idempotency, &x->claim);
    x->claimed = false;
    pthread_mutex_lock(&x->lock);
    x->done = true;
    wake(x);
    pthread_mutex_unlock(&x->lock);
    exchange_release(x);
}

/* Suspends until exchange_finish; false if it has been called already. */
static bool suspend(struct exchange *x)
{
    bool waits;

    pthread_mutex_lock(&x->lock);
    waits = !x->done && !x->out;
    if (waits) {
        x->waiting = true;
        MHD_suspend_connection(x->connection);
    }
    pthread_mutex_unlock(&x->lock);
    return waits;
}

static void park_ring(void *context)
{
    MHD_suspend_connection(((struct exchange *)context)->connection);
}

static void wake_ring(void *context)
{
    MHD_resume_connection(((struct exchange *)context)->connection);
}

bool exchange_begin_out(struct exchange *x)
{
    bool begun;

    pthread_mutex_lock(&x->lock);
    begun = !x->gone;
    if (begun) {
        x->out = ring_new(park_ring, wake_ring, x);
        wake(x);
    }
    pthread_mutex_unlock(&x->lock);
    return begun;
}

/* The answer, once it stands. */

static ssize_t read_out(void *context, uint64_t at, char *bytes, size_t n)
{
    struct exchange *x = context;
    ssize_t got = ring_try_read(x->out, bytes, n);

    (void)at;
    if (got > 0)
        return got;
    if (got == RING_PARKED)
        return 0;
    return got == 0 ? MHD_CONTENT_READER_END_OF_STREAM
                    : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void add_number(struct MHD_Response *response, const char *name,
                       int64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)n);
    MHD_add_response_header(response, name, text);
}

static void add_headers(struct exchange *x, struct MHD_Response *response)
{
    const struct reply *r = &x->reply;

    MHD_add_response_header(response, "Content-Type",
                            r->content_type ? r->content_type
                                            : "application/json");
    for (size_t i = 0; i < r->n_headers; i++)
        MHD_add_response_header(response, r->headers[i].name,
                                r->headers[i].value);
    if (r->location.len > 0)
        MHD_add_response_header(response, "Location", r->location.data);
    if (x->rated) {
        add_number(response, "RateLimit-Limit", x->rate.limit);
        add_number(response, "RateLimit-Remaining", x->rate.remaining);
        add_number(response, "RateLimit-Reset", x->rate.reset_seconds);
    }
    if (x->api->stopping)
        MHD_add_response_header(response, "Connection", "close");
}

static enum MHD_Result answer(struct exchange *x)
{
    struct MHD_Response *response;
    int status = x->out ? MHD_HTTP_OK : x->reply.status;

    if (x->out) {
        response = MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, 64 * 1024, read_out, x, NULL);
    } else {
        response = MHD_create_response_from_buffer(
            x->reply.body.len, x->reply.body.data, MHD_RESPMEM_MUST_FREE);
        x->reply.body = (struct buf){0};
    }
    if (!response)
        return MHD_NO;
    add_headers(x, response);
    metric_request(x->request.route, status, clock_wall_us() - x->started_us);
    x->state = EXCHANGE_REPLIED;
    enum MHD_Result result =
        MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

/* The head: where it goes, who it is, whether it may. */

struct header_walk {
    struct exchange *exchange;
    size_t bytes;
};

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind,
                                   const char *name, const char *value)
{
    struct header_walk *walk = context;

    (void)kind;
    walk->bytes += strlen(name) + (value ? strlen(value) : 0) + 4;
    for (size_t i = 0; value && i < REQUEST_HEADERS; i++) {
        char **slot = &walk->exchange->request.headers[i];

        if (strcasecmp(name, request_header_text((enum request_header)i)) ==
                0 &&
            !*slot)
            *slot = text_copy(value);
    }
    return MHD_YES;
}

static void take_query(struct exchange *x)
{
    struct request *r = &x->request;

    for (char *p = x->query; *p && r->n_query < REQUEST_QUERY_MAX;) {
        size_t len = strcspn(p, "&"), name = strcspn(p, "=&");
        size_t value = name < len ? name + 1 : len;
        struct request_query *q = &r->query[r->n_query];

        q->name = memory_new(len + 2, 1);
        q->value = q->name + name + 1;
        r->n_query++;
        if (!route_decode(p, name, true, q->name) ||
            !route_decode(p + value, len - value, true, q->value)) {
            reply_error_as(&x->reply, 400, API_VALIDATION_ERROR,
                           "The query has a broken %% escape, or is no UTF-8.");
            return;
        }
        p += len;
        p += *p == '&';
    }
}

/* A filter that is misspelt must not be dropped: the whole list would look
 * like its answer. Other unknown parameters are let be. */
static void check_query(struct exchange *x)
{
    static const char *const known[] = {"limit",   "after",  "before", "to",
                                        "outcome", "reason", "origin"};
    enum { KNOWN = sizeof known / sizeof *known };

    if (x->request.route->scope == SCOPE_NONE)
        return; /* links in mails: anybody may add to them */
    for (size_t i = 0; i < x->request.n_query; i++) {
        const char *name = x->request.query[i].name, *meant;
        size_t k = 0;

        while (k < KNOWN && strcmp(known[k], name) != 0)
            k++;
        if (k < KNOWN || !(meant = nearest_word(name, known, KNOWN)))
            continue;
        reply_error(&x->reply, API_VALIDATION_ERROR,
                    "Unknown parameter `%.40s`. Did you mean `%s`?", name,
                    meant);
        return;
    }
}

static void read_head(struct exchange *x, const char *method)
{
    struct header_walk walk = {x, 0};
    char allow[ROUTE_ALLOW_MAX];

    x->method = method;
    x->request.head = strcmp(method, "HEAD") == 0;
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header,
                              &walk);
    switch (route_find(method, x->path, &x->request.route, x->request.args,
                       allow)) {
    case ROUTE_FOUND: break;
    case ROUTE_NO_PATH:
        reply_error(&x->reply, API_NOT_FOUND, "There is nothing at this path.");
        return;
    case ROUTE_NO_METHOD:
        reply_error(&x->reply, API_METHOD_NOT_ALLOWED,
                    "This path takes %s, not %.20s.", allow, method);
        reply_header(&x->reply, "Allow", "%s", allow);
        return;
    }
    if (walk.bytes > EXCHANGE_HEADERS_MAX)
        reply_error_as(&x->reply, 431, API_VALIDATION_ERROR,
                       "The request's headers exceed %d bytes.",
                       EXCHANGE_HEADERS_MAX);
    else
        take_query(x);
    if (x->reply.status == 0)
        check_query(x);
}

static void judge_key(struct exchange *x)
{
    if (x->request.caller.scope < x->request.route->scope) {
        reply_error(&x->reply, API_RESTRICTED_API_KEY,
                    "This API key is restricted to sending emails.");
    } else if (!x->rate.allowed) {
        reply_error(&x->reply, API_RATE_LIMIT_EXCEEDED,
                    "This API key may make %lld requests per second.",
                    (long long)x->rate.limit);
        reply_header(&x->reply, "Retry-After", "%lld",
                     (long long)x->rate.retry_seconds);
    }
}

/* False: suspended until the key has been looked up in the database. */
static bool authenticate(struct exchange *x)
{
    const char *header = x->request.headers[HEADER_AUTHORIZATION];

    if (!header || !auth_hash_header(header, &x->key)) {
        reply_error(&x->reply, API_MISSING_API_KEY,
                    "Missing API key in the authorization header. Send "
                    "\"Authorization: Bearer YOUR_API_KEY\".");
        return true;
    }
    x->rated = auth_take(x->api->auth, &x->key, clock_mono_ms() * 1000,
                         &x->request.caller, &x->rate);
    if (x->rated) {
        judge_key(x);
        return true;
    }
    if (x->looked_up) {
        reply_error(&x->reply, API_INVALID_API_KEY, "API key is invalid.");
        return true;
    }
    x->looked_up = true;
    x->state = EXCHANGE_KEY;
    x->job.run = exchange_look_up_key;
    exchange_hold(x);
    suspend(x);
    if (!pool_submit(x->api->pool, &x->job)) {
        reply_unavailable(&x->reply, "Too many requests are waiting.");
        exchange_finish(x);
    }
    return false;
}

/* A path that is none is answered before the key is looked at; but SDKs read
 * from every answer what is left of the rate. A key that is not known in this
 * process yet is not worth asking the database for. */
static void rate_refusal(struct exchange *x)
{
    const char *header = x->request.headers[HEADER_AUTHORIZATION];

    if (header && auth_hash_header(header, &x->key))
        x->rated = auth_take(x->api->auth, &x->key, clock_mono_ms() * 1000,
                             &x->request.caller, &x->rate);
}

static int64_t declared_length(const struct exchange *x)
{
    const char *text = x->request.headers[HEADER_CONTENT_LENGTH];

    return text ? strtoll(text, NULL, 10) : 0;
}

static void refuse_length(struct exchange *x, int64_t most)
{
    reply_error_as(&x->reply, 413, API_VALIDATION_ERROR,
                   "The request's body exceeds %lld bytes.", (long long)most);
}

static void begin_stream(struct exchange *x)
{
    x->in = ring_new(park_ring, wake_ring, x);
    if (!exchange_claim(x))
        return;
    x->state = EXCHANGE_STREAM;
    x->job.run = exchange_work;
    exchange_hold(x);
    if (pool_submit(x->api->streams, &x->job))
        return;
    x->state = EXCHANGE_BODY;
    reply_unavailable(&x->reply, "Too many uploads are waiting.");
    exchange_finish(x);
}

static void begin_body(struct exchange *x)
{
    const struct config *c = x->api->config;

    x->state = EXCHANGE_BODY;
    x->body_deadline_ms = clock_mono_ms() + c->api_idle_timeout_seconds * 1000 *
                                                EXCHANGE_BODY_TIMEOUTS;
    if (x->request.route->kind == ROUTE_STREAM)
        begin_stream(x);
    else if (declared_length(x) > c->api_body_max_bytes)
        refuse_length(x, c->api_body_max_bytes);
}

/* An answer before the body was read closes the connection, and a client that
 * is still sending may never see it; so what is not huge is read first. */
static enum MHD_Result refuse(struct exchange *x)
{
    if (x->request.headers[HEADER_EXPECT] ||
        declared_length(x) > EXCHANGE_DISCARD_MAX)
        return answer(x);
    x->state = EXCHANGE_DISCARD;
    return MHD_YES;
}

static void check_state(struct exchange *x)
{
    if (x->api->closing)
        reply_unavailable(&x->reply, "This process is stopping.");
    else if (x->request.route->scope != SCOPE_NONE && !x->api->ready)
        reply_unavailable(&x->reply, "The database has not been reached yet.");
}

static enum MHD_Result head(struct exchange *x, const char *method)
{
    if (x->state == EXCHANGE_NEW) {
        read_head(x, method);
        if (x->reply.status != 0)
            rate_refusal(x);
    }
    x->done = false;
    if (x->reply.status == 0)
        check_state(x);
    if (x->reply.status == 0 && x->request.route->scope != SCOPE_NONE &&
        !authenticate(x))
        return MHD_YES;
    if (x->reply.status == 0)
        begin_body(x);
    if (x->state ==
        EXCHANGE_STREAM) /* from now on the reply is the handler's */
        return MHD_YES;
    return x->reply.status ? refuse(x) : MHD_YES;
}

/* The body. */

static void collect(struct exchange *x, const char *data, size_t len)
{
    struct buf *body = &x->request.body;
    int64_t most = x->api->config->api_body_max_bytes;

    if ((int64_t)(body->len + len) > most) {
        refuse_length(x, most);
    } else if (metric_get(METRIC_BODY_BYTES) > EXCHANGE_BODIES_MAX) {
        reply_unavailable(&x->reply, "Too many large requests are open.");
    } else if (clock_mono_ms() > x->body_deadline_ms) {
        reply_error_as(&x->reply, 408, API_VALIDATION_ERROR,
                       "The request's body took too long to arrive.");
    } else {
        buf_add(body, data, len);
        metric_add(METRIC_BODY_BYTES,
                   (int64_t)body->cap - (int64_t)x->body_charged);
        x->body_charged = body->cap;
        return;
    }
    exchange_drop_body(x);
    x->state = EXCHANGE_DISCARD;
}

/* To the handler; once that has answered, to nobody. */
static void pass_on(struct exchange *x, const char *data, size_t *len)
{
    bool done;

    for (size_t n = 1; *len > 0 && n > 0; data += n, *len -= n)
        n = ring_try_write(x->in, data, *len);
    pthread_mutex_lock(&x->lock);
    done = x->done;
    pthread_mutex_unlock(&x->lock);
    if (done)
        x->state = EXCHANGE_DISCARD;
}

static enum MHD_Result take_body(struct exchange *x, const char *data,
                                 size_t *len)
{
    switch (x->state) {
    case EXCHANGE_BODY:
        collect(x, data, *len);
        *len = 0;
        return MHD_YES;
    case EXCHANGE_STREAM: pass_on(x, data, len); return MHD_YES;
    case EXCHANGE_DISCARD:
        x->discarded += *len;
        *len = 0;
        return x->discarded > EXCHANGE_DISCARD_MAX ? MHD_NO : MHD_YES;
    case EXCHANGE_NEW:
    case EXCHANGE_KEY:
    case EXCHANGE_WORK:
    case EXCHANGE_REPLIED: break;
    }
    return MHD_NO;
}

/* The whole request is there: who answers? */

static void hand_over(struct exchange *x)
{
    x->job.run = exchange_work;
    exchange_hold(x);
    suspend(x);
    if (x->request.route->kind == ROUTE_GROUP &&
        x->request.body.len <= EXCHANGE_GROUP_INLINE_MAX) {
        exchange_work(&x->job, NULL);
    } else if (!pool_submit(x->api->pool, &x->job)) {
        reply_unavailable(&x->reply, "Too many requests are waiting.");
        exchange_finish(x);
    }
}

static enum MHD_Result dispatch(struct exchange *x)
{
    x->state = EXCHANGE_WORK;
    if (x->request.route->kind == ROUTE_INLINE)
        x->request.route->handler(&x->request, &x->reply);
    else if (exchange_claim(x))
        hand_over(x);
    else
        return answer(x);
    return x->request.route->kind == ROUTE_INLINE ? answer(x) : MHD_YES;
}

static enum MHD_Result end(struct exchange *x)
{
    switch (x->state) {
    case EXCHANGE_BODY: return dispatch(x);
    case EXCHANGE_DISCARD: return answer(x);
    case EXCHANGE_STREAM:
        x->state = EXCHANGE_WORK;
        ring_end(x->in);
        return suspend(x) ? MHD_YES : answer(x);
    case EXCHANGE_WORK: return answer(x);
    case EXCHANGE_NEW:
    case EXCHANGE_KEY:
    case EXCHANGE_REPLIED: break;
    }
    return MHD_NO;
}

enum MHD_Result exchange_step(struct exchange *x,
                              struct MHD_Connection *connection,
                              const char *method, const char *data, size_t *len)
{
    x->connection = connection;
    if (x->state == EXCHANGE_NEW || x->state == EXCHANGE_KEY)
        return head(x, method);
    return *len > 0 ? take_body(x, data, len) : end(x);
}
