/*
 * sign/keys - the active DKIM keys of all projects, as the store has them, and
 * the signing of a mail by those of its sender.
 *
 * They are read on a connection of their own: at the start, each minute, and
 * when NOTIFY presort_control says "dkim". While the store is away, those last
 * read sign on. A key that can't be unsealed is kept as a hole: mail of its
 * domain must wait, not go out unsigned.
 *
 * Beside it work the sending domains (sign/senders): keys that were asked for,
 * and look-ups.
 */
#ifndef SIGN_KEYS_H
#define SIGN_KEYS_H

#include "base/buf.h"
#include "base/config.h"
#include "base/status.h"
#include <stdbool.h>
#include <uv.h>

enum { KEYS_MAX = 100000 };

struct keys;

/* All keys of the round (install.dkim_round) are known now. */
typedef void keys_read(void *owner, int64_t round);

/* config must live. Connects at once. */
struct keys *keys_new(uv_loop_t *loop, const struct config *config,
                      const char *conninfo, keys_read *read, void *owner);
void keys_free(struct keys *k);

/* They were read at least once: before that nothing may be signed. */
bool keys_are_known(const struct keys *k);

/* Are there keys that would sign for the domain (NULL: none would)? */
bool keys_have(struct keys *k, int64_t project, const char *domain);

/* Whose keys sign, and where to. */
struct keys_mail {
    int64_t project;
    const char *domain; /* of From: */
    int64_t now_s;
    bool direct; /* to the recipient's own server */
};

/* Signs wire (see sign/dkim) by the keys of the project for the domain, or else
 * for the nearest domain above it. Without any, it is left as it is, if the
 * setting dkim_required allows it: else STATUS_NOT_FOUND. STATUS_UNAVAILABLE:
 * there is a key, and it can't be used now. */
MUST_USE enum status keys_sign(struct keys *k, const struct keys_mail *mail,
                               struct buf *wire, struct error *err);
#endif
