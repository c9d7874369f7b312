/*
 * api/fetch - a file from a URL that a customer named, for an attachment.
 *
 * The URL is hostile: it may point into our own network. Only http and https
 * are spoken; each connection, also those of redirects and whatever the name
 * resolves to by then, goes to public addresses alone (base/net
 * net_is_public), unless the setting fetch_private allows others. Bounded in
 * bytes, time and redirects. What was fetched is kept for a short while, so
 * that a thousand mails with one attachment fetch it once. Blocks; any thread.
 */
#ifndef API_FETCH_H
#define API_FETCH_H

#include "base/buf.h"
#include "base/config.h"
#include "base/status.h"

enum {
    FETCH_URL_MAX = 2000,
    FETCH_TYPE_MAX = 128,
    FETCH_REDIRECTS_MAX = 3,
    FETCH_KEPT_SECONDS = 60,
    FETCH_KEPT_BYTES_MAX = 64 * 1024 * 1024,
};

struct fetch;

struct fetched {
    struct buf bytes;          /* the caller's */
    char type[FETCH_TYPE_MAX]; /* Content-Type without parameters, or "" */
};

/* config must live. */
struct fetch *fetch_new(const struct config *config);
void fetch_free(struct fetch *f);

/* STATUS_INVALID: what is wrong with the URL, or what its server answered, in a
 * form for the customer. On failure nothing is to be freed. */
MUST_USE enum status fetch_url(struct fetch *f, const char *url,
                               struct fetched *out, struct error *err);
#endif
