#include "api/request.h"
#include "api/exchange.h"
#include "api/json.h"
#include "base/bug.h"
#include <string.h>

const char *request_query(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->n_query; i++)
        if (strcmp(r->query[i].name, name) == 0)
            return r->query[i].value;
    return NULL;
}

ssize_t request_read(struct request *r, void *bytes, size_t n)
{
    struct exchange *x = exchange_of(r);

    if (!x->in)
        BUG("request_read in a route that is no STREAM");
    ssize_t got = ring_read(x->in, bytes, n);
    if (got > 0 && x->digest)
        EVP_DigestUpdate(x->digest, bytes, (size_t)got);
    return got;
}

bool request_write(struct request *r, struct reply *reply, const void *bytes,
                   size_t n)
{
    struct exchange *x = exchange_of(r);

    (void)reply;
    if (!x->out && !exchange_begin_out(x))
        return false;
    return ring_write(x->out, bytes, n);
}

void request_drop_body(struct request *r)
{
    exchange_drop_body(exchange_of(r));
}

void request_finish(struct request *r)
{
    exchange_finish(exchange_of(r));
}

const struct idempotency_claim *request_claim(struct request *r)
{
    struct exchange *x = exchange_of(r);

    return x->claimed ? &x->claim : NULL;
}

void request_mailid_text(const struct request *r, struct mailid id, char *out)
{
    mailid_text(r->api->secret, id, out);
}

bool request_mailid_parse(const struct request *r, const char *text,
                          struct mailid *id)
{
    return mailid_parse(r->api->secret, text, id);
}

json_t *request_json(const struct request *r, struct reply *reply)
{
    struct error err;
    json_t *value;

    if (r->body.len == 0)
        return json_object();
    switch (json_parse(r->body.data, r->body.len, &value, &err)) {
    case STATUS_OK: return value;
    case STATUS_TOO_BIG:
        reply_error_as(reply, 413, API_VALIDATION_ERROR, "%s", err.text);
        return NULL;
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
    case STATUS_CONFLICT:
    case STATUS_UNAVAILABLE:
    case STATUS_FAILED: break;
    }
    reply_error_as(reply, 400, API_VALIDATION_ERROR, "%s", err.text);
    return NULL;
}
