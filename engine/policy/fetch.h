/*
 * policy/fetch - a MTA-STS policy from its web server (RFC 8461, 3.3), by
 * libcurl on the loop.
 *
 * HTTPS only, to addresses that the caller looked up, with a certificate for
 * the host; no redirect is followed, text/plain alone is taken, STS_BODY_MAX
 * bytes and FETCH_SECONDS at most. Servers of one address are asked by a few
 * transfers at once, so that slow ones keep no others waiting.
 */
#ifndef POLICY_FETCH_H
#define POLICY_FETCH_H

#include "base/config.h"
#include "base/enum.h"
#include <sys/socket.h>
#include <uv.h>

struct fetcher;

enum {
    FETCH_SECONDS = 60,
    FETCH_AT_ONCE_MAX = 128,   /* further ones wait, without a limit of time */
    FETCH_PER_ADDRESS_MAX = 8, /* of these; an IPv6 /64 is one address */
    FETCH_ADDRESSES_MAX = 8,
};

#define FETCH_TABLE(X)                                                         \
    X(FETCH_DONE, "fetched")                                                   \
    X(FETCH_FAILED, "sts-policy-fetch-error") /* as RFC 8460, 4.3.2.2 says */  \
    X(FETCH_WEBPKI, "sts-webpki-invalid")
ENUM_DECLARE(fetch, FETCH_TABLE);

/* body lives until the callback returns; why is "" if DONE. */
typedef void fetched(void *arg, enum fetch outcome, const char *body,
                     size_t len, const char *why);

/* config must live. */
struct fetcher *fetcher_new(uv_loop_t *loop, const struct config *config);

/* What is under way is forgotten. NULL is allowed. */
void fetcher_free(struct fetcher *f);

/* domain: ASCII; its host is mta-sts.domain. done is called later, never from
 * within; not after fetcher_free. */
void fetch_policy(struct fetcher *f, const char *domain,
                  const struct sockaddr_storage *addresses, size_t n,
                  fetched *done, void *arg);
#endif
