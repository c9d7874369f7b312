#include "dns/dns.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/memory.h"
#include <ctype.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unbound.h>
#include <unistd.h>

#define DNS_ROOT_KEY "/usr/share/dns/root.key"

enum { DNS_LABEL_MAX = 63, DNS_SERVER_MAX = 128 };

struct dns {
    struct ub_ctx *ctx;
    uv_poll_t *poll;
    struct question *questions;
};

struct question {
    struct dns *dns;
    int id; /* of libunbound */
    dns_answered *answered;
    void *arg;
    struct question *next, **at;
};

/* ---- Names ---- */

/* What is no printable ASCII, or a dot inside a label, can be part of no host's
 * name that we want to speak to; a backslash is an escape in a name as text
 * (RFC 1035, 5.1), which may be none that libunbound knows. */
static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 127 && c != '\\';
}

enum status dns_ascii(const char *domain, char *out, struct error *err)
{
    uint8_t *ascii = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)domain, &ascii,
                            IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    size_t len = rc == IDN2_OK ? strlen((char *)ascii) : 0;
    bool fits = len > 0 && len < DNS_NAME_MAX;

    bool plain = true;

    for (size_t i = 0; fits && i <= len; i++) {
        plain &= i == len || is_plain(ascii[i]);
        out[i] = (char)tolower(ascii[i]);
    }
    idn2_free(ascii);
    if (fits && plain)
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "no domain: %s",
                rc != IDN2_OK ? idn2_strerror(rc)
                : fits        ? "its characters"
                              : "its length");
}

size_t dns_name_text(const unsigned char *wire, size_t len, char *out)
{
    size_t at = 0, n = 0;

    while (at < len && wire[at] != 0) {
        size_t label = wire[at++];

        if (label > DNS_LABEL_MAX || label > len - at ||
            n + label + 2 > DNS_NAME_MAX)
            return 0;
        if (n > 0)
            out[n++] = '.';
        for (; label > 0; label--, at++) {
            if (!is_plain(wire[at]) || wire[at] == '.')
                return 0;
            out[n++] = (char)tolower(wire[at]);
        }
    }
    if (at == len)
        return 0;
    out[n] = 0;
    return at + 1;
}

/* ---- Asking ---- */

static void forget(struct question *q)
{
    *q->at = q->next;
    if (q->next)
        q->next->at = q->at;
    free(q);
}

static enum dns_outcome outcome_of(const struct ub_result *r)
{
    if (r->bogus)
        return DNS_BOGUS;
    if (r->havedata)
        return DNS_FOUND;
    if (r->nxdomain)
        return DNS_NO_NAME;
    return r->rcode == 0 ? DNS_NO_DATA : DNS_FAILED;
}

static const char *why_of(const struct ub_result *r)
{
    switch (outcome_of(r)) {
    case DNS_FOUND:
    case DNS_NO_DATA:
    case DNS_NO_NAME: return "";
    case DNS_BOGUS: return r->why_bogus ? r->why_bogus : "DNSSEC: bogus";
    case DNS_FAILED: break;
    }
    return r->rcode == 2 ? "server failure" : "refused by the name server";
}

/* What is not written as plain text is no host's name: no alias of ours. */
static void note_alias(const struct ub_result *r, char *out)
{
    const char *asked = r->qname, *found = r->canonname;
    size_t len = found ? strlen(found) : 0;

    out[0] = 0;
    if (len > 0 && found[len - 1] == '.')
        len--;
    if (len == 0 || len >= DNS_NAME_MAX || memchr(found, '\\', len) ||
        (strncasecmp(asked, found, len) == 0 &&
         (asked[len] == 0 || strcmp(asked + len, ".") == 0)))
        return;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)found[i]);
    out[len] = 0;
}

static void on_result(void *arg, int rc, struct ub_result *r)
{
    struct question *q = arg;
    struct dns_answer answer = {.outcome = DNS_FAILED, .why = ub_strerror(rc)};

    if (rc == 0 && r) {
        answer.outcome = outcome_of(r);
        answer.secure = r->secure;
        answer.ttl_seconds = r->ttl > 0 ? r->ttl : 0;
        answer.why = why_of(r);
        if (r->havedata)
            note_alias(r, answer.alias_of);
        for (; r->havedata && answer.n < DNS_RECORDS_MAX && r->data[answer.n];
             answer.n++)
            answer.records[answer.n] =
                (struct dns_data){(const unsigned char *)r->data[answer.n],
                                  (size_t)r->len[answer.n]};
    }
    dns_answered *answered = q->answered;
    void *owner = q->arg;

    forget(q);
    answered(owner, &answer);
    ub_resolve_free(r);
}

