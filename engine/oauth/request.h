/*
 * oauth/request - what a token endpoint is asked (RFC 6749, 6), and the check
 * of the settings that say it. No I/O.
 */
#ifndef OAUTH_REQUEST_H
#define OAUTH_REQUEST_H

#include "base/buf.h"
#include "base/status.h"
#include <stdbool.h>

enum {
    OAUTH_URL_MAX = 2048,   /* with its NUL */
    OAUTH_HOST_MAX = 256,   /* the same */
    OAUTH_CLIENT_MAX = 512, /* the same, of client_id */
    OAUTH_SCOPE_MAX = 2048, /* the same */
    OAUTH_PLACE_MAX = 1025, /* the same, of where a secret is */
};

/* As they stand in the store; never NULL. Secrets are only pointed at:
 * file:PATH or env:NAME. */
struct oauth_settings {
    const char *token_url; /* "": there is no endpoint, nor anything else */
    const char *client_id;
    const char *client_secret; /* "": a public client has none */
    const char *refresh_token;
    const char *scope; /* "": that of the refresh token */
};

struct oauth_url {
    char host[OAUTH_HOST_MAX]; /* without the brackets of an IPv6 address */
    char port[8];
    bool is_https;
    bool is_address; /* the host is one, or localhost: nobody is asked for it */
};

/* https://HOST[:PORT][/PATH][?QUERY], or http:// to this machine itself:
 * 127.0.0.0/8, [::1], localhost. No user, no fragment. err does not name the
 * setting, and repeats nothing of the URL. */
MUST_USE enum status oauth_url_parse(const char *url, struct oauth_url *out,
                                     struct error *err);

/* *field: which of the members is wrong, as static text; err says how, and
 * repeats nothing of it. */
MUST_USE enum status oauth_settings_check(const struct oauth_settings *s,
                                          const char **field,
                                          struct error *err);

/* A copy on the heap. */
struct oauth_kept {
    struct oauth_settings settings;
    char *memory;
};

/* Into what {0} is, or was kept before. */
void oauth_keep(struct oauth_kept *k, const struct oauth_settings *s);
void oauth_kept_fini(struct oauth_kept *k);

bool oauth_settings_same(const struct oauth_settings *a,
                         const struct oauth_settings *b);

/* The form to be posted, into an empty buffer. It has secrets in it: wipe
 * form->cap bytes of it before buf_fini. The secrets themselves, not where they
 * are; client_secret "" is left out. */
void oauth_form(const struct oauth_settings *s, const char *client_secret,
                const char *refresh_token, struct buf *form);
#endif
