/*
 * oauth/ask - one question to a token endpoint, as a transfer of libcurl's that
 * the caller performs, on a loop or blocking.
 *
 * HTTPS with a valid certificate, or HTTP to this machine; no redirect is
 * followed, no proxy is used; OAUTH_BODY_MAX bytes and OAUTH_SECONDS at most.
 */
#ifndef OAUTH_ASK_H
#define OAUTH_ASK_H

#include "oauth/answer.h"
#include "oauth/request.h"
#include <curl/curl.h>
#include <netdb.h>

struct oauth_ask;

enum { OAUTH_SECONDS = 30 };

/* s has been checked. The secrets are copied and wiped with it. ca_file: "" for
 * the system's authorities. */
struct oauth_ask *oauth_ask_new(const struct oauth_settings *s,
                                const char *client_secret,
                                const char *refresh_token, const char *ca_file);

/* Wiped. Its transfer is over, or was never started. NULL is taken. */
void oauth_ask_free(struct oauth_ask *a);

/* The host's addresses, so that libcurl asks nobody for them. */
void oauth_ask_at(struct oauth_ask *a, const struct oauth_url *url,
                  const struct addrinfo *addresses);

/* What is to be performed; a's. */
CURL *oauth_ask_curl(const struct oauth_ask *a);

/* After it was performed, with that code: what came of it. err names no
 * secret. */
MUST_USE enum status oauth_ask_end(const struct oauth_ask *a, CURLcode code,
                                   struct oauth_answer *out, struct error *err);
#endif