void dns_ask(struct dns *d, const char *name, enum dns_type type,
             dns_answered *answered, void *arg)
{
    struct question *q = memory_new(1, sizeof *q);

    *q = (struct question){.dns = d,
                           .answered = answered,
                           .arg = arg,
                           .next = d->questions,
                           .at = &d->questions};
    if (d->questions)
        d->questions->at = &q->next;
    d->questions = q;
    /* A name that libunbound does not take was not checked by the caller. */
    if (ub_resolve_async(d->ctx, name, (int)type, 1, q, on_result, &q->id) != 0)
        BUG("a question that can't be asked");
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct dns *d = poll->data;

    (void)status, (void)events;
    ub_process(d->ctx);
}

/* ---- Coming and going ---- */

static int add_servers(struct dns *d, const char *list, char *bad)
{
    int rc = 0;

    while (*list && rc == 0) {
        size_t skip = strspn(list, ", \t"), len;

        list += skip;
        len = strcspn(list, ", \t");
        if (len == 0)
            break;
        snprintf(bad, DNS_SERVER_MAX, "%.*s", (int)len, list);
        rc = ub_ctx_set_fwd(d->ctx, bad);
        list += len;
    }
    return rc;
}

static enum status set_up(struct dns *d, const struct config *config,
                          struct error *err)
{
    const char *anchor = config->dns_trust_anchor_file;
    char bad[DNS_SERVER_MAX] = "";

    /* Name servers on this machine are as good as others. */
    ub_ctx_set_option(d->ctx, "do-not-query-localhost:", "no");
    if (config->dns_servers[0]) {
        if (add_servers(d, config->dns_servers, bad) != 0)
            return fail(err, STATUS_INVALID, "dns_servers: %s is no address",
                        bad);
    } else if (ub_ctx_resolvconf(d->ctx, NULL) != 0) {
        return fail(err, STATUS_INVALID,
                    "dns_servers: empty, and the system's resolv.conf can't "
                    "be read");
    }
    if (!anchor[0] && access(DNS_ROOT_KEY, R_OK) == 0)
        anchor = DNS_ROOT_KEY;
    if (anchor[0] &&
        (access(anchor, R_OK) != 0 || ub_ctx_add_ta_file(d->ctx, anchor) != 0))
        return fail(err, STATUS_INVALID,
                    "dns_trust_anchor_file: %s can't be read", anchor);
    /* A thread, not a process: it goes with us, however we go. */
    if (ub_ctx_async(d->ctx, 1) != 0)
        return fail(err, STATUS_FAILED, "DNS: no thread");
    return STATUS_OK;
}

enum status dns_new(uv_loop_t *loop, const struct config *config,
                    struct dns **out, struct error *err)
{
    struct dns *d = memory_new(1, sizeof *d);
    enum status status;

    d->ctx = ub_ctx_create();
    if (!d->ctx)
        BUG("libunbound can't start");
    status = set_up(d, config, err);
    if (status != STATUS_OK) {
        ub_ctx_delete(d->ctx);
        free(d);
        return status;
    }
    d->poll = memory_new(1, sizeof *d->poll);
    d->poll->data = d;
    if (uv_poll_init(loop, d->poll, ub_fd(d->ctx)) != 0 ||
        uv_poll_start(d->poll, UV_READABLE, on_readable) != 0)
        BUG("libunbound can't be polled");
    *out = d;
    return STATUS_OK;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void dns_free(struct dns *d)
{
    if (!d)
        return;
    uv_poll_stop(d->poll);
    uv_close((uv_handle_t *)d->poll, free_handle);
    for (struct question *q = d->questions, *next; q; q = next) {
        next = q->next;
        ub_cancel(d->ctx, q->id);
        free(q);
    }
    ub_ctx_delete(d->ctx);
    free(d);
}
