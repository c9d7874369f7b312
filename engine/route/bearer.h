/*
 * route/bearer - a secret that a command prints, such as an access token that
 * lives for an hour: asked for anew in time, without blocking.
 *
 * The command is run by /bin/sh, as the engine's user; its first line counts.
 * The last good answer stays in use while it fails. Nothing of what it prints
 * is logged.
 */
#ifndef ROUTE_BEARER_H
#define ROUTE_BEARER_H

#include "base/secret.h"
#include <uv.h>

struct bearer;

/* name: for the log. changed is called when there is another token. */
struct bearer *bearer_new(uv_loop_t *loop, const char *name,
                          const char *command, void (*changed)(void *owner),
                          void *owner);

/* A command that runs is killed. The memory goes with libuv's callbacks. NULL
 * is taken. */
void bearer_free(struct bearer *t);

/* "" while it is not known. */
const char *bearer_text(const struct bearer *t);
#endif
